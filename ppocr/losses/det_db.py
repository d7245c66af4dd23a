"""The loss of differentiable binarisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import paddle
from paddle import Tensor, nn

from ppocr.config.ranges import NonNegative, Positive, Probability
from ppocr.losses.base import Loss
from ppocr.losses.det_basic import BalanceLoss, DiceFocalLoss, DiceLoss, MaskL1Loss
from ppocr.registry import LOSSES


@LOSSES.register("DBLoss")
class DBLoss(Loss):
    """Text, threshold and binary maps against their targets (https://arxiv.org/abs/1911.08947, section 3.6).

    Args:
        balance_loss: see `BalanceLoss`; unused by "DiceFocalLoss".
        main_loss_type: of the text map: "DiceLoss", "BCELoss", "MaskL1Loss" or "DiceFocalLoss"; the last one is
            used for the binary map as well, whose loss is Dice otherwise.
        alpha: factor of the text map.
        beta: factor of the threshold map.
        ohem_ratio: background pixels taken per text pixel by the balanced losses.
        eps: keeps the divisions defined.
        aux_weight_p4: factor of the maps `aux_maps_p4`, where the head gives them; so for p3 and p2.
        aux_weight_p3: see `aux_weight_p4`.
        aux_weight_p2: see `aux_weight_p4`.
        focal_alpha: see `DiceFocalLoss`; so for the last three.
        focal_gamma: see `focal_alpha`.
        dice_weight: see `focal_alpha`.
        focal_weight: see `focal_alpha`.
    """

    requires = ("maps",)
    accepts = ("cbn_maps", "aux_maps_p4", "aux_maps_p3", "aux_maps_p2")
    needs = ("threshold_map", "threshold_mask", "shrink_map", "shrink_mask")

    def __init__(
        self,
        balance_loss: bool = True,
        main_loss_type: Literal["DiceLoss", "BCELoss", "MaskL1Loss", "DiceFocalLoss"] = "DiceLoss",
        alpha: NonNegative = 5,
        beta: NonNegative = 10,
        ohem_ratio: NonNegative = 3,
        eps: Positive = 1e-6,
        aux_weight_p4: NonNegative = 0.0,
        aux_weight_p3: NonNegative = 0.0,
        aux_weight_p2: NonNegative = 0.0,
        focal_alpha: Probability = 0.25,
        focal_gamma: NonNegative = 2.0,
        dice_weight: NonNegative = 1.0,
        focal_weight: NonNegative = 1.0,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.aux_weights = {"aux_maps_p4": aux_weight_p4, "aux_maps_p3": aux_weight_p3, "aux_maps_p2": aux_weight_p2}
        self.threshold_loss = MaskL1Loss(eps)
        if main_loss_type == "DiceFocalLoss":
            self.text_loss: nn.Layer = DiceFocalLoss(dice_weight, focal_weight, focal_alpha, focal_gamma, eps)
            self.binary_loss: nn.Layer = self.text_loss
        else:
            # upstream: `eps` does not reach the balanced loss, whose own is 1e-6
            self.text_loss = BalanceLoss(balance_loss, main_loss_type, ohem_ratio)
            self.binary_loss = DiceLoss(eps)

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return the loss and its parts.

        Args:
            preds: `maps` float32 [B, 3, H, W], text, threshold and binary, 0 to 1; where the head gives them also
                `cbn_maps` and the auxiliary maps of the constructor, of the same shape.
            batch: `threshold_map`, `threshold_mask`, `shrink_map`, `shrink_mask` float32 [B, H, W].

        Returns:
            `loss`, `loss_shrink_maps`, `loss_threshold_maps`, `loss_binary_maps`, `loss_cbn` (zero without `cbn_maps`)
            and one for each of the auxiliary maps; scalars, the parts of the three maps with their factors.
        """
        text, threshold, binary = self._parts(preds["maps"], batch)
        target, mask = batch["shrink_map"], batch["shrink_mask"]
        cbn = self.text_loss(preds["cbn_maps"][:, 0], target, mask) if "cbn_maps" in preds else paddle.zeros([])
        losses = {
            "loss": text + threshold + binary + cbn,
            "loss_shrink_maps": text,
            "loss_threshold_maps": threshold,
            "loss_binary_maps": binary,
            "loss_cbn": cbn,
        }
        for key, weight in self.aux_weights.items():
            if weight > 0 and key in preds:
                losses[f"loss_{key}"] = sum(self._parts(preds[key], batch))
                losses["loss"] = losses["loss"] + weight * losses[f"loss_{key}"]
        return losses

    def _parts(self, maps: Tensor, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the losses of the text, threshold and binary maps, with their factors."""
        text, threshold, binary = maps.unbind(axis=1)
        target, mask = batch["shrink_map"], batch["shrink_mask"]
        return (
            self.alpha * self.text_loss(text, target, mask),
            self.beta * self.threshold_loss(threshold, batch["threshold_map"], batch["threshold_mask"]),
            self.binary_loss(binary, target, mask),
        )
