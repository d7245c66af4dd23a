"""Which kind of result a command prints, and the refusal of models that give another kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppocr.errors import ConfigError, Problem
from ppocr.postprocess.results import Classification, Detection, Recognition
from ppocr.registry import POSTPROCESSES

# By type of result: what it is called, and what stands for it in the names of commands and flags.
KINDS: dict[type, tuple[str, str]] = {
    Recognition: ("texts of lines", "rec"),
    Detection: ("places of text", "det"),
    Classification: ("classes of images", "cls"),
}


def require_result(
    section: Mapping[str, Any], wanted: type | None, where: str, instead: str, scope: str | None = None
) -> None:
    """Refuse a model whose results a command does not print; a post-processing that declares none is accepted.

    Args:
        section: `PostProcess` of a configuration or of `inference.yml`.
        wanted: type of the results; None for any.
        where: file or "file:line" of the section.
        instead: what to do with models of the other kind, with a place for "rec", "det" or "cls".
        scope: `Architecture.model_type`, where there is one.

    Raises:
        ConfigError: the results are of another kind.
    """
    given = getattr(POSTPROCESSES.get(section["name"], scope), "result", None)
    if wanted is None or given is None or issubclass(given, wanted):
        return
    gives, kind = KINDS.get(given, (given.__name__, ""))
    text = f"{section['name']} gives {gives}; this command prints {KINDS[wanted][0]}"
    raise ConfigError([Problem(where, "PostProcess.name", text)], instead.format(kind) if kind else "")
