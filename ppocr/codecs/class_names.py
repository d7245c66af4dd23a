"""Names of classes and their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ppocr.errors import ConfigError, SampleError


class ClassNames:
    """The classes of a classifier in order: names to numbers for training, numbers to names for results.

    Args:
        names: `Global.label_list`.

    Raises:
        ConfigError: there is none, or one twice.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = [str(name) for name in names]
        self._numbers = {name: number for number, name in enumerate(self.names)}
        if not self.names:
            raise ConfigError("Global.label_list is empty: one name is needed for each class")
        if len(self._numbers) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ConfigError(f"Global.label_list names {twice!r} twice: {', '.join(self.names)}")

    @property
    def num_classes(self) -> int:
        """How many there are."""
        return len(self.names)

    def encode(self, name: object) -> int:
        """Return the number of a class.

        Raises:
            SampleError: "unknown_label".
        """
        if not isinstance(name, str) or name not in self._numbers:
            raise SampleError("unknown_label", f"{name!r} is none of {', '.join(self.names)} (Global.label_list)")
        return self._numbers[name]

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Return the names of classes."""
        return [self.names[number] for number in numbers]
