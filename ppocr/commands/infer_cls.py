"""Classify images with trained weights: ppocr infer_cls -c cfg.yml -o Global.infer_img=..."""

from __future__ import annotations

from ppocr import cli


def infer_cls(cfg, draw: bool = False) -> None:
    """Predict the images the configuration names."""
    from ppocr.deploy.run import infer
    from ppocr.results import Classification

    infer(cfg, "infer_results" if draw else None, wanted=Classification)


def main() -> int:
    """Parse the command line, run the command and return its exit code."""
    return cli.main(infer_cls, __doc__)
