"""The dictionary of an inference model, wherever it is kept, in the form training reads."""

from __future__ import annotations

from pathlib import Path

from ppocr.codecs.vocabulary import Vocabulary
from ppocr.deploy import inference_config
from ppocr.pretrained.model_file import ModelFile

BLANK = "blank"


def write_dictionary(file: ModelFile, given: str | Path | None, target: Path) -> bool:
    """Write the dictionary of a model, one character a line.

    Args:
        file: the model; an ONNX file may hold it in its metadata, a folder in its inference.yml.
        given: a file to be used instead.
        target: where to write it.

    Returns:
        Whether there is one; where not, the configuration names it or the network needs none.

    Raises:
        PpocrError: the given file is missing, empty or not UTF-8.
    """
    characters = file.characters
    if given is not None:
        characters = list(Vocabulary.load(str(given)).characters)
    elif file.path.is_dir() and (file.path / inference_config.FILE_NAME).is_file():
        characters = inference_config.load(file.path).characters
    if not characters:
        return False
    target.write_text("".join(f"{c}\n" for c in without_special_classes(characters)), encoding="utf-8", newline="\n")
    return True


def without_special_classes(characters: list[str]) -> list[str]:
    """Return a dictionary without blank and space, which codecs add themselves but some packages write down."""
    if characters[0] != BLANK:
        return characters
    return characters[1:-1] if characters[-1] == " " else characters[1:]
