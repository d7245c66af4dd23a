"""The losses of a network with a CTC head and an auxiliary head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from paddle import Tensor, nn

from ppocr.codecs.branches import branch_of
from ppocr.codecs.context import Codecs
from ppocr.config.ranges import NonNegative
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.losses.base import Loss
from ppocr.registry import LOSSES, Typed, Unknown, listed, unknown_in_list


@LOSSES.register()
class MultiLoss(Loss):
    """The weighted sum of the losses of `MultiHead`'s heads.

    Args:
        codecs: of the losses; filled in.
        loss_config_list: `[{"CTCLoss": keys or null}, {name: keys or null}]`, of registered losses.
        weight_1: weight of CTC.
        weight_2: weight of the auxiliary head.

    Raises:
        ConfigError: an unknown loss or key.
    """

    def __init__(
        self,
        codecs: Filled[Codecs],
        loss_config_list: Sequence[Mapping[str, Any]],
        weight_1: NonNegative = 1.0,
        weight_2: NonNegative = 1.0,
    ) -> None:
        super().__init__()
        self.weights = (weight_1, weight_2)
        self.losses = nn.LayerDict()
        for _, name, options in listed(loss_config_list):
            self.losses[name] = LOSSES.build({"name": name, **(options or {})}, "rec", codecs)
        if not self.losses:
            raise ConfigError("MultiLoss.loss_config_list: it names no loss")
        self.branches = {name: branch_of(loss.requires[0]) for name, loss in self.losses.items()}
        self.requires = tuple(branch.prediction for branch in self.branches.values())
        self.requires += tuple(key for loss in self.losses.values() for key in loss.requires[1:])
        self.label_codecs = {self.branches[name].label: loss.codec for name, loss in self.losses.items()}
        extra = {key for loss in self.losses.values() for key in loss.needs if key != "label"}
        self.needs = (*self.label_codecs, *sorted(extra))

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[Unknown | Typed]:
        """Yield the unknown losses and keys inside the values."""
        return unknown_in_list("loss_config_list", values, LOSSES, LOSSES.names())

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `loss`, the sum, and each weighted loss by its name.

        Args:
            preds: what the losses require, under the keys of their branches.
            batch: what they need, their labels under the keys of their branches.
        """
        losses = {}
        for name, loss in self.losses.items():
            branch = self.branches[name]
            given = {**preds, loss.requires[0]: preds[branch.prediction]}
            targets = {**batch, "label": batch[branch.label]}
            losses[name] = loss(given, targets)["loss"] * self.weights[branch.weight]
        return {"loss": sum(losses.values()), **losses}
