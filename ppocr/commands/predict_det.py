"""Find text regions with an exported model: ppocr predict_det --image_dir=... --det_model_dir=..."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from ppocr import cli


def predict_det() -> None:
    """Predict every image the flags name; print one line for each, and write lines and pictures."""
    from ppocr.deploy import flags_det as known_flags

    flags = known_flags.parse()
    cli.prepare_environment()
    from ppocr.deploy import report
    from ppocr.deploy.images import list_images

    images = list_images(flags.image_dir)
    predictor = known_flags.build_predictor(flags)
    folder = Path(flags.draw_img_save_dir)
    place = flags.save_res_path or folder / "det_results.txt"
    coming = predictor.stream(images, flags.det_batch_num)
    predictions = report.publish(
        coming, lambda p: report.print_exported(p, report.named_line), place, report.named_line
    )
    report.finish(predictions, place)
    if flags.draw:
        report.write_pictures(predictions, folder, prefix="det_res_")


def main() -> int:
    """Run the command and return its exit code."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s: %(message)s")
    return cli.run_guarded(predict_det, debug="--debug" in sys.argv)
