"""A model in memory behind the interface of the backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ppocr.deploy.backends.base import Arrays


class DygraphBackend:
    """A model in memory, run as evaluation runs it; by one thread at a time.

    Args:
        model: takes the image tensor and a dict of further tensors, and returns a dict.
        outputs: predictions to return; None returns every tensor.
    """

    def __init__(self, model: Any, outputs: Sequence[str] | None = None) -> None:
        self.model = model
        self.outputs = outputs

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run the network once in evaluation mode; see `Backend.run`."""
        import paddle

        from ppocr.task import to_numpy

        was_training = self.model.training
        self.model.eval()
        tensors = {name: paddle.to_tensor(array) for name, array in inputs.items()}
        image = tensors.pop("x")
        try:
            with paddle.no_grad():
                preds = self.model(image, tensors)
        finally:
            if was_training:
                self.model.train()
        names = preds if self.outputs is None else self.outputs
        return {n: to_numpy(preds[n]) for n in names if isinstance(preds[n], paddle.Tensor)}
