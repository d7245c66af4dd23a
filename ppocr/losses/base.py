"""What a loss declares."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from paddle import Tensor, nn

from ppocr.codecs.base import Codec
from ppocr.codecs.context import Codecs
from ppocr.declarations import Declared, Filled


class Loss(Declared, nn.Layer):
    """What training minimises.

    Args:
        codec: of the branch; filled in.
        codecs: where the codecs of losses inside it come from; filled in.

    Attributes:
        requires: keys of the predictions it cannot do without.
        accepts: keys of predictions it reads where they are given.
        needs: keys of the batch.
        codec_class: of its constructor's `codec`.
        codec: of the branch whose label is `label`.
        label_codecs: of a loss with several branches, their codecs by the keys of their labels.
    """

    requires: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    codec_class: type[Codec] | None = None
    codec: Any = None
    label_codecs: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, codec: Filled[Any] = None, codecs: Filled[Codecs | None] = None) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the loss as `loss`, a scalar, and its parts by their names.

        Args:
            preds: predictions, float32.
            batch: labels.
        """
        raise TypeError(f"{type(self).__name__} does not implement forward")
