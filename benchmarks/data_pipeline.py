"""Time a task's data pipeline stage by stage on one core, from the bytes of a file to the array a network takes.

    python benchmarks/data_pipeline.py --task rec
    python benchmarks/data_pipeline.py --task official

A task is an entry of TASKS: its pipelines, its samples, and the incumbent's figures to compare with. "official" takes
whole data sets through the training lists of official files as they are (OFFICIAL).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ppocr.config.loader import load_config  # noqa: E402
from ppocr.data.loader import BatchLoader, build_loader  # noqa: E402
from ppocr.data.transforms.base import Pipeline, Sample  # noqa: E402
from ppocr.utils.memory import keep_freed_memory  # noqa: E402

SEED = 20
LONGEST_SECONDS = 20.0  # spent on one pipeline and set
YARDSTICK_SIZE, YARDSTICK_MS = (
    (736, 1312),
    17.4,
)  # NumPy's normalisation, where the incumbent's detector figures come from
PHOTOGRAPHS = ROOT.parent / "shared" / "data"
WORDS = ["the", "quick", "Jumps", "over", "1234567890", "dogs.", "PaddlePaddle", "Recognition", "No.42", "(daily)"]


@dataclass(frozen=True)
class Variant:
    """One pipeline to time: its transform list, and the incumbent's milliseconds an image on the same work."""

    name: str
    transforms: Sequence[dict[str, Any]]
    incumbent: float
    goal: float | None


@dataclass(frozen=True)
class Subject:
    """What a task is timed on."""

    variants: Sequence[Variant]
    samples: Callable[[int], dict[str, list[Sample]]]
    global_values: dict[str, Any]


def rec_variants() -> list[Variant]:
    """Return the recogniser's training pipeline with and without its default augmentation."""
    before = [{"DecodeImage": {"img_mode": "BGR", "channel_first": False}}]
    after = [
        {"CTCLabelEncode": None},
        {"RecResizeImg": {"image_shape": [3, 48, 320]}},
        {"KeepKeys": {"keep_keys": ["image", "label", "length"]}},
    ]
    return [
        Variant("rec 48x320, no augmentation", before + after, incumbent=0.19, goal=0.18),
        Variant("rec 48x320, default RecAug", [*before, {"RecAug": None}, *after], incumbent=5.3, goal=0.6),
    ]


def rec_samples(count: int) -> dict[str, list[Sample]]:
    """Return sets of labelled word images: drawn JPEG crops of mixed size, and the real words that are there."""
    rng = np.random.default_rng(SEED)
    drawn = []
    for index in range(count):
        height = int(rng.integers(32, 121))
        width = int(np.clip(height * rng.uniform(1.5, 6), 60, 500))
        image, text = draw_word(rng, height, width)
        drawn.append(as_sample(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes(), text, index))
    sets = {f"{count} drawn words, 32-120 x 60-500, JPEG": drawn}
    photographs = [path.read_bytes() for path in sorted((PHOTOGRAPHS / "rec").glob("*/*.jpg"))]
    if photographs:
        sets[f"{len(photographs)} photographed words, JPEG"] = [
            as_sample(data, "word", index) for index, data in enumerate(photographs)
        ]
    return sets


def draw_word(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, str]:
    """Return an image of a word on a shaded, slightly noisy ground, and the word."""
    text = WORDS[int(rng.integers(len(WORDS)))]
    shade = np.linspace(*rng.uniform(100, 255, 2), width, dtype=np.float32)[None, :, None]
    image = np.broadcast_to(shade, (height, width, 3)) + rng.normal(0, 3, (height, width, 3))
    image = np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8))
    (wide, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1, 2)
    scale = min(0.9 * width / wide, 0.6 * height / tall)
    colour = tuple(int(v) for v in rng.integers(0, 90, 3))
    at = (int(0.05 * width), int(0.75 * height))
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, max(1, round(2 * scale)), cv2.LINE_AA)
    return image, text


def as_sample(data: bytes, text: str, index: int) -> Sample:
    """Return a sample as a data set gives it."""
    return {"image": data, "text": text, "label": text, "index": index}


