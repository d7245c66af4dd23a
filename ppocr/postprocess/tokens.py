"""Predictions of autoregressive decoders to texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.codecs.tokens import TokenCodec
from ppocr.declarations import Filled
from ppocr.postprocess.base import PostProcess
from ppocr.postprocess.dictionary import DICTIONARY_ARGUMENTS
from ppocr.registry import POSTPROCESSES
from ppocr.results import Recognition

SYMBOLS = re.compile(r"[^A-Za-z0-9\u4e00-\u9fa5]")


class TokenLabelDecode(PostProcess):
    """Decodes the token ids an autoregressive head predicts, or the most probable ones of its probabilities.

    Args:
        codec: of the branch; filled in.
    """

    dimensions: tuple[int, ...] = (2, 3)
    result = Recognition
    arguments = DICTIONARY_ARGUMENTS
    codec_class: type[TokenCodec]

    def __call__(self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None) -> list[Recognition]:
        """Decode a batch.

        Args:
            preds: the key in `requires`: probabilities float [B, T, C], or token ids int [B, T] with their
                probabilities float [B, T] under the same key and "_probs".
            batch: unused.

        Returns:
            One for each image.
        """
        key = self.requires[0]
        found = preds[key]
        if found.ndim == 2:
            read = self.codec.decode(found, preds[f"{key}_probs"])
        else:
            ids = found.argmax(axis=2)
            read = self.codec.decode(ids, np.take_along_axis(found, ids[..., None], axis=2)[..., 0])
        return [Recognition(*each) for each in read]


@POSTPROCESSES.register()
class NRTRLabelDecode(TokenLabelDecode):
    """Decodes what an NRTR head predicts; see TokenLabelDecode."""

    requires = ("nrtr",)
    accepts = ("nrtr_probs",)
    codec_class = NRTRCodec


@POSTPROCESSES.register()
class SARLabelDecode(TokenLabelDecode):
    """Decodes what a SAR head predicts; see TokenLabelDecode.

    Args:
        codec: of the branch; filled in.
        rm_symbol: leave out all but Latin letters, made lower case, digits and Chinese.
    """

    requires = ("sar",)
    from_global = ("rm_symbol",)
    codec_class = SARCodec

    def __init__(self, codec: Filled[SARCodec], rm_symbol: bool = False) -> None:
        super().__init__(codec)
        self.rm_symbol = rm_symbol

    def inference_config(self) -> dict[str, Any]:
        """Return the arguments that build this decoder again without any file."""
        return {**super().inference_config(), **({"rm_symbol": True} if self.rm_symbol else {})}

    def __call__(self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None) -> list[Recognition]:
        """Decode a batch; see TokenLabelDecode."""
        texts = super().__call__(preds, batch)
        if not self.rm_symbol:
            return texts
        return [Recognition(SYMBOLS.sub("", found.text.lower()), found.confidence) for found in texts]
