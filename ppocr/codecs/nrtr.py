"""Text to the token ids of NRTR and back (https://arxiv.org/abs/1806.00926)."""

from __future__ import annotations

from ppocr.codecs.tokens import TokenCodec

NEVER = ""  # upstream: one class more is embedded and predicted, which no label holds; checkpoints have it


class NRTRCodec(TokenCodec):
    """Padding, unknown, start and end stand before the characters: class 4 + i is the i-th of them."""

    before = ("blank", "<unk>", "<s>", "</s>")
    padding_id = 0
    start_id = 2
    end_id = 3

    @property
    def input_names(self) -> tuple[str, ...]:
        """What the entries of an embedding and the predicted classes stand for, in order."""
        return (*self.classes, NEVER)