def det_variants() -> list[Variant]:
    """Return the detector's training and evaluation pipelines, as the PP-OCRv4 configuration lists them."""
    before = [{"DecodeImage": {"img_mode": "BGR", "channel_first": False}}, {"DetLabelEncode": None}]
    after = [
        {
            "NormalizeImage": {
                "scale": "1./255.",
                "mean": [0.485, 0.456, 0.406],
                "std": [0.229, 0.224, 0.225],
                "order": "hwc",
            }
        },
        {"ToCHWImage": None},
    ]
    maps = ["image", "threshold_map", "threshold_mask", "shrink_map", "shrink_mask"]

    def train(fuse: bool) -> list[dict[str, Any]]:
        return [
            *before,
            {"IaaAugment": {"fuse": fuse}},
            {"EastRandomCropData": {"size": [640, 640], "max_tries": 50, "keep_ratio": True, "fuse": fuse}},
            {"MakeBorderMap": {"shrink_ratio": 0.4, "thresh_min": 0.3, "thresh_max": 0.7, "total_epoch": 500}},
            {"MakeShrinkMap": {"shrink_ratio": 0.4, "min_text_size": 8, "total_epoch": 500}},
            *after,
            {"KeepKeys": {"keep_keys": maps}},
        ]

    kept = {"KeepKeys": {"keep_keys": ["image", "shape", "polys", "ignore_tags"]}}
    return [
        Variant("det 640x640 training", train(fuse=True), incumbent=44.8, goal=7),
        Variant("det 640x640 training, fuse: false", train(fuse=False), incumbent=44.8, goal=None),
        Variant("det evaluation", [*before, {"DetResizeForTest": None}, *after, kept], incumbent=24.0, goal=7),
    ]


