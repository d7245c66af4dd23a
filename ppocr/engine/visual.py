"""Scalars and sample images for VisualDL; whatever goes wrong here, training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.engine.log import get_logger


class VisualLog:
    """Writes to `save_model_dir/vdl` when asked to.

    Args:
        folder: `Global.save_model_dir`.
        enabled: `Global.use_visualdl`, on rank 0.
    """

    def __init__(self, folder: Path, enabled: bool) -> None:
        self._writer: Any = None
        if not enabled:
            return
        try:
            from visualdl import LogWriter

            self._writer = LogWriter(logdir=str(Path(folder) / "vdl"))
        except Exception as error:  # any fault of an optional tool: its import alone can fail in many ways
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        get_logger().warning(f"VisualDL is off: {type(error).__name__}: {error} (pip install visualdl)")
        self._writer = None

    def scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Add one point to each curve `group/name`."""
        if self._writer is None:
            return
        try:
            for name, value in values.items():
                if isinstance(value, (int, float)):
                    self._writer.add_scalar(f"{group}/{name}", float(value), step)
        except Exception as error:  # a full disk, a broken writer
            self._give_up(error)

    def images(self, group: str, images: np.ndarray, step: int) -> None:
        """Add pictures of network inputs.

        Args:
            images: float [N, C, H, W] in any range; each is stretched to 0..255.
        """
        if self._writer is None:
            return
        try:
            for i, image in enumerate(np.asarray(images, np.float32)):
                low, high = float(image.min()), float(image.max())
                grey = (image - low) / max(high - low, 1e-6) * 255
                picture = np.repeat(grey, 3, axis=0) if len(grey) == 1 else grey[:3]
                self._writer.add_image(f"{group}/{i}", picture.transpose(1, 2, 0).astype(np.uint8), step)
        except Exception as error:  # as above
            self._give_up(error)

    def close(self) -> None:
        """Finish the files."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
