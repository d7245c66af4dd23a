"""Losses between probability maps, shared by detectors.

In all of them `pred`, `target` and `mask` are float32 of one shape; where the mask is 0 a pixel does not count.
"""

from __future__ import annotations

from typing import Any, Literal

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn


class MapLoss(nn.Layer):
    """Base of the losses that divide by a sum of pixels.

    Args:
        eps: keeps the division defined where the sum is zero.
    """

    def __init__(self, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps


class DiceLoss(MapLoss):
    """One minus the overlap of two maps (Milletari et al., 3DV 2016).

    Args:
        eps: keeps the division defined where both maps are empty.
    """

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Return a scalar, 0 to 1."""
        target = target * mask
        overlap = (pred * target).sum()
        return 1.0 - 2.0 * overlap / ((pred * mask).sum() + target.sum() + self.eps)


class MaskL1Loss(MapLoss):
    """Mean absolute difference.

    Args:
        eps: keeps the division defined where the mask is empty.
    """

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Return a scalar."""
        return ((pred - target).abs() * mask).sum() / (mask.sum() + self.eps)


class MaskedFocalLoss(MapLoss):
    """Focal loss (Lin et al., ICCV 2017) averaged over the mask.

    Args:
        alpha: weight of text against background.
        gamma: exponent that lowers the weight of pixels that are nearly right.
        eps: probabilities are kept this far from 0 and 1.
    """

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, eps: float = 1e-6) -> None:
        super().__init__(eps)
        self.alpha = alpha
        self.gamma = gamma

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Return a scalar."""
        pred = pred.clip(self.eps, 1.0 - self.eps)
        right = pred * target + (1.0 - pred) * (1.0 - target)
        weight = self.alpha * target + (1.0 - self.alpha) * (1.0 - target)
        loss = weight * (1.0 - right) ** self.gamma * F.binary_cross_entropy(pred, target, reduction="none")
        return (loss * mask).sum() / (mask.sum() + self.eps)


class DiceFocalLoss(nn.Layer):
    """Weighted sum of `DiceLoss` and `MaskedFocalLoss`, whose arguments it takes.

    Args:
        dice_weight: factor of the first.
        focal_weight: factor of the second.
        focal_alpha: its `alpha`.
        focal_gamma: its `gamma`.
        eps: of both.
    """

    def __init__(
        self,
        dice_weight: float = 1.0,
        focal_weight: float = 1.0,
        focal_alpha: float = 0.75,
        focal_gamma: float = 2.0,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.dice_weight = dice_weight
        self.focal_weight = focal_weight
        self.dice = DiceLoss(eps)
        self.focal = MaskedFocalLoss(focal_alpha, focal_gamma, eps)

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Return a scalar."""
        return self.dice_weight * self.dice(pred, target, mask) + self.focal_weight * self.focal(pred, target, mask)


class BalanceLoss(MapLoss):
    """A loss over all text pixels and the hardest of the background (Shrivastava et al., CVPR 2016).

    The hardest are chosen from the whole batch at once, without a copy from the device to the host.

    Args:
        balance_loss: false for the main loss as it is.
        main_loss_type: "DiceLoss", "MaskL1Loss" or "BCELoss". The first two have no value per pixel, so that
            balancing hardly changes them.
        negative_ratio: background pixels taken per text pixel.
        eps: keeps the divisions defined.
    """

    def __init__(
        self,
        balance_loss: bool = True,
        main_loss_type: Literal["DiceLoss", "MaskL1Loss", "BCELoss"] = "DiceLoss",
        negative_ratio: float = 3,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(eps)
        whole: dict[str, Any] = {"DiceLoss": DiceLoss, "MaskL1Loss": MaskL1Loss}
        self.main: nn.Layer | None = whole[main_loss_type](eps) if main_loss_type in whole else None
        self.balance_loss = balance_loss
        self.negative_ratio = negative_ratio

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Return a scalar; without balancing, BCE is averaged over every pixel, masked or not."""
        if not self.balance_loss:
            return F.binary_cross_entropy(pred, target) if self.main is None else self.main(pred, target, mask)
        positive = target * mask
        negative = mask - positive
        positives = positive.sum().floor()
        negatives = paddle.minimum(negative.sum(), positives * self.negative_ratio).floor()
        if self.main is None:
            losses = F.binary_cross_entropy(pred, target, reduction="none")
            total = (positive * losses).sum() + sum_of_largest(negative * losses, negatives)
        else:
            total = self.main(pred, target, mask) * (positives + negatives)
        return total / (positives + negatives + self.eps)


def sum_of_largest(values: Tensor, count: Tensor) -> Tensor:
    """Return the sum of the `count` largest values; the gradient of equal ones at the border is shared among them.

    Args:
        values: any shape, none negative.
        count: a scalar, whole, at most the number of values; stays on the device.
    """
    values = values.flatten()
    ordered = paddle.sort(values.detach(), descending=True)
    border = paddle.gather(ordered, (count - 1.0).clip(min=0.0).astype("int64").reshape([1]))
    above = (values > border).astype(values.dtype)
    equal = (values == border).astype(values.dtype)
    left = (count - above.sum()) / equal.sum()  # the share of the equal ones that still counts
    return (values * (above + equal * left) * (count > 0).astype(values.dtype)).sum()
