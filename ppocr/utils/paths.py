"""Search paths of the files named in a configuration."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ppocr.errors import PpocrError
from ppocr.suggestions import did_you_mean, similarity

PACKAGE = Path(__file__).resolve().parents[1]
# In a clone the configurations lie beside the package, in an installed one inside it (see setup.py).
CONFIGS = PACKAGE / "configs" if (PACKAGE / "configs").is_dir() else PACKAGE.parent / "configs"
NEAR_NAME = 0.65  # similarity from which a configuration is suggested
EXTRA_PART = 0.15


def resolve_config(path: str | Path) -> Path:
    """Return the file of a configuration path.

    It is searched for from the working directory first; the official paths (`configs/...`) then also among the
    configurations that ship, so that they work from any folder.

    Args:
        path: of a YAML file; need not exist.

    Returns:
        The file that ships if only that exists, else the path as it is.
    """
    asked = Path(path)
    if not os.path.exists(asked) and asked.parts[:1] == (CONFIGS.name,):
        shipped = CONFIGS.joinpath(*asked.parts[1:])
        if os.path.isfile(shipped):
            return shipped
    return asked


def image_path(folder: str, name: str) -> str:
    """Return the path of an image that a label file names.

    Args:
        folder: the paths of the label file start from.
        name: back-slashes in it are separators on every platform, unless a file has them in its name.
    """
    path = os.path.join(folder, name)
    if "\\" in name and not os.path.exists(path):
        return os.path.join(folder, name.replace("\\", "/"))
    return path


def nearest_config(path: str | Path) -> str:
    """Return ", did you mean configs/...?" for the configuration whose name is most like a path's, or "".

    Those that ship are compared, but no `_base.yml`, and those in the path's folder. Names are compared part by part
    (`rec_ger_lite_train` has four): a part counts in full where both have it, nearly where it begins the other's,
    and a part that only the present name has counts a little against it.
    """
    asked = _parts(path)
    found = {f"{CONFIGS.name}/{p.relative_to(CONFIGS).as_posix()}" for p in CONFIGS.rglob("[!_]*.y*ml")}
    found.update(map(str, Path(path).parent.glob("*.y*ml")))
    best, near = 0.0, ""
    for present in sorted(found):
        parts = _parts(present)
        alike = sum(max((_alike(part, other) for other in parts), default=0.0) for part in asked)
        score = (alike - EXTRA_PART * max(0, len(parts) - len(asked))) / max(1, len(asked))
        if score > best:
            best, near = score, present
    return f", did you mean {near}?" if best >= NEAR_NAME else ""


def _parts(path: str | Path) -> list[str]:
    stem = re.sub(r"\.ya?ml$", "", Path(path).name.lower())
    return [part for part in re.split(r"[_.\s]+", stem) if part]


def _alike(part: str, other: str) -> float:
    if part == other:
        return 1.0
    short, long = sorted((part, other), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 0.9
    return max(0.0, similarity(part, other) - 0.2)


def resolve_dictionary(path: str) -> Path:
    """Return the file of a dictionary path.

    It is searched for from the working directory first; the official paths (`ppocr/utils/...`) then also
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
