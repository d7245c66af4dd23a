"""ICDAR's label files turned into ours.

    python ppocr/utils/gen_label.py --mode=det --root_path=images/ --input_path=gts/ --output_label=label.txt
    python ppocr/utils/gen_label.py --mode=rec --input_path=gt.txt --output_label=label.txt

Needs nothing but Python, so that it runs as a file on its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TextIO, TypeVar

T = TypeVar("T")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".JPG", ".JPEG", ".PNG")
QUAD = 4
_SHOWN = 5
_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")  # as in utils/text.py, without it
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)\s*")


class LabelFileError(ValueError):
    """Label files that cannot be converted; the message names file and line."""


class Line(NamedTuple):
    """A line of a label file that is not empty, and where it stands."""

    where: str
    text: str


def gen_det_label(root_path: str, input_path: str, output_label: str, points: int = 0) -> str:
    """Write one label file from a folder with an annotation file for each image.

    A line of `gt_img_1.txt` is `x1,y1,...,x4,y4,text` or has more points; the image is then `img_1.jpg`, or what
    image of that name `root_path` holds. Any text is kept as it is, with its commas; "###" is illegible.

    Args:
        root_path: folder of the images; put before their names.
        input_path: folder of the annotation files.
        output_label: file to write: the path of an image, a tab, and its text instances as JSON.
        points: points of every polygon; 0 takes as many as a line begins with numbers, except that where most lines
            have four, all do, and the further numbers belong to the text.

    Returns:
        What was done, in one line.

    Raises:
        LabelFileError: nothing to convert, or lines that are no polygons; nothing is written then.
    """
    if not os.path.isdir(input_path):
        raise LabelFileError(f"--input_path {input_path}: not a folder of annotation files such as gt_img_1.txt")
    names = sorted((n for n in os.listdir(input_path) if n.endswith(".txt")), key=_natural)
    if not names:
        raise LabelFileError(f"--input_path {input_path}: no .txt file in this folder")
    files = {name: list(_lines(os.path.join(input_path, name))) for name in names}
    lines = [line for of_file in files.values() for line in of_file]
    found = [_leading_pairs(line.text.split(",")) for line in lines]
    if points == 0 and 2 * found.count(QUAD) > len(found):
        points = QUAD
    instances = dict(zip([line.where for line in lines], _each(lines, lambda text: parse_instance(text, points))))
    images = {name: _listable(os.path.join(root_path, _image_name(name, root_path))) for name in files}
    with _writer(output_label) as out:
        for name, of_file in files.items():
            image = images[name]
            label = json.dumps([instances[line.where] for line in of_file], ensure_ascii=False)
            out.write(f"{image}\t{label}\n")
    longer = [line for line, pairs in zip(lines, found) if points and pairs > points]
    note = f"; {len(longer)} texts begin with numbers, the first at {longer[0].where}" if longer else ""
    return f"{len(files)} images, {len(lines)} text instances{note}: {output_label}"


def gen_rec_label(input_path: str, output_label: str, root_path: str = "") -> str:
    """Write a label file from a list of `word_1.png, "text"` lines.

    Args:
        input_path: the list.
        output_label: file to write: the path of an image, a tab, and its text.
        root_path: folder of the images; put before their names.

    Returns:
        What was done, in one line.

    Raises:
        LabelFileError: nothing to convert, or lines without a comma; nothing is written then.
    """
    if not os.path.isfile(input_path):
        raise LabelFileError(f'--input_path {input_path}: not a file of lines such as word_1.png, "text"')
    lines = list(_lines(input_path))
    if not lines:
        raise LabelFileError(f"--input_path {input_path}: no line in this file")
    words = [(_listable(os.path.join(root_path, image)), text) for image, text in _each(lines, parse_word)]
    with _writer(output_label) as out:
        for image, text in words:
            out.write(f"{image}\t{text}\n")
    return f"{len(words)} images: {output_label}"


def parse_instance(text: str, points: int = 0) -> dict[str, Any]:
    """Return a text instance, `{"transcription": str, "points": [[x, y], ...]}`, from a line of numbers and a text.

    Args:
        text: the line.
        points: how many points come before the text; 0 takes as many as the line begins with numbers.

    Raises:
        ValueError: it is no such line.
    """
    fields = text.split(",")
    pairs = _leading_pairs(fields)
    if pairs < max(points, QUAD):
        raise ValueError(f"{max(points, QUAD)} points and a text expected, as in x1,y1,x2,y2,x3,y3,x4,y4,text")
    count = points or pairs
    numbers = [_number(field) for field in fields[: 2 * count]]
    return {
        "transcription": ",".join(fields[2 * count :]),
        "points": [list(pair) for pair in zip(numbers[::2], numbers[1::2])],
    }


def parse_word(text: str) -> tuple[str, str]:
    """Return image and text of a line `word_1.png, "text"`; the quotes may be missing, and are escaped within.

    Raises:
        ValueError: it is no such line.
    """
    image, comma, word = text.partition(",")
    image, word = image.strip(), word.strip()
    if not (image and comma and word):
        raise ValueError('an image and a text expected, as in word_1.png, "text"')
    if len(word) >= 2 and word[0] == word[-1] == '"':
        word = re.sub(r'\\(["\\])', r"\1", word[1:-1])
    if "\t" in word:
        raise ValueError("the text holds a tab")
    return image, word


def _lines(path: str) -> Iterator[Line]:
    """Yield the lines of a file that hold something."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield Line(f"{path}:{number}", line.rstrip("\r\n").lstrip("\ufeff"))
    except UnicodeDecodeError as error:
        raise LabelFileError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from None


