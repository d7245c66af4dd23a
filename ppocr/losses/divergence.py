"""How far the predictions of two models lie apart; p and q are probabilities, `student` and `teacher` logits."""

from __future__ import annotations

from typing import Literal

import paddle
import paddle.nn.functional as F
from paddle import Tensor

EPSILON = 1e-5  # upstream: added inside and outside the quotient
TINY = 1e-10
CTC_TEMPERATURE = 0.5
CTC_EPSILON = 1e-6
EXCLUDED = 1000.0  # taken from the logit of a class that shall have no probability
Activation = Literal["softmax", "sigmoid"]
DISTANCES = {"l1": F.l1_loss, "l2": F.mse_loss, "smooth_l1": F.smooth_l1_loss}  # Huber's has a threshold of 1


def relative_entropy(p: Tensor, log_q: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of p from q, summed, by the samples of the batch: a scalar."""
    return (p * (paddle.log(p + TINY) - log_q)).sum() / p.shape[0]


def symmetric(p: Tensor, q: Tensor) -> Tensor:
    """Return the mean of the Kullback-Leibler divergences both ways, [B], averaged over the last two axes.

    Args:
        p: float32 [B, X, Y].
        q: as `p`.
    """
    # upstream: the factor 1 sets the order in which gradients are summed, and so their last digit
    one_way, other_way = (b * paddle.log((1 * b + EPSILON) / (a + EPSILON) + EPSILON) for a, b in ((p, q), (q, p)))
    return (0.5 * one_way + 0.5 * other_way).mean(axis=[1, 2])


def mutual(one: Tensor, other: Tensor, act: Activation | None = None, use_log: bool = False) -> Tensor:
    """Return the divergence of two models that learn from each other (Zhang et al., CVPR 2018).

    Args:
        one: float32 [B, X, Y].
        other: as `one`.
        act: what turns predictions into probabilities; None where they are.
        use_log: Kullback-Leibler divergence both ways, summed over everything but the batch, a scalar; else
            `symmetric`, [B].
    """
    if act is not None:
        activation = F.softmax if act == "softmax" else F.sigmoid
        one, other = activation(one) + TINY, activation(other) + TINY
    if not use_log:
        return symmetric(one, other)
    return (relative_entropy(other, paddle.log(one)) + relative_entropy(one, paddle.log(other))) / 2


def from_teacher(student: Tensor, teacher: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the divergence of a teacher's distribution from the student's (Hinton et al., 2015).

    Args:
        student: float32 [B, T, C].
        teacher: as `student`.
        mask: bool [B T].

    Returns:
        A scalar: the sum by the samples, or with a mask the mean over the steps it keeps.
    """
    p, log_q = F.softmax(teacher, axis=-1), F.log_softmax(student, axis=-1)
    if mask is None:
        return relative_entropy(p, log_q)
    steps = (p * (paddle.log(p + TINY) - log_q)).flatten(0, 1).sum(axis=1)
    return steps.masked_select(mask).mean()


def decoupled(
    student: Tensor, teacher: Tensor, target: Tensor, *, temperature: float, alpha: float, beta: float
) -> Tensor:
    """Return the loss of decoupled distillation: the target class against the rest, and the rest among itself.

    Args:
        student: float32 [B, T, C].
        teacher: as `student`.
        target: int64 [B, T] or [B T], token ids.
        temperature: of the softmax.
        alpha: weight of the first.
        beta: weight of the second.

    Returns:
        A scalar: the mean over all steps.

    Source: Zhao et al., CVPR 2022 (https://arxiv.org/abs/2203.08679).
    """
    student, teacher = student.flatten(0, 1) / temperature, teacher.flatten(0, 1) / temperature
    is_target = F.one_hot(target.flatten(), num_classes=student.shape[-1])
    q, p = (
        paddle.stack([(each * is_target).sum(axis=1), (each * (1 - is_target)).sum(axis=1)], axis=1)
        for each in (F.softmax(student, axis=1), F.softmax(teacher, axis=1))
    )
    target_part = relative_entropy(p, paddle.log(q))
    student, teacher = (logits - EXCLUDED * is_target for logits in (student, teacher))
    other_part = relative_entropy(F.softmax(teacher, axis=1), F.log_softmax(student, axis=1))
    return (alpha * target_part + beta * other_part) * temperature**2


def of_means(student: Tensor, teacher: Tensor, blank_id: int) -> Tensor:
    """Return the divergence of the mean distributions over all steps of two CTC heads, a scalar.

    Args:
        student: logits, float32 [B, T, C].
        teacher: as `student`.
        blank_id: token id of the blank.
    """
    # upstream: the blank's logit changes its sign, for what comes after this loss as well; here for this one alone
    sign = 1.0 - 2.0 * F.one_hot(paddle.to_tensor(blank_id), num_classes=student.shape[-1])
    q, p = (F.softmax(logits * sign / CTC_TEMPERATURE, axis=-1).mean(axis=1) for logits in (student, teacher))
    loss = p * paddle.log((p + CTC_EPSILON) / (q + CTC_EPSILON) + CTC_EPSILON)
    return loss.sum() / loss.shape[0]
