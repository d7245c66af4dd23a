"""Train a network: ppocr train -c cfg.yml [-o Global.epoch_num=10 ...]"""

from __future__ import annotations

from ppocr import cli


def train(cfg) -> None:
    """Train as configured; what comes of it is in `Global.save_model_dir`."""
    from ppocr.engine import runs

    runs.train(cfg)


def main() -> int:
    """Parse the command line, run the command and return its exit code."""
    return cli.main(train, __doc__)
