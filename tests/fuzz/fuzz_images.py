"""Damaged images and hostile label lines, through real data sets and through what infer reads images with.

    python -m tests.fuzz.fuzz_images --cases 1000 --seed 1

Every format that OpenCV writes here and some that Pillow writes are cut, flipped and edited; a third of the cases are
label files. The cap is a megapixel, so that an allocation beyond it is seen in the memory of the process.
"""

from __future__ import annotations

import functools
import io
import json
import random
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ppocr.data.batches import make_batch
from ppocr.data.loader import image_shapes
from ppocr.data.problems import DataReport
from ppocr.data.samplers import BatchSampler, EpochOrder
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.data.transforms.base import Pipeline
from ppocr.deploy.predictor import Predictor
from ppocr.deploy.report import results_line
from ppocr.results import Recognition
from ppocr.utils.image_io import decode_image
from ppocr.utils.image_size import image_size
from tests.conformance import synth
from tests.fuzz import outcomes
from tests.fuzz.outcomes import Case, Wrong

CAP = 1_000_000  # pixels
MEMORY = 160 << 20  # bytes of growth: JPEG 2000, TIFF of floats and HDR take a dozen bytes a pixel and more
SECONDS = 30.0
BOX = '{"transcription": "a", "points": [[1, 1], [30, 1], [30, 20], [1, 20]]}'

REC = [
    {"DecodeImage": {"img_mode": "BGR"}},
    {"RecAug": None},
    {"CTCLabelEncode": None},
    {"RecResizeImg": {"image_shape": [3, 48, 320]}},
    {"KeepKeys": {"keep_keys": ["image", "label", "length"]}},
]
DET = [
    {"DecodeImage": {"img_mode": "BGR"}},
    {"DetLabelEncode": None},
    {"IaaAugment": None},
    {"EastRandomCropData": {"size": [64, 64], "max_tries": 5, "keep_ratio": True}},
    {"MakeShrinkMap": None},
    {"MakeBorderMap": None},
    {"NormalizeImage": {"order": "hwc"}},
    {"ToCHWImage": None},
    {"KeepKeys": {"keep_keys": ["image", "threshold_map", "threshold_mask", "shrink_map", "shrink_mask"]}},
]
DET_EVAL = [
    {"DecodeImage": {"img_mode": "BGR"}},
    {"DetLabelEncode": None},
    {"DetResizeForTest": {"limit_side_len": 64, "limit_type": "min"}},
    {"NormalizeImage": {"order": "hwc"}},
    {"ToCHWImage": None},
    {"KeepKeys": {"keep_keys": ["image", "shape", "polys", "ignore_tags"]}},
]


@functools.lru_cache(maxsize=1)
def originals() -> dict[str, bytes]:
    """Return sound images by kind."""
    picture = np.tile(synth("synth_31x57"), (2, 1, 1))
    found = {}
    for kind in ("png", "jpg", "bmp", "webp", "tiff", "ppm", "pam", "pfm", "hdr", "ras", "jp2", "gif", "avif"):
        try:
            written, data = cv2.imencode(f".{kind}", picture)
        except cv2.error:  # this build of OpenCV has no encoder
            continue
        if written:
            found[kind] = data.tobytes()
    found["pgm"] = cv2.imencode(".pgm", picture[:, :, 0])[1].tobytes()
    found["exr"] = b"v/1\x01\2\0\0\0" + bytes(300)
    found["dds"] = (
        b"DDS |\0\0\0\7\x10\0\0" + struct.pack("<2I", 57, 62) + bytes(56) + b" \0\0\0\4\0\0\0DXT1" + bytes(2000)
    )
    pillow = Image.fromarray(picture[:, :, ::-1].copy())
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind, mode, options in (
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "RGB", {"exif": exif.tobytes()}),
        ("PNG", "P", {}),
        ("PNG", "1", {}),
        ("PNG", "I;16", {}),
        ("PNG", "RGB", {"save_all": True, "append_images": [pillow.rotate(90)]}),
        ("GIF", "P", {"save_all": True, "append_images": [pillow.rotate(90).convert("P")]}),
        ("WEBP", "RGBA", {"save_all": True, "append_images": [pillow.rotate(90).convert("RGBA")]}),
        ("WEBP", "RGB", {"lossless": False, "exif": exif.tobytes()}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        ("TIFF", "RGB", {"compression": "jpeg"}),
        ("TIFF", "L", {"big_tiff": True}),
        ("TIFF", "F", {}),
        ("BMP", "P", {}),
    ):
        buffer = io.BytesIO()
        pillow.convert(mode if mode != "I;16" else "I").convert(mode).save(buffer, kind, **options)
        found[f"{kind} {mode} {' '.join(options)}"] = buffer.getvalue()
    return found


