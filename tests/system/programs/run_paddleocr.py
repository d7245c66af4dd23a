"""Read lines and a page by PaddleOCR 3: `python run_paddleocr.py REQUEST ANSWER`."""

import json
import os
import sys
from pathlib import Path

os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"  # nothing is to be fetched

from paddleocr import PaddleOCR, TextDetection, TextRecognition

request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
rec = TextRecognition(model_name=request["rec_name"], model_dir=request["rec"])
read = rec.predict(request["lines"], batch_size=1)
# oneDNN, its default, fails in PaddlePaddle 3.3.1 on the upsampling of detectors
limits = {"limit_side_len": request["limit"], "limit_type": "max"}
det = TextDetection(model_name=request["det_name"], model_dir=request["det"], enable_mkldnn=False, **limits)
pipeline = PaddleOCR(
    text_detection_model_name=request["det_name"],
    text_detection_model_dir=request["det"],
    text_recognition_model_name=request["rec_name"],
    text_recognition_model_dir=request["rec"],
    use_doc_orientation_classify=False,
    use_doc_unwarping=False,
    use_textline_orientation=False,
    enable_mkldnn=False,
)
answer = {
    "lines": [result["rec_text"] for result in read],
    "scores": [float(result["rec_score"]) for result in read],
    "boxes": [box.tolist() for box in det.predict(request["page"])[0]["dt_polys"]],
    "page": pipeline.predict(request["page"])[0]["rec_texts"],
}
Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")
