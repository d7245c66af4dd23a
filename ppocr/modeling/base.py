"""What every part of a network declares."""

from __future__ import annotations

from typing import Any

from ppocr.declarations import Declared, Filled


class NetworkPart(Declared):
    """A transform, backbone, neck or head of a network; each is also a `paddle.nn.Layer`.

    Args:
        in_channels: channels of what the part before gives, or a list of them; filled in.

    Attributes:
        out_channels: channels of what this part gives, or a list of them; not of a head.
        size_multiple: height and width of images must be multiples of this.
        fixed_size: whether images of another width than those of the configuration cannot be taken.
    """

    out_channels: Any
    size_multiple: int = 1
    fixed_size: bool = False

    def __init__(self, in_channels: Filled[Any] = None) -> None:
        super().__init__()

    def fuse(self) -> None:
        """Turn into a simpler layer with the same outputs, before an export."""
