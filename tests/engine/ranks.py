"""What each rank of the two-process tests runs: `ranks.py MODE FOLDER`."""

import json
import os
import signal
import sys
from pathlib import Path

import paddle

from ppocr.engine.distributed import join_world
from ppocr.engine.evaluator import evaluate
from ppocr.engine.log import log_into, set_up_logging
from ppocr.engine.rng import seed_model
from ppocr.engine.trainer import DataLoaders
from ppocr.errors import PpocrError
from ppocr.task import Task
from tests.engine.parts import (
    Accuracy,
    BrokenLoader,
    ListLoader,
    Loss,
    Memory,
    Net,
    PostProcess,
    SmallTrainer,
    settings,
)


class Accident(ListLoader):
    """Does something to this rank before its third batch."""

    def __init__(self, what, **kwargs):
        super().__init__(**kwargs)
        self.what = what

    def epoch(self, epoch, start_step=0):
        for i, batch in enumerate(super().epoch(epoch, start_step)):
            if i == 2:
                self.what()
            yield batch


def fail():
    raise PpocrError("the data of this rank is broken", "repair it")


ACCIDENTS = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "fail": fail,
}


class NormNet(Net):
    """Has running statistics, which come out otherwise on each rank."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = paddle.nn.BatchNorm1D(8)

    def forward(self, x, batch=None):
        return super().forward(self.norm(x.flatten(1)))


def run(mode: str, folder: Path) -> None:
    world = join_world()
    set_up_logging(rank=world.rank)
    if world.first:
        log_into(folder)
    (folder / f"pid.{world.rank}").write_text(str(os.getpid()))
    seed_model(3)
    task = Task(NormNet(), PostProcess(), loss=Loss(), metric=Accuracy())
    scheduler = paddle.optimizer.lr.StepDecay(0.05, step_size=3)
    optimizer = paddle.optimizer.Adam(scheduler, parameters=task.model.parameters())
    mine = {"count": 24, "seed": 3, "rank": world.rank, "size": world.size}
    accident = ACCIDENTS.get(mode) if world.rank == 1 else None
    train = Accident(accident, **mine) if accident else ListLoader(**mine)
    if mode == "broken data" and world.rank == 1:
        train = BrokenLoader(2, **mine)
    loaders = DataLoaders(train, ListLoader(7, 2, rank=world.rank, size=world.size, train=False))
    epochs = 100_000 if mode == "long" else 2
    wanted = settings(folder, accumulate_steps=2 if mode == "accumulate" else 1, epoch_num=epochs)
    trainer = SmallTrainer(task, loaders, (optimizer, scheduler), wanted, Memory(), world=world, seed=3)
    try:
        trainer.fit()
    except PpocrError as error:
        (folder / f"end.{world.rank}").write_text(f"{error}; saved: {trainer.checkpoints.names}")
        if error.exit_code < 128:
            world.watchdog.report(str(error))
        print(error, file=sys.stderr, flush=True)
        sys.exit(error.exit_code)
    found = evaluate(task, loaders.eval, world=world)
    answer = {
        "metrics": found.metrics,
        "used": found.used,
        "sums": {k: float(v.sum()) for k, v in task.model.state_dict().items()},
        "saved": trainer.checkpoints.names,
    }
    (folder / f"answer.{world.rank}.json").write_text(json.dumps(answer))
    world.close()


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
