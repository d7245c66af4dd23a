"""Recognise text lines with an exported model: ppocr predict_rec --image_dir=... --rec_model_dir=..."""

from __future__ import annotations

import logging
import sys

from ppocr import cli


def predict_rec() -> None:
    """Predict every image the flags name and print one line for each."""
    from ppocr.deploy import flags_rec as known_flags

    flags = known_flags.parse()
    cli.prepare_environment()
    from ppocr.deploy import report
    from ppocr.deploy.images import list_images

    images = list_images(flags.image_dir)
    predictor = known_flags.build_predictor(flags)
    coming = predictor.stream(images, flags.rec_batch_num)
    predictions = report.publish(coming, report.print_exported, flags.save_res_path)
    report.warn_of_distorted(predictor, '--rec_image_shape="C, H, -1" keeps their proportions')
    report.finish(predictions, flags.save_res_path)
    if flags.draw:
        report.write_pictures(predictions, flags.draw)


def main() -> int:
    """Run the command and return its exit code."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s: %(message)s")
    return cli.run_guarded(predict_rec, debug="--debug" in sys.argv)