def det_samples(count: int) -> dict[str, list[Sample]]:
    """Return labelled street views of 1280 x 720 to 1680 x 945 pixels with 25 words each, as JPEG.

    The grounds are photographs where there are some, else drawn.
    """
    rng = np.random.default_rng(SEED)
    grounds = [cv2.imread(str(path)) for path in sorted((PHOTOGRAPHS / "det").glob("*/*.jpg"))]
    kind = "photographs" if grounds else "drawn grounds"
    samples = []
    for index in range(max(1, count // 8)):
        width, height = ((1280, 720), (1280, 960), (1440, 810), (1280, 720), (1680, 945))[index % 5]
        if grounds:
            page = cv2.resize(grounds[index % len(grounds)], (width, height), interpolation=cv2.INTER_CUBIC)
        else:
            page = cv2.resize(rng.integers(0, 256, (height // 16, width // 16, 3), np.uint8), (width, height))
        label = json.dumps([draw_region(page, rng, place) for place in range(25)])
        data = cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
        samples.append(as_sample(data, label, index))
    return {f"{len(samples)} {kind} with 25 words each, 1280 x 720 to 1680 x 945, JPEG": samples}


def draw_region(page: np.ndarray, rng: np.random.Generator, place: int) -> dict[str, Any]:
    """Write a word into one of the 25 fields of a page and return its label."""
    height, width = page.shape[0] // 5, page.shape[1] // 5
    word, text = draw_word(rng, int(height * rng.uniform(0.2, 0.4)), int(width * rng.uniform(0.4, 0.8)))
    tall, wide = word.shape[:2]
    x = place % 5 * width + int(rng.integers(0, width - wide))
    y = place // 5 * height + int(rng.integers(0, height - tall))
    page[y : y + tall, x : x + wide] = word
    return {"transcription": text, "points": [[x, y], [x + wide, y], [x + wide, y + tall], [x, y + tall]]}


TASKS: dict[str, Callable[[], Subject]] = {
    "det": lambda: Subject(det_variants(), det_samples, {}),
    "rec": lambda: Subject(rec_variants(), rec_samples, {"max_text_length": 25, "use_space_char": True}),
}


@dataclass(frozen=True)
class Official:
    """An official file, and what its training list is to cost: the goal and the incumbent, in milliseconds a sample."""

    config: str
    samples: Callable[[int], dict[str, list[Sample]]]
    incumbent: float
    goal: float


OFFICIAL = [
    Official("configs/det/ch_PP-OCRv4/ch_PP-OCRv4_det_student.yml", det_samples, incumbent=50.9, goal=8.5),
    Official("configs/rec/PP-OCRv3/en_PP-OCRv3_rec.yml", rec_samples, incumbent=6.4, goal=0.55),
]


class Stopwatch:
    """Processor seconds by stage; a stage that runs another one is not charged for it."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._stages = ["reading, drawing"]
        self._since = time.process_time()

    def enter(self, stage: str) -> None:
        """Charge the present stage, and begin another inside it."""
        self._charge()
        self._stages.append(stage)

    def leave(self) -> None:
        """Charge the present stage, and go on with the one it began in."""
        self._charge()
        self._stages.pop()

    def _charge(self) -> None:
        now = time.process_time()
        self.spent[self._stages[-1]] += now - self._since
        self._since = now


def watched(transform: Any, watch: Stopwatch) -> Any:
    """Return a transform whose calls a stopwatch sees."""
    base = type(transform)

    class Watched(base):  # type: ignore[misc, valid-type]
        def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
            watch.enter(base.__name__)
            try:
                return base.__call__(self, sample, rng)
            finally:
                watch.leave()

    copied = Watched.__new__(Watched)
    vars(copied).update(vars(transform))
    return copied


def write_samples(samples: Sequence[Sample], folder: Path) -> None:
    """Write samples as image files and a label file "labels.txt"."""
    lines = []
    for sample in samples:
        (folder / f"{sample['index']}.jpg").write_bytes(sample["image"])
        lines.append(f"{sample['index']}.jpg\t{sample['label']}\n")
    (folder / "labels.txt").write_text("".join(lines), encoding="utf-8")


def open_official(official: Official, folder: Path) -> BatchLoader:
    """Return the training loader of an official file on a folder made by `write_samples`."""
    values = [f"dataset.data_dir={folder}", f"dataset.label_file_list=[{folder / 'labels.txt'}]"]
    values += ["loader.drop_last=false", "loader.num_workers=0"]
    config = load_config(ROOT / official.config, [f"Train.{value}" for value in values])
    pipeline = Pipeline.from_config(config.Train.dataset["transforms"], vars(config.Global))
    return build_loader(config.Train, pipeline, mode="train", seed=SEED)


def run_epoch(loader: BatchLoader, epoch: int) -> tuple[float, float]:
    """Draw the samples of an epoch, one after another; return processor and wall milliseconds a sample."""
    started, processor, count = time.perf_counter(), time.process_time(), 0
    for step in range(len(loader)):
        indices = loader.sampler.batch(epoch, step)
        earlier = loader.sampler.earlier(epoch, step, loader.dataset.pipeline.extra_samples)
        for index, before in zip(indices.tolist(), earlier.tolist()):
            loader.dataset.sample(epoch, index, None, before)
            count += 1
    return (time.process_time() - processor) / count * 1e3, (time.perf_counter() - started) / count * 1e3


def report_official(count: int, repeats: int) -> None:
    """Print a table for each official file and each set of samples."""
    print(f"{machine()}\n{yardstick()}\n")
    keep_freed_memory()
    for official in OFFICIAL:
        for title, samples in official.samples(count).items():
            with tempfile.TemporaryDirectory() as folder:
                write_samples(samples, Path(folder))
                loader = open_official(official, Path(folder))
                passes = range(1, 1 + repeats * max(1, 400 // len(samples)))
                times = np.array([run_epoch(loader, epoch) for epoch in passes])
                plain, watch = loader.dataset.pipeline.transforms, Stopwatch()
                loader.dataset.pipeline.transforms = [watched(transform, watch) for transform in plain]
                for epoch in passes:
                    run_epoch(loader, epoch)
                watch.enter("")
            (best, _), (median, wall) = times.min(axis=0), np.median(times, axis=0)
            total = sum(watch.spent.values())
            print(f"{official.config}, {title}\n\n| stage | ms/sample |\n|---|---:|")
            for stage, seconds in watch.spent.items():
                print(f"| {stage} | {median * seconds / total:.3f} |")
            print(
                f"| **whole** | **{median:.3f}** processor ({best:.3f} the best epoch), {wall:.3f} wall; "
                f"goal {official.goal}, incumbent {official.incumbent} |\n"
            )


def make_rng(index: int) -> np.random.Generator:
    """Return a generator as a data set makes one for each sample."""
    return np.random.Generator(np.random.Philox(key=np.array([SEED, index], np.uint64)))


def time_pipeline(pipeline: Pipeline, samples: Sequence[Sample], repeats: int) -> tuple[list[float], float]:
    """Return milliseconds an image: of each stage, and of the whole with its random generator.

    The best of `repeats` passes over all samples is taken, which other programs on the machine disturb least.
    """
    stages = [np.inf] * len(pipeline.transforms)
    total = np.inf
    clock = time.perf_counter
    started = clock()
    for turn in range(repeats * max(1, 200 // len(samples))):  # a pass of few images needs more chances
        if turn > 2 and clock() - started > LONGEST_SECONDS:
            break
        spent = [0.0] * len(stages)
        for index, original in enumerate(samples):
            sample, rng = {**original, "notes": []}, make_rng(index)
            for place, transform in enumerate(pipeline.transforms):
                start = clock()
                sample = transform(sample, rng)
                spent[place] += clock() - start
        stages = [min(best, seconds / len(samples) * 1e3) for best, seconds in zip(stages, spent)]
        start = clock()
        for index, original in enumerate(samples):
            pipeline({**original, "notes": []}, make_rng(index) if pipeline.random else None)
        total = min(total, (clock() - start) / len(samples) * 1e3)
    return stages, total


def machine() -> str:
    """Return one line about where this runs."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    python = platform.python_version()
    return (
        f"{name}, {os.cpu_count()} cores (one used); Python {python}, NumPy {np.__version__}, OpenCV {cv2.__version__}"
    )


def yardstick() -> str:
    """Return a line about how fast this machine is now, next to the one on which the incumbent was measured."""
    image = np.random.default_rng(SEED).integers(0, 256, (*YARDSTICK_SIZE, 3), np.uint8)
    mean, std = (np.array(v, np.float32) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    best = np.inf
    for _ in range(15):
        start = time.perf_counter()
        (image.astype(np.float32) * np.float32(1 / 255) - mean) / std
        best = min(best, time.perf_counter() - start)
    height, width = YARDSTICK_SIZE
    return (
        f"NumPy normalises a {height} x {width} image in {best * 1e3:.1f} ms here, in {YARDSTICK_MS} ms where the "
        f"incumbent was measured: this machine takes {best * 1e3 / YARDSTICK_MS:.2f} times as long"
    )


def report(subject: Subject, count: int, repeats: int) -> None:
    """Print a table for each set of samples."""
    print(f"{machine()}\n{yardstick()}\n")
    keep_freed_memory()  # as every data worker does
    for title, samples in subject.samples(count).items():
        print(f"{title}\n\n| pipeline | stage | ms/image |\n|---|---|---:|")
        for variant in subject.variants:
            pipeline = Pipeline.from_config(variant.transforms, subject.global_values)
            stages, total = time_pipeline(pipeline, samples, repeats)
            for transform, spent in zip(pipeline.transforms, stages):
                print(f"| {variant.name} | {type(transform).__name__} | {spent:.3f} |")
            print(
                f"| {variant.name} | **whole** | **{total:.3f}** (goal {variant.goal or 'none'}; "
                f"incumbent {variant.incumbent}, {variant.incumbent / total:.1f} x) |"
            )
        print()


def main() -> None:
    """Read the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=[*sorted(TASKS), "official"], default="rec")
    parser.add_argument("--samples", type=int, default=200, help="drawn samples in a pass")
    parser.add_argument("--repeats", type=int, default=15, help="passes, of which the best counts")
    args = parser.parse_args()
    if args.task == "official":
        report_official(args.samples, args.repeats)
    else:
        report(TASKS[args.task](), args.samples, args.repeats)


if __name__ == "__main__":
    main()
