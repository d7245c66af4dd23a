"""Predict with an exported model of any kind: python tools/infer/predict.py --image_dir=... --model_dir=..."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ppocr.program import run  # noqa: E402 - found through the line above

if __name__ == "__main__":
    run("predict")
