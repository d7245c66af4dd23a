"""Read lines and a page by rapidocr-paddle with its own models: `python run_rapidocr_paddle.py REQUEST ANSWER`."""

import json
import sys
from pathlib import Path

import cv2
from rapidocr_paddle import RapidOCR

request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
engine = RapidOCR()
read = [engine(cv2.imread(line), use_det=False, use_cls=False)[0][0] for line in request["lines"]]
page, _ = engine(request["page"], use_cls=False)
answer = {
    "lines": [text for text, _ in read],
    "scores": [float(score) for _, score in read],
    "boxes": [box for box, *_ in page],
    "page": [text for _, text, _ in page],
}
Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")
