"""The declarations of every part of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ppocr.declarations import Declared, Filled


class NetworkPart(Declared):
    """A transform, backbone, neck or head of a network; each is also a `paddle.nn.Layer`.

    Args:
        in_channels: channels of the previous part's output, or a list of them; filled in.

    Attributes:
        out_channels: channels of this part's output, or a list of them; not of the last part.
        gives: "sequence" [B, T, C] or "feature map" [B, C, H, W] where the next part must know; not of the last part.
        targets: batch keys read in training; read of the last part, as the next four are.
        inputs: batch keys also read in evaluation and prediction.
        outputs: keys of the predictions in evaluation, and in training too.
        train_outputs: keys of further predictions in training.
        logits: keys of evaluation's predictions before their sigmoid, which export compares where float32 rounds.
        size_multiple: height and width of images must be multiples of this.
        fixed_size: whether images of another width than those of the configuration cannot be taken.
        fuse: turns the part into a simpler layer with the same outputs before an export; absent where nothing fuses.
    """

    out_channels: Any
    gives: str = ""
    targets: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    train_outputs: tuple[str, ...] = ()
    logits: tuple[str, ...] = ()
    size_multiple: int = 1
    fixed_size: bool = False
    fuse: Callable[[], None]

    def __init__(self, in_channels: Filled[Any] = None) -> None:
        super().__init__()
