"""CTC probabilities to texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ppocr.codecs.ctc import CTCCodec, best_path, word_box
from ppocr.registry import POSTPROCESSES


@POSTPROCESSES.register("CTCLabelDecode")
class CTCLabelDecode:
    """Reads the best path of CTC probabilities.

    Args:
        character_dict_path: dictionary; None for digits and lower-case letters.
        use_space_char: whether the space is a class of its own behind the dictionary's.
        text_direction: see `CTCCodec.from_options`.
    """

    reads = ("ctc",)
    needs: tuple[str, ...] = ()
    from_global = ("character_dict_path", "use_space_char", "text_direction")
    ignored_keys: tuple[str, ...] = ()

    def __init__(
        self,
        character_dict_path: str | None = None,
        use_space_char: bool = False,
        text_direction: str | None = None,
    ) -> None:
        self.codec = CTCCodec.from_options(character_dict_path, use_space_char, text_direction=text_direction)

    @property
    def classes(self) -> int:
        """Number of classes a head needs."""
        return self.codec.num_classes

    def __call__(
        self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """Decode a batch.

        Args:
            preds: `ctc` float [B, T, C], probabilities.
            batch: not read.

        Returns:
            (text, confidence) per image.
        """
        return self.codec.decode(*best_path(preds["ctc"]))

    def with_word_boxes(
        self, probs: np.ndarray, wh_ratios: list[float], max_wh_ratio: float
    ) -> list[tuple[str, float, list[Any]]]:
        """Decode with the place of every word.

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
