"""What a head declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from paddle import nn

from ppocr.declarations import Counted, Filled
from ppocr.modeling.base import NetworkPart

if TYPE_CHECKING:
    from ppocr.codecs.tokens import ClassTable


class Head(NetworkPart, nn.Layer):
    """The last part of a network: features in, predictions by name out.

    A head with `targets` or `inputs` is called as `head(x, batch)`, others as `head(x)`; both return a dict of tensors.

    Args:
        in_channels: channels of the features, or a list of them; filled in.
        out_channels: classes; filled in.
        out_channels_list: classes by the name of a decoder; filled in.

    Attributes:
        classes: how many classes the head has where its own section says so, else None.
    """

    classes: int | None = None

    def __init__(
        self,
        in_channels: Filled[Any] = None,
        out_channels: Counted[int | None] = None,
        out_channels_list: Counted[Mapping[str, int] | None] = None,
    ) -> None:
        super().__init__()

    def class_tables(self, classes: Sequence[str]) -> dict[str, ClassTable]:
        """Return what the parameters with an entry for each class hold, by their names in this head.

        Args:
            classes: names of the classes, those that are no character included.
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
