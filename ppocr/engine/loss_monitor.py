"""Losses on their way to the meters: the one place that waits for the device and that finds NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import paddle
from paddle import Tensor

from ppocr.declarations import keys_read
from ppocr.engine.amp import MixedPrecision
from ppocr.engine.meters import Meters
from ppocr.errors import PpocrError
from ppocr.task import Task

MEAN = "mean of "
SAMPLES_NAMED = 8


class NonFiniteLoss(PpocrError):
    """The loss is NaN or infinite: going on would only make the weights so."""


@dataclass(eq=False)
class LossMonitor:
    """Takes the losses of every micro-batch; later checks them and hands them to the meters.

    On a GPU the newest loss is left for the next step, so that looking at it never waits for work just queued.

    Args:
        task: what is trained; names what its loss reads, and turns predictions into results for the metric.
        meters: where the values go.
        where: gives "file:line" for the number of a training sample.
        hint: says what to do about a loss that is not finite.
        metric: measured on every micro-batch and metered beside the losses; None for none.
    """

    task: Task
    meters: Meters
    _: KW_ONLY
    where: Callable[[int], str]
    hint: Callable[[], str]
    metric: Any = None

    def __post_init__(self) -> None:
        self._waiting: list[tuple[str, Any, dict[str, Tensor], dict[str, Any]]] = []

    def add(
        self, step: str, batch: Mapping[str, Any], preds: Mapping[str, Tensor], losses: Mapping[str, Tensor]
    ) -> None:
        """Take the losses of a micro-batch.

        Args:
            step: the step in words.
            batch: what the loader gave.
            preds: predictions; what the loss read is checked by its means, because the CTC loss of NaN is a number.
            losses: parts by name; those of one element are metered.
        """
        checked = {k: v.detach() for k, v in losses.items() if isinstance(v, Tensor) and v.size == 1}
        for key in keys_read(self.task.loss):
            if key in preds and preds[key].is_floating_point():
                checked[MEAN + key] = preds[key].detach().astype("float32").mean()
        measured: dict[str, Any] = {}
        if self.metric is not None:
            self.metric.reset()
            self.metric(self.task.results(preds, batch), batch)
            first_two = list(self.metric.get_metric().items())[:2]
            measured = {k: v for k, v in first_two if isinstance(v, (int, float))}
        self._waiting.append((step, batch["index"], checked, measured))

    def flush(self, *, leave: int = 0) -> None:
        """Meter and check what waits, except the newest `leave`.

        Raises:
            NonFiniteLoss: naming step, samples and likely causes.
        """
        while len(self._waiting) > leave:
            step, index, checked, measured = self._waiting.pop(0)
            values = {name: float(value) for name, value in checked.items()}
            bad = [f"{name} = {value}" for name, value in values.items() if not math.isfinite(value)]
            if bad:
                raise NonFiniteLoss(
                    f"the loss is not finite at {step}: {', '.join(bad)}; "
                    f"samples of this batch: {self._samples(index)}",
                    self.hint(),
                )
            self.meters.update(**{k: v for k, v in values.items() if not k.startswith(MEAN)}, **measured)

    def check_weights(self, step: str) -> None:
        """Refuse weights that are NaN or infinite; waits for the device.

        A ReLU turns NaN into 0 on some devices, so that the loss can stay finite when weights no longer are.

        Args:
            step: the step done, in words.

        Raises:
            NonFiniteLoss: naming the first of them.
        """
        floats = {k: v for k, v in self.task.model.state_dict().items() if v.is_floating_point()}
        with paddle.no_grad():
            finite = paddle.stack([paddle.isfinite(value).all() for value in floats.values()]).numpy()
        bad = [name for name, good in zip(floats, finite) if not good]
        if bad:
            raise NonFiniteLoss(f"{len(bad)} weights are not finite after {step}, the first is {bad[0]}", self.hint())

    def _samples(self, index: Any) -> str:
        numbers = [int(i) for i in (index.numpy() if isinstance(index, Tensor) else index)]
        more = f" and {len(numbers) - SAMPLES_NAMED} more" if len(numbers) > SAMPLES_NAMED else ""
        return ", ".join(self.where(i) for i in numbers[:SAMPLES_NAMED]) + more


def likely_causes(optimizer: Any, lr: float, precision: MixedPrecision) -> str:
    """Return what most often makes a loss NaN, as things to change.

    Args:
        optimizer: of the run.
        lr: its learning rate at the step.
        precision: of the run.
    """
    causes = [f"lower Optimizer.lr.learning_rate (it is {lr:g} here)"]
    if getattr(optimizer, "_grad_clip", None) is None:
        causes.append("clip gradients with Optimizer.clip_norm_global")
    if precision.enabled and precision.dtype == "float16":
        causes.append("use Global.amp_dtype=bfloat16")
    return ", ".join(causes)
