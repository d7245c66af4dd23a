"""Export trained weights for prediction: python tools/export_model.py -c cfg.yml -o Global.pretrained_model=..."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppocr import cli  # noqa: E402 - found through the line above


def export_model(cfg) -> None:
    """Export what the configuration names and check the result."""
    from ppocr.deploy.run import export_weights

    export_weights(cfg)


if __name__ == "__main__":
    sys.exit(cli.main(export_model, __doc__))
