"""Train a network: python tools/train.py -c cfg.yml [-o Global.epoch_num=10 ...]"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppocr import cli  # noqa: E402 - found through the line above


def train(cfg) -> None:
    """Train as configured; what comes of it is in `Global.save_model_dir`."""
    from ppocr.engine import run

    run.train(cfg)


if __name__ == "__main__":
    sys.exit(cli.main(train, __doc__))
