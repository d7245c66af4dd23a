"""Augmentation by a list of imgaug augmenters, in the YAML that users have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ppocr.data.transforms.augmenters import build_augmenter, unknown_keys
from ppocr.data.transforms.base import Context, Sample, Transform
from ppocr.data.transforms.geometry import PendingImage, move_points
from ppocr.registry import TRANSFORMS, Unknown

DEFAULT = (
    {"type": "Fliplr", "args": {"p": 0.5}},
    {"type": "Affine", "args": {"rotate": [-10, 10]}},
    {"type": "Resize", "args": {"size": [0.5, 3]}},
)


@TRANSFORMS.register()
class IaaAugment(Transform):
    """Change an image and its polygons by a list of augmenters, named and set as in imgaug.

    Neighbouring flips, rotations, scalings and the like are composed, and composed with the crop that follows, so
    that pixels are warped once. Common augmenters run on OpenCV, all others in imgaug itself.

    Args:
        augmenter_args: one mapping per augmenter, `type` its name in imgaug and `args` its arguments, a list of two
            numbers being a range; a left-right flip half the time, a rotation by up to 10 degrees and a scaling by
            0.5 to 3 when None.
        fuse: compose; else every augmenter makes its own pixels.
    """

    needs = ("image", "polys")
    random = True

    def __init__(self, augmenter_args: Sequence[Any] | None = None, fuse: bool = True) -> None:
        self.augmenters = [build_augmenter(spec) for spec in (DEFAULT if augmenter_args is None else augmenter_args)]
        self.fuse = fuse
        self.takes_pending = fuse and all(hasattr(augmenter, "sample_warp") for augmenter in self.augmenters[:1])
        self._leave_pending = False

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[Unknown]:
        """Yield the unknown keys inside the values."""
        entries = values.get("augmenter_args")
        for i, spec in enumerate(entries if isinstance(entries, (list, tuple)) else ()):
            for path, known in unknown_keys(spec):
                yield Unknown(("augmenter_args", i, *path), known)

    def compiled(self, context: Context) -> Transform:
        """Return the variant that leaves the last changes to a crop that follows."""
        return self.with_changes(_leave_pending=self.fuse and context.next_takes_pending)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Change `image` (uint8 [H, W, 3]) and `polys` (float32 [N, P, 2]).

        Polygons may end up partly or wholly outside the image; the crop sorts that out.

        Raises:
            SampleError: "undecodable", where pixels were not made before.
        """
        assert rng is not None
        image = PendingImage.of(sample["image"])
        polys = np.asarray(sample["polys"], np.float32)
        for augmenter in self.augmenters:
            if hasattr(augmenter, "sample_warp"):
                change = augmenter.sample_warp(rng, image.height, image.width)
                if change is not None:
                    polys = move_points(polys, change.matrix)
                    image.warp(change) if self.fuse else image.warp_now(change)
            elif hasattr(augmenter, "apply"):
                image = PendingImage.of(augmenter.apply(image.render(), rng))
            else:
                pixels, polys = augmenter.apply_with_polygons(image.render(), polys, rng)
                image = PendingImage.of(pixels)
        sample["image"] = image if self._leave_pending else image.render()
        sample["polys"] = polys
        return sample
