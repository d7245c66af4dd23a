"""Augmenters by their names in imgaug: common ones on OpenCV, every other one in imgaug itself."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ppocr.data.transforms import augmenters_frames as frames
from ppocr.data.transforms import augmenters_geometric as geometric
from ppocr.data.transforms import augmenters_photometric as photometric
from ppocr.data.transforms.augmenter_values import NotNative
from ppocr.errors import ConfigError
from ppocr.suggestions import did_you_mean

# those that compose into one warp, and those that imgaug takes more than twice as long for
NATIVE: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        geometric.Fliplr,
        geometric.Flipud,
        geometric.Affine,
        geometric.Resize,
        frames.CropAndPad,
        frames.Crop,
        frames.Pad,
        photometric.Add,
        photometric.Grayscale,
        photometric.Invert,
        photometric.MotionBlur,
    )
}
DEBUG_MODULE = "imgaug.augmenters.debug"  # its augmenters write images into folders of their arguments
TRIAL_SIDE = 64  # of the image each augmenter of imgaug is tried on
OLD_NAMES = {  # of early versions of imgaug
    "HorizontalFlip": "Fliplr",
    "VerticalFlip": "Flipud",
    "Scale": "Resize",
    "ContrastNormalization": "LinearContrast",
}


def build_augmenter(spec: Any) -> Any:
    """Build one entry of `IaaAugment.augmenter_args`.

    Args:
        spec: `{"type": name, "args": {...}}`, or `[name, argument, ...]`; names and arguments are imgaug's, and
            a list stands for a range or tuple.

    Returns:
        What has `sample_warp` (an affine change), `apply` (a change of the pixels alone) or `apply_with_polygons`.

    Raises:
        ConfigError: unknown name or argument.
    """
    name, positional, named = _read(spec)
    native = NATIVE.get(name)
    if native is not None:
        with contextlib.suppress(NotNative, TypeError):  # what is odd about the arguments imgaug says better
            return native(*positional, **named)
    return ImgaugAugmenter(name, positional, named)


def unknown_keys(spec: Any) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield where an entry of `IaaAugment.augmenter_args` has an unknown key, and which keys it could have there."""
    if not isinstance(spec, Mapping):
        return
    yield from (((key,), ["type", "args"]) for key in spec if key not in ("type", "args"))
    name, args = spec.get("type"), spec.get("args")
    if not (isinstance(name, str) and isinstance(args, Mapping)):
        return
    name = OLD_NAMES.get(name, name)
    native = NATIVE.get(name)
    known = [] if native is None else list(inspect.signature(native).parameters)
    if set(args) - set(known):  # imgaug, which takes a second to import, knows more
        known = _imgaug_parameters(name) or known
    if known:
        yield from ((("args", key), known) for key in args if key not in known)


def _read(spec: Any) -> tuple[str, list[Any], dict[str, Any]]:
    """Return the name and the arguments of an entry."""
    name, args = None, None
    if isinstance(spec, Mapping) and not set(spec) - {"type", "args"}:
        name, args = spec.get("type"), spec.get("args") or {}
    elif isinstance(spec, (list, tuple)) and spec:
        name, args = spec[0], spec[1:]
    if not isinstance(name, str) or not isinstance(args, (Mapping, list, tuple)):
        raise ConfigError(
            f"IaaAugment.augmenter_args: {spec!r} is not an augmenter", "write {type: Fliplr, args: {p: 0.5}}"
        )
    positional, named = ([], dict(args)) if isinstance(args, Mapping) else (list(args), {})
    return OLD_NAMES.get(name, name), positional, named


