"""The command-line arguments of every decoder with a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppocr.arguments import Argument, true_or_false
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.errors import ConfigError


def entries_of(path: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dictionary file's entries as the key that embeds them in `inference.yml`.

    Args:
        path: of the file.
        section: `PostProcess` of the `inference.yml`.

    Raises:
        PpocrError: the file cannot be read.
        ConfigError: the embedded dictionary has another number of entries.
    """
    entries, embedded = list(Vocabulary.load(path).characters), section.get("character_dict")
    if embedded is not None and len(entries) != len(embedded):
        raise ConfigError(
            f"{path} has {len(entries)} entries, the dictionary inside inference.yml has {len(embedded)}",
            "the network was trained with the latter; leave the argument out",
        )
    return {"character_dict": entries}


DICTIONARY_ARGUMENTS = (
    Argument(
        "{kind}_char_dict_path", "character_dict", "dictionary, where the folder has none embedded", keys=entries_of
    ),
    Argument(
        "use_space_char", "use_space_char", "whether the space is a class of its own after its entries", true_or_false
    ),
)
