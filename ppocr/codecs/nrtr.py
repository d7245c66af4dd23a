"""Text to the class numbers of NRTR and back (https://arxiv.org/abs/1806.00926)."""

from __future__ import annotations

from ppocr.codecs.tokens import TokenCodec

SPECIAL = ("blank", "<unk>", "<s>", "</s>")


class NRTRCodec(TokenCodec):
    """Padding, unknown, start and end stand before the characters: class 4 + i is the i-th of them.

    Args:
        vocabulary: the characters.
        text_direction: see `CTCCodec`.
    """

    padding_id = 0
    start_id = 2
    end_id = 3

    def _layout(self, characters: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        return len(SPECIAL), (*SPECIAL, *characters)
