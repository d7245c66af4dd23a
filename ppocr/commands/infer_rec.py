"""Recognise text lines with trained weights: ppocr infer_rec -c cfg.yml -o Global.infer_img=..."""

from __future__ import annotations

from ppocr import cli


def infer_rec(cfg, draw: bool = False) -> None:
    """Predict the images the configuration names."""
    from ppocr.deploy.run import infer
    from ppocr.results import Recognition

    infer(cfg, "infer_results" if draw else None, wanted=Recognition)


def main() -> int:
    """Parse the command line, run the command and return its exit code."""
    return cli.main(infer_rec, __doc__)
