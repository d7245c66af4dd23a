"""Classify images with an exported model: ppocr predict_cls --image_dir=... --cls_model_dir=..."""

from __future__ import annotations

import logging
import sys

from ppocr import cli


def predict_cls() -> None:
    """Predict every image the flags name and print one line for each."""
    from ppocr.deploy import flags_cls as known_flags

    flags = known_flags.parse()
    cli.prepare_environment()
    from ppocr.deploy import report
    from ppocr.deploy.images import list_images

    images = list_images(flags.image_dir)
    predictor = known_flags.build_predictor(flags)
    coming = predictor.stream(images, flags.cls_batch_num)
    predictions = report.publish(coming, report.print_exported, flags.save_res_path)
    report.finish(predictions, flags.save_res_path)
    if flags.draw:
        report.write_pictures(known_flags.turned(predictions, flags.cls_thresh), flags.draw)


def main() -> int:
    """Run the command and return its exit code."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s: %(message)s")
    return cli.run_guarded(predict_cls, debug="--debug" in sys.argv)
