"""Label encoders of decoders that decode one character after another, alone and beside CTC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppocr.codecs.branches import BRANCHES, DEFAULT_ENCODER, second_label
from ppocr.codecs.context import Codecs
from ppocr.codecs.ctc import CTCCodec
from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.codecs.tokens import TOKENS, TokenCodec
from ppocr.config.ranges import Length, Oov
from ppocr.data.transforms.base import Sample, Transform
from ppocr.data.transforms.labels import CTCLabelEncode, RecLabelEncode
from ppocr.declarations import Filled
from ppocr.errors import ConfigError, SampleError
from ppocr.registry import TRANSFORMS
from ppocr.suggestions import did_you_mean

CTC = BRANCHES["ctc"]


class TokenLabelEncode(RecLabelEncode):
    """Turn a text into start token, characters, end token and padding.

    Args:
        codec: of the branch; filled in.
        max_text_length: the length of the label array: two more than the most characters a text may have.
        oov: see CTCLabelEncode.
    """

    codec_class: type[TokenCodec]

    def __init__(self, codec: Filled[TokenCodec], max_text_length: Length = 25, oov: Oov = "drop") -> None:
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
        sample["label"] = self.codec.padded(ids, self.max_text_length)
        sample["length"] = np.array(len(ids), np.int64)
        return sample

    def _check_room(self, text: str, ids: Sequence[int]) -> None:
        if len(ids) > self.max_text_length - TOKENS:
            raise SampleError(
                "too_long",
                f"{len(ids)} characters and {TOKENS} tokens; Global.max_text_length is {self.max_text_length}, "
                f"needs {len(ids) + TOKENS}",
            )
        super()._check_room(text, ids)


@TRANSFORMS.register()
class NRTRLabelEncode(TokenLabelEncode):
    """Turn a text into the token ids of NRTR; see `NRTRCodec` and TokenLabelEncode."""

    codec_class = NRTRCodec


@TRANSFORMS.register()
class SARLabelEncode(TokenLabelEncode):
    """Turn a text into the token ids of SAR; see `SARCodec` and TokenLabelEncode."""

    codec_class = SARCodec


@TRANSFORMS.register()
class MultiLabelEncode(CTCLabelEncode):
    """Turn a text into one label for CTC and one for the auxiliary head.

    Args:
        codec: of the CTC branch; filled in.
        codecs: of both; filled in.
        max_text_length: the length of both label arrays: two more than the most characters a text may have.
        oov: see CTCLabelEncode.
        gtc_encode: the encoder of the second label, which is then `label_gtc`; SARLabelEncode and `label_sar` when
            not given.

    Raises:
        ConfigError: no such encoder.
    """

    provides: tuple[str, ...] = ("label_ctc", "label_sar", "label_gtc", "length")

    def __init__(
        self,
        codec: Filled[CTCCodec],
        codecs: Filled[Codecs],
        max_text_length: Length = 25,
        oov: Oov = "drop",
        gtc_encode: str | None = None,
    ) -> None:
        super().__init__(codec, max_text_length, oov)
        name = gtc_encode or DEFAULT_ENCODER
        if getattr(TRANSFORMS.find(name), "codec_class", None) is None:
            known = [n for n in TRANSFORMS.names() if getattr(TRANSFORMS.get(n), "codec_class", None) is not None]
            near = did_you_mean(name, known) or f"; known: {', '.join(known)}"
            raise ConfigError(f"MultiLabelEncode.gtc_encode: {name!r} is no encoder of a second label{near}")
        self.second = TRANSFORMS.build({"name": name}, None, codecs, max_text_length=max_text_length, oov=oov)
        self.key = second_label(gtc_encode)
        further = [key for key in self.second.provides if key not in ("label", "length")]
        self.provides = (CTC.label, self.key, "length", *further)
        self.label_codecs = {CTC.label: codec, self.key: self.second.codec}

    def for_evaluation(self) -> Transform:
        """Return the lenient variant, see RecLabelEncode."""
        return super().for_evaluation().with_changes(second=self.second.for_evaluation())

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `label` (str) by `label_ctc` and `label_sar` or `label_gtc`, int64 [max_text_length], and `length`.

        Raises:
            SampleError: as CTCLabelEncode and the second encoder.
            PpocrError: as CTCLabelEncode.
        """
        second = self.second({"label": sample["label"]}, rng)
        sample = super().__call__(sample)
        sample[CTC.label] = sample.pop("label")
        sample[self.key] = second.pop("label")
        return {**second, **sample}
