"""Names of classes and their indices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppocr.codecs.base import Codec
from ppocr.errors import ConfigError, SampleError


class ClassNames(Codec):
    """The classes of a classifier in order: names to indices for training, indices to names for results.

    Args:
        names: `Global.label_list`.

    Raises:
        ConfigError: there is none, or one twice.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.classes = tuple(str(name) for name in names)
        self._indices = {name: index for index, name in enumerate(self.classes)}
        if not self.classes:
            raise ConfigError("Global.label_list is empty: one name is needed for each class")
        if len(self._indices) < len(self.classes):
            twice = next(name for name in self.classes if self.classes.count(name) > 1)
            raise ConfigError(f"Global.label_list names {twice!r} twice: {self}")

    @classmethod
    def from_options(cls, label_list: Sequence[str] | None = None) -> ClassNames | None:
        """Build the names of a configuration; None where it has none, and classes are called by their index."""
        return None if label_list is None else cls(label_list)

    def with_classes(self, classes: Sequence[str]) -> ClassNames:
        """Return other names."""
        return ClassNames(classes)

    def options(self) -> dict[str, list[str]]:
        """Return the arguments of `from_options` that give these names again."""
        return {"label_list": list(self.classes)}

    def encode(self, text: object) -> int:
        """Return the index of a class.

        Raises:
            SampleError: "unknown_label".
        """
        if not isinstance(text, str) or text not in self._indices:
            raise SampleError("unknown_label", f"{text!r} is none of {self} (Global.label_list)")
        return self._indices[text]

    def decode(self, ids: np.ndarray, probs: np.ndarray | None = None) -> list[tuple[str, float]]:
        """Return (name, probability) of class indices int [B], with their probabilities float [B]."""
        sure = np.ones(len(ids)) if probs is None else probs
        return [(self.classes[index], float(prob)) for index, prob in zip(ids, sure)]
