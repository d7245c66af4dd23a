"""The walk of a batch from the loop to the loss, on a real step: short, and as docs/architecture.md describes it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from ppocr.config.loader import load_config
from ppocr.data.batches import collate, to_tensors
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.data.transforms.rec_resize import RecResizeImg
from ppocr.engine.runs import train
from ppocr.losses.rec_ctc import CTCLoss
from ppocr.modeling.backbones.plain_conv_net import PlainConvNet
from tests.system.project import ROOT, make_project

MOST_FRAMES, MOST_FILES = 14, 9
# what a configuration names, one of each kind; the network's parts stand together
PARTS = [f.__code__ for f in (SimpleDataSet.read, RecResizeImg.__call__, PlainConvNet.forward, CTCLoss.forward)]
STOPS = [*PARTS, collate.__code__, to_tensors.__code__]


def walk(config: Path) -> list[CodeType]:
    """Return the functions of ours that a batch passes from `train_epoch` to its loss, as they are first entered.

    These are all on the stack where a part of the configuration gets the batch or a sample of it.
    """
    passed: dict[CodeType, None] = {}

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_code not in STOPS:
            return
        stack: list[CodeType] = []
        here: FrameType | None = frame
        while here is not None and "train_epoch" not in [code.co_name for code in stack]:
            code = here.f_code
            if code.co_filename.startswith(str(ROOT / "ppocr")) and not code.co_name.startswith("<"):
                stack.append(code)
            here = here.f_back
        if here is not None:  # not while the run is being built
            passed.update(dict.fromkeys(reversed(stack)))
        if frame.f_code is CTCLoss.forward.__code__:
            sys.setprofile(None)

    sys.setprofile(watch)
    try:
        train(load_config(str(config)))
    finally:
        sys.setprofile(None)
    return list(passed)


def documented() -> list[tuple[str, str]]:
    """Return the file and function of each row of the page."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = page.partition("## The walk of a batch\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(ppocr/\S+)` \| `(\w+)\(\)` \|", section, re.MULTILINE)


def test_the_walk_of_a_batch_is_short_and_documented(tmp_path: Path) -> None:
    passed = walk(make_project(tmp_path).config)
    assert set(STOPS) <= set(passed)
    frames = [(Path(c.co_filename).relative_to(ROOT).as_posix(), c.co_name) for c in passed if c not in PARTS]
    assert frames == documented()
    passed.remove(PlainConvNet.forward.__code__)  # the network counts once, by the forward pass that calls its parts
    assert len(passed) <= MOST_FRAMES and len({c.co_filename for c in passed}) <= MOST_FILES
