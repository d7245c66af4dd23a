"""What became of the training samples: counts of the epoch and of the run, over all ranks and across resumes."""

from __future__ import annotations

from typing import Any

from ppocr.data.problems import DataReport
from ppocr.engine.distributed import World
from ppocr.engine.log import get_logger
from ppocr.errors import DataError


class DataLog:
    """Adds up what the loaders of all ranks report.

    Args:
        loader: this rank's training loader; its `report` counts the epoch it is in.
        world: the ranks training together.
        max_bad_ratio: largest share of broken samples a run goes on with.
    """

    def __init__(self, loader: Any, world: World, max_bad_ratio: float = 1.0) -> None:
        self._loader = loader
        self._world = world
        self._max_bad_ratio = max_bad_ratio
        self._before = DataReport()  # of this epoch before the run was resumed; rank 0 has it for all
        self._total = DataReport()  # of the epochs that are over

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps; all ranks call it."""
        so_far = DataReport().merge([self._before.state(), *self._shares()])
        return {"epoch": so_far.state(), "total": self._total.state()}

    def load(self, state: dict[str, Any]) -> None:
        """Take over a checkpoint's counts."""
        if self._world.first:
            self._before = DataReport().merge([state["epoch"]])
            self._total = DataReport().merge([state["total"]])

    def _shares(self) -> list[dict[str, Any]]:
        """Return what every rank counted in this epoch, since the run was resumed if it was."""
        return self._world.gather(self._loader.report.state())

    def refusal(self) -> DataError | None:
        """Return why this rank's samples of the epoch so far end the run, or None."""
        return self._loader.report.refusal(self._max_bad_ratio)

    def end_epoch(self, epoch: int) -> DataError | None:
        """Log the counts of an epoch that is over; all ranks call it.

        Returns:
            Why the run ends here, too many broken samples, or None.

        Raises:
            DataError: rank 0, where the samples of the epoch leave nothing to learn.
        """
        shares = self._shares()
        found = DataReport().merge([self._before.state(), *shares])
        self._total.merge([found.state()])
        self._before, self._loader.report = DataReport(), DataReport()
        if self._world.first:
            get_logger().info(f"epoch {epoch} is done: {found.drawn} samples, {found.used} used as they are")
            _warn(found, "")
            self._loader.dataset.pipeline.check_report(found)
        # not what was counted before a resume: the data may have been repaired for it
        return DataReport().merge(shares).refusal(self._max_bad_ratio, minimum=1)

    def end_run(self) -> None:
        """Log the counts of all epochs."""
        if self._world.first:
            _warn(self._total, "all epochs: ")


def _warn(found: DataReport, prefix: str) -> None:
    for line in found.summary_lines():
        get_logger().warning(prefix + line)
