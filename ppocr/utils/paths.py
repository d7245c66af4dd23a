"""Where files named in a configuration are looked for."""

from __future__ import annotations

from pathlib import Path

from ppocr.errors import PpocrError
from ppocr.registry import did_you_mean

PACKAGE = Path(__file__).resolve().parents[1]


def resolve_dictionary(path: str) -> Path:
    """Return the file of a dictionary path.

    It is looked for from the working directory first; the official paths (`ppocr/utils/...`) then also
    in this package, so that they work from any folder.

    Raises:
        PpocrError: there is no such file; names the nearest dictionary that ships.
    """
    asked = Path(path)
    shipped = PACKAGE.parent / asked if asked.parts[:1] == (PACKAGE.name,) else PACKAGE / "utils" / asked
    for candidate in (asked, shipped):
        if candidate.is_file():
            return candidate
    names = [str(p.relative_to(PACKAGE.parent)) for p in (PACKAGE / "utils").rglob("*.txt")]
    raise PpocrError(
        f"dictionary {path} does not exist{did_you_mean(path.lstrip('./'), names)}",
        "Global.character_dict_path names a text file with one character a line",
    )
