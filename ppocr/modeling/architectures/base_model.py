"""A network of four parts in a row: transform, backbone, neck, head."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import paddle
from paddle import nn

from ppocr.config.types import Mismatch, convert
from ppocr.errors import ConfigError
from ppocr.failures import inside
from ppocr.registry import BACKBONES, HEADS, NECKS, NETWORK_TRANSFORMS, Registry, parameters
from ppocr.utils.memory import available_bytes

FLOAT_BYTES = 4
GB = 1e9
PARTS = (
    ("Transform", "transform", NETWORK_TRANSFORMS),
    ("Backbone", "backbone", BACKBONES),
    ("Neck", "neck", NECKS),
    ("Head", "head", HEADS),
)


def build_model(architecture: Mapping[str, Any]) -> BaseModel:
    """Build the network of an `Architecture` section.

    Args:
        architecture: the section, the head's class count filled in.

    Raises:
        ConfigError: an unknown class or key, or parts that do not fit together.
    """
    with within_memory(available_bytes()):
        return BaseModel(architecture)


@contextmanager
def within_memory(limit: int | None) -> Iterator[None]:
    """Refuse a network whose parameters do not fit into memory before they are allocated.

    Args:
        limit: bytes; None: unknown, nothing is refused.

    Raises:
        ConfigError: the parameters made in here take more.
    """
    create = nn.Layer.create_parameter
    total = 0

    def counted(self: nn.Layer, shape: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal total
        total += math.prod(int(side) for side in shape) * FLOAT_BYTES
        if limit is not None and total > limit:
            raise ConfigError(
                f"its parameters take more than {total / GB:.1f} GB, and {limit / GB:.1f} GB of memory are free",
                "make it narrower",
            )
        return create(self, shape, *args, **kwargs)

    # Paddle has no hook for this; every layer makes its parameters and running statistics with this method
    nn.Layer.create_parameter = counted
    try:
        yield
    finally:
        nn.Layer.create_parameter = create


class BaseModel(nn.Layer):
    """Transform -> backbone -> neck -> head; a part the section leaves out is None.

    The attribute names `transform`, `backbone`, `neck` and `head` are the file format of checkpoints.

    Args:
        architecture: `model_type`, the sections `Transform`, `Backbone`, `Neck`, `Head` (each may be absent or
            null), `in_channels` (3) and `return_all_feats` (false).
    """

    def __init__(self, architecture: Mapping[str, Any]) -> None:
        super().__init__()
        scope = architecture["model_type"]
        self.return_all_feats = bool(architecture.get("return_all_feats", False))
        channels, source = architecture.get("in_channels", 3), "the image"
        for section, attribute, registry in PARTS:
            spec = architecture.get(section)
            part = None
            if spec:
                if channels is None:
                    raise ConfigError(
                        f"Architecture.{section}: {source} does not say how many channels it gives",
                        "set self.out_channels in its __init__",
                    )
                with inside(f"Architecture.{section}"):
                    part = _build_part(registry, spec, scope, channels, source)
                channels, source = getattr(part, "out_channels", None), spec["name"]
            setattr(self, attribute, part)

    def forward(self, x: paddle.Tensor, batch: Mapping[str, Any] | None = None) -> dict[str, paddle.Tensor]:
        """Return the predictions by name.

        Args:
            x: images, float32 [B, C, H, W].
            batch: the whole batch; heads with `targets` or `inputs` pick theirs by name.
        """
        features = {}
        for name in ("transform", "backbone", "neck"):
            part = getattr(self, name)
            if part is not None:
                x = part(x)
                features[f"{name}_out"] = x
        if self.head is None:
            return features
        wants_batch = getattr(self.head, "targets", ()) or getattr(self.head, "inputs", ())
        preds = self.head(x, batch) if wants_batch else self.head(x)
        if not self.return_all_feats:
            return preds
        features.pop("transform_out", None)
        # `head_out` is the prediction under the name that distillation losses use for it.
        return {**features, "head_out": preds[next(iter(preds))], **preds}

    def exportables(self) -> dict[str, nn.Layer]:
        """Return what export writes, by the name of its sub-folder; "" is the output folder itself."""
        return {"": self}


def _build_part(registry: Registry, spec: Mapping[str, Any], scope: str, channels: Any, source: str) -> nn.Layer:
    """Build one part; a class that takes any keyword is given `in_channels` among them."""
    accepted, any_key = parameters(registry.get(spec["name"], scope))
    wanted = accepted.get("in_channels")
    if wanted is not None and wanted.annotation is not wanted.empty:
        try:
            convert(channels, wanted.annotation)
        except Mismatch as error:
            gives = f"{len(channels)} feature maps" if isinstance(channels, (list, tuple)) else "one feature map"
            raise ConfigError(
                f"{spec['name']} does not go behind {source}, which gives {gives}: in_channels is {channels}, {error}",
                "is a part missing between the two, such as Architecture.Neck?",
            ) from error
    if any_key:
        spec = {**spec, "in_channels": channels}
    return registry.build(spec, scope, in_channels=channels)
