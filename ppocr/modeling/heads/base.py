"""What a head declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paddle import nn

from ppocr.codecs.base import ClassTable, HasCodec
from ppocr.codecs.context import Codecs
from ppocr.declarations import Counted, Filled
from ppocr.modeling.base import NetworkPart


class Head(NetworkPart, HasCodec, nn.Layer):
    """The last part of a network: features in, predictions by name out.

    A head with `targets` or `inputs` is called as `head(x, batch)`, others as `head(x)`; both return a dict of tensors.

    Args:
        in_channels: channels of the features, or a list of them; filled in.
        codec: of the branch; filled in.
        codecs: where the codecs of parts inside the head come from; filled in.
        out_channels: how many classes are predicted; filled in. Of a head with a codec, the section may say instead
            how many classes the codec has, for networks built without a dictionary.
        out_channels_list: how many classes codecs have, by the names of their decoders, in such a section.

    Attributes:
        classes: how many classes the head has where its own section says so, else None.
        takes: "sequence" [B, T, C] or "feature map" [B, C, H, W]; "" where another form of features is read.
    """

    classes: int | None = None
    takes: str = ""

    def __init__(
        self,
        in_channels: Filled[Any] = None,
        codec: Filled[Any] = None,
        codecs: Filled[Codecs | None] = None,
        out_channels: Counted[int | None] = None,
        out_channels_list: Counted[Mapping[str, int] | None] = None,
    ) -> None:
        super().__init__()
        self.codec = codec

    def class_tables(self, codec: Any) -> dict[str, ClassTable]:
        """Return the class table of each parameter with an entry per class, by its name in this head.

        Asked of heads with a codec, to match the classes of a checkpoint by character.

        Args:
            codec: that of this head, or the same over other classes.
        """
        return {}

    def parameter_groups(self, model: nn.Layer, section: Mapping[str, Any], rate: float) -> list[dict[str, Any]] | None:
        """Return the optimizer's parameter groups where the algorithm trains some parameters otherwise, else None.

        Args:
            model: the whole network.
            section: `Optimizer` of the configuration.
            rate: the learning rate after the warm-up.
        """
        return None
