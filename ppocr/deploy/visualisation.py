"""Pictures of an exported model's predictions beside the labels, and the metrics of what was compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ppocr.data.transforms.det_labels import DetLabelEncode
from ppocr.deploy.images import read_labels
from ppocr.deploy.predictor import Predictor
from ppocr.errors import DataError
from ppocr.metrics.det import DetMetric, compare
from ppocr.results import Classification, Detection, Recognition, Result
from ppocr.utils.image_io import decode_image, read_image_bytes
from ppocr.utils.pictures import GREEN, RED, captioned, tiled, with_labelled_polygons
from ppocr.utils.text import one_line

Compared = tuple[np.ndarray, str]  # picture, uint8 [H, W, 3], and what to say about all images


def compare_texts(predictor: Predictor, label_file: str | Path, folder: str | Path, count: int, most: int) -> Compared:
    """Recognise or classify labelled text lines with an exported model.

    Args:
        predictor: of the model.
        label_file: image path, tab, text (or class) per line.
        folder: where the paths start from.
        count: predictions to print.
        most: lines in the picture, wrong ones first as far as a quarter of it.

    Returns:
        The picture (right ones in green, wrong ones in red with an x), and the accuracy.
    """
    pairs = read_labels(label_file, folder)
    predictions = predictor.predict([path for path, _ in pairs], batch_size=32)
    texts = [str(p.result.decision) if p.problem is None else "" for p in predictions]
    right = [text == label for text, (_, label) in zip(texts, pairs)]
    for p in predictions[:count]:
        answer = p.problem or f"{p.result.decision} ({p.result.certainty:.3f})"
        print(one_line(f"{p.source} -> {answer}"))
    chosen = _chosen({i: not ok for i, ok in enumerate(right)}, most, most // 4)
    cells = []
    for i in (i for i in chosen if predictions[i].problem is None):
        caption = one_line(f"{texts[i]} (label {pairs[i][1]})")
        image = decode_image(read_image_bytes(pairs[i][0]))
        cells.append(captioned(image, caption if right[i] else f"x {caption}", GREEN if right[i] else RED))
    said = f"{sum(right)} of {len(right)} lines are right ({sum(right) / len(right):.1%})"
    return tiled(cells, columns=5), said


def compare_polygons(
    predictor: Predictor, label_file: str | Path, folder: str | Path, count: int, most: int
) -> Compared:
    """Detect the text instances of labelled images with an exported model.

    Args:
        predictor: of the model.
        label_file: image path, tab, polygons per line.
        folder: where the paths start from.
        count: images whose counts are printed.
        most: images in the picture, those with most mistakes first as far as a half of it.

    Returns:
        The picture (labels green, ignored ones grey, detections red), and the metrics of all images.

    Raises:
        DataError: no image could be read.
    """
    pairs = read_labels(label_file, folder)
    predictions = predictor.predict([path for path, _ in pairs], batch_size=8)
    encode = DetLabelEncode()
    labels = [encode({"label": label}) for _, label in pairs]
    metric, mistakes = DetMetric(), {}
    for number, (prediction, label) in enumerate(zip(predictions, labels)):
        if prediction.problem is not None:
            continue
        metric([prediction.result], {"polys": [label["polys"]], "ignore_tags": [label["ignore_tags"]]})
        counts = compare(prediction.result.points, label["polys"], label["ignore_tags"])
        mistakes[number] = counts["instances"] + counts["detections"] - 2 * counts["matched"]
        if number < count:
            said = f"{counts['matched']} of {counts['instances']} text instances, {counts['detections']} detections"
            print(f"{one_line(prediction.source)} -> {said}")
    if not mistakes:
        raise DataError(f"none of {len(predictions)} images could be read: {predictions[0].problem}")
    cells = []
    for i in _chosen(mistakes, most, most // 2):
        image = decode_image(read_image_bytes(predictions[i].source))
        labelled = with_labelled_polygons(image, labels[i]["polys"], labels[i]["ignore_tags"])
        cells.append(predictions[i].result.draw_on(labelled))
    scores = metric.get_metric()
    said = ", ".join(f"{name} {scores[name]:.4f}" for name in ("hmean", "precision", "recall"))
    return tiled(cells, columns=3, width=640), f"{len(mistakes)} images: {said}"


def _chosen(mistakes: dict[int, int], most: int, worst: int) -> list[int]:
    """Return the numbers of at most `most` images: the `worst` with most mistakes, then others in their order."""
    chosen = sorted(mistakes, key=lambda i: (-mistakes[i], i))[:worst]
    return chosen + [i for i in mistakes if i not in set(chosen)][: most - len(chosen)]


COMPARISONS: dict[type[Result], Callable[[Predictor, str | Path, str | Path, int, int], Compared]] = {
    Recognition: compare_texts,
    Classification: compare_texts,
    Detection: compare_polygons,
}
