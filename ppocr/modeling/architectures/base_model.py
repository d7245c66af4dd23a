"""A network of four parts in a row: transform, backbone, neck, head."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import paddle
from paddle import nn

from ppocr.codecs.base import ClassTable
from ppocr.codecs.context import Codecs
from ppocr.config.types import Mismatch, convert
from ppocr.errors import ConfigError
from ppocr.failures import inside
from ppocr.modeling.architectures.base import Architecture
from ppocr.registry import (
    ARCHITECTURES,
    BACKBONES,
    HEADS,
    NECKS,
    NETWORK_TRANSFORMS,
    POSTPROCESSES,
    Registry,
    parameters,
)
from ppocr.utils.memory import available_bytes

DEFAULT = "BaseModel"
DECLARED_BY_THE_LAST_PART = ("targets", "inputs", "outputs", "train_outputs", "logits", "classes", "codec")
FLOAT_BYTES = 4
GB = 1e9
PARTS = {"Transform": NETWORK_TRANSFORMS, "Backbone": BACKBONES, "Neck": NECKS, "Head": HEADS}


def build_model(architecture: Mapping[str, Any], codecs: Codecs | None = None) -> Architecture:
    """Build the network of an `Architecture` section; its `name` says which kind, a `BaseModel` where there is none.

    Args:
        architecture: the section.
        codecs: of the configuration; None: the head's section says how many classes there are.

    Raises:
        ConfigError: an unknown class or key, or parts that do not fit together.
    """
    with within_memory(available_bytes()):
        return build_network(architecture, codecs)


def build_network(architecture: Mapping[str, Any], codecs: Codecs | None = None) -> Architecture:
    """Build the network of a section, or one of several in it; see `build_model`, which looks at memory too."""
    return ARCHITECTURES.get(architecture.get("name") or DEFAULT)(architecture, codecs)


def placeholder_codecs(head: Mapping[str, Any]) -> Codecs:
    """Return codecs of as many classes as a head's section says in `out_channels` or `out_channels_list`."""
    sizes: dict[Any, int] = {None: head["out_channels"]} if "out_channels" in head else {}
    for decoder, count in (head.get("out_channels_list") or {}).items():
        sizes[getattr(POSTPROCESSES.get(decoder), "codec_class", None)] = count
    return Codecs(sizes=sizes)


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


@ARCHITECTURES.register()
class BaseModel(Architecture):
    """Transform -> backbone -> neck -> head; a part the section leaves out is None.

    Its last part declares what it needs and gives. The attribute names `transform`, `backbone`, `neck` and `head` are
    the file format of checkpoints.

    Args:
        architecture: `model_type`, the sections `Transform`, `Backbone`, `Neck`, `Head` (each may be absent or
            null), `in_channels` (3) and `return_all_feats` (false).
        codecs: where the codec of the head comes from; None: its section says how many classes there are.
    """

    part_sections = PARTS

    def __init__(self, architecture: Mapping[str, Any], codecs: Codecs | None = None) -> None:
        super().__init__()
        scope = architecture["model_type"]
        codecs = codecs or placeholder_codecs(architecture.get("Head") or {})
        self.return_all_feats = bool(architecture.get("return_all_feats", False))
        channels, source = architecture.get("in_channels", 3), "the image"
        for section, registry in PARTS.items():
            spec = architecture.get(section)
            part = None
            if spec:
                if channels is None:
                    raise ConfigError(
                        f"Architecture.{section}: {source} does not say how many channels it gives",
                        "set self.out_channels in its __init__",
                    )
                with inside(f"Architecture.{section}"):
                    part = _build_part(registry, spec, scope, codecs, channels, source)
                channels, source = getattr(part, "out_channels", None), spec["name"]
            setattr(self, section.lower(), part)
        for name in DECLARED_BY_THE_LAST_PART:
            setattr(self, name, getattr(self.last_part, name, getattr(self, name)))
        if self.return_all_feats:
            features = [f"{name}_out" for name in ("backbone", "neck", "head") if getattr(self, name) is not None]
            self.outputs = (*self.outputs, *features)
        self.size_multiple = max((part.size_multiple for part in self.parts().values() if part is not None), default=1)
        self.fixed_size = any(getattr(layer, "fixed_size", False) for layer in self.sublayers())

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
        preds = self.head(x, batch) if self.targets or self.inputs else self.head(x)
        if not self.return_all_feats:
            return preds
        features.pop("transform_out", None)
        # `head_out` is the prediction under the name that distillation losses use for it.
        return {**features, "head_out": preds[next(iter(preds))], **preds}

    def parts(self) -> dict[str, Any]:
        """Return the parts by the key of their section; None where one is left out."""
        return {section: getattr(self, section.lower()) for section in PARTS}

    @property
    def last_part(self) -> Any:
        """The head, or the last part of a network without one."""
        return next((part for part in reversed(self.parts().values()) if part is not None), self)

    def class_tables(self, codec: Any) -> dict[str, ClassTable]:
        """Return what the head's parameters with an entry for each class hold, by their names; see the base class."""
        if self.head is None:
            return {}
        return {f"head.{name}": table for name, table in self.head.class_tables(codec).items()}

    def parameter_groups(self, section: Mapping[str, Any], rate: float) -> list[dict[str, Any]] | None:
        """Return the head's; see the base class."""
        return None if self.head is None else self.head.parameter_groups(self, section, rate)


def _build_part(
    registry: Registry, spec: Mapping[str, Any], scope: str, codecs: Codecs, channels: Any, source: str
) -> nn.Layer:
    """Build one part; a class that takes any keyword is given what the builder knows among them."""
    accepted, any_key = parameters(registry.get(spec["name"], scope))
    wanted = accepted.get("in_channels")
    if wanted is not None:
        try:
            convert(channels, wanted.annotation)
        except Mismatch as error:
            gives = f"{len(channels)} feature maps" if isinstance(channels, (list, tuple)) else "one feature map"
            raise ConfigError(
                f"{spec['name']} does not go behind {source}, which gives {gives}: in_channels is {channels}, {error}",
                "is a part missing between the two, such as Architecture.Neck?",
            ) from error
    known = {"in_channels": channels}
    if registry is HEADS and codecs.decoder is not None:
        known["out_channels"] = codecs.decoder.num_outputs
    return registry.build({**spec, **known} if any_key else spec, scope, codecs, **known)
