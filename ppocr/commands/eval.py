"""Measure trained weights: ppocr eval -c cfg.yml -o Global.checkpoints=output/.../best_accuracy"""

from __future__ import annotations

from ppocr import cli


def evaluate(cfg) -> None:
    """Print every metric of the weights on the `Eval` data set."""
    from ppocr.engine import runs

    runs.evaluate_weights(cfg)


def main() -> int:
    """Parse the command line, run the command and return its exit code."""
    return cli.main(evaluate, __doc__)
