"""Classify images with trained weights: python tools/infer_cls.py -c cfg.yml -o Global.infer_img=..."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppocr import cli  # noqa: E402 - found through the line above


def infer_cls(cfg, draw: bool = False) -> None:
    """Predict the images the configuration names."""
    from ppocr.deploy.run import infer

    infer(cfg, "infer_results" if draw else None)


if __name__ == "__main__":
    sys.exit(cli.main(infer_cls, __doc__))
