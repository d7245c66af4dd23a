"""Several processes training together: start, wrap, gather, agree and fail together."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from typing import Any

import paddle
import paddle.distributed as dist
from paddle import nn

from ppocr.engine.watchdog import Watchdog
from ppocr.errors import PpocrError
from ppocr.utils.environment import whole_number


@dataclass
class World:
    """The processes training together; one alone is a world of size 1.

    Args:
        rank: number of this process.
        size: number of processes.
        local_size: number of processes on this machine.
        watchdog: notices dead ranks; None in a world of one.
    """

    rank: int = 0
    size: int = 1
    local_size: int = 1
    watchdog: Watchdog | None = None

    @property
    def first(self) -> bool:
        """Whether this rank writes files and log lines."""
        return self.rank == 0

    @property
    def together(self) -> bool:
        """Whether there is any other rank."""
        return self.size > 1

    def gather(self, item: Any) -> list[Any]:
        """Return the item of every rank, in rank order, on all ranks.

        Args:
            item: anything picklable; what comes back was written by the run's own processes.
        """
        if not self.together:
            return [item]
        gathered: list[Any] = []
        dist.all_gather_object(gathered, item)
        return gathered

    def any(self, value: bool) -> bool:
        """Return whether the value is true on any rank; all ranks must call it at the same step."""
        if not self.together:
            return value
        votes = paddle.to_tensor([int(value)], dtype="int32")
        dist.all_reduce(votes, op=dist.ReduceOp.MAX)
        return bool(votes.numpy()[0])

    def from_first(self, item: Any) -> Any:
        """Return rank 0's item on all ranks."""
        return self.gather(item if self.first else None)[0]

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        if self.together:
            dist.barrier()

    def share_statistics(self, model: nn.Layer) -> None:
        """Give all ranks the running statistics of rank 0, the ones a checkpoint holds.

        To Paddle these are parameters that are not trained (batch norm) or persistable buffers. What no checkpoint
        holds is left alone: constants, and the dropout state of an LSTM, which has no memory and fails a broadcast.
        """
        if self.together:
            for tensor in model.state_dict().values():
                if tensor.stop_gradient:
                    dist.broadcast(tensor, src=0)

    def close(self) -> None:
        """Leave together; after this a rank that ends is not a failure."""
        if self.together:
            dist.barrier()
            if self.watchdog is not None:
                self.watchdog.stop()


def launched_size() -> int:
    """Return the number of processes `paddle.distributed.launch` started, 1 without it."""
    return whole_number("PADDLE_TRAINERS_NUM", 1)


def join_world() -> World:
    """Join the processes started by `paddle.distributed.launch`; a world of one without it.

    Raises:
        PpocrError: the other processes cannot be reached.
    """
    size = launched_size()
    if size < 2:
        return World()
    endpoints = os.environ.get("PADDLE_TRAINER_ENDPOINTS", "").split(",")
    if len(endpoints) != size or not all(re.fullmatch(r".+:\d+", endpoint) for endpoint in endpoints):
        raise PpocrError(
            f"PADDLE_TRAINERS_NUM={size}, but PADDLE_TRAINER_ENDPOINTS={','.join(endpoints)!r} names no {size} places, "
            "host:port each",
            "unset both and start the processes with `python -m paddle.distributed.launch`",
        )
    here = os.environ.get("PADDLE_CURRENT_ENDPOINT", "").rpartition(":")[0]
    local = sum(1 for endpoint in endpoints if endpoint.rpartition(":")[0] == here)
    try:
        dist.init_parallel_env()
    except (RuntimeError, ValueError, OSError) as error:
        raise PpocrError(
            f"the {size} training processes cannot reach each other: {str(error).strip().splitlines()[-1]}",
            "check --ips, open ports, and that every machine runs the same command",
        ) from error
    world = World(dist.get_rank(), dist.get_world_size(), max(1, local))
    world.watchdog = Watchdog(world, host=endpoints[0].rpartition(":")[0] or "127.0.0.1")
    return world


def wrap(model: nn.Layer, world: World, *, find_unused_parameters: bool = False) -> nn.Layer:
    """Return the network as the ranks train it: gradients averaged over them."""
    if not world.together:
        return model
    return paddle.DataParallel(model, find_unused_parameters=find_unused_parameters)


def synchronise_batch_norm(model: nn.Layer, world: World) -> nn.Layer:
    """Return the network with batch statistics taken over all ranks; parameter names stay the same.

    Raises:
        PpocrError: not on GPUs, where alone Paddle has such layers.
    """
    if not world.together:
        return model
    if not paddle.device.get_device().startswith("gpu"):
        raise PpocrError("Global.use_sync_bn: PaddlePaddle has it on GPUs only", "set -o Global.use_sync_bn=false")
    return nn.SyncBatchNorm.convert_sync_batchnorm(model)


def exchange_gradients(network: nn.Layer, *, now: bool) -> Any:
    """Return the context of a backward pass: the ranks exchange gradients at the last micro-batch of a step only."""
    if now or not isinstance(network, paddle.DataParallel):
        return contextlib.nullcontext()
    return network.no_sync()
