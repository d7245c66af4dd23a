"""Export trained weights for prediction: ppocr export_model -c cfg.yml -o Global.pretrained_model=..."""

from __future__ import annotations

from ppocr import cli


def export_model(cfg) -> None:
    """Export what the configuration names and check the result."""
    from ppocr.deploy.from_weights import export_weights

    export_weights(cfg)


def main() -> int:
    """Parse the command line, run the command and return its exit code."""
    return cli.main(export_model, __doc__)
