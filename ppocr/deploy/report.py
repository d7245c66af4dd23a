"""What a predicting command prints, writes and draws."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ppocr.deploy.images import ResultsFile
from ppocr.deploy.predictor import Prediction, Predictor
from ppocr.errors import DataError, SampleError
from ppocr.utils.image_io import decode_image, read_image_bytes
from ppocr.utils.text import one_line

logger = logging.getLogger(__name__)

WRITABLE = (".jpg", ".jpeg", ".png", ".bmp")  # a picture of another kind of file is a PNG


@runtime_checkable
class Drawable(Protocol):
    """A result that shows itself: where in the image something is."""

    def to_json(self) -> str:
        """Return it as label files write it."""
        ...

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        """Return an image, uint8 [H, W, 3], with it."""
        ...


def shown(result: Any) -> str:
    """Return a result as the ecosystem prints it: `('joint', 0.9998967)`, or the regions of an image as JSON."""
    if isinstance(result, Drawable):
        return result.to_json()
    if isinstance(result, (tuple, list)):
        inner = ", ".join(shown(item) for item in result)
        return f"({inner})" if isinstance(result, tuple) else f"[{inner}]"
    if isinstance(result, (float, np.floating)):
        return str(np.float32(result))  # the network computes in float32: further digits say nothing
    return repr(result)


def line(prediction: Prediction) -> str:
    """Return a line of a results file: path, text and confidence between tabs; or path and regions, as label files."""
    result = prediction.result if isinstance(prediction.result, (tuple, list)) else (prediction.result,)
    fields = [prediction.source, *(item if isinstance(item, str) else shown(item) for item in result)]
    return "\t".join(map(one_line, fields))


def points_line(prediction: Prediction) -> str:
    """Return a line as the deployed detection command writes it: file name, tab, the corners of each region."""
    points = [np.asarray(region).tolist() for region in prediction.result.points]
    return f"{one_line(Path(prediction.source).name)}\t{json.dumps(points)}"


def warn_of_squeezed(predictor: Predictor, cure: str) -> None:
    """Log how many images were wider than the network was set to take."""
    if predictor.squeezed:
        _, height, width = predictor.pipeline.output_shape()
        logger.warning(
            "%d images are longer than %d x %d and were squeezed into it, as in evaluation; %s",
            predictor.squeezed,
            width,
            height,
            cure,
        )


def predicts_line(prediction: Prediction) -> str:
    """Return what the deployed commands for lines print of an image."""
    return f"Predicts of {one_line(prediction.source)}:{shown(prediction.result)}"


def tell(prediction: Prediction, spoken: Callable[[Prediction], str] = predicts_line) -> None:
    """Print a prediction at once, on stderr why an image could not be read.

    Args:
        prediction: of one image.
        spoken: turns a result into what is printed.
    """
    if prediction.problem is None:
        print(spoken(prediction), flush=True)
    else:
        print(one_line(f"{prediction.source}: not read: {prediction.problem}"), file=sys.stderr, flush=True)


def tell_as_trained(prediction: Prediction) -> None:
    """Print a prediction at once as the commands that predict with trained weights do."""
    problem = prediction.problem
    print(f"infer_img: {one_line(prediction.source)}")
    print(f"\tnot read: {one_line(str(problem))}" if problem else f"\tresult: {shown(prediction.result)}", flush=True)


def publish(
    predictions: Iterable[Prediction],
    announce: Callable[[Prediction], None],
    save_path: str | Path | None,
    as_line: Callable[[Prediction], str] = line,
) -> list[Prediction]:
    """Announce every prediction and write it to the results file as it comes, and return them all.

    Args:
        predictions: in the order of the images.
        announce: prints one.
        save_path: the results file; None for none.
        as_line: turns a prediction into a line of it.

    Raises:
        DataError: the file cannot be written.
    """
    found = []
    with ResultsFile(save_path) as file:
        for prediction in predictions:
            found.append(prediction)
            announce(prediction)
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


def draw(predictions: Sequence[Prediction], folder: str | Path, prefix: str | None = None) -> None:
    """Write a picture of each image with its result: the text below it, or the regions in it.

    Args:
        predictions: of images that can be read again.
        folder: where the pictures go.
        prefix: of their names, before the image's own; None: a number before its stem.

    Raises:
        DataError: the folder cannot be written.
    """
    import cv2

    folder = Path(folder)
    shown_ones = {number: p for number, p in enumerate(predictions) if p.problem is None}
    if not shown_ones:
        return
    picture_of = _painter([p.result for p in shown_ones.values()])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        places = picture_places({number: p.source for number, p in shown_ones.items()}, folder, prefix)
        for number, prediction in shown_ones.items():
            pixels = decode_image(read_image_bytes(prediction.source), max_pixels=None)  # the cap let it pass before
            data = cv2.imencode(places[number].suffix, picture_of(pixels, prediction.result))[1]
            places[number].write_bytes(data.tobytes())  # cv2.imwrite cannot name every path on Windows
    except (OSError, SampleError) as err:
        raise DataError(f"{folder}: pictures cannot be written: {err}") from err
    logger.info("%d pictures: %s", len(shown_ones), folder)


def picture_places(sources: Mapping[int, str], folder: Path, prefix: str | None) -> dict[int, Path]:
    """Return where the picture of each image goes: no two to one place, none over an image.

    Args:
        sources: paths of the images, by number.
        folder: where the pictures go.
        prefix: see `draw`.
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


def _painter(results: Sequence[Any]) -> Callable[[np.ndarray, Any], np.ndarray]:
    """Return what draws a result onto its image."""
    from ppocr.utils.draw import choose_font, draw_line

    if all(isinstance(result, Drawable) for result in results):
        return lambda image, result: result.draw_on(image)
    font, missing = choose_font([shown(result) for result in results])
    return lambda image, result: draw_line(image, shown(result), font, missing=missing)
