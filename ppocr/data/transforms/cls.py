"""Labels and image sizes of classifiers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppocr.codecs.class_names import ClassNames
from ppocr.data.transforms.base import Sample, Transform
from ppocr.data.transforms.rec_resize import RecResizeImg
from ppocr.registry import TRANSFORMS


@TRANSFORMS.register()
class ClsLabelEncode(Transform):
    """Turn the name of a class into its number.

    Args:
        label_list: names of the classes in order.

    Raises:
        ConfigError: two classes have one name.
    """

    needs = ("label",)
    provides = ("label",)
    label_only = True
    from_global = ("label_list",)

    def __init__(self, label_list: Sequence[str]) -> None:
        self.labels = ClassNames(label_list)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `label` (str) by its number, int64; `text` keeps the name.

        Raises:
            SampleError: "unknown_label".
        """
        sample["text"] = sample["label"]
        sample["label"] = np.array(self.labels.encode(sample["label"]), np.int64)
        return sample


@TRANSFORMS.register()
class ClsResizeImg(RecResizeImg):
    """Resize a text line to a fixed height, keep its proportions up to a width, pad with zeros, and scale to [-1, 1].

    Args:
        image_shape: (C, H, W) of the result.
    """

    provides = ("image",)
    from_global = ()
    none_without_global = ()

    def __init__(self, image_shape: Sequence[int]) -> None:
        super().__init__(image_shape, character_dict_path=None)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `image` (uint8 [h, w, 3] or [h, w]) by float32 [C, H, W]."""
        sample = super().__call__(sample, rng)
        del sample["valid_ratio"]
        return sample

    def for_inference(self) -> ClsResizeImg:
        """Return itself: deployed pixels are evaluation's."""
        return self
