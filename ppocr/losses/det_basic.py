"""Losses between probability maps, shared by detectors.

In all of them `pred`, `target` and `mask` are float32 of one shape; where the mask is 0 a pixel does not count.
"""

from __future__ import annotations

from typing import Literal

import paddle
import paddle.nn.functional as F
from paddle import Tensor

EPSILON = 1e-6  # keeps the divisions defined where the maps or the mask are empty


def dice_loss(pred: Tensor, target: Tensor, mask: Tensor, eps: float = EPSILON) -> Tensor:
    """Return one minus the overlap of two maps, a scalar, 0 to 1 (Milletari et al., 3DV 2016)."""
    target = target * mask
    overlap = (pred * target).sum()
    return 1.0 - 2.0 * overlap / ((pred * mask).sum() + target.sum() + eps)


def mask_l1_loss(pred: Tensor, target: Tensor, mask: Tensor, eps: float = EPSILON) -> Tensor:
    """Return the mean absolute difference, a scalar."""
    return ((pred - target).abs() * mask).sum() / (mask.sum() + eps)


def masked_focal_loss(
    pred: Tensor, target: Tensor, mask: Tensor, alpha: float = 0.25, gamma: float = 2.0, eps: float = EPSILON
) -> Tensor:
    """Return the focal loss (Lin et al., ICCV 2017) averaged over the mask, a scalar.

    Args:
        pred: this and the next two: see above.
        target: see above.
        mask: see above.
        alpha: weight of text against background.
        gamma: exponent that lowers the weight of pixels that are nearly right.
        eps: probabilities are kept this far from 0 and 1.
    """
    pred = pred.clip(eps, 1.0 - eps)
    right = pred * target + (1.0 - pred) * (1.0 - target)
    weight = alpha * target + (1.0 - alpha) * (1.0 - target)
    loss = weight * (1.0 - right) ** gamma * F.binary_cross_entropy(pred, target, reduction="none")
    return (loss * mask).sum() / (mask.sum() + eps)


def dice_focal_loss(
    pred: Tensor,
    target: Tensor,
    mask: Tensor,
    *,
    dice_weight: float = 1.0,
    focal_weight: float = 1.0,
    focal_alpha: float = 0.75,
    focal_gamma: float = 2.0,
    eps: float = EPSILON,
) -> Tensor:
    """Return the weighted sum of `dice_loss` and `masked_focal_loss`, a scalar; the last three arguments are theirs."""
    focal = masked_focal_loss(pred, target, mask, focal_alpha, focal_gamma, eps)
    return dice_weight * dice_loss(pred, target, mask, eps) + focal_weight * focal


def balanced_loss(
    pred: Tensor,
    target: Tensor,
    mask: Tensor,
    *,
    balance: bool = True,
    main_loss_type: Literal["DiceLoss", "MaskL1Loss", "BCELoss"] = "DiceLoss",
    negative_ratio: float = 3,
) -> Tensor:
    """Return a loss over all text pixels and the hardest of the background, a scalar (Shrivastava et al., CVPR 2016).

    The hardest are chosen from the whole batch at once, without a copy from the device to the host.

    Args:
        pred: this and the next two: see above.
        target: see above.
        mask: see above.
        balance: false for the main loss as it is; BCE is then averaged over every pixel, masked or not.
        main_loss_type: "DiceLoss", "MaskL1Loss" or "BCELoss". The first two have no value per pixel, so that
            balancing hardly changes them.
        negative_ratio: background pixels taken per text pixel.
    """
    main = {"DiceLoss": dice_loss, "MaskL1Loss": mask_l1_loss}.get(main_loss_type)
    if not balance:
        return F.binary_cross_entropy(pred, target) if main is None else main(pred, target, mask)
    positive = target * mask
    negative = mask - positive
    positives = positive.sum().floor()
    negatives = paddle.minimum(negative.sum(), positives * negative_ratio).floor()
    if main is None:
        losses = F.binary_cross_entropy(pred, target, reduction="none")
        total = (positive * losses).sum() + sum_of_largest(negative * losses, negatives)
    else:
        total = main(pred, target, mask) * (positives + negatives)
    return total / (positives + negatives + EPSILON)


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
