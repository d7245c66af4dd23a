"""The other side of system.py: RapidOCR in the interpreter of its own environment.

Reads one JSON object a line from standard input and answers each with one: `{"pages": [files of arrays]}` with the
seconds each page took and what was read of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any


def engine(package: str, precision: str) -> Any:
    """Return RapidOCR, its networks in a precision: its own choice, or float32 where that is OpenVINO's to choose."""
    module = __import__(package)
    if precision == "fp32" and "openvino" in package:
        from rapidocr_openvino.utils import infer_engine

        core = infer_engine.Core

        def core_of_float32() -> Any:
            made = core()
            made.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
            return made

        infer_engine.Core = core_of_float32
    return module.RapidOCR()


def main() -> None:
    """Answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package")
    parser.add_argument("precision", choices=("fp32", "auto"))
    parser.add_argument("use_cls", type=int)
    args = parser.parse_args()
    import numpy as np

    ocr = engine(args.package, args.precision)
    for line in sys.stdin:
        answer = []
        for path in json.loads(line)["pages"]:
            image = np.load(path)
            start, processor = time.perf_counter(), time.process_time()
            lines, _ = ocr(image, use_cls=bool(args.use_cls))
            took = {"seconds": time.perf_counter() - start, "processor": time.process_time() - processor}
            answer.append({**took, "texts": [text for _, text, _ in lines or []]})
        print(json.dumps({"pages": answer}), flush=True)


if __name__ == "__main__":
    main()
