"""Predict with trained weights: ppocr infer -c cfg.yml -o Global.infer_img=..., or infer_rec, infer_det, infer_cls."""

from __future__ import annotations

from functools import partial

from ppocr import cli


def infer(cfg, kind: str, draw: bool = False) -> None:
    """Predict the images the configuration names; pictures go to `infer_results` beside the results.

    Args:
        cfg: a checked configuration.
        kind: of the results; "" for any.
        draw: whether there are pictures.
    """
    from ppocr.deploy import from_weights
    from ppocr.results import KINDS

    from_weights.infer(cfg, KINDS.get(kind), "infer_results" if draw else None)


def infer_as_labels(cfg, kind: str) -> None:
    """Write lines that can serve as labels; pictures, named as the images, go to `{kind}_results` beside them."""
    from ppocr.deploy import from_weights
    from ppocr.results import KINDS

    from_weights.infer(cfg, KINDS[kind], f"{kind}_results", prefix="", as_labels=True)


def main(kind: str = "") -> int:
    """Parse the command line, run the command for one kind of results or "" for any, and return its exit code."""
    return cli.main(partial({"det": infer_as_labels}.get(kind, infer), kind=kind), __doc__)
