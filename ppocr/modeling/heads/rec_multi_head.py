"""CTC with an auxiliary head that trains the backbone and is left out of what is exported.

The method is guided training of CTC, GTC (https://arxiv.org/abs/2002.01276); the auxiliary head is SAR in PP-OCRv3 and
NRTR in PP-OCRv4 (https://arxiv.org/abs/2206.03001). `ppocr/codecs/branches.py` says what its branch is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import paddle
from paddle import nn
from paddle.nn.initializer import TruncatedNormal

from ppocr.codecs.base import ClassTable
from ppocr.codecs.branches import BRANCHES, MAIN, branch_of
from ppocr.codecs.context import Codecs
from ppocr.codecs.ctc import CTCCodec
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.heads.base import Head
from ppocr.registry import HEADS, NECKS, Typed, Unknown, listed, parameters, typed_or_unknown

HEIGHT = 3  # of the feature map of backbones that give a sequence of its rows, see use_pool
POSITIONS = 80  # columns with a learnt position embedding, see use_pos
CTC = BRANCHES["ctc"]


class FCTranspose(nn.Layer):
    """Linear layer from [B, C, T] to [B, T, C']."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(in_channels, out_channels, bias_attr=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.fc(x.transpose([0, 2, 1]))


class Transpose(nn.Layer):
    """From [B, C, T] to [B, T, C]."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x.transpose([0, 2, 1])


class AddPos(nn.Layer):
    """Adds a learnt position embedding to a sequence of at most `POSITIONS` steps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dec_pos_embed = self.create_parameter([1, POSITIONS, width], default_initializer=TruncatedNormal(std=0.02))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x + self.dec_pos_embed[:, : x.shape[1]]


@HEADS.register(scope="rec")
class MultiHead(Head):
    """A CTC head, and in training any other head on the same features.

    Args:
        in_channels: channels of the feature map.
        codec: of the CTC branch; filled in.
        codecs: of the heads; filled in.
        head_list: `[{"CTCHead": {"Neck": {"name": encoder, ...}, "Head": {...}}}, {name: keys}]`, the second a
            registered head with its keys, or `{"NRTRHead": {"nrtr_dim", "max_text_length", "num_decoder_layers"}}`.
        use_pool: the features are the rows of a map three pixels high, [B, 3 W, C]; it is pooled to one pixel here.
        use_pos: a head that takes a sequence has a learnt position embedding of the columns in front of it.

    Raises:
        ConfigError: no CTC head, no auxiliary head, or an unknown head or key.
    """

    outputs = (CTC.prediction,)
    codec_class = CTCCodec
    takes = "feature map"

    def __init__(
        self,
        in_channels: Filled[int],
        codec: Filled[CTCCodec],
        codecs: Filled[Codecs],
        head_list: Sequence[Mapping[str, Any]],
        use_pool: bool = False,
        use_pos: bool = False,
    ) -> None:
        super().__init__(codec=codec)
        ctc, (name, options) = _members(head_list)
        self.in_channels = in_channels
        self.pool = nn.AvgPool2D([HEIGHT, 2], [HEIGHT, 2]) if use_pool else None
        neck = dict(ctc.get("Neck") or {"name": "reshape"})
        spec = {**neck, "encoder_type": neck["name"], "name": "SequenceEncoder"}
        self.ctc_encoder = NECKS.build(spec, "rec", in_channels=in_channels)
        spec = {"name": MAIN, **(ctc.get("Head") or {})}
        self.ctc_head = HEADS.build(spec, "rec", codecs, in_channels=self.ctc_encoder.out_channels)
        cls: Any = HEADS.get(name, "rec")
        self.own = cls.outputs[0]
        self.branch = branch_of(self.own)
        width = in_channels
        if self.branch.options is not None:
            translated = self.branch.options(**options)
            width, options = translated.width, translated.head()
        if cls.takes == "sequence":
            positions = [AddPos(width)] if use_pos else []
            flatten = FCTranspose(in_channels, width) if self.branch.options is not None else Transpose()
            setattr(self, self.branch.encoder, nn.Sequential(nn.Flatten(2), flatten, *positions))
        head = HEADS.build({"name": name, **options}, "rec", codecs, in_channels=width)
        setattr(self, self.branch.attribute, head)
        self.label_codecs = {CTC.label: codec, self.branch.label: head.codec}
        self.targets = tuple(self.branch.label if key == "label" else key for key in head.targets)
        self.train_outputs = ("ctc_neck", self.branch.prediction, *head.train_outputs)

    @property
    def auxiliary(self) -> Head:
        """The head beside CTC."""
        return getattr(self, self.branch.attribute)

    def class_tables(self, codec: CTCCodec) -> dict[str, ClassTable]:
        """Return the class table of each parameter with an entry per class, by its name in this head."""
        found = {CTC.attribute: self.ctc_head.class_tables(codec)}
        if self.auxiliary.codec is not None:
            theirs = self.auxiliary.codec.with_vocabulary(codec.vocabulary)
            found[self.branch.attribute] = self.auxiliary.class_tables(theirs)
        return {f"{head}.{name}": table for head, tables in found.items() for name, table in tables.items()}

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[Unknown | Typed]:
        """Yield the unknown heads and keys inside the values."""
        for i, name, options in listed(values.get("head_list")):
            place = ("head_list", i, name)
            if HEADS.find(name, "rec") is None:
                yield Unknown(place, HEADS.names("rec"), "class")
            elif isinstance(options, dict):
                yield from _unknown_options(place, name, options)

    def forward(self, x: paddle.Tensor, batch: Mapping[str, paddle.Tensor] | None = None) -> dict[str, paddle.Tensor]:
        """Return `ctc` [B, T, classes]: logits in training, probabilities in evaluation.

        Args:
            x: feature map [B, in_channels, 1, T], or as `use_pool` says.
            batch: in training what the auxiliary head is trained with, its label under the key of its branch.

        Returns:
            In training also `ctc_neck`, the input of the CTC head, and the auxiliary head's predictions.
        """
        if self.pool is not None:
            # [B, 3 W, C] -> [B, C, 1, W / 2]
            x = self.pool(x.transpose([0, 2, 1]).reshape([0, self.in_channels, HEIGHT, -1]))
        sequence = self.ctc_encoder(x)
        preds = {"ctc": self.ctc_head(sequence)["ctc"]}
        if not self.training:
            return preds
        assert batch is not None
        preds["ctc_neck"] = sequence
        encoder, head = getattr(self, self.branch.encoder, None), self.auxiliary
        features = x if encoder is None else encoder(x)
        wanted = {key: batch[self.branch.label if key == "label" else key] for key in (*head.targets, *head.inputs)}
        found = dict(head(features, wanted) if wanted else head(features))
        return {**preds, self.branch.prediction: found.pop(self.own), **found}


def _members(head_list: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], tuple[str, Mapping[str, Any]]]:
    """Return the options of CTC, and the name and options of the auxiliary head.

    Raises:
        ConfigError: not CTC and one auxiliary head.
    """
    members = {name: options or {} for member in head_list for name, options in member.items()}
    if len(members) != 2 or MAIN not in members:
        found = ", ".join(members) or "nothing"
        raise ConfigError(f"MultiHead.head_list: {MAIN} and one auxiliary head are needed, not {found}")
    ctc = members.pop(MAIN)
    return ctc, next(iter(members.items()))


def _unknown_options(place: tuple[str | int, ...], name: str, options: Mapping[str, Any]) -> Iterator[Unknown | Typed]:
    """Yield the unknown keys of one head's options."""
    cls: Any = HEADS.get(name, "rec")
    if name == MAIN:
        encoder = NECKS.section_keys(NECKS.get("SequenceEncoder", "rec"))
        del encoder["encoder_type"]
        parts = {"Neck": (encoder, ("name",)), "Head": (HEADS.section_keys(cls), ())}
        yield from typed_or_unknown(place, options, {}, parts)
        for key, (accepted, extra) in parts.items():
            yield from typed_or_unknown((*place, key), options.get(key), accepted, extra)
    else:
        translated: Any = branch_of(cls.outputs[0]).options
        keys = HEADS.section_keys(cls) if translated is None else parameters(translated)[0]
        yield from typed_or_unknown(place, options, keys)
