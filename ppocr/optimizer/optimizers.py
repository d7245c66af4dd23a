"""Optimizers by their YAML names; each builds Paddle's own with the run's schedule, groups and decay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle
from paddle import nn

from ppocr.config.ranges import Decay, NonNegative, Positive
from ppocr.registry import OPTIMIZERS


class OptimizerSpec:
    """The keys of an `Optimizer` section; `build` makes Paddle's optimizer of them."""

    ignored_keys: tuple[str, ...] = ("weight_deacy",)  # an official misspelling, unused

    def build(self, schedule: Any, groups: Sequence[Any], decay: Any, clip: Any, model: nn.Layer) -> Any:
        """Return Paddle's optimizer.

        Args:
            schedule: the learning rate.
            groups: parameters, or groups of them.
            decay: the regularizer for parameters without one of their own, or None.
            clip: gradient clipping, or None.
            model: the trained network, for the names of its parameters.
        """
        common = {"learning_rate": schedule, "parameters": groups, "grad_clip": clip}
        return self.make(decay=decay, model=model, **common)

    def make(self, *, decay: Any, model: nn.Layer, **common: Any) -> Any:
        """Return Paddle's optimizer from the common arguments and the section's own keys."""
        raise TypeError(f"{type(self).__name__} does not implement make")


@OPTIMIZERS.register("Adam")
class Adam(OptimizerSpec):
    """Adam (Kingma and Ba, ICLR 2015)."""

    def __init__(self, beta1: Decay = 0.9, beta2: Decay = 0.999, epsilon: Positive = 1e-8) -> None:
        self.keys = {"beta1": beta1, "beta2": beta2, "epsilon": epsilon}

    def make(self, *, decay: Any, model: nn.Layer, **common: Any) -> Any:
        """See the base class."""
        return paddle.optimizer.Adam(weight_decay=decay, **self.keys, **common)


@OPTIMIZERS.register("AdamW")
class AdamW(OptimizerSpec):
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).

    Args:
        beta1: decay of the first moment.
        beta2: decay of the second moment.
        epsilon: keeps the division finite.
        weight_decay: decoupled weight decay, as a fraction of a weight per step and unit of learning rate.
        no_weight_decay_name: parts of parameter names, separated by spaces, that do not decay.
        one_dim_param_no_weight_decay: whether vectors (biases, norms) do not decay.
    """

    def __init__(
        self,
        beta1: Decay = 0.9,
        beta2: Decay = 0.999,
        epsilon: Positive = 1e-8,
        weight_decay: NonNegative = 0.01,
        no_weight_decay_name: str | None = None,
        one_dim_param_no_weight_decay: bool = False,
    ) -> None:
        self.keys = {"beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        self.weight_decay = weight_decay
        self.parts = (no_weight_decay_name or "").split()
        self.vectors_keep = one_dim_param_no_weight_decay

    def make(self, *, decay: Any, model: nn.Layer, **common: Any) -> Any:
        """See the base class."""
        # upstream: a regularizer's factor becomes the decoupled decay
        factor = self.weight_decay if decay is None else decay._coeff
        kept = {
            p.name
            for name, p in model.named_parameters()
            if any(part in name for part in self.parts) or (self.vectors_keep and len(p.shape) == 1)
        }
        return paddle.optimizer.AdamW(
            weight_decay=factor, apply_decay_param_fun=lambda name: name not in kept, **self.keys, **common
        )


@OPTIMIZERS.register("Momentum")
class Momentum(OptimizerSpec):
    """Gradient descent with momentum; `weight_decay` is an L2 regularizer."""

    def __init__(self, momentum: Decay = 0.9, weight_decay: NonNegative | None = None) -> None:
        self.momentum = momentum
        self.weight_decay = weight_decay

    def make(self, *, decay: Any, model: nn.Layer, **common: Any) -> Any:
        """See the base class."""
        if decay is None and self.weight_decay is not None:
            decay = paddle.regularizer.L2Decay(self.weight_decay)
        return paddle.optimizer.Momentum(momentum=self.momentum, weight_decay=decay, **common)


@OPTIMIZERS.register("RMSProp")
class RMSProp(OptimizerSpec):
    """RMSProp (Tieleman and Hinton, 2012)."""

    def __init__(self, momentum: Decay = 0.0, rho: Decay = 0.95, epsilon: Positive = 1e-6) -> None:
        self.keys = {"momentum": momentum, "rho": rho, "epsilon": epsilon}

    def make(self, *, decay: Any, model: nn.Layer, **common: Any) -> Any:
        """See the base class."""
        return paddle.optimizer.RMSProp(weight_decay=decay, **self.keys, **common)


@OPTIMIZERS.register("Adadelta")
class Adadelta(OptimizerSpec):
    """Adadelta (Zeiler, 2012)."""

    ignored_keys = ("weight_deacy", "momentum")  # an official configuration has a momentum here; Adadelta has none

    def __init__(self, epsilon: Positive = 1e-8, rho: Decay = 0.95) -> None:
        self.keys = {"epsilon": epsilon, "rho": rho}

    def make(self, *, decay: Any, model: nn.Layer, **common: Any) -> Any:
        """See the base class."""
        return paddle.optimizer.Adadelta(weight_decay=decay, **self.keys, **common)
