"""Text to the class numbers of SAR and back (https://arxiv.org/abs/1811.00751)."""

from __future__ import annotations

from ppocr.codecs.tokens import TokenCodec

SPECIAL = ("<UKN>", "<BOS/EOS>", "<PAD>")


class SARCodec(TokenCodec):
    """Unknown, one token for start and end, and padding stand behind the characters: class i is the i-th of them.

    Args:
        vocabulary: the characters.
        text_direction: see `CTCCodec`.
    """

    def _layout(self, characters: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        self.start_id = self.end_id = len(characters) + 1
        self.padding_id = len(characters) + 2
        self.hidden = (self.padding_id,)
        return 0, (*characters, *SPECIAL)
