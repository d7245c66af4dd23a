"""Where files named in a configuration are looked for."""

from __future__ import annotations

from pathlib import Path

from ppocr.errors import PpocrError
from ppocr.registry import did_you_mean

PACKAGE = Path(__file__).resolve().parents[1]
# In a clone the configurations lie beside the package, in an installed one inside it (see setup.py).
CONFIGS = PACKAGE / "configs" if (PACKAGE / "configs").is_dir() else PACKAGE.parent / "configs"


def resolve_config(path: str | Path) -> Path:
    """Return the file of a configuration path.

    It is looked for from the working directory first; the official paths (`configs/...`) then also among the
    configurations that ship, so that they work from any folder.

    Args:
        path: of a YAML file; need not exist.

    Returns:
        The file that ships if only that exists, else the path as it is.
    """
    asked = Path(path)
    if not asked.exists() and asked.parts[:1] == (CONFIGS.name,):
        shipped = CONFIGS.joinpath(*asked.parts[1:])
        if shipped.is_file():
            return shipped
    return asked


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
