"""Predict with trained weights: ppocr infer_rec -c cfg.yml -o Global.infer_img=..., and so for det and cls."""

from __future__ import annotations

from functools import partial

from ppocr import cli


def infer(cfg, kind: str, draw: bool = False) -> None:
    """Predict the images the configuration names; pictures go to `infer_results` beside the results."""
    from ppocr.deploy import from_weights
    from ppocr.results import KINDS

    from_weights.infer(cfg, KINDS[kind], "infer_results" if draw else None)


def infer_as_labels(cfg, kind: str) -> None:
    """Write lines that can serve as labels; pictures, named as the images, go to `{kind}_results` beside them."""
    from ppocr.deploy import from_weights
    from ppocr.results import KINDS

    from_weights.infer(cfg, KINDS[kind], f"{kind}_results", prefix="", as_labels=True)


COMMANDS = {"rec": infer, "cls": infer, "det": infer_as_labels}


def main(kind: str) -> int:
    """Parse the command line, run the command for one kind of results and return its exit code."""
    return cli.main(partial(COMMANDS[kind], kind=kind), __doc__)
