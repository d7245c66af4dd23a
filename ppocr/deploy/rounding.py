"""Telling what float32 rounds otherwise from a wrong export, where outputs differ by more than a fixed bound.

A detector that is barely trained has logits of a million: their last bit alone is more than the bound, and near the
threshold it decides. What rounding does to a network is measured: parameters and image are changed by a relative 1e-6,
about ten times what float32 rounds, and the outputs watched. An export may move logits by twice as much and never
by more than a thousandth of the largest, outputs on the whole by as much, and decoded results not at all, unless such
noise changes them too.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ppocr.deploy.backends.base import Arrays
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.deploy.backends.paddle_backend import PaddleBackend

NOISE = 1e-6  # relative
RUNS = 3
MARGIN = 2.0  # an export may move outputs by this many times what the noise does
LARGEST_SHARE = 1e-3  # of the largest logit
LARGEST_UNEXPLAINED = 1e-2  # of outputs whose logits are not given
TINY = 1e-4  # what is never worth a question


def noisy_runs(model: Any, batch: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[Arrays]:
    """Return what a network gives when its parameters and its image are changed by noise.

    Args:
        model: the network; it is copied.
        batch: arrays by input name, the image as `x`.
        outputs: predictions to return.
    """
    found = []
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        noisy = copy.deepcopy(model)
        for tensor in noisy.state_dict().values():
            if tensor.is_floating_point():
                tensor.set_value(with_noise(tensor.numpy(), rng))
        found.append(DygraphBackend(noisy, outputs).run({**batch, "x": with_noise(batch["x"], rng)}))
    return found


def with_noise(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an array changed by noise about ten times as large as what float32 rounds."""
    return (array * (1 + NOISE * rng.standard_normal(array.shape))).astype(array.dtype)


def is_rounding(expected: Arrays, found: Arrays, noisy: Sequence[Arrays], logits: Sequence[str] = ()) -> bool:
    """Return whether an export differs no more than rounding can explain.

    Args:
        expected: predictions of the trained network.
        found: those of the exported one.
        noisy: those of `noisy_runs`.
        logits: which of them are logits, what the others are made of.
    """
    for name, wanted in expected.items():
        if wanted.shape != found[name].shape or not np.isfinite(found[name]).all():
            return False
        moved = np.abs(found[name].astype(np.float64) - wanted)
        noise = [np.abs(run[name].astype(np.float64) - wanted) for run in noisy]
        largest = MARGIN * max(run.max() for run in noise)
        if name in logits:
            largest = min(largest, LARGEST_SHARE * float(np.abs(wanted).max()))
        elif not logits:
            largest = min(largest, LARGEST_UNEXPLAINED)
        elif moved.mean() > MARGIN * max(run.mean() for run in noise):
            return False
        if moved.max() > max(largest, TINY):
            return False
    return True


def decides_alike(
    task: Any, exported: PaddleBackend, sample: Mapping[str, Any], batch: Mapping[str, np.ndarray]
) -> bool:
    """Return whether an exported network and the trained one decide the same on an image, or noise decides too.

    Args:
        task: the trained network and its post-processing.
        exported: the exported network.
        sample: the preprocessed image.
        batch: the network's inputs made of it.
    """
    needs = {key: [sample[key]] for key in getattr(task.postprocess, "needs", ())}

    def decision(preds: Arrays) -> list[Any]:
        return [result.decision for result in task.postprocess(preds, needs)]

    names = tuple(exported.output_names.values())
    wanted = decision(DygraphBackend(task.model, names).run(batch))
    if decision(exported.run(batch)) == wanted:
        return True
    return any(decision(run) != wanted for run in noisy_runs(task.model, batch, names))