def _each(lines: Sequence[Line], parse: Callable[[str], T]) -> list[T]:
    """Return what `parse` makes of every line; raises LabelFileError with the first few that are wrong."""
    results: list[T] = []
    wrong: list[str] = []
    for line in lines:
        try:
            results.append(parse(line.text))
        except ValueError as error:
            wrong.append(f"{line.where}: {error}: {line.text[:80]!r}")
    if wrong:
        raise LabelFileError(f"{len(wrong)} of {len(lines)} lines are wrong: {'; '.join(wrong[:_SHOWN])}")
    return results


def _leading_pairs(fields: Sequence[str]) -> int:
    """Return how many pairs of numbers come first, where at least one field after them is left for the text."""
    count = 0
    while count < len(fields) - 1 and _number(fields[count]) is not None:
        count += 1
    return count // 2


def _number(field: str) -> float | None:
    """Return a coordinate, whole where it is, or None."""
    if not _NUMBER.fullmatch(field):
        return None
    value = float(field)
    return int(value) if value.is_integer() else value


def _image_name(name: str, root_path: str) -> str:
    """Return the image of an annotation file: `gt_img_1.txt` -> the `img_1` that exists, or else `img_1.jpg`."""
    stem = name[: -len(".txt")]
    stem = stem[len("gt_") :] if stem.startswith("gt_") else stem
    present = (stem + s for s in IMAGE_SUFFIXES if os.path.isfile(os.path.join(root_path, stem + s)))
    return next(present, stem + IMAGE_SUFFIXES[0])


def _listable(path: str) -> str:
    """Return the path of an image; raises LabelFileError when no line of a label file can hold it."""
    if re.search("[\t\n\r\ud800-\udfff]", path):
        raise LabelFileError(f"{path!r}: a name with a tab, a line end or bytes that are not UTF-8: rename the file")
    return path


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts img_2 before img_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _one_line(text: str) -> str:
    """Return a text with escapes for what would act on a terminal."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _writer(path: str) -> TextIO:
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    return open(path, "w", encoding="utf-8", newline="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(description="Turn ICDAR's label files into one label file of ours.")
    parser.add_argument("--mode", choices=("det", "rec"), default="rec", help="text instances of images, or words")
    parser.add_argument("--root_path", default="", help="folder of the images, put before their names")
    parser.add_argument("--input_path", required=True, help="det: folder of gt_*.txt files; rec: the list file")
    parser.add_argument("--output_label", default="out_label.txt", help="the label file to write")
    parser.add_argument("--points", type=int, default=0, help="det: points of a polygon; 0 finds out")
    options = parser.parse_args(arguments)
    try:
        if options.mode == "det":
            said = gen_det_label(options.root_path, options.input_path, options.output_label, options.points)
        else:
            said = gen_rec_label(options.input_path, options.output_label, options.root_path)
        print(_one_line(said))
    except (LabelFileError, OSError) as error:
        print(f"gen_label.py: {_one_line(str(error))}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
