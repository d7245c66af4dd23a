"""Worker processes that make batches ahead of time, and the memory through which they hand them over."""

from __future__ import annotations

import logging
import mmap
import multiprocessing
import os
import signal
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing import connection, util
from typing import Any, NamedTuple

import cv2
import numpy as np

from ppocr.data.batches import Batch, make_batch
from ppocr.data.dataset import IndexedDataset
from ppocr.data.samplers import BatchSampler
from ppocr.errors import DataError, PpocrError
from ppocr.utils import signals
from ppocr.utils.memory import keep_freed_memory

PREFETCH = 2  # batches each worker makes ahead
SHARED_FOLDER = "/dev/shm"
_ALIGN = 64
_CHECK_SECONDS = 5.0  # how often an idle worker looks whether its parent lives
_PATIENCE_SECONDS = 60.0  # how long a batch may take before a line says so
_OF_DAMAGED_FILES = (signal.SIGBUS, signal.SIGSEGV)
_FORKS = sys.platform.startswith("linux")

logger = logging.getLogger("ppocr")


class SharedSlots:
    """Memory for batches under way: equal slots in a nameless file in /dev/shm.

    The space is reserved when the file is made, so that a full /dev/shm is noticed here and is no bus
    error later; having no name, the file cannot outlive its processes. Where /dev/shm is too small, the
    memory comes from an anonymous shared mapping, which only the memory of the machine limits.

    Args:
        count: slots.
        size: bytes of each.
    """

    def __init__(self, count: int, size: int) -> None:
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        total = count * self.size
        try:
            self._memory = _reserve(total)
            self.in_dev_shm = True
        except OSError as error:
            logger.warning(
                f"{SHARED_FOLDER} cannot hold the batches of the data workers ({error}): they use {total >> 20} MB of "
                "anonymous shared memory instead (in a container, docker run --shm-size=8g enlarges /dev/shm)"
            )
            self._memory = mmap.mmap(-1, total)
            self.in_dev_shm = False

    def view(self, slot: int) -> np.ndarray:
        """Return the bytes of a slot, uint8 [size]."""
        return np.frombuffer(self._memory, np.uint8, self.size, slot * self.size)


def free_shared_bytes() -> int:
    """Return how much /dev/shm can still take, less a tenth for others."""
    stats = os.statvfs(SHARED_FOLDER)
    return stats.f_bavail * stats.f_frsize * 9 // 10


def _reserve(total: int) -> mmap.mmap:
    """Map reserved space of a nameless file in /dev/shm; OSError where it is missing or too small."""
    with tempfile.TemporaryFile(dir=SHARED_FOLDER, prefix="ppocr-") as file:
        free = free_shared_bytes()
        if total > free:
            raise OSError(f"{total >> 20} MB are needed, {free >> 20} MB are free")
        os.posix_fallocate(file.fileno(), 0, total)
        return mmap.mmap(file.fileno(), total)


def make_slots(workers: int, batch_bytes: int) -> SharedSlots | None:
    """Return memory for the batches of some workers; None where workers do not inherit it."""
    return SharedSlots(workers * PREFETCH, batch_bytes) if _FORKS and batch_bytes else None


class _Failure(NamedTuple):
    """An error on its way from a worker."""

    error: DataError
    trace: str


