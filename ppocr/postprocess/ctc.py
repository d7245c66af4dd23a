"""CTC probabilities to texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ppocr.codecs.ctc import CTCCodec, best_path, word_box
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.config.ranges import TextDirection
from ppocr.postprocess.base import PostProcess
from ppocr.postprocess.dictionary import DICTIONARY_ARGUMENTS
from ppocr.registry import POSTPROCESSES
from ppocr.results import Recognition


@POSTPROCESSES.register("CTCLabelDecode")
class CTCLabelDecode(PostProcess):
    """Reads the best path of CTC probabilities.

    Args:
        character_dict_path: dictionary; None for digits and lower-case letters.
        use_space_char: whether the space is a class of its own behind the dictionary's; of no effect without one.
        text_direction: see `CTCCodec.from_options`.
        character_dict: the entries of the dictionary themselves, as `inference.yml` holds them; the path is not
            read then.
    """

    requires = ("ctc",)
    dimensions = (3,)
    result = Recognition
    arguments = DICTIONARY_ARGUMENTS
    from_global = ("character_dict_path", "use_space_char", "text_direction")

    def __init__(
        self,
        character_dict_path: str | None = None,
        use_space_char: bool = False,
        text_direction: TextDirection | None = None,
        character_dict: Sequence[str] | None = None,
    ) -> None:
        if character_dict is None:
            self.codec = CTCCodec.from_options(character_dict_path, use_space_char, text_direction=text_direction)
        else:
            vocabulary = Vocabulary.of(character_dict, use_space_char)
            self.codec = CTCCodec(vocabulary, text_direction=text_direction or "ltr")

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

    def __call__(self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None) -> list[Recognition]:
        """Decode a batch.

        Args:
            preds: `ctc` float [B, T, C], probabilities.
            batch: unused.

        Returns:
            One for each image.
        """
        return [Recognition(*read) for read in self.codec.decode(*best_path(preds["ctc"]))]

    def with_word_boxes(
        self, probs: np.ndarray, wh_ratios: list[float], max_wh_ratio: float
    ) -> list[tuple[str, float, list[Any]]]:
        """Decode with the position of every word.

        Args:
            probs: float [B, T, C].
            wh_ratios: width by height of each image before padding.
            max_wh_ratio: width by height of the padded images.

        Returns:
            (text, confidence, [width in steps, characters per word, steps per word, kind per word]).
        """
        ids, best = best_path(probs)
        texts, steps = self.codec.decode(ids, best), self.codec.positions(ids)
        return [
            (text, confidence, word_box(text, places, ids.shape[1] * ratio / max_wh_ratio))
            for (text, confidence), places, ratio in zip(texts, steps, wh_ratios)
        ]
