"""Whole runs through the commands: killed and resumed, over two processes, into NaN, and against recorded losses."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppocr.config.loader import load_config
from ppocr.engine.checkpoint import load_checkpoint
from ppocr.engine.progress import TIMES
from ppocr.engine.runs import train as run_training
from ppocr.modeling.architectures.base_model import BaseModel
from tests.conformance.rounding import assert_recorded, noisy
from tests.system.det_project import make_det_project
from tests.system.project import ROOT, make_project, run_tool

GOLDEN = Path(__file__).parent / "golden"
STEPS = ["Global.epoch_num=3", "Global.eval_batch_epoch=null", "Global.eval_batch_step=2", "Train.loader.num_workers=1"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("runs") / "project", lines=22)


def train(project, out, *options, ok=True):
    done = run_tool("train.py", "-c", str(project.config), "-o", f"Global.save_model_dir={out}", *options)
    assert not ok or done.returncode == 0, done.stderr
    return done


def hashes(out):
    return [hashlib.sha256((out / f"latest{end}").read_bytes()).hexdigest() for end in (".pdparams", ".pdopt")]


def steps(out):
    """Return the log line of each step without times; a step done again after a kill counts once, as it last was."""
    lines = (out / "train.log").read_text(encoding="utf-8").splitlines()
    found = {}
    for line in lines:
        match = re.search(r"global_step (\d+)", line)
        if match:
            found[int(match[1])] = line.split("INFO: ")[1].split(TIMES)[0]
    return found


def train_and_send(project, out, signum, step, *options):
    """Train in a subprocess, send it a signal when a step is logged, and return its exit code."""
    command = [
        sys.executable,
        str(ROOT / "tools/train.py"),
        "-c",
        str(project.config),
        "-o",
        f"Global.save_model_dir={out}",
    ]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            if f"global_step {step} " in line:
                process.send_signal(signum)
                break
        process.stdout.read()
        return process.wait(60)


@pytest.fixture(scope="module")
def whole(project):
    out = project.folder / "whole"
    train(project, out, *STEPS)
    return out


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_stopped_and_resumed_is_the_uninterrupted_run(project, whole, signum, code):
    out = project.folder / f"resumed_{code}"
    assert train_and_send(project, out, signum, 8, *STEPS) == code
    position = load_checkpoint(out / "latest").states["position"]
    assert 6 <= position["global_step"] < 15 and position["epoch"] in (2, 3)
    train(project, out, *STEPS, f"Global.checkpoints={out}/latest")
    assert hashes(out) == hashes(whole)
    assert steps(out) == steps(whole) and len(steps(whole)) == 15


def test_another_seed_is_another_run(project, whole):
    out = project.folder / "other"
    train(project, out, *STEPS, "Global.seed=4")
    assert hashes(out)[0] != hashes(whole)[0] and steps(out) != steps(whole)


def test_config_is_written_and_runs_again(project, whole):
    out = project.folder / "again"
    done = run_tool("train.py", "-c", str(whole / "config.yml"), "-o", f"Global.save_model_dir={out}")
    assert done.returncode == 0, done.stderr
    assert hashes(out) == hashes(whole)


def test_nan_ends_the_run_and_leaves_finite_weights(project):
    out = project.folder / "nan"
    wild = ["Optimizer={name: Momentum, lr: {learning_rate: 1000}}", "Global.epoch_num=4"]
    done = train(project, out, *wild, ok=False)
    assert done.returncode == 1, done.stderr
    last = done.stderr.strip().splitlines()[-2:]
    assert re.search(r"not finite after epoch 1, step \d \(global step \d\)", last[0]) and "learning_rate" in last[1]
    for file in out.glob("*.pdparams"):
        params = load_checkpoint(file).params
        assert all(np.isfinite(v).all() for v in params.values())


def launch(tool, *arguments, folder):
    command = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--backend", "gloo"]
    command += ["--log_dir", str(folder / "log"), str(ROOT / "tools" / tool), *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        timeout=120,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def metrics(output):
    return dict(re.findall(r"INFO: (acc|norm_edit_dis|cer|wer|precision|recall|hmean|detections): (\S+)", output))


def test_two_processes_measure_what_one_does(project, whole):
    arguments = [
        "-c",
        str(project.config),
        "-o",
        f"Global.checkpoints={whole}/latest",
        "Eval.loader.batch_size_per_card=3",
    ]
    alone = run_tool("eval.py", *arguments).stdout
    together = launch("eval.py", *arguments, folder=project.folder)
    assert "images 22/22" in together
    assert metrics(alone) == metrics(together) and len(metrics(alone)) == 4


def test_two_processes_measure_of_a_detector_what_one_does(tmp_path):
    """Pages of two sizes, five of them, so that neither processes nor batches share them evenly."""
    project = make_det_project(tmp_path / "project", pages=5)
    backbone = "{name: PlainConvNet, stem: 16, channels: [16, 16, 32, 32], depths: [1, 1, 1, 1]}"
    network = [f"Architecture.Backbone={backbone}", "Architecture.Neck.out_channels=32"]
    learning = ["Global.epoch_num=120", "Global.eval_batch_epoch=null", "Optimizer.lr.learning_rate=0.01"]
    learning += ["Loss.main_loss_type=DiceLoss", "Train.dataset.transforms.2.IaaAugment.augmenter_args=[]"]
    train(project, project.out, *learning, *network, "Global.save_epoch_step=1000")
    arguments = ["-c", str(project.config), "-o", f"Global.checkpoints={project.out}/latest", *network]
    alone = metrics(run_tool("eval.py", *arguments).stdout)
    batched = metrics(run_tool("eval.py", *arguments, "Eval.loader.batch_size_per_card=4").stdout)
    together = launch("eval.py", *arguments, folder=project.folder)
    assert "images 5/5" in together
    assert alone == batched == metrics(together) and len(alone) == 4
    assert float(alone["recall"]) > 0.2 and float(alone["hmean"]) > 0


def test_resumed_in_another_world_at_the_same_sample(project):
    out = project.folder / "two"
    common = ["-c", str(project.config), "-o", "Train.loader.batch_size_per_card=2", "Global.eval_batch_epoch=null"]
    launch("train.py", *common, f"Global.save_model_dir={out}", "Global.eval_batch_step=3", folder=project.folder)
    saved = load_checkpoint(out / "best_accuracy")
    assert saved.states["world_size"] == 2 and saved.states["position"]["batches"] == 3
    resumed = project.folder / "one"
    start = f"Global.checkpoints={out}/best_accuracy"
    done = run_tool("train.py", *common, f"Global.save_model_dir={resumed}", start)
    assert done.returncode == 0, done.stderr
    assert "going on at image 12 of epoch 1" in done.stdout
    assert min(steps(resumed)) == 4 and len(steps(resumed)) == 5  # ten images are left


NETWORKS = {
    "plain_convolutions": [],
    "mobilenet_v3_bilstm": [
        "Architecture.Backbone={name: MobileNetV3, scale: 0.35, model_name: small, small_stride: [1, 2, 2, 2]}",
        "Architecture.Neck={name: SequenceEncoder, encoder_type: rnn, hidden_size: 16}",
    ],
}


def losses_of(out):
    return np.array([float(re.search(r"loss (\S+)", line)[1]) for _, line in sorted(steps(out).items())])


def noisy_losses(project, out, options, draw):
    """Train with noise in every image, in this process, and return the losses."""
    plain = BaseModel.forward

    def forward(self, x, *others, **named):
        return plain(self, paddle.to_tensor(noisy(x.numpy(), draw)), *others, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseModel, "forward", forward)
        run_training(load_config(str(project.config), [f"Global.save_model_dir={out}", *options]))
    return losses_of(out)


def check_golden(project, name, *options):
    """Train 20 steps and compare their losses with those recorded; PPOCR_RECORD_GOLDEN=1 records them.

    Training is chaotic: the last bits of the first step are percents at some later one, sooner in deep networks.
    """
    out = project.folder / name
    options = ["Global.epoch_num=4", "Global.log_smooth_window=1", "Global.save_epoch_step=0", *options]
    train(project, out, *options)
    losses = losses_of(out)
    path = GOLDEN / f"{name}.json"
    if os.environ.get("PPOCR_RECORD_GOLDEN") == "1":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(json.dumps({"losses": losses.tolist()}, indent=1) + "\n", encoding="utf-8")
    expected = np.array(json.loads(path.read_text(encoding="utf-8"))["losses"])
    assert len(losses) == 20
    assert_recorded(
        {"losses": losses},
        {"losses": expected},
        {"losses": 2e-3 * expected},
        lambda draw: {"losses": noisy_losses(project, project.folder / f"{name} {draw}", options, draw)},
        spread=np.maximum.accumulate,
        draws=2,
        gain=16,  # every step rounds again, and the time until it shows differs from draw to draw
    )


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_first_losses_are_those_recorded(project, name):
    check_golden(project, name, *NETWORKS[name])


# Adam turns the last bit of small gradients into whole steps; and batch norms of few values enlarge it until, in a
# deep network, gradients differ by percents between one thread and two
GENTLE = ["Optimizer={name: Momentum, clip_norm_global: 1.0, lr: {name: Const, learning_rate: 0.01}}"]
DETECTORS = {
    "db_mobilenet_v3": GENTLE,
    "db++_resnet": [
        "Architecture.Backbone={name: ResNet, layers: 50, dcn_stage: [false, false, true, true]}",
        "Architecture.Neck.use_asf=true",
        "Loss.main_loss_type=DiceLoss",
        *GENTLE,
        "Optimizer.lr.learning_rate=0.0001",
        "Global.epoch_num=2",
        "Train.loader.batch_size_per_card=2",
        "Train.dataset.transforms.3.EastRandomCropData.size=[64, 64]",
    ],
}


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_first_losses_of_detectors_are_those_recorded(tmp_path, name):
    project = make_det_project(tmp_path / "project", pages=20)
    check_golden(project, name, "Global.eval_batch_epoch=null", *DETECTORS[name])


def test_stopping_takes_less_than_a_minute_when_the_launcher_dies(tmp_path):
    command = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--backend", "gloo"]
    command += ["--log_dir", str(tmp_path / "log"), str(ROOT / "tests/engine/ranks.py"), "long", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PPOCR_THREADS": "1"}
    launcher = subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    pids = [tmp_path / f"pid.{rank}" for rank in (0, 1)]
    deadline = time.monotonic() + 60
    while not all(p.exists() and p.read_text() for p in pids) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(2)
    launcher.kill()
    launcher.wait()
    deadline = time.monotonic() + 60
    while any(running(int(p.read_text())) for p in pids) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not any(running(int(p.read_text())) for p in pids)


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
