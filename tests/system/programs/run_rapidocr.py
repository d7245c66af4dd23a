"""Read lines and a page by RapidOCR with ONNX Runtime: `python run_rapidocr.py REQUEST ANSWER`."""

import json
import sys
from pathlib import Path

from rapidocr import RapidOCR

request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
params = {**request["params"], "Global.log_level": "error"}
params |= {"Det.model_path": request["det"], "Rec.model_path": request["rec"]}
engine = RapidOCR(params=params)
read = [engine(line, use_det=False, use_cls=False) for line in request["lines"]]
page = engine(request["page"], use_det=True, use_cls=False)  # it remembers what it was told last
answer = {
    "lines": [result.txts[0] for result in read],
    "scores": [float(result.scores[0]) for result in read],
    "page": list(page.txts),
}
Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")