class ImgaugAugmenter:
    """An augmenter that imgaug runs.

    Args:
        name: its class in imgaug.augmenters.
        positional: arguments; lists become tuples, and what describes an augmenter becomes one.
        named: the same by name.

    Raises:
        ConfigError: imgaug has no such augmenter, or it refuses the arguments.
    """

    def __init__(self, name: str, positional: Sequence[Any], named: Mapping[str, Any]) -> None:
        self.name = name
        self._arguments = list(positional), dict(named)
        self._augmenter = _imgaug_augmenter(name, *self._arguments)
        blank = np.full(
            (TRIAL_SIDE, TRIAL_SIDE, 3), 128, np.uint8
        )  # what fails with this NumPy shall fail at the start
        self.apply_with_polygons(blank, np.zeros((0, 4, 2), np.float32), np.random.default_rng(0))

    def apply_with_polygons(
        self, image: np.ndarray, polys: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the changed image and polygons.

        Args:
            image: uint8 [H, W, 3].
            polys: float32 [N, P, 2].
            rng: decides everything imgaug draws.

        Raises:
            ConfigError: imgaug fails, as some of its augmenters do with the newest NumPy or OpenCV.
        """
        from imgaug.augmentables import Keypoint, KeypointsOnImage

        seed = int(rng.integers(0, 2**31))
        points = KeypointsOnImage([Keypoint(float(x), float(y)) for x, y in polys.reshape(-1, 2)], image.shape)
        try:
            self._augmenter.seed_(seed)
            with _global_generator(seed):
                changed, moved = self._augmenter(image=np.ascontiguousarray(image), keypoints=points)
        except Exception as error:
            raise ConfigError(
                f"IaaAugment.augmenter_args: {self.name} fails inside imgaug: {type(error).__name__}: {error}",
                f"NumPy is {np.__version__}; an older one may help, or another augmenter",
            ) from error
        if len(moved.keypoints) != polys.size // 2:
            raise ConfigError(
                f"IaaAugment.augmenter_args: {self.name} drops points of polygons", "choose another augmenter"
            )
        return changed, np.array([(p.x, p.y) for p in moved.keypoints], np.float32).reshape(polys.shape)

    def __reduce__(self) -> tuple[Any, ...]:
        return ImgaugAugmenter, (self.name, *self._arguments)


def _imgaug() -> Any:
    """Return the module of imgaug's augmenters, imported only where one is used: it takes a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # imgaug's, about other packages
        from imgaug import augmenters
    return augmenters


def _imgaug_augmenter(name: str, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
    augmenters = _imgaug()
    found = getattr(augmenters, name, None)
    if getattr(found, "__module__", "") == DEBUG_MODULE:
        raise ConfigError(f"IaaAugment.augmenter_args: {name} writes files, which no configuration may ask for")
    if not (isinstance(found, type) and issubclass(found, augmenters.Augmenter)):
        known = [n for n in dir(augmenters) if isinstance(getattr(augmenters, n), type)]
        raise ConfigError(f"IaaAugment.augmenter_args: imgaug has no augmenter {name!r}{did_you_mean(name, known)}")
    try:
        with _global_generator(0):
            return found(*map(_as_argument, positional), **{k: _as_argument(v) for k, v in named.items()})
    except ConfigError:
        raise
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"IaaAugment.augmenter_args: {name}: {said[:200]}", "see imgaug's documentation") from error


def _imgaug_parameters(name: str) -> list[str]:
    """Return the argument names of an augmenter of imgaug, none where there is no such augmenter."""
    found = getattr(_imgaug(), name, None)
    return list(inspect.signature(found).parameters) if isinstance(found, type) else []


def _as_argument(value: Any) -> Any:
    """Return a YAML value as imgaug takes it: descriptions of augmenters as augmenters, lists of numbers as tuples."""
    if isinstance(value, Mapping) and isinstance(value.get("type"), str):
        name, positional, named = _read(value)
        return _imgaug_augmenter(name, positional, named)
    if isinstance(value, Mapping):
        return {k: _as_argument(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_as_argument(v) for v in value]
        choice = any(hasattr(item, "augment_image") or isinstance(item, str) for item in items)
        return items if choice else tuple(items)
    return value


@contextlib.contextmanager
def _global_generator(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, which some of imgaug's augmenters draw from, and put it back afterwards."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
