"""CTC probabilities to texts."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from ppocr.codecs.ctc import CTCCodec, best_path, word_box
from ppocr.postprocess.base import PostProcess
from ppocr.postprocess.dictionary import DICTIONARY_ARGUMENTS
from ppocr.registry import POSTPROCESSES
from ppocr.results import Recognition


@POSTPROCESSES.register("CTCLabelDecode")
class CTCLabelDecode(PostProcess):
    """Reads the best path of CTC probabilities.

    Args:
        codec: of the branch; filled in.
    """

    requires = ("ctc",)
    dimensions = (3,)
    result = Recognition
    arguments = DICTIONARY_ARGUMENTS
    codec_class = CTCCodec
    _positions = False

    def with_positions(self) -> CTCLabelDecode:
        """Return the variant whose results have `positions`."""
        made = copy.copy(self)
        made._positions = True
        return made

    def __call__(self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None) -> list[Recognition]:
        """Decode a batch.

        Args:
            preds: `ctc` float [B, T, C], probabilities.
            batch: unused.

        Returns:
            One for each image.
        """
        ids, best = best_path(preds["ctc"])
        read = self.codec.decode(ids, best)
        if not self._positions:
            return [Recognition(*each) for each in read]
        return [Recognition(text, sure, middles) for (text, sure), middles in zip(read, self.codec.middles(ids))]

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
