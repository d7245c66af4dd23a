"""Fused convolutions put back into branches give the same outputs, before and after statistics are measured."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from ppocr.deploy.export import fuse
from ppocr.errors import CheckpointError
from ppocr.modeling.architectures import build_model
from ppocr.pretrained.calibrate import calibrate
from ppocr.pretrained.deploy_form import deploy_units
from ppocr.pretrained.importer import put_in
from ppocr.pretrained.mapping import Mapped
from ppocr.pretrained.unfold import unfold
from tests.conformance import load
from tests.conformance.networks import fill_network

MODELS = ["det__PP-OCRv4_mobile_det", "det__PP-OCRv6_tiny_det"]


@pytest.fixture(scope="module", params=MODELS)
def pair(request: pytest.FixtureRequest) -> tuple:
    """A network, the same network with only the arrays of its fused form, images, and what the first gives."""
    reference = load(f"models/{request.param}.json")
    paddle.seed(0)
    trained, fresh = (build_model(reference["architecture"]) for _ in range(2))
    fill_network(trained, reference["bn_variance_scale"])
    trained.eval()
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 64, 96)).astype(np.float32)
    state = fuse(trained).state_dict()
    used = [name for unit in deploy_units(trained, images.shape[1:]) for name in unit.shapes]
    arrays = {name: state[name].numpy() for name in used}
    return trained, fresh, images, arrays


def outputs(model: paddle.nn.Layer, images: np.ndarray) -> np.ndarray:
    model.eval()
    with paddle.no_grad():
        return model(paddle.to_tensor(images))["maps"].numpy()


def test_unfolding_and_measuring_leave_the_outputs_alone(pair: tuple) -> None:
    trained, fresh, images, arrays = pair
    expected = outputs(trained, images)
    done = put_in(fresh, Mapped(arrays))
    assert done.identity and done.layers
    assert np.abs(outputs(fresh, images) - expected).max() < 1e-4
    calibrate(fresh, done.identity, done.silent, [images])
    assert np.abs(outputs(fresh, images) - expected).max() < 1e-4
    assert np.abs(outputs(fuse(fresh), images) - expected).max() < 1e-4
    norms = dict(fresh.named_sublayers())
    assert all(norms[path].weight.numpy().any() for path in done.identity)
    assert not any(norms[path].weight.numpy().any() for path in done.silent)


def test_a_name_nothing_fuses_into_is_refused(pair: tuple) -> None:
    with pytest.raises(CheckpointError, match="no layer of the network fuses into it"):
        unfold(pair[1], {"head.binarize.conv9.weight": np.zeros(3, np.float32)})
