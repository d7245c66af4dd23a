"""What a codec declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ppocr.declarations import Declared

if TYPE_CHECKING:
    import numpy as np

C = TypeVar("C", bound="Codec")


class ClassTable(NamedTuple):
    """What the entries of a parameter along one axis stand for.

    Args:
        classes: one for each entry.
        axis: the axis.
    """

    classes: tuple[str, ...]
    axis: int = -1


class Codec(Declared):
    """Turns labels into class indices, and predicted indices back into what they stand for.

    The builder makes one for each branch of a network and hands it to the label encoder, the head, the loss and the
    decoder; its `from_options` has the YAML keys, which the sections of all of them may have.

    Attributes:
        classes: names of the classes in order, the special ones included, as checkpoints hold them in `characters`.
        blank_id: class index of CTC's blank, None where there is none.
        start_id: token id that begins a label, None where there is none.
        end_id: token id that ends a label, None where there is none.
        padding_id: what label arrays are filled up with, None where they have a fixed length.
        warnings: what is odd about the classes, a line each.
    """

    classes: tuple[str, ...]
    blank_id: int | None = None
    start_id: int | None = None
    end_id: int | None = None
    padding_id: int | None = None
    warnings: tuple[str, ...] = ()

    @property
    def input_names(self) -> tuple[str, ...]:
        """What the entries of an embedding stand for, in order."""
        return self.classes

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the predicted classes stand for, in order."""
        return self.input_names

    @property
    def num_inputs(self) -> int:
        """How many token ids an embedding holds."""
        return len(self.input_names)

    @property
    def num_outputs(self) -> int:
        """How many classes are predicted."""
        return len(self.output_names)

    @classmethod
    def from_options(cls) -> Any:
        """Build a codec from the keys of a configuration, which the parameters of a subclass name."""
        return cls()

    @classmethod
    def of_size(cls: type[C], count: int) -> C:
        """Return a codec of so many `classes` whose names are placeholders, for a network without a dictionary."""
        raise TypeError(f"{cls.__name__} does not implement of_size")

    def with_classes(self: C, classes: Sequence[str]) -> C:
        """Return the same codec over other classes, as a checkpoint names them."""
        raise TypeError(f"{type(self).__name__} does not implement with_classes")

    def with_dictionary(self: C, path: str) -> C:
        """Return the same codec over the dictionary of a file; itself where it has no dictionary."""
        return self

    def options(self) -> dict[str, Any]:
        """Return the arguments of `from_options` that build this codec again without any file."""
        return {}

    def encode(self, text: Any) -> Any:
        """Return the class index of a label, or those of its characters that have one."""
        raise TypeError(f"{type(self).__name__} does not implement encode")

    def unknown(self, text: str) -> str:
        """Return the part of a label that has no class."""
        return ""

    def reference(self, text: str) -> str:
        """Return a label as a perfect prediction of it is decoded, to be compared with predictions."""
        return text

    def decode(self, ids: np.ndarray, probs: np.ndarray | None = None) -> list[tuple[str, float]]:
        """Return (label, confidence) for each row.

        Args:
            ids: class indices, int [B, T] or [B].
            probs: their probabilities, of the same shape; None counts as 1.
        """
        raise TypeError(f"{type(self).__name__} does not implement decode")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Codec) and type(self) is type(other) and self._facts() == other._facts()

    def _facts(self) -> tuple[Any, ...]:
        """Return what two equal codecs have in common."""
        return (self.classes,)

    def __str__(self) -> str:
        return ", ".join(self.classes)


class HasCodec(Declared):
    """Base of the parts that may work with a codec: label encoder, head, loss, post-processing.

    Attributes:
        codec_class: of the codec that the builder hands to its constructor as `codec`.
        codec: that of the branch that is decoded, or of its only branch; None where there is none.
        label_codecs: of a part with several branches, their codecs by the keys of their labels in a batch.
    """

    codec_class: type[Codec] | None = None
    codec: Any = None
    label_codecs: Mapping[str, Any] = MappingProxyType({})
