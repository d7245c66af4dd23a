"""Text to the token ids of SAR and back (https://arxiv.org/abs/1811.00751)."""

from __future__ import annotations

from ppocr.codecs.tokens import TokenCodec
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.config.ranges import TextDirection

UNKNOWN, ENDS, PADDING = "<UKN>", "<BOS/EOS>", "<PAD>"


class SARCodec(TokenCodec):
    """Unknown, one token for start and end, and padding stand behind the characters: class i is the i-th of them.

    Args:
        vocabulary: the characters.
        text_direction: see `TextCodec`.
    """

    behind = (UNKNOWN, ENDS, PADDING)

    def __init__(self, vocabulary: Vocabulary, text_direction: TextDirection = "ltr") -> None:
        super().__init__(vocabulary, text_direction)
        _, self.end_id, self.padding_id = range(len(vocabulary.characters), len(self.classes))
        self.start_id = self.end_id
        self.hidden = (self.padding_id,)

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the predicted classes stand for, in order; padding is never predicted."""
        return self.classes[: self.padding_id]
