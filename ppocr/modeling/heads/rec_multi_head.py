"""CTC with an auxiliary head that trains the backbone and is left out of what is exported.

The method is guided training of CTC, GTC (https://arxiv.org/abs/2002.01276); the auxiliary head is SAR in PP-OCRv3 and
NRTR in PP-OCRv4 (https://arxiv.org/abs/2206.03001).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import paddle
from paddle import nn
from paddle.nn.initializer import TruncatedNormal
from pydantic import Field

from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.codecs.tokens import ClassTable
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.config.ranges import Depth, Length
from ppocr.declarations import Counted, Filled
from ppocr.errors import ConfigError
from ppocr.modeling.heads.base import Head
from ppocr.modeling.heads.rec_ctc_head import CTCHead
from ppocr.modeling.heads.rec_nrtr_head import Transformer
from ppocr.modeling.heads.rec_sar_head import SARHead
from ppocr.registry import HEADS, NECKS, Typed, Unknown, listed, parameters, typed_or_unknown

HEIGHT = 3  # of the feature map of backbones that give a sequence of its rows, see use_pool
POSITIONS = 80  # columns with a learnt position embedding, see use_pos
WIDTH_OF_A_HEAD = 32
MEMBERS = ("CTCHead", "SARHead", "NRTRHead")
DECODERS: dict[str, Any] = {"CTCHead": CTCHead, "SARHead": SARHead, "NRTRHead": Transformer}
FILLED = ("in_channels", "out_channels", "encoder_type")


@dataclass
class NRTRBranch:
    """The keys of `NRTRHead` in `head_list`.

    Args:
        nrtr_dim: width, a multiple of 32.
        max_text_length: longest text.
        num_decoder_layers: blocks of the decoder.
    """

    nrtr_dim: Annotated[int, Field(ge=32, le=65_536)] = 256
    max_text_length: Length = 25
    num_decoder_layers: Depth = 4


class FCTranspose(nn.Layer):
    """Linear layer from [B, C, T] to [B, T, C']."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(in_channels, out_channels, bias_attr=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.fc(x.transpose([0, 2, 1]))


class AddPos(nn.Layer):
    """Adds a learnt position embedding to a sequence of at most `POSITIONS` steps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dec_pos_embed = self.create_parameter([1, POSITIONS, width], default_initializer=TruncatedNormal(std=0.02))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x + self.dec_pos_embed[:, : x.shape[1]]


@HEADS.register(scope="rec")
class MultiHead(Head):
    """A CTC head, and in training a SAR or NRTR head on the same features.

    Args:
        in_channels: channels of the feature map.
        head_list: `[{"CTCHead": {"Neck": {"name": encoder, ...}, "Head": {...}}}, {"SARHead": {...}}]`, the second
            `{"NRTRHead": {"nrtr_dim", "max_text_length", "num_decoder_layers"}}` instead.
        out_channels_list: classes by the name of each head's decoder.
        use_pool: the features are the rows of a map three pixels high, [B, 3 W, C]; it is pooled to one pixel here.
        use_pos: the auxiliary head has a learnt position embedding of the columns.

    Raises:
        ConfigError: no CTC head, no auxiliary head, or an unknown head or key.
    """

    outputs = ("ctc",)

    def __init__(
        self,
        in_channels: Filled[int],
        head_list: Sequence[Mapping[str, Any]],
        out_channels_list: Counted[Mapping[str, int]],
        use_pool: bool = False,
        use_pos: bool = False,
    ) -> None:
        super().__init__()
        members = _members(head_list)
        ctc = members.pop("CTCHead")
        self.in_channels = in_channels
        self.pool = nn.AvgPool2D([HEIGHT, 2], [HEIGHT, 2]) if use_pool else None
        neck = dict(ctc.get("Neck") or {"name": "reshape"})
        spec = {**neck, "encoder_type": neck["name"], "name": "SequenceEncoder"}
        self.ctc_encoder = NECKS.build(spec, "rec", in_channels=in_channels)
        classes = out_channels_list[CTCHead.decoder_name]
        head = {"name": "CTCHead", **(ctc.get("Head") or {})}
        self.ctc_head = HEADS.build(head, "rec", in_channels=self.ctc_encoder.out_channels, out_channels=classes)
        self.auxiliary_head, options = next(iter(members.items()))
        classes = out_channels_list[DECODERS[self.auxiliary_head].decoder_name]
        if self.auxiliary_head == "SARHead":
            spec = {"name": "SARHead", **options}
            self.sar_head = HEADS.build(spec, "rec", in_channels=in_channels, out_channels=classes)
            self.targets = ("label_sar", "valid_ratio")
            self.train_outputs = ("ctc_neck", "sar")
        else:
            self._build_nrtr(options, classes, use_pos)
            self.targets = ("label_gtc", "length")
            self.train_outputs = ("ctc_neck", "gtc")

    def _build_nrtr(self, options: Mapping[str, Any], classes: int, use_pos: bool) -> None:
        branch = NRTRBranch(**options)
        width = branch.nrtr_dim
        positions = [AddPos(width)] if use_pos else []
        self.before_gtc = nn.Sequential(nn.Flatten(2), FCTranspose(self.in_channels, width), *positions)
        self.gtc_head = Transformer(
            width,
            classes,
            d_model=width,
            nhead=width // WIDTH_OF_A_HEAD,
            num_encoder_layers=0,
            num_decoder_layers=branch.num_decoder_layers,
            max_len=branch.max_text_length,
            dim_feedforward=width * 4,
        )

    @staticmethod
    def decoders(head: Mapping[str, Any]) -> list[str]:
        """Return the decoders whose class counts `out_channels_list` holds, given the section."""
        return [DECODERS[name].decoder_name for name in _members(head["head_list"])]

    def class_tables(self, classes: Sequence[str]) -> dict[str, ClassTable]:
        """Return what the parameters with an entry for each class hold; `classes` are those of CTC."""
        characters = Vocabulary(tuple(classes[1:]))
        found = {"ctc_head": self.ctc_head.class_tables(classes)}
        if self.auxiliary_head == "SARHead":
            found["sar_head"] = self.sar_head.class_tables(SARCodec(characters).classes)
        else:
            found["gtc_head"] = self.gtc_head.class_tables(NRTRCodec(characters).classes)
        return {f"{head}.{name}": table for head, tables in found.items() for name, table in tables.items()}

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[Unknown | Typed]:
        """Yield the unknown heads and keys inside the values."""
        for i, name, options in listed(values.get("head_list")):
            place = ("head_list", i, name)
            if name not in MEMBERS:
                yield Unknown(place, list(MEMBERS), "class")
            elif isinstance(options, dict):
                yield from _unknown_options(place, name, options)

    def forward(self, x: paddle.Tensor, batch: Mapping[str, paddle.Tensor] | None = None) -> dict[str, paddle.Tensor]:
        """Return `ctc` [B, T, classes]: logits in training, probabilities in evaluation.

        Args:
            x: feature map [B, in_channels, 1, T], or as `use_pool` says.
            batch: in training `label_sar` and `valid_ratio`, or `label_gtc` and `length`.

        Returns:
            In training also `ctc_neck`, the input of the CTC head, and the auxiliary head's logits, `sar` or `gtc`.
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
        if self.auxiliary_head == "SARHead":
            targets = {"label": batch["label_sar"], "valid_ratio": batch["valid_ratio"]}
            preds["sar"] = self.sar_head(x, targets)["sar"]
        else:
            targets = {"label": batch["label_gtc"], "length": batch["length"]}
            preds["gtc"] = self.gtc_head(self.before_gtc(x), targets)["nrtr"]
        return preds


def _members(head_list: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the options of each head by name, CTC's first.

    Raises:
        ConfigError: not CTC and one auxiliary head.
    """
    members = {name: options or {} for member in head_list for name, options in member.items()}
    if len(members) != 2 or "CTCHead" not in members or not set(members) <= set(MEMBERS):
        found = ", ".join(members) or "nothing"
        raise ConfigError(f"MultiHead.head_list: CTCHead and one of SARHead and NRTRHead are needed, not {found}")
    return {name: members[name] for name in MEMBERS if name in members}


def _unknown_options(place: tuple[str | int, ...], name: str, options: Mapping[str, Any]) -> Iterator[Unknown | Typed]:
    """Yield the unknown keys of one head's options."""
    if name == "CTCHead":
        parts = {"Neck": (_keys(NECKS.get("SequenceEncoder", "rec")), ("name",)), "Head": (_keys(CTCHead), ())}
        yield from typed_or_unknown(place, options, {}, parts)
        for key, (accepted, extra) in parts.items():
            yield from typed_or_unknown((*place, key), options.get(key), accepted, extra)
    else:
        yield from typed_or_unknown(place, options, _keys(NRTRBranch if name == "NRTRHead" else SARHead))


def _keys(cls: type) -> dict[str, inspect.Parameter]:
    return {key: parameter for key, parameter in parameters(cls)[0].items() if key not in FILLED}
