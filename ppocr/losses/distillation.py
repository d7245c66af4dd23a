"""Losses of networks made of several models: of each model against the labels, and between pairs of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import paddle
import paddle.nn.functional as F
from paddle import Tensor

from ppocr.codecs.branches import branch_of
from ppocr.codecs.context import Codecs
from ppocr.codecs.ctc import CTCCodec
from ppocr.codecs.nrtr import NRTRCodec
from ppocr.config.ranges import NonNegative, Positive, Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.losses.base import Loss
from ppocr.losses.det_basic import BalanceLoss, DiceLoss
from ppocr.losses.divergence import CTCLogitsLoss, DistanceLoss, DKDLoss, DMLLoss, KLDivLoss
from ppocr.predictions import prefixed, select
from ppocr.registry import LOSSES

MAPS = {"thrink_maps": 0, "threshold_maps": 1, "binary_maps": 2}  # upstream: the first is spelt so
TEACHER_THRESHOLD = 0.3
SHRINK_WEIGHT = 5.0
DB_KEYS = ("balance_loss", "main_loss_type", "alpha", "beta", "ohem_ratio", "eps")  # upstream: not passed on


class OfEachModel(Loss):
    """A loss of each of several models, added up; a subclass says which.

    Args:
        codecs: of the loss; filled in.
        model_name_list: the models.
        key: "head_out".
        multi_head: the models have a `MultiHead`, whose branch of this loss has keys of its own.

    Attributes:
        loss_name: YAML name of the loss.
    """

    loss_name: ClassVar[str]

    def __init__(
        self,
        codecs: Filled[Codecs],
        model_name_list: Sequence[str],
        key: Literal["head_out"] | None = None,
        multi_head: bool = False,
    ) -> None:
        self._of(codecs, model_name_list, multi_head, {})

    def _of(self, codecs: Codecs, models: Sequence[str], multi_head: bool, options: Mapping[str, Any]) -> None:
        """Build the loss with options of its own."""
        loss = LOSSES.build({"name": self.loss_name, **options}, codecs=codecs)
        super().__init__(loss.codec)
        if not models:
            raise ConfigError(f"{type(self).__name__}.model_name_list: it names no model")
        self.loss, self.models = loss, list(models)
        branch = branch_of(loss.requires[0]) if multi_head else None
        self.prediction: str = branch.prediction if branch else loss.requires[0]
        self.label = branch.label if branch else "label"
        self.requires = tuple(prefixed(model, self.prediction) for model in self.models)
        self.accepts = tuple(prefixed(model, key) for model in self.models for key in loss.accepts)
        self.needs = tuple(self.label if key == "label" else key for key in loss.needs)
        self.label_codecs = {} if loss.codec is None else {self.label: loss.codec}

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `loss`, the sum, and each part of a model's loss under its name, an underscore and its own.

        Args:
            preds: predictions of all models.
            batch: labels.
        """
        if self.label != "label":
            batch = {**batch, "label": batch[self.label]}
        found: dict[str, Tensor] = {}
        for model in self.models:
            own = select(preds, model)
            parts = self.loss({**own, self.loss.requires[0]: own[self.prediction]}, batch)
            found.update({f"{model}_{key}": value for key, value in parts.items()})
        return {"loss": sum(found[f"{model}_loss"] for model in self.models), **found}


@LOSSES.register()
class DistillationCTCLoss(OfEachModel):
    """`CTCLoss` of each model; see `OfEachModel`."""

    loss_name = "CTCLoss"


@LOSSES.register()
class DistillationDBLoss(OfEachModel):
    """`DBLoss` of each model, with its default values; see `OfEachModel`."""

    loss_name = "DBLoss"
    ignored_keys = DB_KEYS


@LOSSES.register()
class DistillationSARLoss(OfEachModel):
    """`SARLoss` of each model.

    Args:
        codecs: this and the next three: see `OfEachModel`.
        ignore_index: see `SARLoss`.
    """

    loss_name = "SARLoss"

    def __init__(
        self,
        codecs: Filled[Codecs],
        model_name_list: Sequence[str],
        key: Literal["head_out"] | None = None,
        multi_head: bool = False,
        ignore_index: Whole | None = None,
    ) -> None:
        self._of(codecs, model_name_list, multi_head, {"ignore_index": ignore_index})


