"""Mixed precision: autocast, loss scaling and what to say when the hardware cannot do it."""

from __future__ import annotations

import contextlib
import warnings
from typing import Annotated, Any

import numpy as np
import paddle
from paddle import Tensor, nn
from pydantic import BeforeValidator
from typing_extensions import TypedDict

from ppocr.config.sections import GlobalSection
from ppocr.engine.log import get_logger
from ppocr.engine.structure import NonNegative, require
from ppocr.errors import PpocrError

SCALE_FLOOR = 1e-3  # a loss scale below this means every step overflows


_one = BeforeValidator(lambda value: value.item() if isinstance(value, np.ndarray) and value.size == 1 else value)
_Scaling = Annotated[bool | NonNegative, _one]


class MixedPrecision:
    """Runs forward passes in a lower precision, scales the loss and skips steps whose gradients overflow.

    Args:
        settings: the `Global` section: `use_amp`, `scale_loss` (which only float16 needs) and what else begins with
            `amp`; O1 computes matrix products in low precision, O2 all but normalisation.
    """

    def __init__(self, settings: GlobalSection) -> None:
        asked = settings.use_amp and settings.amp_level != "O0"
        self.level, self.dtype = settings.amp_level, settings.amp_dtype
        self.enabled = asked and takes_effect(self.dtype)
        self._white, self._black = settings.amp_custom_white_list, settings.amp_custom_black_list
        scaling, dynamic = self.enabled and self.dtype == "float16", settings.use_dynamic_loss_scaling
        self.dynamic = scaling and dynamic
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on a CPU the scaler says that it is off, which is what we asked for
            self.scaler = paddle.amp.GradScaler(
                enable=scaling, init_loss_scaling=float(settings.scale_loss), use_dynamic_loss_scaling=dynamic
            )
        if asked and not self.enabled:
            get_logger().warning(
                f"mixed precision has no effect: PaddlePaddle {paddle.__version__} computes {self.dtype} on "
                f"{paddle.device.get_device()} in float32; training goes on in float32"
            )

    def decorate(self, model: nn.Layer, optimizer: Any) -> tuple[nn.Layer, Any]:
        """Turn the parameters to low precision for O2, keeping float32 master copies in the optimizer."""
        if not (self.enabled and self.level == "O2"):
            return model, optimizer
        return paddle.amp.decorate(
            models=model, optimizers=optimizer, level="O2", dtype=self.dtype, master_weight=True, save_dtype="float32"
        )

    def autocast(self) -> Any:
        """Return the context forward passes run in."""
        if not self.enabled:
            return contextlib.nullcontext()
        return paddle.amp.auto_cast(
            custom_white_list=self._white or None,
            custom_black_list=self._black or None,
            level=self.level,
            dtype=self.dtype,
        )

    def backward(self, loss: Tensor) -> None:
        """Back-propagate a loss, scaled."""
        self.scaler.scale(loss).backward()

    def step(self, optimizer: Any) -> None:
        """Update the weights, unless the scaled gradients overflowed."""
        self.scaler.step(optimizer)
        self.scaler.update()
        optimizer.clear_grad()

    @property
    def scale(self) -> float | None:
        """The loss scale now, None where none is used."""
        state = self.state()
        return float(state["scale"]) if "scale" in state else None

    def check_scale(self) -> None:
        """Stop a run whose every step overflows.

        Raises:
            PpocrError: the scale fell below the floor.
        """
        scale = self.scale if self.dynamic else None
        if scale is not None and scale < SCALE_FLOOR:
            raise PpocrError(
                f"the loss scale fell to {scale:g}: gradients overflow {self.dtype} at every step",
                "use Global.amp_dtype=bfloat16, a lower learning rate, or Global.use_amp=false",
            )

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        state = self.scaler.state_dict()
        return {k: v.numpy() if isinstance(v, Tensor) else v for k, v in state.items()}

    def load(self, state: dict[str, Any]) -> None:
        """Take over a checkpoint's state.

        Raises:
            CheckpointError: it is malformed; nothing is changed.
        """
        if state and self.scaler.is_enable():
            kind = TypedDict("kind", dict.fromkeys(self.scaler.state_dict(), _Scaling))  # type: ignore[misc]
            require(state, kind, "the loss scale of the checkpoint")
            self.scaler.load_state_dict(state)


def takes_effect(dtype: str) -> bool:
    """Return whether autocast changes the type of a matrix product on this device."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with paddle.no_grad(), paddle.amp.auto_cast(level="O1", dtype=dtype):
            product = paddle.matmul(paddle.ones([2, 2]), paddle.ones([2, 2]))
    return product.dtype != paddle.float32
