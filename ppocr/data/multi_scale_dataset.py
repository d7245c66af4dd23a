"""Text lines whose batches come in several sizes, as the sampler says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ppocr.data.multi_scale_sampler import sizes_of
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.data.transforms.base import Transform
from ppocr.errors import ConfigError, DataError
from ppocr.registry import DATASETS, TRANSFORMS


@DATASETS.register("MultiScaleDataSet")
@dataclass(eq=False)
class MultiScaleDataSet(SimpleDataSet):
    """Images named by label files, made the size that `MultiScaleSampler` chose for their batch.

    A line is `image path`, delimiter, `label`, and may go on with `width`, delimiter, `height` of the image, which
    `ds_width` asks for.

    Args:
        ds_width: put lines of like proportions into a batch, and let the width follow them.
        data_dir, label_file_list, delimiter: see `SimpleDataSet`; the others: see `IndexedDataset`.

    Raises:
        ConfigError: see SimpleDataSet.
        DataError: see SimpleDataSet; with `ds_width`, also a line without width and height.
    """

    takes_sizes = True

    _: KW_ONLY
    ds_width: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ds_width:
            self.line_ratios = self._read_ratios()

    @staticmethod
    def complete_transforms(
        transforms: Sequence[Mapping[str, Any]], dataset: Mapping[str, Any], sampler: Mapping[str, Any] | None
    ) -> list[Any]:
        """Return a transform list with the resize to the batch's size before its last step, as upstream resizes.

        Args:
            transforms: of the `dataset` section.
            dataset: the section.
            sampler: the `sampler` section beside it.

        Raises:
            ConfigError: there is no sampler to say the sizes, or the list resizes already.
        """
        if sampler is None:
            raise ConfigError(
                "MultiScaleDataSet: no sampler says how large images are",
                "add a sampler section with MultiScaleSampler beside dataset and loader, or use SimpleDataSet",
            )
        names = [spec if isinstance(spec, str) else next(iter(spec)) for spec in transforms]
        classes: dict[str, Any] = {name: TRANSFORMS.get(name) for name in names}
        resizer = next((name for name, cls in classes.items() if cls.target_size is not Transform.target_size), None)
        if resizer is not None:
            raise ConfigError(f"MultiScaleDataSet resizes images itself: leave {resizer} out of the transforms")
        sizes = [list(size) for size in sizes_of(sampler)]
        resize = {"MultiScaleResize": {"sizes": sizes, "free_width": bool(dataset.get("ds_width"))}}
        return [*transforms[:-1], resize, *transforms[-1:]]

    def _split(self, raw: bytes) -> tuple[str, str]:
        path, label = super()._split(raw)
        words = label.split(self.delimiter)
        # of a line that goes on with the image's size, the label is what stands before it
        return path, self.delimiter.join(words[:-2]) if _size(words) else label

    def _read_ratios(self) -> np.ndarray:
        """Return width by height of every line, float32."""
        found = np.empty(len(self), np.float32)
        for index in range(len(self)):
            file, line = self.locate(index)
            size = _size(self.files[file].line(line).decode("utf-8", "replace").split(self.delimiter)[1:])
            if size is None:
                raise DataError(
                    f"{self.describe(index)}: ds_width needs the width and height of the image behind the label",
                    "write path, tab, label, tab, width, tab, height; or set ds_width: false",
                )
            found[index] = size[0] / size[1]
        return found


def _size(words: Sequence[str]) -> tuple[float, float] | None:
    """Return the width and height at the end of a line's words, the label at their beginning; None without them."""
    if len(words) < 3:
        return None
    try:
        width, height = float(words[-2]), float(words[-1])
    except ValueError:
        return None
    return (width, height) if min(width, height) > 0 and max(width, height) < math.inf else None
