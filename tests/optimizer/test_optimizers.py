"""Optimizers equal the reference numbers; groups and frozen parameters do what they say."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.errors import ConfigError
from ppocr.modeling.architectures.base import Architecture
from ppocr.optimizer import build_optimizer
from tests.conformance import fill, load, stream
from tests.conformance.rounding import assert_recorded, noisy

NAMES = ("Adadelta", "Adam", "AdamW", "Momentum", "RMSProp")
CASES = [c for name in NAMES for c in load(f"optim/{name}.json")["cases"]]


class Toy(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.norm, self.fc2 = nn.Linear(4, 5), nn.LayerNorm(5, epsilon=1e-5), nn.Linear(5, 3)

    def forward(self, x):
        return self.fc2(self.norm(nn.functional.relu(self.fc1(x))))


class _Part(nn.Layer):
    def __init__(self, **parts: nn.Layer) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


class ToyVL(Architecture):
    """Declares the two groups of VisionLAN's stage LF_2 (Wang et al., ICCV 2021)."""

    FULL_RATE = ("head.MLM_VRM.MLM.", "head.MLM_VRM.Prediction.pp_share.", "head.MLM_VRM.Prediction.w_share.")

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Linear(4, 3)
        prediction = _Part(pp_share=nn.Linear(3, 3), w_share=nn.Linear(3, 3))
        self.head = _Part(MLM_VRM=_Part(MLM=nn.Linear(3, 3), Prediction=prediction))

    def parameter_groups(self, section, rate):
        # upstream: groups exist in this stage only, whatever group_lr says elsewhere
        if not (section.get("group_lr") and section.get("training_step") == "LF_2"):
            return None
        full = [p for n, p in self.named_parameters() if n.startswith(self.FULL_RATE)]
        rest = [p for n, p in self.named_parameters() if not n.startswith(self.FULL_RATE)]
        return [{"params": full}, {"params": rest, "learning_rate": rate * 0.1}]

    def forward(self, x):
        module = self.head.MLM_VRM
        return module.Prediction.w_share(module.Prediction.pp_share(module.MLM(self.backbone(x))))


def make_net(kind: str) -> nn.Layer:
    net = ToyVL() if kind == "ToyVL" else Toy()
    for name, parameter in net.named_parameters():
        parameter.set_value(fill(name, tuple(parameter.shape)).astype(np.float32))
    if kind == "ToyReg":
        net.fc2.weight.regularizer = paddle.regularizer.L2Decay(0.5)
        net.fc2.bias.regularizer = paddle.regularizer.L2Decay(0.0)
    if kind == "ToyLR":
        net.fc1.weight.optimize_attr["learning_rate"] = 0.1
    return net


