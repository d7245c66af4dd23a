"""What a post-processing declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ppocr.arguments import Argument
from ppocr.codecs.base import HasCodec
from ppocr.declarations import Filled
from ppocr.results import Result


class PostProcess(HasCodec):
    """Turns predictions, numpy arrays, into one typed result per image.

    Args:
        codec: of the branch that is decoded; filled in.

    Attributes:
        requires: keys of the predictions it cannot do without.
        accepts: keys of predictions it reads where they are given.
        needs: keys of the batch.
        result: type of the results.
        arguments: of the predicting commands, which overrule the constructor's; only folders that name it take them.
        dimensions: how many dimensions the first required prediction may have.
        models: names of the models whose results it gives as `OfModels`; () where a result is that of the one model.
    """

    requires: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    result: type[Result]
    arguments: tuple[Argument, ...] = ()
    models: tuple[str, ...] = ()
    dimensions: tuple[int, ...] = ()

    def __init__(self, codec: Filled[Any] = None) -> None:
        self.codec = codec

    def for_model(self, name: str) -> PostProcess:
        """Return the post-processing of one model, which knows nothing of others.

        Args:
            name: of the model; "" where there is one alone.
        """
        return self

    def with_positions(self) -> PostProcess:
        """Return the variant whose results say where each character is, if the algorithm knows that."""
        return self

    def inference_config(self) -> dict[str, Any]:
        """Return the constructor's arguments that build this again without any file, for `inference.yml`."""
        return {} if self.codec is None else self.codec.options()

    def __call__(self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None) -> list[Any]:
        """Return one result per image.

        Args:
            preds: predictions by name.
            batch: what `needs` names.
        """
        raise TypeError(f"{type(self).__name__} does not implement __call__")
