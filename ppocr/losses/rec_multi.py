"""The losses of a network with a CTC head and an auxiliary head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from paddle import Tensor, nn

from ppocr.config.ranges import NonNegative
from ppocr.errors import ConfigError
from ppocr.losses.base import Loss
from ppocr.registry import LOSSES, Typed, Unknown, unknown_in_list


class _Branch(NamedTuple):
    """Keys of a loss's prediction and label, and the index of its weight."""

    prediction: str
    label: str
    weight: int


BRANCHES = {
    "CTCLoss": _Branch("ctc", "label_ctc", 0),
    "SARLoss": _Branch("sar", "label_sar", 1),
    "NRTRLoss": _Branch("gtc", "label_gtc", 1),
}


@LOSSES.register()
class MultiLoss(Loss):
    """The weighted sum of the losses of `MultiHead`'s heads.

    Args:
        loss_config_list: `[{"CTCLoss": keys or null}, {"SARLoss" or "NRTRLoss": keys or null}]`.
        weight_1: weight of CTC.
        weight_2: weight of the auxiliary head.

    Raises:
        ConfigError: an unknown loss or key.
    """

    def __init__(
        self, loss_config_list: Sequence[Mapping[str, Any]], weight_1: NonNegative = 1.0, weight_2: NonNegative = 1.0
    ) -> None:
        super().__init__()
        self.weights = (weight_1, weight_2)
        self.losses = nn.LayerDict()
        for spec in loss_config_list:
            for name, options in spec.items():
                if name not in BRANCHES:
                    raise ConfigError(f"MultiLoss.loss_config_list: {name!r} is none of {', '.join(BRANCHES)}")
                self.losses[name] = LOSSES.build({"name": name, **(options or {})}, "rec")
        if not self.losses:
            raise ConfigError("MultiLoss.loss_config_list: it names no loss")
        branches = [BRANCHES[name] for name in self.losses]
        self.requires = tuple(branch.prediction for branch in branches)
        extra = {key for loss in self.losses.values() for key in loss.needs if key != "label"}
        self.needs = (*(branch.label for branch in branches), *sorted(extra))

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[Unknown | Typed]:
        """Yield the unknown losses and keys inside the values."""
        return unknown_in_list("loss_config_list", values, LOSSES, BRANCHES)

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `loss`, the sum, and each weighted loss by its name.

        Args:
            preds: `ctc`, and `sar` or `gtc`: logits [B, T, C] each.
            batch: `label_ctc`, `label_sar` or `label_gtc`, and `length`.
        """
        losses = {}
        for name, loss in self.losses.items():
            branch = BRANCHES[name]
            targets = {**batch, "label": batch[branch.label]}
            given = {loss.requires[0]: preds[branch.prediction]}
            losses[name] = loss(given, targets)["loss"] * self.weights[branch.weight]
        return {"loss": sum(losses.values()), **losses}
