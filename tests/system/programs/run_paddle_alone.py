"""Read lines as runners of the 2.x generation do, with Paddle Inference and a dictionary file, and nothing else.

`python run_paddle_alone.py REQUEST ANSWER`
"""

import json
import math
import sys
from pathlib import Path

import cv2
import numpy as np
from paddle import inference

HEIGHT, LEAST_WIDTH = 48, 320

request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
folder = Path(request["rec"])
config = inference.Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
config.disable_gpu()
config.disable_glog_info()
predictor = inference.create_predictor(config)
entry = predictor.get_input_handle(predictor.get_input_names()[0])
characters = Path(request["dictionary"]).read_text(encoding="utf-8").rstrip("\n").split("\n")
classes = ["blank", *characters, " "]


def prepared(path: str) -> np.ndarray:
    """Return a line, float32 [1, 3, 48, W], filled up with zeros at the right where it is short."""
    image = cv2.imread(path)
    ratio = image.shape[1] / image.shape[0]
    width = max(LEAST_WIDTH, int(HEIGHT * ratio))
    resized = cv2.resize(image, (min(width, math.ceil(HEIGHT * ratio)), HEIGHT)).astype("float32")
    padded = np.zeros((1, 3, HEIGHT, width), dtype=np.float32)
    padded[0, :, :, : resized.shape[1]] = (resized.transpose(2, 0, 1) / 255 - 0.5) / 0.5
    return padded


def decoded(probabilities: np.ndarray) -> str:
    """Return the text of float32 [T, classes]: the best class of each step, without repeats and blanks."""
    assert probabilities.shape[1] == len(classes)
    best = probabilities.argmax(axis=1)
    return "".join(classes[c] for i, c in enumerate(best) if c and (i == 0 or c != best[i - 1]))


texts = []
for line in request["lines"]:
    entry.copy_from_cpu(prepared(line))
    predictor.run()
    (name,) = predictor.get_output_names()
    texts.append(decoded(predictor.get_output_handle(name).copy_to_cpu()[0]))
Path(sys.argv[2]).write_text(json.dumps({"lines": texts}), encoding="utf-8")
