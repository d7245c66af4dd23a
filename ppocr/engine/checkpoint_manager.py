"""Writing the checkpoints of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ppocr.engine.checkpoint import prune_checkpoints, save_checkpoint, to_storable
from ppocr.engine.checkpoint_files import checkpoint_exists
from ppocr.engine.saved_state import NAME_TABLE
from ppocr.errors import PpocrError
from ppocr.task import Task


class CheckpointManager:
    """Writes checkpoints into the output folder; used by rank 0 only.

    Args:
        folder: `Global.save_model_dir`.
        keep_last: how many `iter_epoch_N` stay, 0 for all.
        facts: what every manifest says, such as the hash of the configuration.
    """

    def __init__(self, folder: str | Path, *, keep_last: int = 0, facts: dict[str, Any] | None = None) -> None:
        self.folder = Path(folder)
        self.keep_last = keep_last
        self.facts = facts or {}

    def save(self, name: str, task: Task, optimizer: Any, states: dict[str, Any], manifest: dict[str, Any]) -> None:
        """Write one checkpoint.

        Args:
            name: "latest", "best_accuracy" or "iter_epoch_N".
            states: what resuming needs besides weights and optimizer.
            manifest: what people want to know about it.

        Raises:
            PpocrError: the weights are not finite; nothing is written.
        """
        tensors = task.model.state_dict()
        params = to_storable(tensors)
        non_finite = [key for key, value in params.items() if value.dtype.kind == "f" and not np.isfinite(value).all()]
        if non_finite:
            raise PpocrError(
                f"{len(non_finite)} of {len(params)} weights are not finite (first: {non_finite[0]}); "
                f"{name} is not written",
                "go on from the last checkpoint with a lower learning rate or Optimizer.clip_norm_global",
            )
        about = {**self.facts, **manifest, "characters": task.classes}
        # the optimizer's entries go by these names; a resume, here or by official tools, needs to know whose they are
        params[NAME_TABLE] = {key: tensor.name for key, tensor in tensors.items()}
        save_checkpoint(self.folder / name, params, optimizer.state_dict(), states, about)
        self.prune()

    def prune(self) -> None:
        """Remove the oldest periodic checkpoints, and what a kill left of one half removed."""
        if self.keep_last:
            prune_checkpoints(self.folder, self.keep_last)

    def lacks(self, name: str) -> bool:
        """Return whether nothing of a checkpoint is there."""
        return not checkpoint_exists(self.folder / name)