class WorkerPool:
    """Processes that live as long as the pool and take batches in turn, so that their order is fixed.

    Args:
        dataset: whose samples.
        sampler: which samples a batch holds; each worker asks it itself.
        workers: how many.
        slots: shared memory with `PREFETCH` slots per worker, or None to hand batches over in messages.
    """

    def __init__(self, dataset: IndexedDataset, sampler: BatchSampler, workers: int, slots: SharedSlots | None) -> None:
        self._slots = slots
        self._ticket = 0
        self._pipes: list[Any] = []
        self.processes: list[Any] = []
        context: Any = multiprocessing.get_context("fork" if _FORKS else "spawn")
        for number in range(workers):
            mine, theirs = context.Pipe()
            inherited = [*self._pipes, mine] if _FORKS else []
            process = context.Process(
                target=_work,
                args=(theirs, inherited, dataset, sampler, slots),
                name=f"ppocr-data-{number}",
                daemon=True,
            )
            with signals.held_back():
                process.start()
            theirs.close()
            self._pipes.append(mine)
            self.processes.append(process)
        # not weakref.finalize: at exit this must run before multiprocessing waits for its children
        self.close = util.Finalize(self, _stop, (self.processes, self._pipes), exitpriority=100)

    def batches(self, epoch: int, start: int, end: int, take: Callable[[Batch], Any]) -> Iterator[Any]:
        """Yield the batches of some steps, in order.

        Args:
            epoch: which epoch.
            start: first step.
            end: step after the last.
            take: what turns a batch into what is yielded; its arrays are only valid inside this call.

        Raises:
            DataError: a worker failed or died.
        """
        ahead = PREFETCH * len(self.processes)
        waiting = deque(self._ask(epoch, step) for step in range(start, min(end, start + ahead)))
        for step in range(start, end):
            taken = take(self._receive(*waiting.popleft(), epoch, step))
            if step + ahead < end:
                waiting.append(self._ask(epoch, step + ahead))
            yield taken

    def _ask(self, epoch: int, step: int) -> tuple[int, int]:
        worker = step % len(self.processes)
        slot = worker * PREFETCH + step // len(self.processes) % PREFETCH
        self._ticket += 1
        try:
            self._pipes[worker].send((self._ticket, epoch, step, slot))
        except OSError:
            raise self._death(worker, epoch, step) from None
        return worker, self._ticket

    def _receive(self, worker: int, ticket: int, epoch: int, step: int) -> Batch:
        """Wait for an answer, passing over those to questions of an epoch that was left early."""
        pipe = self._pipes[worker]
        while True:
            while not connection.wait([pipe, self.processes[worker].sentinel], _PATIENCE_SECONDS):
                logger.warning(
                    f"data worker {worker} (process {self.processes[worker].pid}) has worked on batch {step} of "
                    f"epoch {epoch} for over {_PATIENCE_SECONDS:.0f} s; is the file system slow?"
                )
            try:
                answered, slot, answer = pipe.recv()
            except (EOFError, OSError):
                raise self._death(worker, epoch, step) from None
            if answered != ticket:
                continue
            if isinstance(answer, _Failure):
                raise answer.error from RuntimeError("in a data worker:\n" + answer.trace)
            return _unpack(answer, None if self._slots is None else self._slots.view(slot))

    def _death(self, worker: int, epoch: int, step: int) -> DataError:
        process = self.processes[worker]
        process.join(1)
        code = process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        self.close()
        damaged = code is not None and -code in _OF_DAMAGED_FILES
        return DataError(
            f"data worker {worker} (process {process.pid}) {how} before it had made batch {step} of epoch {epoch}",
            "an LMDB or label file is damaged, or was cut while it was used"
            if damaged
            else "most often memory ran out: use fewer loader.num_workers or a smaller batch_size_per_card",
        )


def _stop(processes: list[Any], pipes: list[Any]) -> None:
    """End the workers: closing its pipe ends an idle one; the others have nothing to lose."""
    for pipe in pipes:
        pipe.close()
    for process in processes:
        process.join(0.2)
        if process.is_alive():
            process.kill()
            process.join(2)


def _work(
    pipe: Any, inherited: list[Any], dataset: IndexedDataset, sampler: BatchSampler, slots: SharedSlots | None
) -> None:
    """Make the batches asked for until the pipe closes or the parent is gone; runs in a worker."""
    for other in inherited:
        other.close()
    for number in signals.ENDING:  # they may reach the whole group: the parent decides when to end
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(0)  # no threads of OpenCV's own in every worker
    keep_freed_memory()
    parent = os.getppid()
    current = None
    try:
        while True:
            while not pipe.poll(_CHECK_SECONDS):
                if os.getppid() != parent:
                    return
            ticket, epoch, step, slot = pipe.recv()
            try:
                if epoch != current:
                    dataset.pipeline.set_epoch(epoch)
                    current = epoch
                batch = make_batch(dataset, sampler, epoch, step)
                answer: Any = _pack(batch, None if slots is None else slots.view(slot))
            except Exception as error:
                answer = _failure(error, epoch, step)
            pipe.send((ticket, slot, answer))
    except (EOFError, OSError):
        return


def _failure(error: Exception, epoch: int, step: int) -> _Failure:
    said, hint = f"batch {step} of epoch {epoch}: {type(error).__name__}: {error}", ""
    if isinstance(error, PpocrError):
        said, hint = error.message, error.hint
    return _Failure(DataError(said, hint), traceback.format_exc())


def _pack(batch: Batch, memory: np.ndarray | None) -> Batch:
    """Move the arrays of a batch into shared memory as far as it goes; the rest travels in the message."""
    packed: dict[str, Any] = {}
    offset = 0
    for key, array in batch.arrays.items():
        if memory is None or offset + array.nbytes > len(memory):
            packed[key] = array
            continue
        memory[offset : offset + array.nbytes].view(array.dtype).reshape(array.shape)[...] = array
        packed[key] = (array.dtype.str, array.shape, offset, array.nbytes)
        offset += -(-array.nbytes // _ALIGN) * _ALIGN
    batch.arrays = packed
    return batch


def _unpack(batch: Batch, memory: np.ndarray | None) -> Batch:
    for key, value in batch.arrays.items():
        if isinstance(value, tuple) and memory is not None:
            dtype, shape, offset, size = value
            batch.arrays[key] = memory[offset : offset + size].view(dtype).reshape(shape)
    return batch
