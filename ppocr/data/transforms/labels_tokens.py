"""Label encoders of decoders that write one character after another, alone and beside CTC."""

from __future__ import annotations

import numpy as np

from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.codecs.tokens import TOKENS, TokenCodec
from ppocr.config.ranges import Length, Oov, TextDirection
from ppocr.data.transforms.base import Sample
from ppocr.data.transforms.labels import CTCLabelEncode, RecLabelEncode
from ppocr.errors import ConfigError, SampleError
from ppocr.registry import TRANSFORMS
from ppocr.suggestions import did_you_mean


class TokenLabelEncode(RecLabelEncode):
    """Turn a text into start token, class numbers, end token and padding.

    Args:
        max_text_length: the length of the label array: two more than the most characters a text may have.
        character_dict_path: file of one character a line; None for digits and lower-case letters.
        use_space_char: add the space to the characters.
        text_direction: see CTCLabelEncode.
        oov: see CTCLabelEncode.
    """

    codec: TokenCodec
    codec_class: type[TokenCodec]

    def __init__(
        self,
        max_text_length: Length = 25,
        character_dict_path: str | None = None,
        use_space_char: bool = False,
        text_direction: TextDirection | None = None,
        oov: Oov = "drop",
    ) -> None:
        codec = self.codec_class.from_options(character_dict_path, use_space_char, text_direction)
        super().__init__(codec, max_text_length, oov)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `label` (str) by int64 [max_text_length] and add `length`, the number of characters in it.

        Raises:
            SampleError: "empty_label", "too_long" or "out_of_dictionary".
            PpocrError: a character outside the dictionary where `oov` is "error".
        """
        text = sample["label"]
        sample["text"] = self.codec.reference(text)  # what a perfect reading would decode to
        if self._lenient:
            ids = self.codec.encode(text)[: self.max_text_length - TOKENS]
        else:
            ids = self._encode_strictly(text, sample)
            check_room(len(ids), self.max_text_length)
        sample["label"] = self.codec.padded(ids, self.max_text_length)
        sample["length"] = np.array(len(ids), np.int64)
        return sample


@TRANSFORMS.register()
class NRTRLabelEncode(TokenLabelEncode):
    """Turn a text into the class numbers of NRTR; see `NRTRCodec` and TokenLabelEncode."""

    codec_class = NRTRCodec


@TRANSFORMS.register()
class SARLabelEncode(TokenLabelEncode):
    """Turn a text into the class numbers of SAR; see `SARCodec` and TokenLabelEncode."""

    codec_class = SARCodec


@TRANSFORMS.register()
class MultiLabelEncode(CTCLabelEncode):
    """Turn a text into one label for CTC and one for the head that guides it in training.

    Args:
        max_text_length: the length of both label arrays: two more than the most characters a text may have.
        character_dict_path: file of one character a line; None for digits and lower-case letters.
        use_space_char: add the space to the characters.
        text_direction: see CTCLabelEncode.
        oov: see CTCLabelEncode.
        gtc_encode: the encoder of the second label, which is then `label_gtc`; SARLabelEncode and `label_sar` when
            not given.

    Raises:
        ConfigError: no such encoder.
    """

    provides: tuple[str, ...] = ("label_ctc", "label_sar", "label_gtc", "length")

    def __init__(
        self,
        max_text_length: Length = 25,
        character_dict_path: str | None = None,
        use_space_char: bool = False,
        text_direction: TextDirection | None = None,
        oov: Oov = "drop",
        gtc_encode: str | None = None,
    ) -> None:
        super().__init__(max_text_length, character_dict_path, use_space_char, text_direction, oov)
        self.guide = "label_sar" if gtc_encode is None else "label_gtc"
        self.provides = ("label_ctc", self.guide, "length")
        name = gtc_encode or "SARLabelEncode"
        codec_class = getattr(TRANSFORMS.find(name), "codec_class", None)
        if codec_class is None:
            known = [n for n in TRANSFORMS.names() if hasattr(TRANSFORMS.get(n), "codec_class")]
            near = did_you_mean(name, known) or f"; known: {', '.join(known)}"
            raise ConfigError(f"MultiLabelEncode.gtc_encode: {name!r} is no encoder of a second label{near}")
        self.guide_codec: TokenCodec = codec_class.from_options(
            character_dict_path, use_space_char, self.codec.text_direction
        )

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `label` (str) by `label_ctc` and `label_sar` or `label_gtc`, int64 [max_text_length], and `length`.

        Raises:
            SampleError: as CTCLabelEncode and TokenLabelEncode.
            PpocrError: as CTCLabelEncode.
        """
        text = sample["label"]
        ids = self.guide_codec.encode(text)
        if not self._lenient and text:
            check_room(len(ids), self.max_text_length)
        sample = super().__call__(sample)
        sample["label_ctc"] = sample.pop("label")
        sample[self.guide] = self.guide_codec.padded(ids, self.max_text_length)
        return sample


def check_room(characters: int, length: int) -> None:
    """Raise SampleError unless a label array holds so many characters between its two tokens."""
    if characters > length - TOKENS:
        raise SampleError(
            "too_long",
            f"{characters} characters and {TOKENS} tokens; Global.max_text_length is {length}, "
            f"needs {characters + TOKENS}",
        )
