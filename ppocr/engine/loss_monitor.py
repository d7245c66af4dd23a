"""Losses of the steps not looked at yet: the one place that waits for the device and that finds NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import paddle
from paddle import Tensor, nn

from ppocr.engine.meters import Meters
from ppocr.errors import PpocrError

SAMPLES_NAMED = 8


class NonFiniteLoss(PpocrError):
    """The loss is NaN or infinite: going on would only spoil the weights."""


class LossMonitor:
    """Takes every loss and hands its value to the meters, checked.

    On a GPU the newest loss is left for the next step, so that looking at it never waits for work just queued.

    Args:
        meters: where the values go.
        where: gives "file:line" for the number of a training sample.
        causes: gives the likely causes and cures for the message.
    """

    def __init__(self, meters: Meters, where: Callable[[int], str], causes: Callable[[], str]) -> None:
        self._meters = meters
        self._where = where
        self._causes = causes
        self._waiting: list[tuple[str, dict[str, Tensor], dict[str, Tensor], Any]] = []

    def add(self, step: str, losses: Mapping[str, Tensor], preds: Mapping[str, Any], index: Any) -> None:
        """Take the losses of a batch.

        Args:
            step: the step in words.
            losses: parts by name; those of one element are metered.
            preds: what the loss read; checked by their means, because the CTC loss of NaN is a number.
            index: numbers of the batch's samples.
        """
        scalars = {k: v.detach() for k, v in losses.items() if isinstance(v, Tensor) and v.size == 1}
        means = {f"mean of {k}": v.detach().astype("float32").mean() for k, v in preds.items() if _is_float(v)}
        self._waiting.append((step, scalars, means, index))

    def flush(self, *, leave: int = 0) -> None:
        """Meter and check what waits, except the newest `leave`.

        Raises:
            NonFiniteLoss: naming step, samples and likely causes.
        """
        while len(self._waiting) > leave:
            step, scalars, means, index = self._waiting.pop(0)
            values = {name: float(value) for name, value in scalars.items()}
            checked = {**values, **{name: float(value) for name, value in means.items()}}
            bad = [f"{name} = {value}" for name, value in checked.items() if not math.isfinite(value)]
            if bad:
                raise NonFiniteLoss(
                    f"the loss is not finite at {step}: {', '.join(bad)}; "
                    f"samples of this batch: {self._samples(index)}",
                    self._causes(),
                )
            self._meters.update(**values)

    def _samples(self, index: Any) -> str:
        numbers = [int(i) for i in (index.numpy() if isinstance(index, Tensor) else index)]
        more = f" and {len(numbers) - SAMPLES_NAMED} more" if len(numbers) > SAMPLES_NAMED else ""
        return ", ".join(self._where(i) for i in numbers[:SAMPLES_NAMED]) + more


def non_finite_weights(model: nn.Layer) -> list[str]:
    """Return the names of parameters and statistics that hold NaN or infinity; waits for the device once.

    A ReLU turns NaN into 0 on some devices, so that the loss can stay finite when weights no longer are.
    """
    floats = {name: value for name, value in model.state_dict().items() if _is_float(value)}
    with paddle.no_grad():
        finite = paddle.stack([paddle.isfinite(value).all() for value in floats.values()]).numpy()
    return [name for name, good in zip(floats, finite) if not good]


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
