"""Several losses of one network, added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from paddle import Tensor, nn

from ppocr.codecs.context import Codecs
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.losses.base import Loss
from ppocr.registry import LOSSES, Typed, Unknown, unknown_in_list


class WeightedSum(Loss):
    """The weighted sum of losses that read the same predictions and batch.

    Args:
        members: each loss and its weight, by the name under which its part of the sum is returned.
    """

    def __init__(self, members: Mapping[str, tuple[nn.Layer, float]]) -> None:
        super().__init__()
        self.losses = nn.LayerDict({name: loss for name, (loss, _) in members.items()})
        self.weights = {name: weight for name, (_, weight) in members.items()}
        self.requires = tuple(sorted({key for loss in self.losses.values() for key in loss.requires}))
        self.accepts = tuple(sorted({key for loss in self.losses.values() for key in loss.accepts}))
        self.needs = tuple(sorted({key for loss in self.losses.values() for key in loss.needs}))

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `loss`, the sum, and each weighted loss by its name."""
        losses = {
            name: loss(preds, batch)["loss"].astype("float32") * self.weights[name]
            for name, loss in self.losses.items()
        }
        return {"loss": sum(losses.values()), **losses}


@LOSSES.register()
class CombinedLoss(WeightedSum):
    """The weighted sum of any losses; each is returned under a name and its place in the list.

    Args:
        codecs: of the losses; filled in.
        loss_config_list: `[{"CTCLoss": {"weight": 1.0, "name": "ctc", key: value, ...}}, ...]`; a weight left out is
            1, and the name, under which its part is returned and logged, that of the class.

    Raises:
        ConfigError: an unknown loss or key, or none at all.
    """

    def __init__(self, codecs: Filled[Codecs], loss_config_list: Sequence[Mapping[str, Any]]) -> None:
        members = {}
        for i, spec in enumerate(loss_config_list):
            name, options = next(iter(spec.items()))
            keys = dict(options or {})
            weight = float(keys.pop("weight", 1.0))
            label = keys.pop("name", None) or name
            members[f"{label}_{i}"] = LOSSES.build({"name": name, **keys}, codecs=codecs), weight
        if not members:
            raise ConfigError("CombinedLoss.loss_config_list: it names no loss")
        super().__init__(members)

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[Unknown | Typed]:
        """Yield the unknown losses and keys inside the values."""
        return unknown_in_list("loss_config_list", values, LOSSES, LOSSES.names(), ["weight", "name"])
