"""What a loss declares."""

from __future__ import annotations

from collections.abc import Mapping

from paddle import Tensor, nn

from ppocr.declarations import Declared


class Loss(Declared, nn.Layer):
    """What training minimises.

    Attributes:
        requires: keys of the predictions it cannot do without.
        accepts: keys of predictions it reads where they are given.
        needs: keys of the batch.
    """

    requires: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the loss as `loss`, a scalar, and its parts by their names.

        Args:
            preds: predictions, float32.
            batch: labels.
        """
        raise TypeError(f"{type(self).__name__} does not implement forward")
