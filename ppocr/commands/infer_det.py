"""Find text regions with trained weights: ppocr infer_det -c cfg.yml -o Global.infer_img=..."""

from __future__ import annotations

from ppocr import cli


def infer_det(cfg) -> None:
    """Predict the images the configuration names, and draw what was found into `det_results` beside the results."""
    from ppocr.deploy.run import infer
    from ppocr.results import Detection

    infer(cfg, "det_results", prefix="", wanted=Detection, as_labels=True)


def main() -> int:
    """Parse the command line, run the command and return its exit code."""
    return cli.main(infer_det, __doc__)
