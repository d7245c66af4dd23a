"""Pictures of an exported model's predictions beside the labels, with the score of what was compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ppocr.data.transforms.det_labels import DetLabelEncode
from ppocr.deploy.flags import load_of_kind
from ppocr.deploy.images import read_labels
from ppocr.deploy.predictor import Prediction, Predictor
from ppocr.errors import DataError
from ppocr.metrics.det import DetMetric, compare
from ppocr.utils.draw import contact_sheet
from ppocr.utils.draw_regions import draw_det_comparison, grid
from ppocr.utils.image_io import decode_image, read_image_bytes
from ppocr.utils.text import one_line


def predictor_of(model: str | Path, wanted: type) -> Predictor:
    """Return the predictor of an exported folder with results of a kind.

    Raises:
        ConfigError: they are of another kind.
    """
    return Predictor.from_folder(model, config=load_of_kind(model, wanted, "give it as --{}_model_dir"))


def lines_sheet(
    predictor: Predictor, label_file: str | Path, folder: str | Path, count: int, most: int
) -> tuple[np.ndarray, str]:
    """Read or classify labelled text lines with an exported model.

    Args:
        predictor: of the model.
        label_file: image path, tab, text (or class) per line.
        folder: where the paths start from.
        count: predictions to print.
        most: lines in the picture, wrong ones first as far as a quarter of it.

    Returns:
        The picture, uint8 [H, W, 3], and what to say about all lines.
    """
    pairs = read_labels(label_file, folder)
    found = predictor.predict([path for path, _ in pairs], batch_size=32)
    texts = [p.result[0] if p.problem is None else "" for p in found]
    right = [text == label for text, (_, label) in zip(texts, pairs)]
    for prediction in found[:count]:
        answer = prediction.problem or f"{prediction.result[0]} ({prediction.result[1]:.3f})"
        print(one_line(f"{prediction.source} -> {answer}"))
    chosen = sorted(range(len(pairs)), key=lambda i: (right[i], i))[: most // 4]
    chosen += [i for i in range(len(pairs)) if i not in set(chosen)][: most - len(chosen)]
    shown = [i for i in chosen if found[i].problem is None]
    images = [decode_image(read_image_bytes(pairs[i][0])) for i in shown]
    captions = [one_line(f"{texts[i]} (label {pairs[i][1]})") for i in shown]
    said = f"{sum(right)} of {len(right)} lines are right ({sum(right) / len(right):.1%})"
    return contact_sheet(images, captions, [right[i] for i in shown]), said


def pages_sheet(
    predictor: Predictor, label_file: str | Path, folder: str | Path, count: int, most: int
) -> tuple[np.ndarray, str]:
    """Find the regions of labelled images with an exported detector.

    Args:
        predictor: of the model.
        label_file: image path, tab, regions per line.
        folder: where the paths start from.
        count: images whose counts are printed.
        most: images in the picture, those with most mistakes first as far as a half of it.

    Returns:
        The picture, uint8 [H, W, 3] (labels green, ignored ones grey, what was found red), and the scores of all
        images.

    Raises:
        DataError: no image could be read.
    """
    pairs = read_labels(label_file, folder)
    found = predictor.predict([path for path, _ in pairs], batch_size=8)
    encode = DetLabelEncode()
    labels = [encode({"label": label}) for _, label in pairs]
    metric, mistakes = DetMetric(), {}
    for number, (prediction, label) in enumerate(zip(found, labels)):
        if prediction.problem is not None:
            continue
        metric([prediction.result], {"polys": [label["polys"]], "ignore_tags": [label["ignore_tags"]]})
        counts = compare(prediction.result.points, label["polys"], label["ignore_tags"])
        mistakes[number] = counts["regions"] + counts["found"] - 2 * counts["matched"]
        if number < count:
            said = f"{counts['matched']} of {counts['regions']} regions, {counts['found']} found"
            print(f"{one_line(prediction.source)} -> {said}")
    if not mistakes:
        raise DataError(f"none of {len(found)} images could be read: {found[0].problem}")
    chosen = sorted(mistakes, key=lambda i: (-mistakes[i], i))[: most // 2]
    chosen += [i for i in mistakes if i not in set(chosen)][: most - len(chosen)]
    scores = metric.get_metric()
    said = ", ".join(f"{name} {scores[name]:.4f}" for name in ("hmean", "precision", "recall"))
    return grid(_pictures(found, labels, chosen)), f"{len(mistakes)} images: {said}"


def _pictures(found: Sequence[Prediction], labels: Sequence[dict], chosen: Sequence[int]) -> list[np.ndarray]:
    return [
        draw_det_comparison(
            decode_image(read_image_bytes(found[i].source)),
            found[i].result.points,
            labels[i]["polys"],
            labels[i]["ignore_tags"],
        )
        for i in chosen
    ]
