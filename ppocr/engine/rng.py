"""Seeds: every random draw of training is a function of (seed, step, rank), so resuming needs no generator state."""

from __future__ import annotations

import random
import secrets

import numpy as np
import paddle

_STEP = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: neighbouring steps get unrelated seeds
_RANK = 0xC2B2AE3D27D4EB4F


def choose_seed(seed: int | None) -> int:
    """Return the configured seed, or a fresh one that the log and the checkpoints then name."""
    return secrets.randbelow(2**31) if seed is None else int(seed)


def seed_step(seed: int, step: int, rank: int = 0) -> None:
    """Seed Python, NumPy and Paddle (dropout) for one training step.

    A run that was interrupted thus draws the same numbers as one that was not, at about 20 µs a step.

    Args:
        seed: the run's seed.
        step: optimisation steps done, or a negative number for what comes before them.
        rank: this process among those training together.
    """
    mixed = (seed * 0x2545F4914F6CDD1D + (step + 1) * _STEP + rank * _RANK) % 2**64
    mixed ^= mixed >> 29
    random.seed(mixed)
    np.random.seed(mixed % 2**32)
    paddle.seed(mixed % 2**31)


def seed_model(seed: int) -> None:
    """Seed the initial weights, alike on all ranks."""
    seed_step(seed, -2)


def make_deterministic() -> None:
    """Ask the GPU libraries for algorithms that give the same bits each time; CPU kernels already do."""
    if paddle.device.is_compiled_with_cuda():
        paddle.set_flags({"FLAGS_cudnn_deterministic": True, "FLAGS_embedding_deterministic": 1})
