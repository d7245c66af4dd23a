"""Giving batch norms that were merged into convolutions statistics again.

Unfolding leaves y = x + b, which is right in evaluation alone: training normalises with the statistics of its batch,
and would change every output at once. With the mean m and the deviation s of what really arrives, scale s and shift
m + b, the norm gives x + b in evaluation, and very nearly in training.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
import paddle
from paddle import nn

from ppocr.data.transforms.base import Pipeline
from ppocr.errors import PpocrError, SampleError

SEED = 7
PAGES, PAGE_SIZE, LINES = 3, 480, 24
MARGIN = 2
BATCH = 4


def drawn_images(pipeline: Pipeline) -> list[bytes]:
    """Return encoded drawn images of the kind a pipeline is for: lines where the height is fixed, else pages."""
    from ppocr.synthesis.pages import compose_page
    from ppocr.synthesis.pages_text import Words

    words = Words(test=False)
    pages = [compose_page(words, np.random.default_rng([SEED, i]), PAGE_SIZE, by_word=True) for i in range(PAGES)]
    if pipeline.output_shape()[1] < 0:
        return [_encoded(page.image) for page in pages]
    lines = []
    for page in pages:
        for label in page.labels:
            corners = np.asarray(label["points"], dtype=np.float64)
            left, top = np.maximum(corners.min(axis=0) - MARGIN, 0).astype(int)
            right, bottom = np.ceil(corners.max(axis=0) + MARGIN).astype(int)
            lines.append(_encoded(page.image[top:bottom, left:right]))
    step = max(1, len(lines) // LINES)
    return lines[::step][:LINES]


def _encoded(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def prepared(pipeline: Pipeline, images: Iterable[bytes]) -> list[np.ndarray]:
    """Return images as the network takes them, float32 [B, C, H, W], those of one size together.

    Images that cannot be used are left out.

    Raises:
        PpocrError: none can be used.
    """
    sizes: dict[tuple[int, ...], list[np.ndarray]] = {}
    for data in images:
        try:
            sample = pipeline({"image": data, "text": "", "label": "", "index": 0})
        except SampleError:
            continue
        image = np.asarray(sample["image"], dtype=np.float32)
        sizes.setdefault(image.shape, []).append(image)
    if not sizes:
        raise PpocrError("none of the images can be used", "name a folder of images with --images")
    return [np.stack(same[i : i + BATCH]) for same in sizes.values() for i in range(0, len(same), BATCH)]


def calibrate(model: nn.Layer, identity: Sequence[str], silent: Sequence[str], batches: Sequence[np.ndarray]) -> None:
    """Set the statistics of batch norms without changing what the network gives in evaluation.

    Args:
        model: left in evaluation mode.
        identity: paths of batch norms that give back their input plus their bias.
        silent: paths of those whose scale is 0.
        batches: images, float32 [B, C, H, W].
    """
    layers = dict(model.named_sublayers())
    sums: dict[str, np.ndarray] = {}
    hooks = [
        layers[path].register_forward_pre_hook(lambda _, inputs, path=path: _add(sums, path, inputs[0]))
        for path in (*identity, *silent)
    ]
    model.eval()
    try:
        with paddle.no_grad():
            for batch in batches:
                model(paddle.to_tensor(batch))
    finally:
        for hook in hooks:
            hook.remove()
    for path, (count, total, squares) in sums.items():
        layer, mean = layers[path], total / count
        variance = np.maximum(squares / count - mean**2, 0)
        layer._mean.set_value(mean.astype(np.float32))
        layer._variance.set_value(variance.astype(np.float32))
        if path in identity:
            deviation = np.sqrt(variance + layer._epsilon)
            layer.weight.set_value(deviation.astype(np.float32))
            layer.bias.set_value((layer.bias.numpy() + mean).astype(np.float32))


def _add(sums: dict[str, Any], path: str, x: paddle.Tensor) -> None:
    """Add what arrives at a batch norm to its count, sum and sum of squares by channel."""
    values = np.moveaxis(x.numpy(), 1, 0).reshape(x.shape[1], -1)  # Paddle's operators take 8 times as long on a CPU
    mean, variance = values.mean(axis=1).astype(np.float64), values.var(axis=1).astype(np.float64)
    found = values.shape[1] * np.stack([np.ones_like(mean), mean, variance + mean**2])
    sums[path] = sums[path] + found if path in sums else found
