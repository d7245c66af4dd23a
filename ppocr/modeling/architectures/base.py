"""What a network declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import paddle
from paddle import nn

from ppocr.declarations import Declared

if TYPE_CHECKING:
    from ppocr.codecs.base import ClassTable
    from ppocr.registry import Registry


class Exportable(NamedTuple):
    """A network that export writes to a folder of its own.

    Args:
        network: whose program and parameters are written.
        model: name of the model among those of the architecture; its post-processing is written with it.
    """

    network: Architecture
    model: str


class Architecture(Declared, nn.Layer):
    """A network: a batch in, predictions by name out.

    Its attribute names are the file format of checkpoints.

    Args:
        section: `Architecture` of the configuration, or a section of the same form inside it.
        codecs: of the configuration; None: the sections of heads say how many classes there are.

    Attributes:
        part_sections: the keys of the section that name a part, and where its class is found.
        model_sections: the keys that hold sections of further networks by name.
        image_keys: batch keys of the image; the first that a batch has is taken.
        targets: batch keys read in training.
        inputs: batch keys also read in evaluation and prediction.
        outputs: keys of the predictions in evaluation, and in training too.
        train_outputs: keys of further predictions in training.
        logits: keys of evaluation's predictions before their sigmoid, which export compares where float32 rounds.
        pretrained: weights that models start from, by their names, where the section says so.
        frozen: names of the models that are not trained.
        classes: how many classes it has where the configuration says so, else None.
        codec: of the branch that is decoded, None where there is none.
        size_multiple: height and width of images must be multiples of this.
        fixed_size: whether images of another width than those of the configuration cannot be taken.
    """

    part_sections: ClassVar[Mapping[str, Registry]] = {}
    model_sections: ClassVar[tuple[str, ...]] = ()
    image_keys: tuple[str, ...] = ("image",)
    targets: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    train_outputs: tuple[str, ...] = ()
    logits: tuple[str, ...] = ()
    pretrained: Mapping[str, str] = {}
    frozen: tuple[str, ...] = ()
    classes: int | None = None
    codec: Any = None
    size_multiple: int = 1
    fixed_size: bool = False

    def forward(self, x: paddle.Tensor, batch: Mapping[str, Any] | None = None) -> dict[str, paddle.Tensor]:
        """Return the predictions by name.

        Args:
            x: images, float32 [B, C, H, W].
            batch: the whole batch.
        """
        raise TypeError(f"{type(self).__name__} does not implement forward")

    def parts(self) -> dict[str, Any]:
        """Return the parts by the dotted key of their section below `Architecture`; None where one is left out."""
        return {}

    @property
    def last_part(self) -> Any:
        """The part whose declarations are the network's, for messages."""
        return self

    def models(self) -> dict[str, Architecture]:
        """Return every model by the prefix of its parameters and predictions, "" where there is only this one."""
        return {"": self}

    def exportables(self) -> dict[str, Exportable]:
        """Return what export writes, by the name of its sub-folder; "" is the output folder itself."""
        return {"": Exportable(self, "")}

    def class_tables(self, codec: Any) -> dict[str, ClassTable]:
        """Return what the parameters with an entry for each class hold, by their names.

        Args:
            codec: that of this network, or the same over other classes.
        """
        return {}

    def parameter_groups(self, section: Mapping[str, Any], rate: float) -> list[dict[str, Any]] | None:
        """Return the optimizer's parameter groups where the algorithm trains some parameters otherwise, else None.

        Args:
            section: `Optimizer` of the configuration.
            rate: the learning rate after the warm-up.
        """
        return None
