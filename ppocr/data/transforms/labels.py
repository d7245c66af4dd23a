"""Encoders of text labels into the arrays a loss reads; the rules of each alphabet live in `ppocr.codecs`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ppocr.codecs.ctc import CTCCodec
from ppocr.codecs.text import TextCodec
from ppocr.config.ranges import Length, Oov
from ppocr.data.transforms.base import Context, Sample, Transform
from ppocr.declarations import Filled
from ppocr.errors import PpocrError, SampleError
from ppocr.registry import TRANSFORMS


class RecLabelEncode(Transform):
    """What encoders of text labels have in common: what training refuses, and that evaluation refuses nothing.

    Args:
        codec: turns characters into class indices.
        max_text_length: the most characters a text may have.
        oov: what to do with characters outside the dictionary: "drop" them and note it on the sample,
            "skip" the sample, or "error" to end the run.
    """

    needs = ("label",)
    provides: tuple[str, ...] = ("label", "length")
    label_only = True
    from_global: tuple[str, ...] = ("max_text_length", "oov")

    def __init__(self, codec: Filled[TextCodec], max_text_length: int, oov: Oov) -> None:
        self.codec = codec
        self.max_text_length = max_text_length
        self.oov = oov
        self._lenient = False

    def for_evaluation(self) -> Transform:
        """Return the lenient variant: too much is cut off, the unknown dropped, nothing refused."""
        return self.with_changes(_lenient=True)

    def _encode_strictly(self, text: str, sample: Sample) -> list[int]:
        if not text:
            raise SampleError("empty_label", "the label has no text")
        ids = self.codec.encode(text)
        self._check_room(text, ids)
        if len(ids) < len(text):
            self._report_unknown(text, sample)
        if not ids:
            raise SampleError("empty_label", f"the dictionary has no character of {text!r}")
        return ids

    def _check_room(self, text: str, ids: Sequence[int]) -> None:
        """Raise SampleError unless the label array holds the characters."""
        if len(text) > self.max_text_length:
            raise SampleError(
                "too_long",
                f"{len(text)} characters; Global.max_text_length is {self.max_text_length}, needs {len(text)}",
            )

    def _report_unknown(self, text: str, sample: Sample) -> None:
        unknown = self.codec.unknown(text)
        if not unknown:
            return
        if self.oov == "skip":
            raise SampleError("out_of_dictionary", unknown)
        if self.oov == "error":
            raise PpocrError(
                f"the dictionary lacks {unknown!r} of the label {text!r}",
                "add them to Global.character_dict_path, or set oov to drop or skip",
            )
        sample.setdefault("notes", []).append(("out_of_dictionary", unknown))


@TRANSFORMS.register()
class CTCLabelEncode(RecLabelEncode):
    """Turn a text into class indices for CTC, and refuse in training what CTC cannot learn.

    Args:
        codec: of the branch; filled in.
        max_text_length: the most characters a text may have; the length of the label array.
        oov: what to do with characters outside the dictionary: "drop" them and note it on the sample,
            "skip" the sample, or "error" to end the run.

    Attributes:
        max_steps: time steps of the network's output, None where unknown; from the context.
        pixels_per_step: image width of one step, None where unknown; from the context.
        with_ace: also make `label_ace`, the count of each class; where something later asks for it.
    """

    wants_time_steps = True
    codec_class = CTCCodec

    def __init__(self, codec: Filled[CTCCodec], max_text_length: Length = 25, oov: Oov = "drop") -> None:
        super().__init__(codec, max_text_length, oov)
        self.max_steps: int | None = None
        self.pixels_per_step: float | None = None
        self.with_ace = False

    def compiled(self, context: Context) -> Transform:
        """Return the variant that refuses what needs more than the time steps, and makes `label_ace` where it is kept.

        `label_ace` is an array as long as the dictionary.
        """
        made = self.with_changes()
        made.with_ace = any("label_ace" in getattr(t, "keep_keys", ()) for t in context.after)
        without = tuple(key for key in self.provides if key != "label_ace")
        made.provides = (*without, "label_ace") if made.with_ace else without
        if context.time_steps is not None:
            made.max_steps, made.pixels_per_step = context.time_steps, context.pixels_per_step
        return made

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `label` (str) by int64 [max_text_length], zero padded, and add `length` and, if asked, `label_ace`.

        Raises:
            SampleError: "empty_label", "too_long", "out_of_dictionary" or "ctc_infeasible".
            PpocrError: a character outside the dictionary where `oov` is "error".
        """
        text = sample["label"]
        sample["text"] = self.codec.reference(text)  # what a perfect reading would decode to
        ids = self.codec.encode(text)[: self.max_text_length] if self._lenient else self._encode_strictly(text, sample)
        label = np.zeros(self.max_text_length, np.int64)
        label[: len(ids)] = ids
        sample["label"] = label
        sample["length"] = np.array(len(ids), np.int64)
        if self.with_ace:
            # upstream: the padding counts as class 0
            sample["label_ace"] = np.bincount(label, minlength=self.codec.num_outputs).astype(np.int64)
        return sample

    def _encode_strictly(self, text: str, sample: Sample) -> list[int]:
        ids = super()._encode_strictly(text, sample)
        if self.max_steps is not None and self.codec.required_steps(ids) > self.max_steps:
            raise SampleError("ctc_infeasible", self._too_few_steps(self.codec.required_steps(ids)))
        return ids

    def _too_few_steps(self, steps: int) -> str:
        message = f"needs {steps} time steps, the network gives {self.max_steps}"
        if self.pixels_per_step is None:
            return message
        return f"{message}; an image width of {math.ceil(steps * self.pixels_per_step)} would hold it"
