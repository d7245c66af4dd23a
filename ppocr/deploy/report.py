"""What a predicting command prints, writes and draws."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import cv2

from ppocr.deploy.images import ResultsFile
from ppocr.deploy.predictor import Prediction, Predictor
from ppocr.errors import DataError, SampleError
from ppocr.utils.image_io import decode_image, read_image_bytes
from ppocr.utils.text import one_line

logger = logging.getLogger(__name__)

WRITABLE = (".jpg", ".jpeg", ".png", ".bmp")  # a picture of another kind of file is a PNG


def results_line(prediction: Prediction) -> str:
    """Return a line of a results file: path and fields of the result, tabs between them."""
    return f"{one_line(prediction.source)}\t{prediction.result.to_line()}"


def named_line(prediction: Prediction) -> str:
    """Return a line of the deployed detection command: name of the file, tab, fields of the result."""
    return f"{one_line(Path(prediction.source).name)}\t{prediction.result.to_line()}"


def label_line(prediction: Prediction) -> str:
    """Return a line of a label file: path, tab, the result as JSON."""
    return f"{one_line(prediction.source)}\t{prediction.result.to_json()}"


def predicts_line(prediction: Prediction) -> str:
    """Return what the deployed commands for lines print of an image."""
    return f"Predicts of {one_line(prediction.source)}:{prediction.result}"


def warn_of_distorted(predictor: Predictor, hint: str) -> None:
    """Log how many images were too wide for the network to keep their aspect ratio."""
    if predictor.distorted:
        _, height, width = predictor.pipeline.output_shape()
        logger.warning(
            "%d images are longer than %d x %d and were resized to it without keeping the aspect ratio, as in "
            "evaluation; %s",
            predictor.distorted,
            width,
            height,
            hint,
        )


def print_exported(prediction: Prediction, as_line: Callable[[Prediction], str] = predicts_line) -> None:
    """Print a prediction of an exported model at once, on stderr why an image could not be read.

    Args:
        prediction: of one image.
        as_line: turns it into what is printed.
    """
    if prediction.problem is None:
        print(as_line(prediction), flush=True)
    else:
        print(one_line(f"{prediction.source}: not read: {prediction.problem}"), file=sys.stderr, flush=True)


def print_trained(prediction: Prediction) -> None:
    """Print a prediction at once as the commands that predict with trained weights do."""
    problem = prediction.problem
    print(f"infer_img: {one_line(prediction.source)}")
    print(f"\tnot read: {one_line(str(problem))}" if problem else f"\tresult: {prediction.result}", flush=True)


def publish(
    predictions: Iterable[Prediction],
    show: Callable[[Prediction], None],
    save_path: str | Path | None,
    as_line: Callable[[Prediction], str] = results_line,
) -> list[Prediction]:
    """Print every prediction and write it to the results file as it comes, and return them all.

    Args:
        predictions: in the order of the images.
        show: prints one.
        save_path: the results file; None for none.
        as_line: turns a prediction into a line of it.

    Raises:
        DataError: the file cannot be written.
    """
    found = []
    with ResultsFile(save_path) as file:
        for prediction in predictions:
            found.append(prediction)
            show(prediction)
            if prediction.problem is None:
                file.add(as_line(prediction))
    return found


def finish(predictions: Sequence[Prediction], save_path: str | Path | None) -> None:
    """Say how many images were read, and where the results are.

    Args:
        predictions: all of them.
        save_path: the results file; None for none.

    Raises:
        DataError: no image could be read.
    """
    read = [p for p in predictions if p.problem is None]
    if save_path and read:
        logger.info("results: %s", save_path)
    failed = len(predictions) - len(read)
    if not read:
        raise DataError(f"none of {failed} images could be read: {predictions[0].problem}")
    logger.log(logging.WARNING if failed else logging.INFO, "%d images read, %d not", len(read), failed)


def write_pictures(predictions: Sequence[Prediction], folder: str | Path, prefix: str | None = None) -> None:
    """Write a picture of each image with its result.

    Args:
        predictions: of images that can be read again.
        folder: where the pictures go.
        prefix: of their names, before the image's own; None: a number before its stem.

    Raises:
        DataError: the folder cannot be written.
    """
    folder = Path(folder)
    read = {number: p for number, p in enumerate(predictions) if p.problem is None}
    if not read:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        places = picture_places({number: p.source for number, p in read.items()}, folder, prefix)
        for number, prediction in read.items():
            pixels = decode_image(read_image_bytes(prediction.source), max_pixels=None)  # the cap let it pass before
            data = cv2.imencode(places[number].suffix, prediction.result.draw_on(pixels))[1]
            places[number].write_bytes(data.tobytes())  # cv2.imwrite cannot name every path on Windows
    except (OSError, SampleError) as err:
        raise DataError(f"{folder}: pictures cannot be written: {err}") from err
    logger.info("%d pictures: %s", len(read), folder)


def picture_places(sources: Mapping[int, str], folder: Path, prefix: str | None) -> dict[int, Path]:
    """Return where the picture of each image goes: no two to one place, none over an image.

    Args:
        sources: paths of the images, by number.
        folder: where the pictures go.
        prefix: see `write_pictures`.
    """
    taken = {Path(source).resolve() for source in sources.values()}
    places = {}
    for number, source in sources.items():
        path = Path(source)
        name = f"{number:05d}_{path.stem}.png" if prefix is None else f"{prefix}{path.name}"
        if Path(name).suffix.lower() not in WRITABLE:
            name += ".png"
        place, again = folder / name, 1
        while place.resolve() in taken:
            again += 1
            place = folder / f"{Path(name).stem}_{again}{Path(name).suffix}"
        taken.add(place.resolve())
        places[number] = place
    return places
