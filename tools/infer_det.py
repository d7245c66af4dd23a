"""Find text regions with trained weights: python tools/infer_det.py -c cfg.yml -o Global.infer_img=..."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppocr import cli  # noqa: E402 - found through the line above


def infer_det(cfg) -> None:
    """Predict the images the configuration names, and draw what was found into `det_results` beside the results."""
    from ppocr.deploy.run import infer

    infer(cfg, "det_results", prefix="")


if __name__ == "__main__":
    sys.exit(cli.main(infer_det, __doc__))
