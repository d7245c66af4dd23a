"""Read pages: python tools/infer/predict_system.py --image_dir=... --det_model_dir=... --rec_model_dir=..."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ppocr.program import run  # noqa: E402 - found through the line above
from ppocr.system.ecosystem import TextSystem  # noqa: E402 - for scripts that import it from here

__all__ = ["TextSystem"]

if __name__ == "__main__":
    run("predict_system")
