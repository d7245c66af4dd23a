"""A new file in the backbones folder and its name in YAML is all it takes."""

import shutil
import subprocess
import sys
from pathlib import Path

import ppocr

# The tutorial's sample with its placeholders filled in, the decorator, and the channels the next part asks for.
MY_BACKBONE = """
import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from ppocr.registry import BACKBONES


@BACKBONES.register()
class MyBackbone(nn.Layer):
    def __init__(self, *args, **kwargs):
        super(MyBackbone, self).__init__()
        assert kwargs["args1"] == "args1"
        self.out_channels = 7
        self.conv = nn.Conv2D(kwargs["in_channels"], 7, 3, stride=(32, 4), padding=1)

    def forward(self, inputs):
        y = self.conv(inputs)
        return y
"""

USE_IT = """
import sys

import paddle
from ppocr.config.loader import load_config
from ppocr.modeling.architectures import build_model

architecture = load_config(sys.argv[1]).Architecture
architecture["Head"]["out_channels"] = 5
print(list(build_model(architecture)(paddle.zeros([2, 3, 32, 100]))["ctc"].shape))
"""

CONFIG = Path(__file__).parents[2] / "configs" / "rec" / "rec_icdar15_train.yml"


def test_tutorials_backbone(tmp_path):
    copied = tmp_path / "ppocr"
    shutil.copytree(Path(ppocr.__file__).parent, copied, ignore=shutil.ignore_patterns("__pycache__"))
    (copied / "modeling" / "backbones" / "my_backbone.py").write_text(MY_BACKBONE)
    text = CONFIG.read_text(encoding="utf-8")
    shipped = "    name: MobileNetV3\n    scale: 0.5\n    model_name: large\n"
    assert shipped in text
    config = tmp_path / "my.yml"
    config.write_text(text.replace(shipped, "    name: MyBackbone\n    args1: args1\n"), encoding="utf-8")

    command = [sys.executable, "-c", USE_IT, str(config)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("[2, 25, 5]")