@LOSSES.register()
class DistillationNRTRLoss(OfEachModel):
    """`NRTRLoss` of each model, which without smoothing averages over all steps.

    upstream: padding counts there, as one more class to be predicted.

    Args:
        codecs: this and the next three: see `OfEachModel`.
        smoothing: see `NRTRLoss`.
    """

    loss_name = "NRTRLoss"

    def __init__(
        self,
        codecs: Filled[Codecs],
        model_name_list: Sequence[str],
        key: Literal["head_out"] | None = None,
        multi_head: bool = False,
        smoothing: bool = True,
    ) -> None:
        self._of(codecs, model_name_list, multi_head, {"smoothing": smoothing, "padding_counts": not smoothing})


class BetweenModels(Loss):
    """A loss between the predictions of each of some pairs of models, added up; a subclass says which.

    Args:
        model_name_pairs: `[[student, teacher], ...]`, or one pair alone.
        key: of the prediction; "head_out" is what a head gives first.
        multi_head: the models have a `MultiHead`, of which `dis_head` is compared.
        dis_head: key of its prediction.
    """

    def __init__(
        self, model_name_pairs: Sequence[Any], key: str = "head_out", multi_head: bool = False, dis_head: str = "ctc"
    ) -> None:
        super().__init__()
        pairs = [model_name_pairs] if isinstance(next(iter(model_name_pairs), None), str) else model_name_pairs
        if not pairs or any(len(pair) != 2 for pair in pairs):
            raise ConfigError(f"{type(self).__name__}.model_name_pairs: {model_name_pairs} are no pairs of models")
        self.pairs = [tuple(pair) for pair in pairs]
        self.key = dis_head if multi_head else key
        self.requires = tuple(dict.fromkeys(prefixed(model, self.key) for pair in self.pairs for model in pair))

    def between(self, student: Tensor, teacher: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Return a scalar, or one value a sample."""
        return self.loss(student, teacher)

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `loss`, the sum, and that of each pair under the names of the two.

        Args:
            preds: predictions of all models.
            batch: labels.
        """
        found = {}
        for one, other in self.pairs:
            loss = self.between(preds[prefixed(one, self.key)], preds[prefixed(other, self.key)], batch)
            found[f"{one}_{other}"] = loss.mean()  # upstream: one value a sample where maps are compared
        return {"loss": sum(found.values()), **found}


@LOSSES.register()
class DistillationDMLLoss(BetweenModels):
    """`DMLLoss` between models.

    Args:
        model_name_pairs: see `BetweenModels`.
        act: see `DMLLoss`.
        use_log: see `DMLLoss`.
        key: this and the next two: see `BetweenModels`.
        maps_name: which of the three maps of a detector is compared; None for all that `key` names.
    """

    def __init__(
        self,
        model_name_pairs: Sequence[Any],
        act: Literal["softmax", "sigmoid"] | None = None,
        use_log: bool = False,
        key: str = "head_out",
        multi_head: bool = False,
        dis_head: str = "ctc",
        maps_name: Literal["thrink_maps", "threshold_maps", "binary_maps"] | None = None,
    ) -> None:
        super().__init__(model_name_pairs, key, multi_head, dis_head)
        self.loss = DMLLoss(act, use_log)
        self.channel = None if maps_name is None else MAPS[maps_name]

    def between(self, student: Tensor, teacher: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """See the base class."""
        if self.channel is not None:
            student, teacher = student[:, self.channel], teacher[:, self.channel]
        return self.loss(student, teacher)


@LOSSES.register()
class DistillationDistanceLoss(BetweenModels):
    """`DistanceLoss` between models.

    Args:
        model_name_pairs: see `BetweenModels`.
        mode: see `DistanceLoss`.
        key: see `BetweenModels`.
    """

    def __init__(
        self, model_name_pairs: Sequence[Any], mode: Literal["l1", "l2", "smooth_l1"] = "l2", key: str = "head_out"
    ) -> None:
        super().__init__(model_name_pairs, key)
        self.loss = DistanceLoss(mode)


class BetweenDecoders(BetweenModels):
    """A loss between the logits that autoregressive decoders give with teacher forcing.

    Args:
        codec: of the labels; filled in.
        model_name_pairs: this and the others: see `BetweenModels`; with `multi_head` padding does not count.
    """

    codec_class = NRTRCodec

    def __init__(
        self,
        codec: Filled[NRTRCodec],
        model_name_pairs: Sequence[Any],
        key: str = "head_out",
        multi_head: bool = False,
        dis_head: str = "ctc",
    ) -> None:
        super().__init__(model_name_pairs, key, multi_head, dis_head)
        self.codec, self.loss = codec, KLDivLoss()
        self.needs = (branch_of("nrtr").label,) if multi_head else ()

    def targets(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Return int64 [B T], the token id that each step of logits [B, T, C] shall give."""
        return batch[self.needs[0]][:, 1 : 1 + logits.shape[1]].astype("int64").flatten()


@LOSSES.register()
class DistillationKLDivLoss(BetweenDecoders):
    """`KLDivLoss` between models; see `BetweenDecoders`."""

    def between(self, student: Tensor, teacher: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """See the base class."""
        return self.loss(
            student, teacher, self.targets(student, batch) != self.codec.padding_id if self.needs else None
        )


@LOSSES.register()
class DistillationDKDLoss(BetweenDecoders):
    """`DKDLoss` between the auxiliary branches of models with a `MultiHead`.

    Args:
        codec: this and the next four: see `BetweenDecoders`; `multi_head` is true, for a target is needed.
        temperature: see `DKDLoss`.
        alpha: see `DKDLoss`.
        beta: see `DKDLoss`.
    """

    def __init__(
        self,
        codec: Filled[NRTRCodec],
        model_name_pairs: Sequence[Any],
        key: str = "head_out",
        multi_head: Literal[True] = True,
        dis_head: str = "gtc",
        temperature: Positive = 1.0,
        alpha: NonNegative = 1.0,
        beta: NonNegative = 1.0,
    ) -> None:
        super().__init__(codec, model_name_pairs, key, multi_head, dis_head)
        self.loss = DKDLoss(temperature, alpha, beta)

    def between(self, student: Tensor, teacher: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """See the base class."""
        return self.loss(student, teacher, self.targets(student, batch))


@LOSSES.register()
class DistillCTCLogits(BetweenModels):
    """`CTCLogitsLoss` between the CTC branches of models with a `MultiHead`.

    Args:
        codec: of CTC; filled in.
        model_name_pairs: see `BetweenModels`.
        key: "head_out".
        reduction: "mean".
    """

    codec_class = CTCCodec

    def __init__(
        self,
        codec: Filled[CTCCodec],
        model_name_pairs: Sequence[Any],
        key: Literal["head_out"] = "head_out",
        reduction: Literal["mean"] = "mean",
    ) -> None:
        super().__init__(model_name_pairs, "ctc")
        self.codec, self.loss = codec, CTCLogitsLoss(codec.blank_id)


@LOSSES.register()
class DistillationDilaDBLoss(BetweenModels):
    """Text and binary maps of a student against the dilated text of its teacher (https://arxiv.org/abs/2109.03144).

    Args:
        model_name_pairs: see `BetweenModels`.
        key: "maps".
    """

    needs = ("shrink_mask",)
    ignored_keys = DB_KEYS

    def __init__(self, model_name_pairs: Sequence[Any], key: Literal["maps"] = "maps") -> None:
        super().__init__(model_name_pairs, key)
        self.text_loss, self.binary_loss = BalanceLoss(), DiceLoss()

    def between(self, student: Tensor, teacher: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """See the base class."""
        with paddle.no_grad():
            text = (teacher[:, :1] > TEACHER_THRESHOLD).astype("float32")
            # a pixel, its left, its upper and its upper left neighbour: OpenCV's dilation by 2 x 2
            target = F.max_pool2d(F.pad(text, [1, 0, 1, 0]), 2, stride=1)[:, 0]
        mask = batch["shrink_mask"]
        text_loss = self.text_loss(student[:, 0], target, mask)
        return SHRINK_WEIGHT * text_loss + self.binary_loss(student[:, 2], target, mask)
