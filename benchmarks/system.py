"""Time the reading of pages beside RapidOCR: same weights, same images, same engine, same precision, in one run.

    python benchmarks/system.py --rapid ENVIRONMENT/bin/python

The environment holds rapidocr-openvino 1.4.4 and rapidocr-onnxruntime 1.4.4, whose PP-OCRv4 mobile ONNX files both
sides run, with RapidOCR's thresholds of detection. Its detector sees pages with a shorter side of at least 736 pixels,
ours with a longer side of at most 960, the official deployment's.

The programs take turns, a round of all pages each, because other programs disturb the machine; the ratio is that of the
medians over the rounds, by the clock and of the processors' time. Ours reads a stream of pages; RapidOCR, which has no
such thing, one by one, as ours does for the second ratio. Images are decoded before.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.pop(name, None)  # both sides take all processors

import cv2  # noqa: E402
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from data_pipeline import machine  # noqa: E402

from ppocr.deploy.backends.base import RuntimeOptions  # noqa: E402
from ppocr.deploy.inference_config import load_model_config  # noqa: E402
from ppocr.deploy.predictor import Predictor  # noqa: E402
from ppocr.system.options import SystemOptions, line_runtime  # noqa: E402
from ppocr.system.pages import PageImage  # noqa: E402
from ppocr.system.text_system import TextSystem  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
PDF_DPI = 200
GOALS = {("openvino", "fp32"): 1.3, ("openvino", "auto"): 1.3, ("onnxruntime", "fp32"): 2.0}
GRAM = 4  # characters
DETECTION = {"box_thresh": 0.5, "unclip_ratio": 1.6, "use_dilation": True}  # RapidOCR's
PAGE_TEXT = """Region-based segmentation Let us first determine markers of the coins and the background. These markers
are pixels that we can label unambiguously as either object or background. Here, the markers are found at the two
extreme parts of the histogram of grey values: >>> markers = np.zeros_like(coins)"""


@dataclass
class Sample:
    """A page.

    Args:
        name: of its file.
        image: uint8 [H, W, 3], blue-green-red.
        text: that is on it; None: unknown.
        words: that are on it, where not all are labelled.
    """

    name: str
    image: np.ndarray
    text: str | None = None
    words: tuple[str, ...] = ()


def samples(data: Path) -> list[Sample]:
    """Return the pages there are."""
    import pypdfium2
    import skimage.data

    found = [Sample("page", cv2.cvtColor(skimage.data.page(), cv2.COLOR_GRAY2BGR), PAGE_TEXT)]
    for row in (data / "det" / "ic15_toy.txt").read_text(encoding="utf-8").splitlines():
        name, _, label = row.partition("\t")
        words = [each["transcription"] for each in json.loads(label) if each["transcription"] != "###"]
        image = cv2.imread(str(data / "det" / name))
        found.append(Sample(Path(name).name, image, words=tuple(w for each in words for w in each.split())))
    for name in ("linn", "typewriter", "baiona"):
        label = data / "pdf" / f"{name}.txt"
        text = label.read_text(encoding="utf-8") if label.is_file() else None
        found.append(Sample(name, cv2.imread(str(data / "pdf" / f"{name}.png")), text))
    for name in ("francais", "multipage"):
        document = pypdfium2.PdfDocument(data / "pdf" / f"{name}.pdf")
        for number, page in enumerate(document):
            image = np.ascontiguousarray(page.render(scale=PDF_DPI / 72).to_numpy()[..., :3])
            found.append(Sample(f"{name} {number + 1}", image))
    return found


@dataclass
class Took:
    """Seconds by the clock, and of all processors together: the latter depend less on what else the machine does."""

    seconds: float
    processor: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s ({self.processor:.2f} s of processors)"


class Ours:
    """This repository's system.

    Args:
        models: folder of the ONNX files.
        backend: engine.
        precision: "fp32" or "auto".
        use_cls: run the classifier of angles.
    """

    def __init__(self, models: Path, backend: str, precision: str, use_cls: bool) -> None:
        options = RuntimeOptions(backend=backend, precision=precision)  # type: ignore[arg-type]
        config = load_model_config(models / "ch_PP-OCRv4_det_infer.onnx")
        config.postprocess.update(DETECTION)
        det = Predictor.from_folder(models / "ch_PP-OCRv4_det_infer.onnx", options, config=config)
        rec = Predictor.from_folder(models / "ch_PP-OCRv4_rec_infer.onnx", line_runtime(options))
        cls = Predictor.from_folder(models / "ch_ppocr_mobile_v2.0_cls_infer.onnx", options)
        self.system = TextSystem(det, rec, cls if use_cls else None, options=SystemOptions())

    def stream(self, pages: Sequence[Sample]) -> tuple[Took, list[list[str]]]:
        """Return what all pages took together, and what was read of each."""
        self.system.timings.reset()
        start, processor = time.perf_counter(), time.process_time()
        read = list(self.system.stream(PageImage(page.image, page.name) for page in pages))
        took = Took(time.perf_counter() - start, time.process_time() - processor)
        return took, [[line.text for line in page.lines] for page in read]

    def alone(self, pages: Sequence[Sample]) -> Took:
        """Return what the pages took, read one by one."""
        start, processor = time.perf_counter(), time.process_time()
        for page in pages:
            self.system.read(page.image)
        return Took(time.perf_counter() - start, time.process_time() - processor)


class Theirs:
    """RapidOCR in a process of its own environment.

    Args:
        python: interpreter of the environment.
        package: "rapidocr_openvino" or "rapidocr_onnxruntime".
        precision: "fp32" or "auto".
        use_cls: run the classifier of angles.
    """

    def __init__(self, python: Path, package: str, precision: str, use_cls: bool) -> None:
        command = [str(python), str(ROOT / "benchmarks" / "rapid_worker.py"), package, precision, str(int(use_cls))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self, files: Sequence[Path]) -> tuple[Took, list[list[str]]]:
        """Return what all pages took, and what was read of each."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"pages": [str(file) for file in files]}) + "\n")
        self.process.stdin.flush()
        pages = json.loads(self.process.stdout.readline())["pages"]
        took = Took(*(sum(page[key] for page in pages) for key in ("seconds", "processor")))
        return took, [page["texts"] for page in pages]

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def grams(text: str) -> Counter[str]:
    """Return the runs of a few characters, without spaces and case: what lines are broken into changes few of them."""
    letters = "".join(text.lower().split())
    return Counter(letters[i : i + GRAM] for i in range(max(1, len(letters) - GRAM + 1)))


