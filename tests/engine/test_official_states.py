"""Checkpoints of official tools: what plain paddle wrote is resumed as plain paddle would go on, and the way back."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.engine.checkpoint import Checkpoint
from ppocr.engine.checkpoint_manager import CheckpointManager
from ppocr.engine.resume_states import resumable
from ppocr.engine.start import find_start, start_optimizer
from ppocr.engine.trainer_state import trainer_state
from ppocr.engine.weights import load_all_weights
from ppocr.errors import CheckpointError
from ppocr.optimizer import build_optimizer
from tests.engine.parts import trainer

EPOCHS, STEPS = 4, 3
RATE = 0.02
WARM_COSINE = {"name": "Cosine", "learning_rate": RATE, "warmup_epoch": 1}
SECTIONS = {
    "Adam": {"name": "Adam", "lr": WARM_COSINE},
    "AdamW": {"name": "AdamW", "weight_decay": 0.05, "lr": WARM_COSINE},
    "Momentum": {"name": "Momentum", "momentum": 0.9, "lr": {"name": "Const", "learning_rate": RATE}},
    "RMSProp": {"name": "RMSProp", "lr": {"name": "Piecewise", "decay_epochs": [1], "values": [RATE, RATE / 4]}},
    "Adadelta": {"name": "Adadelta", "lr": {"name": "Cosine", "learning_rate": RATE}},
}


def official_optimizer(name: str, parameters: list) -> tuple:
    """Return an optimizer and its schedule, a number where it is constant, as official tools build them."""
    lr, optim = paddle.optimizer.lr, paddle.optimizer
    cosine = lr.CosineAnnealingDecay(RATE, EPOCHS * STEPS)
    warm = lr.LinearWarmup(lr.CosineAnnealingDecay(RATE, EPOCHS * STEPS), STEPS, 0.0, RATE)
    schedule, make = {
        "Adam": (warm, optim.Adam),
        "AdamW": (warm, lambda **k: optim.AdamW(weight_decay=0.05, **k)),
        "Momentum": (RATE, lambda **k: optim.Momentum(momentum=0.9, **k)),
        "RMSProp": (lr.PiecewiseDecay([STEPS], [RATE, RATE / 4]), lambda **k: optim.RMSProp(epsilon=1e-6, **k)),
        "Adadelta": (cosine, lambda **k: optim.Adadelta(epsilon=1e-8, rho=0.95, **k)),
    }[name]
    return make(learning_rate=schedule, parameters=parameters), schedule


class Net(nn.Layer):
    """Three layers of one shape; the order of construction decides their automatic names, not that of their use."""

    def __init__(self, order: str) -> None:
        super().__init__()
        made = {name: nn.Linear(6, 6) for name in order}
        self.a, self.b, self.c = made["a"], made["b"], made["c"]
        self.norm = nn.BatchNorm1D(6)
        self.unused = nn.Linear(6, 6)  # never gets a gradient, and so never an entry

    def forward(self, x):
        return self.c(nn.functional.relu(self.norm(self.b(nn.functional.relu(self.a(x))))))


def train(net: nn.Layer, optimizer, schedule, steps: range) -> None:
    net.train()
    for step in steps:
        x = np.random.default_rng(step).standard_normal((5, 6)).astype("float32")
        (net(paddle.to_tensor(x)) - paddle.to_tensor(x[:, ::-1].copy())).square().mean().backward()
        optimizer.step()
        optimizer.clear_grad()
        if not isinstance(schedule, float):
            schedule.step()


def write_official(prefix: Path, net, optimizer, **states) -> None:
    paddle.save(optimizer.state_dict(), f"{prefix}.pdopt")
    paddle.save(net.state_dict(), f"{prefix}.pdparams")
    with open(f"{prefix}.states", "wb") as file:
        pickle.dump(states, file, protocol=2)


def arrays(net) -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in net.state_dict().items()}


def resume(prefix: Path, net, optimizer, schedule, resume_lr: str = "keep") -> Checkpoint:
    settings = SimpleNamespace(checkpoints=str(prefix), pretrained_model=None)
    start = resumable(find_start(settings)[0], "acc")
    load_all_weights(net, start.params, start.prefix)
    start_optimizer(optimizer, schedule, net, start, resume_lr)
    return start


@pytest.fixture(params=list(SECTIONS))
def official(request, tmp_path):
    """An official checkpoint after two epochs, and what plain paddle makes of it in the other two."""
    with paddle.utils.unique_name.guard():
        paddle.seed(1)
        net = Net("cab")
        optimizer, schedule = official_optimizer(request.param, net.parameters())
        train(net, optimizer, schedule, range(2 * STEPS))
        best = {"acc": 0.75, "norm_edit_dis": 0.9, "fps": 100.5, "best_epoch": 1, "is_float16": False}
        write_official(tmp_path / "latest", net, optimizer, epoch=2, global_step=2 * STEPS, best_model_dict=best)
        train(net, optimizer, schedule, range(2 * STEPS, 4 * STEPS))
    return request.param, tmp_path / "latest", arrays(net)


def ours(name: str, order: str = "abc"):
    with paddle.utils.unique_name.guard():
        net = Net(order)
        return net, *build_optimizer(SECTIONS[name], net, epochs=EPOCHS, steps_per_epoch=STEPS)


@pytest.mark.parametrize("resume_lr", ["keep", "override"])
def test_goes_on_as_plain_paddle(official, resume_lr):
    name, prefix, wanted = official
    net, optimizer, schedule = ours(name)
    start = resume(prefix, net, optimizer, schedule, resume_lr)
    assert start.states["position"] == {"epoch": 3, "batches": 0, "step_in_epoch": 0, "global_step": 2 * STEPS}
    assert start.states["best"] == {"value": 0.75, "epoch": 1, "global_step": STEPS}
    train(net, optimizer, schedule, range(2 * STEPS, 4 * STEPS))
    for key, value in arrays(net).items():
        np.testing.assert_allclose(value, wanted[key], rtol=1e-5, atol=1e-7, err_msg=key)


def test_the_way_back_works_where_the_names_are_the_same(official, tmp_path):
    name, prefix, wanted = official
    net, optimizer, schedule = ours(name, "cab")
    start = resume(prefix, net, optimizer, schedule)
    train(net, optimizer, schedule, range(2 * STEPS, 3 * STEPS))
    made = trainer(tmp_path)
    made.position.epoch, made.position.global_step = 4, 3 * STEPS
    made.best.value, made.best.epoch, made.best.global_step = 0.75, 1, STEPS
    task = SimpleNamespace(model=net, classes=None)
    CheckpointManager(tmp_path / "ours").save("latest", task, optimizer, trainer_state(made), {"step": 9})

    with paddle.utils.unique_name.guard():
        back = Net("cab")
        optimizer, schedule = official_optimizer(name, back.parameters())
    back.set_state_dict(paddle.load(str(tmp_path / "ours/latest.pdparams")))
    optimizer.set_state_dict(paddle.load(str(tmp_path / "ours/latest.pdopt")))
    states = pickle.loads((tmp_path / "ours/latest.states").read_bytes(), encoding="latin1")
    assert (states["epoch"], states["global_step"]) == (3, 3 * STEPS)
    assert states["best_model_dict"] == {"acc": 0.75, "best_epoch": 1}
    assert start.names == {k: v.name for k, v in back.state_dict().items()}
    with paddle.utils.unique_name.guard():  # a process of its own counts from zero
        train(back, optimizer, schedule, range(3 * STEPS, 4 * STEPS))
    for key, value in arrays(back).items():
        np.testing.assert_allclose(value, wanted[key], rtol=1e-5, atol=1e-7, err_msg=key)


def low_precision(shift: int) -> tuple:
    """Return a bfloat16 layer with an optimizer over float32 copies; `shift` layers before it change its names."""
    with paddle.utils.unique_name.guard():
        layers = [nn.Linear(4, 4) for _ in range(shift + 1)]
        schedule = paddle.optimizer.lr.StepDecay(0.01, 5)
        optimizer = paddle.optimizer.AdamW(schedule, parameters=layers[-1].parameters(), multi_precision=True)
        return layers[-1].bfloat16(), optimizer, schedule


def test_master_weights_come_back(tmp_path):
    """Mixed precision O2: entries belong to float32 copies, which are in the file too; no CPU can take such a step."""
    net, optimizer, _ = low_precision(0)
    with paddle.utils.unique_name.guard():
        optimizer._create_accumulators(paddle.static.default_main_program().global_block(), net.parameters())
    kept = [*optimizer._master_weights.values()]
    kept += [t for k, t in optimizer.state_dict().items() if k not in ("master_weights", "LR_Scheduler")]
    for seed, tensor in enumerate(kept):
        tensor.set_value(np.random.default_rng(seed).random(tensor.shape, np.float32))
    write_official(tmp_path / "latest", net, optimizer, epoch=1, global_step=2, best_model_dict={})

    other, again, schedule = low_precision(1)
    resume(tmp_path / "latest", other, again, schedule)
    state, masters = again.state_dict(), again._master_weights
    for tensor in kept:
        name = tensor.name.replace("linear_0", "linear_1")
        found = masters[name.removesuffix("_fp32_master_0")] if name.endswith("_fp32_master_0") else state[name]
        np.testing.assert_array_equal(found.numpy(), tensor.numpy())
        assert found.name == name
    changed(tmp_path / "latest", ".pdopt", lambda d: d["master_weights"].pop("linear_0.b_0") is None and None)
    with pytest.raises(CheckpointError, match="no float32 copy of 'linear_0.b_0'"):
        resume(tmp_path / "latest", *low_precision(1))


def changed(prefix: Path, suffix: str, change) -> None:
    path = prefix.with_name(prefix.name + suffix)
    value = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps(change(value) or value, protocol=2))


TABLE = "StructuredToParameterName@@"


@pytest.mark.parametrize("official", ["Adam"], indirect=True)
@pytest.mark.parametrize(
    ("suffix", "change", "says"),
    [
        (".pdparams", lambda d: d.pop(TABLE) and None, "latest.pdparams.*no table of names"),
        (".pdparams", lambda d: d[TABLE].pop("b.weight") and None, "does not name b.weight"),
        (".pdparams", lambda d: d[TABLE].update({"b.weight": d[TABLE]["a.weight"]}), "ambiguous"),
        (".pdparams", lambda d: d[TABLE].update({"b.weight": 3}), "latest.pdparams.*b.weight is 3, not a text"),
        (".pdparams", lambda d: d[TABLE].update({"b.weight": "elsewhere"}), "latest.pdopt.*belong to no parameter"),
        (".pdopt", lambda d: d.pop("linear_1.w_0_moment2_0") is None and None, "no moment2_0 of a.weight"),
        (".pdopt", lambda d: d.update({"linear_1.w_0_moment2_1": d["linear_1.w_0_moment2_0"]}), "both"),
        (".pdopt", lambda d: d.update({"x_moment2_0": np.ones(2)}), "belong to no parameter.*x_moment2_0"),
        (".pdopt", lambda d: d["LR_Scheduler"].update(last_epoch="6"), "LR_Scheduler.last_epoch is '6'"),
        (".states", lambda d: d.update(epoch=-1), "latest.states: epoch is -1"),
        (".states", lambda d: d.update(best_model_dict=[1]), "latest.states: best_model_dict is a list"),
        (".states", lambda d: d["best_model_dict"].update(acc="high"), "best_model_dict.acc is 'high', not a number"),
        (".states", lambda d: {"some": 1}, "latest.states: epoch is missing"),
    ],
)
def test_what_cannot_be_mapped_with_certainty_is_refused(official, suffix, change, says):
    name, prefix, _ = official
    changed(prefix, suffix, change)
    net, optimizer, schedule = ours(name)
    with pytest.raises(CheckpointError, match=says):
        resume(prefix, net, optimizer, schedule)
    assert schedule.last_epoch == 0 and list(optimizer.state_dict()) == ["LR_Scheduler"]


@pytest.mark.parametrize("official", ["Momentum"], indirect=True)
def test_another_optimizer_is_refused(official):
    _, prefix, _ = official
    net, optimizer, schedule = ours("AdamW")
    with pytest.raises(CheckpointError, match=r"latest.pdopt.*that this optimizer does not have.*velocity_0"):
        resume(prefix, net, optimizer, schedule)


def test_an_official_run_that_was_resumed_itself_counts_from_its_schedule(tmp_path):
    with paddle.utils.unique_name.guard():
        net = Net("abc")
        optimizer, schedule = official_optimizer("Adam", net.parameters())
        train(net, optimizer, schedule, range(2 * STEPS))
    write_official(tmp_path / "latest", net, optimizer, epoch=2, global_step=STEPS, best_model_dict={"acc": 0})
    start = resume(tmp_path / "latest", *ours("Adam"))
    assert start.states["position"]["global_step"] == 2 * STEPS
    assert start.states["best"]["global_step"] == 0  # no best_epoch: it was never evaluated


def test_an_official_folder_without_states_is_refused(tmp_path):
    with paddle.utils.unique_name.guard():
        net = Net("abc")
        optimizer, schedule = official_optimizer("Adam", net.parameters())
        train(net, optimizer, schedule, range(1))
    write_official(tmp_path / "latest", net, optimizer)
    (tmp_path / "latest.states").unlink()
    with pytest.raises(CheckpointError, match=r"latest.states is missing"):
        resume(tmp_path / "latest", *ours("Adam"))
    shutil.rmtree(tmp_path)