def flip_bits(data: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice([1, 2, 8, 40])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def flip_header(data: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice([1, 2, 5])):
        data[rng.randrange(min(len(data), 64))] ^= 1 << rng.randrange(8)
    return data


def write_number(data: bytearray, rng: random.Random) -> bytearray:
    """Put an extreme number of two, four or eight bytes somewhere, most often near the beginning."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        code = rng.choice("HIQ")
        size = struct.calcsize(code)
        most = (1 << 8 * size) - 1
        number = (
            rng.choice([0, 1, most, most >> 1, (most >> 1) + 1, most - 38, 0x4000, 0xFFFF, rng.randrange(most)]) & most
        )
        at = rng.randrange(max(1, min(len(data), rng.choice([40, 200, len(data)])) - size))
        data[at : at + size] = struct.pack(rng.choice("<>") + code, number)
    return data


def cut(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data))]


def repeat_part(data: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(data))
    part = data[start : start + rng.choice([2, 12, 20, 100])]
    at = rng.randrange(len(data))
    data[at:at] = part * rng.choice([1, 1, 50])
    return data


def remove_part(data: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice([1, 2, 12, 100])]
    return data


def insert_stray(data: bytearray, rng: random.Random) -> bytearray:
    at = rng.randrange(min(len(data), rng.choice([4, 40, len(data)])))
    data[at:at] = rng.choice(
        [b"\xff\0", b"\xff\xff", b"\0" * 4, b"\xff\xd8", b"\xff\xc0\0\x11\x08\xff\xff\xff\xff\3", b"#9\n"]
    )
    return data


def splice(data: bytearray, rng: random.Random) -> bytearray:
    other = rng.choice(list(originals().values()))
    at = rng.randrange(len(data))
    return data[:at] + other[rng.randrange(len(other)) :]


def text_numbers(data: bytearray, rng: random.Random) -> bytearray:
    """Make the numbers of a header of text large."""
    return bytearray(
        bytes(data[:60]).replace(b"57", rng.choice([b"999999", b"-57", b"57 57", b"0x57", b"5e9"]), 1) + data[60:]
    )


def sealed(data: bytearray) -> bytes:
    """Return a PNG whose chunks have their right checksums again, as far as it is one; anything else as it is."""
    at = 8
    while data[:4] == b"\x89PNG" and at + 12 <= len(data):
        length = struct.unpack_from(">I", data, at)[0]
        if at + 12 + length > len(data):
            break
        struct.pack_into(">I", data, at + 8 + length, zlib.crc32(data[at + 4 : at + 8 + length]))
        at += 12 + length
    return bytes(data)


DAMAGES: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    flip_bits, flip_header, write_number, write_number, cut, repeat_part, remove_part, insert_stray, splice,
    text_numbers,
)  # fmt: skip


def hostile_text(rng: random.Random) -> str:
    """Return a text that some parser dislikes."""
    return rng.choice(
        [
            "[" * 1000,
            "{" * 1000,
            '["\\u0000"]',
            '["\\ud800"]',
            "\x1b]0;x\x07\x1b[2J",
            "a\u2028b\x85c",
            "\u202egnp",
            "",
            "1e999",
            "-1",
            "NaN",
            "null",
            "true",
            '"',
            "\\" * 99,
            "/" * 300,
            "../" * 50,
            "a" * 100_000,
            "9" * 5000,
            "㍿" * 500,
            "[]",
            "[[]]",
            "[null]",
            "{}",
            '[{"points": []}]',
            "%s%n{0}",
            "CON",
            "C:\\x",
            "\ufeff",
            "👩‍👩‍👧" * 40,
        ]  # fmt: skip
    )


def hostile_regions(rng: random.Random) -> str:
    """Return the label of a page with something wrong in it."""
    number = rng.choice(
        ["1e308", "-1e308", "1e999", "NaN", "Infinity", '"x"', "null", "[]", "9" * 400, "0.5", "-5", "1e6", "true"]
    )
    points = rng.choice(
        [f"[[{number}, 1], [30, 1], [30, 20], [1, 20]]", f"[[{number}, {number}]]", "[]", f"{number}",
         f"[[1, 1], [{number}]]", "[" + "[1, 1], " * 3000 + "[2, 2]]", "[[1, 1], [30, 20], [30, 1], [1, 20]]",
         "[[1, 1], [1, 1], [1, 1], [1, 1]]"]
    )  # fmt: skip
    text = rng.choice(['"a"', "null", "1", json.dumps(hostile_text(rng)), '"###"'])
    region = f'{{"transcription": {text}, "points": {points}}}'
    return rng.choice([f"[{region}]", f"[{region}, {BOX}]", f"[{BOX}, {region}]", region, "[" * 900 + region])


def label_line(rng: random.Random) -> bytes:
    """Return a hostile line of a label file."""
    line = rng.choice(
        [
            lambda: f"{hostile_text(rng)}\tabc",
            lambda: f"good.png\t{hostile_text(rng)}",
            lambda: f"good.png\t{hostile_regions(rng)}",
            lambda: f"good.png\t{hostile_regions(rng)}",
            lambda: f"{json.dumps(['good.png', hostile_text(rng)])}\tabc",
            lambda: hostile_text(rng),
        ]
    )().encode("utf-8", "surrogatepass")
    return bytes(flip_bits(bytearray(line or b"x"), rng)) if rng.random() < 0.2 else line


def cases(count: int, seed: int) -> Iterator[Case]:
    """Yield damaged images and hostile label files."""
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        if number % 3 == 2:
            yield Case(f"{number} labels", ("labels", label_line(rng), number))
            continue
        kind = sorted(originals())[number % len(originals())]
        data, done = bytearray(originals()[kind]), []
        for _ in range(rng.choice([1, 1, 2])):
            damage = rng.choice(DAMAGES)
            data = damage(data or bytearray(b"\0"), rng)
            done.append(damage.__name__)
        yield Case(
            f"{number} {kind}: {', '.join(done)}",
            ("image", sealed(data) if rng.random() < 0.7 else bytes(data), number),
        )


@functools.lru_cache(maxsize=1)
def workplace() -> SimpleNamespace:
    """Return this process's folder with a sound image, and the pipelines."""
    folder = tempfile.TemporaryDirectory(prefix="fuzz-images-")
    (Path(folder.name) / "good.png").write_bytes(originals()["png"])
    pipelines = {}
    for name, specs in (("rec", REC), ("det", DET), ("det eval", DET_EVAL)):
        pipelines[name] = Pipeline.from_config(specs, {"max_image_pixels": CAP, "max_text_length": 25})
    return SimpleNamespace(kept=folder, folder=Path(folder.name), pipelines=pipelines)


def check(case: Case) -> None:
    """Read an image, or a label file, in all the ways a run does.

    Raises:
        SampleError: the image is refused.
        Wrong: it is read, but not as it was measured, or a message would act on a terminal.
    """
    kind, data, seed = case.data
    if kind == "labels":
        draw_all(data, seed)
        return
    path = workplace().folder / "case.img"
    path.write_bytes(data)
    size = image_size(data)
    draw_all(None, seed)
    infer(path)
    image = decode_image(data, max_pixels=CAP)
    if size is None or sorted(image.shape[:2]) != sorted(size):
        raise Wrong(f"measured {size}, decoded {image.shape}")


def draw_all(line: bytes | None, seed: int) -> None:
    """Draw a line among sound ones for each task, in training and in evaluation; None is that of the damaged image."""
    place = workplace()
    for name, mode, label in (
        ("rec", "train", "abc"),
        ("rec", "eval", "abc"),
        ("det", "train", None),
        ("det eval", "eval", None),
    ):
        good, bad = (
            f"{image}.{'png' if image == 'good' else 'img'}\t{label or f'[{BOX}]'}".encode()
            for image in ("good", "case")
        )
        (place.folder / "labels.txt").write_bytes(b"\n".join([good, bad if line is None else line, good]) + b"\n")
        pipeline = place.pipelines[name] if mode == "train" else place.pipelines[name].for_evaluation()
        dataset = SimpleDataSet(
            str(place.folder),
            str(place.folder / "labels.txt"),
            pipeline=pipeline,
            mode=mode,
            seed=seed,
            cache={"ram": 0.001},
        )
        report = DataReport()
        sampler = BatchSampler(EpochOrder(dataset.sizes, shuffle=False), 1)
        for step in range(len(sampler)):
            batch = make_batch(dataset, sampler, 1, step)
            report.add(batch.drawn, batch.skipped, batch.noted)
        if report.used < 2:
            raise Wrong(f"{name}: only {report.used} of {report.drawn} samples are used: {report.summary_lines()}")
        image_shapes(dataset, EpochOrder(dataset.sizes, shuffle=False))
        for text in report.summary_lines():
            require_harmless(text)


def infer(path: Path) -> None:
    """Preprocess an image as infer does, and write its line."""
    for name in ("rec", "det eval"):
        predictor = Predictor(workplace().pipelines[name].for_inference(), Backend(), Postprocess())
        for prediction in predictor.predict([path]):
            require_harmless(str(prediction.problem) if prediction.problem else results_line(prediction), "\t")


class Backend:
    """Stands for a network: the images are what is tested."""

    def run(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return arrays


class Postprocess:
    """Gives one result an image."""

    requires = ("x",)

    def __call__(self, preds: dict[str, np.ndarray], sample: Any) -> list[Recognition]:
        return [Recognition("a", 1.0) for _ in next(iter(preds.values()))]


def require_harmless(text: str, allowed: str = "") -> None:
    """Raise Wrong when a message is not one line of text."""
    wrong = [c for c in text if c not in allowed and (ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000)]
    if wrong or "\u2028" in text or "\u202e" in text:
        raise Wrong(f"not one harmless line: {text[:200]!r}")


def main() -> int:
    """Run the fuzzer as a command."""
    return outcomes.main(__doc__ or "", cases, check, memory=MEMORY)


if __name__ == "__main__":
    from tests.fuzz import fuzz_images

    sys.exit(fuzz_images.main())  # under its own name, so that other processes can import `check`
