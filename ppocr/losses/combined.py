"""Several losses of one network, added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from paddle import Tensor, nn

from ppocr.errors import ConfigError
from ppocr.registry import LOSSES, unknown_in_list


@LOSSES.register()
class CombinedLoss(nn.Layer):
    """The weighted sum of losses that read the same predictions and batch.

    Args:
        loss_config_list: `[{"CTCLoss": {"weight": 1.0, key: value, ...}}, ...]`; a weight left out is 1.

    Raises:
        ConfigError: an unknown loss or key, or none at all.
    """

    def __init__(self, loss_config_list: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self.losses = nn.LayerList()
        self.names: list[str] = []
        self.weights: list[float] = []
        for i, spec in enumerate(loss_config_list):
            name, options = next(iter(spec.items()))
            keys = dict(options or {})
            self.weights.append(float(keys.pop("weight", 1.0)))
            self.names.append(f"{name}_{i}")
            self.losses.append(LOSSES.build({"name": name, **keys}))
        if not self.names:
            raise ConfigError("CombinedLoss.loss_config_list: it names no loss")
        self.reads = tuple(sorted({key for loss in self.losses for key in loss.reads}))
        self.needs = tuple(sorted({key for loss in self.losses for key in loss.needs}))

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], list[str]]]:
        """Yield the places of unknown losses and keys inside the values, and what is known there."""
        for place, known in unknown_in_list(values.get("loss_config_list"), LOSSES, LOSSES.names(), ["weight"]):
            yield ("loss_config_list", *place), known

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `loss`, the sum, and each weighted loss by its name and place; see those for what they read."""
        found = {
            name: loss(preds, batch)["loss"].astype("float32") * weight
            for name, loss, weight in zip(self.names, self.losses, self.weights)
        }
        return {"loss": sum(found.values()), **found}
