"""Everything the train and eval loops know about what is being learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn

from ppocr.data.transforms.base import Pipeline
from ppocr.declarations import keys_read


@dataclass(eq=False)
class Task:
    """A network with its loss, post-processing, metric and preprocessing, wired by `ppocr.build.build_task`.

    Paddle lives inside: batches come in as `paddle.Tensor` leaves, results leave as Python values.

    Args:
        model: the bare network, whose `state_dict` is the checkpoint.
        postprocess: turns numpy predictions into one result per image.
        loss: what training minimises; None outside training.
        metric: what evaluation measures; None when only predicting.
        train_pipeline: transforms of `Train`; None outside training.
        eval_pipeline: transforms of `Eval`, in the form that refuses no labelled image.
    """

    model: nn.Layer
    postprocess: Any
    _: KW_ONLY
    loss: Any = None
    metric: Any = None
    train_pipeline: Pipeline | None = None
    eval_pipeline: Pipeline | None = None

    def __post_init__(self) -> None:
        self.network: nn.Layer = self.model  # what forward calls: the model, or its data-parallel wrapper

    @property
    def classes(self) -> list[str] | None:
        """What each output class stands for, in order: a character or a name; None where that is not known."""
        codec = getattr(self.postprocess, "codec", None)
        return None if codec is None else list(codec.classes)

    @property
    def main_indicator(self) -> str | None:
        """The metric that decides which weights are best, or None where nothing is measured."""
        return getattr(self.metric, "main_indicator", None)

    def exported(self) -> dict[str, Task]:
        """Return a task for each network that export writes, by its sub-folder; prediction shows the first's results.

        Of several models those come first whose results the post-processing gives, in its order.
        """
        found = self.model.exportables()
        if [each.network for each in found.values()] == [self.model]:
            return {"": self}
        order = [name for name in self.postprocess.models if name in found]
        return {
            name: Task(
                found[name].network, self.postprocess.for_model(found[name].model), eval_pipeline=self.eval_pipeline
            )
            for name in dict.fromkeys((*order, *found))
        }

    def parts(self) -> dict[str, Any]:
        """Return what was built, by the dotted key of its section in the configuration; None where there is none."""
        found = {f"Architecture.{section}": part for section, part in self.model.parts().items()}
        return {**found, "Loss": self.loss, "PostProcess": self.postprocess, "Metric": self.metric}

    def forward(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Run the network on a batch.

        Args:
            batch: the image, float32 [B, C, H, W], and the labels and inputs the network declares.

        Returns:
            Predictions by name.
        """
        tensors = {key: value for key, value in batch.items() if isinstance(value, Tensor)}
        image = next(tensors[key] for key in self.model.image_keys if key in tensors)
        return self.network(image, tensors)

    def losses(self, preds: Mapping[str, Tensor], batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return the loss parts, the total under "loss", computed in float32 outside mixed precision."""
        with paddle.amp.auto_cast(enable=False):
            return self.loss({key: _float32(value) for key, value in preds.items()}, batch)

    def results(self, preds: Mapping[str, Tensor], batch: Mapping[str, Any] | None = None) -> list[Any]:
        """Return one result per image from predictions, through numpy."""
        wanted = [key for key in keys_read(self.postprocess) if key in preds]
        return self.postprocess({key: to_numpy(preds[key]) for key in wanted}, batch)


def to_numpy(value: Tensor) -> np.ndarray:
    """Return a tensor as a numpy array, low-precision floats as float32."""
    return _float32(value).numpy()


def _float32(value: Any) -> Any:
    """Return a tensor of a lower floating precision as float32, anything else as it is."""
    if isinstance(value, Tensor) and value.dtype in (paddle.float16, paddle.bfloat16):
        return value.astype("float32")
    if isinstance(value, (list, tuple)):
        return type(value)(_float32(item) for item in value)
    return value
