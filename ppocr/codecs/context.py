"""Where the parts of a network get their codec from: each is made once."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Mapping
from typing import Any

from ppocr.codecs.base import Codec
from ppocr.config.types import resolved
from ppocr.errors import ConfigError


class Codecs:
    """Makes the codecs of a configuration; parts that ask for the same class and options get the same object.

    Args:
        shared: the values of `Global`, which win over those of a section.
        sizes: for networks without a dictionary, the count of `classes` by codec class, under None that of all others.

    Attributes:
        decoder: the codec of the post-processing, None where there is none or it is not known.
    """

    def __init__(
        self, shared: Mapping[str, Any] | None = None, sizes: Mapping[type[Codec] | None, int] | None = None
    ) -> None:
        self.decoder: Codec | None = None
        self._shared = dict(shared or {})
        self._own: dict[str, Any] = {}
        self._sizes = sizes
        self._made: list[Codec] = []

    def within(self, section: Mapping[str, Any]) -> Codecs:
        """Return the codecs of a section and of what is inside it.

        Args:
            section: its own options, which win over those of a section around it, not over `Global`'s.
        """
        view = copy.copy(self)  # what has been made is that of all
        view._own = {**self._own, **section}
        return view

    def get(self, codec_class: Any) -> Any:
        """Return the codec of a class.

        Args:
            codec_class: a subclass of Codec.

        Raises:
            ConfigError: the options are wrong, or nothing says how many classes there are.
            PpocrError: the dictionary cannot be read.
        """
        codec = self._new(codec_class)
        if codec is None:
            return None
        if codec not in self._made:
            self._made.append(codec)
        return self._made[self._made.index(codec)]

    def _new(self, codec_class: Any) -> Any:
        if self._sizes is None:
            options = {**self._own, **self._shared}
            return codec_class.from_options(**{k: options[k] for k in option_parameters(codec_class) if k in options})
        count = self._sizes.get(codec_class, self._sizes.get(None))
        if count is None:
            raise ConfigError("out_channels is missing: nothing says how many classes there are")
        return codec_class.of_size(count)


@functools.cache
def option_parameters(codec_class: Any) -> dict[str, inspect.Parameter]:
    """Return the YAML keys of a codec: the parameters of its `from_options`, their annotations as types."""
    names = codec_class.from_options.__func__.__globals__
    found = inspect.signature(codec_class.from_options).parameters
    return {k: p.replace(annotation=resolved(p.annotation, names)) for k, p in found.items()}
