"""Networks trained as several branches are exported as one convolution each, and give the same."""

import numpy as np
import paddle
import pytest

from ppocr.build import build_task
from ppocr.config.loader import load_config
from ppocr.deploy.backends.paddle_backend import PaddleBackend
from ppocr.deploy.export import LARGEST_DIFFERENCE, TensorSpec, export, fuse, save_program
from ppocr.modeling.architectures import build_model
from tests.system.project import ROOT

DETECTOR = ROOT / "configs/det/PP-OCRv4/PP-OCRv4_mobile_det.yml"
LINES = {
    "model_type": "rec",
    "Backbone": {"name": "PPLCNetV3", "scale": 0.35},
    "Neck": {"name": "SequenceEncoder", "encoder_type": "reshape"},
    "Head": {"name": "CTCHead", "out_channels": 11},
}


def give_statistics(model):
    """Make the batch norms differ from the identity, as training does."""
    rng = np.random.default_rng(5)
    for name, tensor in model.state_dict().items():
        if name.endswith("_variance"):
            tensor.set_value(rng.uniform(0.5, 2.0, tensor.shape).astype(np.float32))
        elif name.endswith(("_mean", ".lab.bias")):
            tensor.set_value(rng.normal(0, 0.2, tensor.shape).astype(np.float32))
        elif name.endswith((".bn.weight", "identity.weight", ".lab.scale")):
            tensor.set_value(rng.uniform(0.5, 1.5, tensor.shape).astype(np.float32))


def size_of(model):
    return 4 * sum(int(tensor.size) for tensor in model.state_dict().values())


@pytest.mark.parametrize("ir", ["new", "old"])
def test_detector(ir, tmp_path):
    paddle.seed(3)
    cfg = load_config(DETECTOR, ["Global.use_gpu=false", "Global.infer_img=null", "Architecture.Backbone.scale=0.35"])
    task = build_task(cfg, "infer")
    give_statistics(task.model)
    names = list(task.model.state_dict())
    assert export(task, cfg, tmp_path, ir) <= LARGEST_DIFFERENCE  # of the network as trained and the exported file
    assert list(task.model.state_dict()) == names
    written = (tmp_path / "inference.pdiparams").stat().st_size
    fused = fuse(task.model)
    # Without the branches, and without the threshold map, which is only for training.
    assert written < 1.1 * size_of(fused) < 0.6 * size_of(task.model)


def test_lines_of_any_width(tmp_path):
    paddle.seed(3)
    model = build_model(LINES)
    give_statistics(model)
    model.eval()
    save_program(model, (TensorSpec("x", "image", (-1, 3, 48, -1)),), ("ctc",), tmp_path, "new")
    exported = PaddleBackend(tmp_path, ("ctc",))
    fused = fuse(model)
    for count, width in ((1, 160), (3, 320), (2, 501)):
        x = np.random.RandomState(width).uniform(-1, 1, (count, 3, 48, width)).astype(np.float32)
        with paddle.no_grad():
            trained, in_one = (net(paddle.to_tensor(x))["ctc"].numpy() for net in (model, fused))
        assert np.abs(trained - in_one).max() <= 1e-4
        np.testing.assert_allclose(exported.run({"x": x})["ctc"], trained, atol=1e-4, rtol=0)
    assert "backbone.blocks2.0.dw_conv.conv_kxk.0.conv.weight" in model.state_dict()
