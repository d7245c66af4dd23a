"""Predictions of autoregressive decoders to texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.codecs.tokens import TokenCodec
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.config.ranges import TextDirection
from ppocr.postprocess.base import PostProcess
from ppocr.postprocess.dictionary import DICTIONARY_ARGUMENTS
from ppocr.registry import POSTPROCESSES
from ppocr.results import Recognition

SYMBOLS = re.compile(r"[^A-Za-z0-9\u4e00-\u9fa5]")


class TokenLabelDecode(PostProcess):
    """Decodes the token ids an autoregressive head predicts, or the most probable ones of its probabilities.

    Args:
        character_dict_path: dictionary; None for digits and lower-case letters.
        use_space_char: whether the space is a class of its own behind the dictionary's; of no effect without one.
        text_direction: see `CTCCodec.from_options`.
        character_dict: the entries of the dictionary themselves, as `inference.yml` holds them; the path is not
            read then.
    """

    dimensions: tuple[int, ...] = (2, 3)
    result = Recognition
    arguments = DICTIONARY_ARGUMENTS
    from_global: tuple[str, ...] = ("character_dict_path", "use_space_char", "text_direction")
    codec_class: type[TokenCodec]

    def __init__(
        self,
        character_dict_path: str | None = None,
        use_space_char: bool = False,
        text_direction: TextDirection | None = None,
        character_dict: Sequence[str] | None = None,
    ) -> None:
        if character_dict is None:
            self.codec = self.codec_class.from_options(character_dict_path, use_space_char, text_direction)
        else:
            vocabulary = Vocabulary.of(character_dict, use_space_char)
            self.codec = self.codec_class(vocabulary, text_direction or "ltr")

    def inference_config(self) -> dict[str, Any]:
        """Return the arguments that build this decoder again without any file."""
        characters, space = list(self.codec.vocabulary.characters), self.codec.vocabulary.space
        return {
            "use_space_char": space,
            "text_direction": self.codec.text_direction,
            "character_dict": characters[:-1] if space else characters,
        }

    @property
    def classes(self) -> int:
        """Number of classes a head needs."""
        return self.codec.num_classes

    @property
    def predicted_classes(self) -> int | None:
        """Number of classes predictions have a probability for, None where predictions are token ids."""
        return self.codec.num_classes - len(self.codec.hidden)

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
    predicted_classes = None


@POSTPROCESSES.register()
class SARLabelDecode(TokenLabelDecode):
    """Decodes what a SAR head predicts; see TokenLabelDecode.

    Args:
        character_dict_path: see TokenLabelDecode.
        use_space_char: see TokenLabelDecode.
        text_direction: see TokenLabelDecode.
        character_dict: see TokenLabelDecode.
        rm_symbol: leave out all but Latin letters, made lower case, digits and Chinese.
    """

    requires = ("sar",)
    from_global = (*TokenLabelDecode.from_global, "rm_symbol")
    codec_class = SARCodec

    def __init__(
        self,
        character_dict_path: str | None = None,
        use_space_char: bool = False,
        text_direction: TextDirection | None = None,
        character_dict: Sequence[str] | None = None,
        rm_symbol: bool = False,
    ) -> None:
        super().__init__(character_dict_path, use_space_char, text_direction, character_dict)
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
