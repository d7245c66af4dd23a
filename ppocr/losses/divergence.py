"""How far the predictions of two models lie apart; p and q are probabilities, `student` and `teacher` logits."""

from __future__ import annotations

from typing import Literal

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

EPSILON = 1e-5  # upstream: added inside and outside the quotient
TINY = 1e-10
CTC_TEMPERATURE = 0.5
CTC_EPSILON = 1e-6
EXCLUDED = 1000.0  # taken from the logit of a class that shall have no probability


class KLJSLoss(nn.Layer):
    """Symmetric Kullback-Leibler divergence, or Jensen-Shannon divergence, of each sample.

    Args:
        mode: "kl" or "js".
    """

    def __init__(self, mode: Literal["kl", "js"] = "kl") -> None:
        super().__init__()
        self.mode = mode

    def forward(self, p: Tensor, q: Tensor, reduction: Literal["mean", "sum", "none"] = "mean") -> Tensor:
        """Return [B], the mean or the sum over the last two axes, or, without a reduction, the shape of `p`.

        Args:
            p: float32 [B, X, Y].
            q: as `p`.
            reduction: over the last two axes.
        """
        factor, middle = (2, p + q) if self.mode == "js" else (1, None)
        loss = 0.5 * (self._term(factor * q, p if middle is None else middle, q))
        loss = loss + 0.5 * (self._term(factor * p, q if middle is None else middle, p))
        if reduction == "none":
            return loss
        return loss.mean(axis=[1, 2]) if reduction == "mean" else loss.sum(axis=[1, 2])

    @staticmethod
    def _term(one: Tensor, other: Tensor, weight: Tensor) -> Tensor:
        return weight * paddle.log((one + EPSILON) / (other + EPSILON) + EPSILON)


class DMLLoss(nn.Layer):
    """Divergence of two models that learn from each other (Zhang et al., CVPR 2018).

    Args:
        act: what turns predictions into probabilities; None where they are.
        use_log: Kullback-Leibler divergence both ways, summed over everything but the batch; else `KLJSLoss`.
    """

    def __init__(self, act: Literal["softmax", "sigmoid"] | None = None, use_log: bool = False) -> None:
        super().__init__()
        self.act = act
        self.use_log = use_log
        self.divergence = KLJSLoss()

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Return a scalar with `use_log`, else [B].

        Args:
            one: float32 [B, X, Y].
            other: as `one`.
        """
        if self.act is not None:
            activation = F.softmax if self.act == "softmax" else F.sigmoid
            one, other = activation(one) + TINY, activation(other) + TINY
        if not self.use_log:
            return self.divergence(one, other)
        return (_kl(other, paddle.log(one)) + _kl(one, paddle.log(other))) / 2


def _kl(p: Tensor, log_q: Tensor) -> Tensor:
    """Return the divergence of p from q, summed, by the samples of the batch."""
    return (p * (paddle.log(p + TINY) - log_q)).sum() / p.shape[0]


class DistanceLoss(nn.Layer):
    """Mean distance of two tensors.

    Args:
        mode: absolute, squared, or Huber's with a threshold of 1.
    """

    def __init__(self, mode: Literal["l1", "l2", "smooth_l1"] = "l2") -> None:
        super().__init__()
        self.distance = {"l1": nn.L1Loss, "l2": nn.MSELoss, "smooth_l1": nn.SmoothL1Loss}[mode]()

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Return a scalar."""
        return self.distance(one, other)


class KLDivLoss(nn.Layer):
    """Divergence of a teacher's distribution from the student's (Hinton et al., 2015)."""

    def forward(self, student: Tensor, teacher: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return a scalar: the sum by the samples, or with a mask the mean over the steps it keeps.

        Args:
            student: float32 [B, T, C].
            teacher: as `student`.
            mask: bool [B T].
        """
        p, log_q = F.softmax(teacher, axis=-1), F.log_softmax(student, axis=-1)
        if mask is None:
            return _kl(p, log_q)
        steps = (p * (paddle.log(p + TINY) - log_q)).flatten(0, 1).sum(axis=1)
        return steps.masked_select(mask).mean()


class DKDLoss(nn.Layer):
    """Decoupled distillation: the target class against the rest, and the rest among itself.

    Args:
        temperature: of the softmax.
        alpha: weight of the first.
        beta: weight of the second.

    Source: Zhao et al., CVPR 2022 (https://arxiv.org/abs/2203.08679).
    """

    def __init__(self, temperature: float = 1.0, alpha: float = 1.0, beta: float = 1.0) -> None:
        super().__init__()
        self.temperature, self.alpha, self.beta = temperature, alpha, beta

    def forward(self, student: Tensor, teacher: Tensor, target: Tensor) -> Tensor:
        """Return a scalar: the mean over all steps.

        Args:
            student: float32 [B, T, C].
            teacher: as `student`.
            target: int64 [B, T] or [B T], token ids.
        """
        student, teacher = student.flatten(0, 1) / self.temperature, teacher.flatten(0, 1) / self.temperature
        is_target = F.one_hot(target.flatten(), num_classes=student.shape[-1])
        two_classes = [
            paddle.stack([(p * is_target).sum(axis=1), (p * (1 - is_target)).sum(axis=1)], axis=1)
            for p in (F.softmax(student, axis=1), F.softmax(teacher, axis=1))
        ]
        target_part = _kl(two_classes[1], paddle.log(two_classes[0]))
        student, teacher = (logits - EXCLUDED * is_target for logits in (student, teacher))
        other_part = _kl(F.softmax(teacher, axis=1), F.log_softmax(student, axis=1))
        return (self.alpha * target_part + self.beta * other_part) * self.temperature**2


class CTCLogitsLoss(nn.Layer):
    """Divergence of the mean distributions over all steps of two CTC heads.

    Args:
        blank_id: token id of the blank.
    """

    def __init__(self, blank_id: int) -> None:
        super().__init__()
        self.blank_id = blank_id

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return a scalar.

        Args:
            student: logits, float32 [B, T, C].
            teacher: as `student`.
        """
        # upstream: the blank's logit changes its sign, for what comes after this loss as well; here for this one alone
        sign = 1.0 - 2.0 * F.one_hot(paddle.to_tensor(self.blank_id), num_classes=student.shape[-1])
        q, p = (F.softmax(logits * sign / CTC_TEMPERATURE, axis=-1).mean(axis=1) for logits in (student, teacher))
        loss = p * paddle.log((p + CTC_EPSILON) / (q + CTC_EPSILON) + CTC_EPSILON)
        return loss.sum() / loss.shape[0]
