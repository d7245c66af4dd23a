"""Measure trained weights: python tools/eval.py -c cfg.yml -o Global.checkpoints=output/.../best_accuracy"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppocr import cli  # noqa: E402 - found through the line above


def evaluate(cfg) -> None:
    """Print every metric of the weights on the `Eval` data set."""
    from ppocr.engine import run

    run.evaluate_weights(cfg)


if __name__ == "__main__":
    sys.exit(cli.main(evaluate, __doc__))
