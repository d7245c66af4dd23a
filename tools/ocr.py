"""Read the text of pages: python tools/ocr.py page.png"""

import sys
from pathlib import Path

sys.path[:1] = [str(Path(__file__).resolve().parents[1])]  # not this folder: its onnx.py is no library

from ppocr.program import run  # noqa: E402 - found through the line above

if __name__ == "__main__":
    run("ocr")