def agreement(one: Sequence[str], other: Sequence[str]) -> float:
    """Return how much two lists of lines have in common, 0 to 1, in whatever order they are."""
    first, second = (sum((grams(text) for text in texts), Counter[str]()) for texts in (one, other))
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0


def accuracy(pages: Sequence[Sample], read: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the share of labelled characters that were read: of whole texts by runs of characters and in order, of
    photographs by words."""
    from rapidfuzz.distance import Levenshtein

    found: dict[str, float] = {}
    right = total = 0
    for page, texts in zip(pages, read):
        if page.text is not None:
            found[f"{page.name}, runs"] = agreement([page.text], ["".join(texts)])
            label, text = ("".join(each.split()) for each in (page.text, "".join(texts)))
            found[f"{page.name}, in order"] = 1 - Levenshtein.distance(label, text) / len(label)
        have = Counter(word for text in texts for word in text.lower().split())
        for word in page.words:
            total += len(word)
            right += len(word) * any(word.lower() in each for each in have)
    found["photographs, words"] = right / max(1, total)
    return found


def ratio(theirs: Sequence[Took], ours: Sequence[Took]) -> str:
    """Return how many times longer they took, by the clock and of the processors."""
    first, second = (
        statistics.median(getattr(took, key) for took in theirs)
        / statistics.median(getattr(took, key) for took in ours)
        for key in ("seconds", "processor")
    )
    return f"{first:.2f} ({second:.2f} of processors)"


def compare(
    pages: Sequence[Sample], files: Sequence[Path], args: argparse.Namespace, backend: str, precision: str
) -> None:
    """Run both sides in turn and print what they took and read."""
    models = next(args.rapid.parent.parent.glob("lib/python*/site-packages/rapidocr_onnxruntime/models"))
    ours = Ours(models, backend, precision, args.cls)
    theirs = Theirs(args.rapid, f"rapidocr_{backend}", precision, args.cls)
    streamed: list[Took] = []
    alone: list[Took] = []
    rapid: list[Took] = []
    for turn in range(args.rounds + 1):
        took, texts = ours.stream(pages)
        timings = dict(ours.system.timings.seconds)
        their_time, their_texts = theirs.read(files)
        single = ours.alone(pages)
        if turn:  # the first round warms up
            streamed, alone, rapid = [*streamed, took], [*alone, single], [*rapid, their_time]
        print(f"  round {turn}: ours {took}, one by one {single}, RapidOCR {their_time}", flush=True)
    theirs.close()
    goal = GOALS.get((backend, precision))
    print(
        f"{backend} {precision}: {ratio(rapid, streamed)} x RapidOCR (goal {goal}), one by one {ratio(rapid, alone)} x"
    )
    print("  seconds of each stage:", {name: round(seconds, 3) for name, seconds in timings.items() if seconds})
    mine, other = accuracy(pages, texts), accuracy(pages, their_texts)
    for key in mine:
        print(f"  {key}: ours {mine[key]:.4f}, RapidOCR {other[key]:.4f}")
    for page, one, two in zip(pages, texts, their_texts):
        print(f"  {page.name}: agreement {agreement(one, two):.3f}, lines {len(one)} and {len(two)}")


def main() -> None:
    """Print the comparison for each engine and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rapid", type=Path, required=True, help="interpreter of the environment with RapidOCR")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=["openvino:fp32", "openvino:auto", "onnxruntime:fp32"])
    parser.add_argument("--cls", action="store_true", help="with the classifier of angles, on both sides")
    args = parser.parse_args()
    pages = samples(args.data)
    print(f"{machine().replace('one used', 'all used')}; {len(pages)} pages")
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.npy" for number in range(len(pages))]
        for file, page in zip(files, pages):
            np.save(file, page.image)
        for each in args.only:
            backend, _, precision = each.partition(":")
            compare(pages, files, args, backend, precision)


if __name__ == "__main__":
    main()
