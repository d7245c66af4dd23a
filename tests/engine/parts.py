"""Small stand-ins for the loop's tests: a network of one layer, data made from numbers, checkpoints in memory."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
from paddle import nn

from ppocr.data.problems import DataReport, SampleProblem
from ppocr.data.transforms.base import Pipeline
from ppocr.engine.trainer import DataLoaders, Trainer
from ppocr.engine.trainer_state import restore_trainer
from ppocr.losses.base import Loss as BaseLoss
from ppocr.modeling.architectures.base import Architecture
from ppocr.postprocess.base import PostProcess as BasePostProcess
from ppocr.results import Recognition
from ppocr.task import Task

CLASSES = 5


def settings(folder, **changed) -> SimpleNamespace:
    """Return a `Global` section with the defaults the loop reads."""
    values = {
        "epoch_num": 2, "save_model_dir": str(folder), "log_smooth_window": 4, "print_batch_step": 1,
        "save_epoch_step": 0, "keep_last": 0, "eval_batch_step": [0, 1000], "eval_batch_epoch": 0,
        "cal_metric_during_train": False, "use_visualdl": False, "accumulate_steps": 1, "use_amp": False,
        "amp_level": "O1", "amp_dtype": "float16", "scale_loss": 1.0, "use_dynamic_loss_scaling": False,
        "amp_custom_white_list": None, "amp_custom_black_list": None, "find_unused_parameters": False,
        "max_bad_ratio": 0.01,
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changed})


class Net(Architecture):
    """Dropout and one linear layer, on images of one row."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x, batch=None):
        return {"logits": self.fc(self.drop(x.flatten(1)))}


class Loss(BaseLoss):
    """Cross entropy; `poison` makes it NaN at one call."""

    requires = ("logits",)
    needs = ("label",)
    poison = -1

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, preds, batch):
        loss = nn.functional.cross_entropy(preds["logits"], batch["label"])
        self.calls += 1
        return {"loss": loss * float("nan") if self.calls == self.poison else loss}


class PostProcess(BasePostProcess):
    requires = ("logits",)

    def __call__(self, preds, batch=None):
        return [Recognition(str(int(i)), 1.0) for i in preds["logits"].argmax(1)]


class Accuracy:
    main_indicator = "acc"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.right = self.all = 0

    def __call__(self, results, batch) -> None:
        self.right += sum(found.text == label for found, label in zip(results, batch["text"]))
        self.all += len(results)

    def get_metric(self) -> dict:
        return {"acc": self.right / max(self.all, 1)}

    def state(self) -> dict:
        return {"right": self.right, "all": self.all}

    def merge(self, states) -> None:
        self.right = sum(s["right"] for s in states)
        self.all = sum(s["all"] for s in states)


class ListLoader:
    """Batches of numbers in an order that depends on (seed, epoch)."""

    def __init__(self, count=10, batch_size=2, seed=0, rank=0, size=1, train=True) -> None:
        self.count, self.batch_size, self.seed, self.rank, self.size, self.train = (
            count,
            batch_size,
            seed,
            rank,
            size,
            train,
        )
        self.report = DataReport()
        self.dataset = self.sampler = self
        self.pipeline = Pipeline([])

    def _mine(self, epoch):
        order = (
            np.random.default_rng([self.seed, epoch]).permutation(self.count) if self.train else np.arange(self.count)
        )
        return order[self.rank :: self.size]

    def __len__(self) -> int:
        return -(-len(self._mine(1)) // self.batch_size)

    def describe(self, index: int) -> str:
        return f"list.txt:{index + 1}"

    def epoch(self, epoch, start_step=0):
        mine = self._mine(epoch)
        self.report = DataReport()
        for step in range(start_step, len(self)):
            index = mine[step * self.batch_size : (step + 1) * self.batch_size]
            images = np.stack([np.random.default_rng(i).standard_normal((1, 1, 8)) for i in index]).astype("float32")
            self.report.add(len(index))
            yield {
                "image": paddle.to_tensor(images),
                "label": paddle.to_tensor(index % CLASSES),
                "text": [str(i % CLASSES) for i in index],
                "index": paddle.to_tensor(index),
                "problems": [],
            }


class BrokenLoader(ListLoader):
    """Reports 600 of 1000 samples as broken with its batch number `at` of the first epoch, counted from 0."""

    def __init__(self, at: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.at = at

    def epoch(self, epoch, start_step=0):
        for step, batch in enumerate(super().epoch(epoch, start_step), start=start_step):
            if (epoch, step) == (1, self.at):
                self.report.add(1000, [SampleProblem("missing_file", "list.txt:7", "gone.jpg")] * 600)
            yield batch


class Memory:
    """A checkpoint manager that keeps checkpoints in a dict."""

    def __init__(self) -> None:
        self.saved = {}
        self.names = []

    def save(self, name, task, optimizer, states, manifest) -> None:
        self.names.append(name)
        copied = {k: v.numpy().copy() for k, v in task.model.state_dict().items()}
        self.saved[name] = (copied, copy.deepcopy(optimizer.state_dict()), copy.deepcopy(states), manifest)


class SmallTrainer(Trainer):
    """Names the optimizer's state as the only training run of a process does."""

    def fit(self):
        with paddle.utils.unique_name.guard():
            return super().fit()


def trainer(folder, *, seed=3, loader=None, evaluation=None, **changed) -> Trainer:
    """Return a trainer over the parts above; parameter names are alike in every one."""
    with paddle.utils.unique_name.guard():
        paddle.seed(seed)
        task = Task(Net(), PostProcess(), loss=Loss(), metric=Accuracy())
        scheduler = paddle.optimizer.lr.StepDecay(0.05, step_size=3)
        optimizer = paddle.optimizer.Adam(scheduler, parameters=task.model.parameters())
        loaders = DataLoaders(loader or ListLoader(seed=seed), evaluation or ListLoader(7, 3, train=False))
        return SmallTrainer(task, loaders, (optimizer, scheduler), settings(folder, **changed), Memory(), seed=seed)


def resume(made: Trainer, checkpoint) -> Trainer:
    """Put a trainer where a checkpoint of `Memory` says."""
    params, optimizer, states, _ = checkpoint
    made.task.model.set_state_dict(params)
    made.optimizer.set_state_dict(optimizer)
    restore_trainer(made, states)
    return made


def exit_code_in_fork(action: Callable[[], None]) -> int:
    """Run an action in a forked process and return its exit code."""
    pid = os.fork()
    if pid == 0:
        action()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder by its relative path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