def data(draw: int | None = None) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Return input and target, with the noise of a draw where one is given."""
    arrays = (
        stream(f"optim/{n}").standard_normal(shape).astype(np.float32) for n, shape in (("x", (6, 4)), ("y", (6, 3)))
    )
    return tuple(paddle.to_tensor(array if draw is None else noisy(array, draw)) for array in arrays)


def three_steps(case: dict, draw: int | None = None) -> dict[str, np.ndarray]:
    """Return the losses, and the sums and last values of the parameters."""
    net = make_net(case["net"])
    section = {"name": case["name"], **case["args"]}
    optimizer, schedule = build_optimizer(section, net, epochs=case["epochs"], steps_per_epoch=case["step_each_epoch"])
    x, y = data(draw)
    found = {}
    for i in range(3):
        loss = ((net(x) - y) ** 2).mean()
        found[f"loss {i}"] = loss.numpy()
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        schedule.step()
        found.update({f"sum {i} {name}": p.sum().numpy() for name, p in net.named_parameters()})
    found.update({f"last {name}": p.numpy() for name, p in net.named_parameters()})
    return found


@pytest.mark.parametrize("case", CASES, ids=[f"{i} {c['name']} {c['net']}" for i, c in enumerate(CASES)])
def test_three_steps_equal_the_reference(case: dict) -> None:
    """RMSProp divides small gradients by their own size: there, what rounding does is measured."""
    recorded, bounds = {}, {}
    for i, step in enumerate(case["steps"]):
        recorded[f"loss {i}"], bounds[f"loss {i}"] = np.array(step["loss"]), np.array(1e-4 * step["loss"])
        for name, value in step["sums"].items():
            recorded[f"sum {i} {name}"], bounds[f"sum {i} {name}"] = np.array(value), np.array(2e-5)
    for name, values in case["parameters_after_3_steps"].items():
        recorded[f"last {name}"] = np.array(values)
        bounds[f"last {name}"] = 1e-5 + 1e-7 * np.abs(recorded[f"last {name}"])
    assert_recorded(three_steps(case), recorded, bounds, lambda draw: three_steps(case, draw))


def train_once(net: nn.Layer, optimizer) -> None:
    x, y = data()
    ((net(x) - y) ** 2).mean().backward()
    optimizer.step()


def test_frozen_parameters_stay() -> None:
    net = make_net("Toy")
    before = {name: p.numpy() for name, p in net.named_parameters()}
    section = {"name": "Adam", "lr": {"learning_rate": 0.1}}
    optimizer, _ = build_optimizer(section, net, epochs=1, steps_per_epoch=1, freeze=["fc1.*"])
    train_once(net, optimizer)
    changed = {name for name, p in net.named_parameters() if not np.array_equal(p.numpy(), before[name])}
    assert changed == {"norm.weight", "norm.bias", "fc2.weight", "fc2.bias"}


def test_frozen_batch_norm_keeps_its_statistics() -> None:
    net = nn.Sequential(nn.Conv2D(1, 2, 1), nn.BatchNorm2D(2), nn.Conv2D(2, 1, 1))
    section = {"name": "Momentum", "lr": {"learning_rate": 0.1}}
    build_optimizer(section, net, epochs=1, steps_per_epoch=1, freeze=["1.*"])
    net.train()
    mean = net[1]._mean.numpy().copy()
    net(paddle.rand([4, 1, 5, 5]) * 9)
    assert np.array_equal(net[1]._mean.numpy(), mean)


def test_groups_change_rate_and_decay() -> None:
    section = {"name": "Momentum", "momentum": 0.0, "lr": {"learning_rate": 0.1}}
    plain, grouped = make_net("Toy"), make_net("Toy")
    first = grouped.fc1.weight.numpy()
    groups = [{"params": "fc1.*", "lr_factor": 0.5}, {"params": ["fc2.weight"], "weight_decay": 0.3}]
    for net, chosen in ((plain, ()), (grouped, groups)):
        train_once(net, build_optimizer(section, net, epochs=1, steps_per_epoch=1, param_groups=chosen)[0])
    np.testing.assert_allclose(grouped.fc1.weight.numpy() - first, (plain.fc1.weight.numpy() - first) / 2, atol=1e-6)
    decayed = plain.fc2.weight.numpy() - 0.1 * 0.3 * make_net("Toy").fc2.weight.numpy()
    np.testing.assert_allclose(grouped.fc2.weight.numpy(), decayed, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"freeze": ["fc3.*"]}, r"Global.freeze: no parameter is named like 'fc3.\*', did you mean fc"),
        ({"freeze": ["*"]}, "every parameter is frozen"),
        ({"param_groups": [{"params": "fc1.*", "lr_factr": 1}]}, "lr_factr: unknown key, did you mean lr_factor"),
    ],
)
def test_patterns_that_cannot_be_meant_are_refused(options: dict, says: str) -> None:
    section = {"name": "Adam", "lr": {"learning_rate": 0.1}}
    with pytest.raises(ConfigError, match=says):
        build_optimizer(section, make_net("Toy"), epochs=1, steps_per_epoch=1, **options)
