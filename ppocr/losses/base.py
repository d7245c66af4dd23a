"""What a loss declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paddle import Tensor, nn

from ppocr.codecs.base import HasCodec
from ppocr.codecs.context import Codecs
from ppocr.declarations import Filled


class Loss(HasCodec, nn.Layer):
    """What training minimises.

    Args:
        codec: of the branch; filled in.
        codecs: where the codecs of losses inside it come from; filled in.

    Attributes:
        requires: keys of the predictions it cannot do without.
        accepts: keys of predictions it reads where they are given.
        needs: keys of the batch.
    """

    requires: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

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
