"""Predict with an exported model: ppocr predict --image_dir=... --model_dir=..., predict_rec, predict_det ..."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from ppocr import cli


@dataclass(frozen=True)
class Command:
    """What the command has of its own for one kind of results.

    Args:
        description: shown by `--help`.
        batch_size: images the network sees at once by default.
        folder: where a results file and pictures go by default; "": only where the arguments say.
    """

    description: str
    batch_size: int = 6
    folder: str = ""


COMMANDS = {
    "rec": Command("Recognise text lines with an exported model."),
    "det": Command("Detect text with an exported model.", batch_size=1, folder="./inference_results"),
    "cls": Command("Classify images, such as text lines by direction, with an exported model."),
}


def predict(kind: str) -> None:
    """Predict every image the arguments name; print one line for each, and write lines and pictures.

    Args:
        kind: of the results; "" for those of the model in the folder that `--model_dir` names.
    """
    cli.prepare_environment()
    from ppocr.arguments import true_or_false
    from ppocr.deploy import cli_arguments, report
    from ppocr.deploy.images import list_images
    from ppocr.deploy.predictor import Predictor
    from ppocr.deploy.runtime import runtime_options

    kind = kind or cli_arguments.kind_of_folder()
    command = COMMANDS.get(kind) or Command("Predict with an exported model.")
    parser = cli_arguments.make_parser(kind, command.description, command.batch_size)
    if command.folder:
        what = f"folder for pictures and {kind}_results.txt (default {command.folder})"
        parser.add_argument("--draw_img_save_dir", default=command.folder, help=what)
        parser.add_argument("--draw", type=true_or_false, default=True, help="write pictures (default true)")
    else:
        parser.add_argument("--draw", dest="draw_img_save_dir", metavar="FOLDER", help="folder for pictures")
        parser.set_defaults(draw=True)
    found, config = cli_arguments.parse(parser, kind)
    images = list_images(found.image_dir)
    predictor = Predictor.from_folder(
        found.model_dir, runtime_options(vars(found), "paddle"), config=config, resize=found.resize
    )
    place, written, printed = found.save_res_path, report.results_line, report.predicts_line
    if command.folder:
        place = place or Path(found.draw_img_save_dir) / f"{kind}_results.txt"
        written = printed = report.named_line
    coming = predictor.stream(images, found.batch_size)
    predictions = report.publish(coming, lambda p: report.print_exported(p, printed), place, written)
    report.warn_of_distorted(predictor, "--resize=deployment keeps it")
    report.finish(predictions, place)
    if found.draw and found.draw_img_save_dir:
        report.write_pictures(predictions, found.draw_img_save_dir, f"{kind}_res_" if command.folder else None)


def main(kind: str = "") -> int:
    """Run the command for one kind of results or "" for any, and return its exit code."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s: %(message)s")
    return cli.run_guarded(lambda: predict(kind), debug="--debug" in sys.argv)
