"""Read pages with the arguments and files of the ecosystem: predict_system --image_dir=... --det_model_dir=..."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from ppocr import cli

logger = logging.getLogger(__name__)


def predict() -> None:
    """Read the pages the arguments name; print a line for each line of text, write system_results.txt and pictures.

    Raises:
        PpocrError: an argument or a model cannot be used, or no page can be read.
    """
    cli.prepare_environment()
    from ppocr.deploy.images import ResultsFile
    from ppocr.errors import ConfigError, DataError
    from ppocr.system import ecosystem
    from ppocr.system.api import OCR
    from ppocr.system.pages import PageProblem
    from ppocr.system.processes import read_in_processes

    arguments = [text for text in sys.argv[1:] if text != "--debug"]
    args = ecosystem.parse_args(arguments)
    if not args.image_dir:
        raise ConfigError("--image_dir is not given", "an image, a folder, a PDF or a list of images")
    ecosystem.use_font(args.vis_font_path)
    parameters, folder = ecosystem.parameters_of(args), Path(args.draw_img_save_dir)
    if args.use_mp and args.total_process_num > 1:
        pages = read_in_processes(args.image_dir, parameters, args.total_process_num)
    else:
        pages = OCR(**parameters).stream(args.image_dir)
    crops = ecosystem.Crops(args.crop_res_save_dir) if args.save_crop_res else None
    read = failed = 0
    places: set[Path] = set()
    with ResultsFile(folder / "system_results.txt") as file:
        for page in pages:
            if isinstance(page, PageProblem):
                failed += 1
                print(f"not read: {page}", file=sys.stderr, flush=True)
                continue
            read += 1
            print("\n".join(f"{line.text}, {line.confidence:.3f}" for line in page.lines), flush=True)
            file.add(ecosystem.results_line(page))
            places.add(page.save_to_img(ecosystem.picture_place(page, folder), places))
            if crops is not None:
                crops.add(page)
    if not read:
        raise DataError(f"none of {failed} pages could be read")
    logger.info("%d pages read, %d not; pictures and system_results.txt: %s", read, failed, folder)


def main() -> int:
    """Run the command and return its exit code."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s: %(message)s")
    return cli.run_guarded(predict, debug="--debug" in sys.argv)
