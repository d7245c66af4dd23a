"""What a transform is, and the pipeline that runs a list of them on one sample."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ppocr.arguments import Argument
from ppocr.codecs.base import HasCodec
from ppocr.codecs.context import Codecs
from ppocr.data.problems import DataReport
from ppocr.registry import TRANSFORMS

Sample = dict[str, Any]

# Keys that travel with every sample whatever KeepKeys says: the raw label, the sample's number, and what the
# data set should report about a sample that was used all the same, as (reason, detail) pairs.
ALWAYS_KEPT = ("text", "index", "notes")


class Transform(HasCodec):
    """One step from a raw sample to the arrays a network takes.

    A subclass declares what it reads and adds, so that `config/contracts.py` can check the chain
    before anything heavy starts. A sample is a dict; a transform may change it in place.
    """

    needs: tuple[str, ...] = ("image",)
    provides: tuple[str, ...] = ("image",)
    label_only: bool = False  # reads and writes labels only: left out of the inference view
    random: bool = False  # draws from `rng`: left out of the inference view unless for_inference says otherwise
    per_sample: tuple[str, ...] = ()  # of `provides`, the keys whose size differs between samples: lists in a batch
    joined: tuple[str, ...] = ()  # keys that hold several entries of a sample: one after another in a batch
    collate_fn: str | None = None  # the official `loader.collate_fn` that makes such batches
    training_only: bool = False  # augmentation: left out of evaluation
    wants_time_steps: bool = False  # is compiled for the time steps of the network's predictions
    takes_pending: bool = False  # works on a PendingImage (geometry.py) instead of pixels
    extra_samples: int = 0  # how many other samples it mixes in: the data set gives them as "ext_data"
    frees_width: bool = False  # has `eval_mode`, which lets lines longer than its width keep their proportions
    arguments: tuple[Argument, ...] = ()  # of the predicting commands, which overrule this transform's
    size_multiple: int = 1  # height and width of the image it makes are multiples of this
    _config: dict[str, Any]  # both set by the pipeline that builds it
    _name: str

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Transform one sample.

        Args:
            sample: the keys in `needs`, and whatever else earlier transforms left.
            rng: random numbers of this (seed, epoch, index); None for deterministic pipelines.

        Raises:
            SampleError: this sample cannot be used.
        """
        raise TypeError(f"{type(self).__name__} does not implement __call__")

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the image shape after this transform, -1 where it varies."""
        return shape

    def target_size(self) -> tuple[int, int] | None:
        """Return (height, width) that it resizes to and earlier transforms may work towards; None where it does not."""
        return None

    def for_inference(self) -> Transform | None:
        """Return the variant used on images without labels: itself, another transform, or None to leave it out."""
        return None if self.label_only or self.random else self

    def for_deployment(self) -> Transform | None:
        """Return the variant that reads best where nothing has to be compared; that of `for_inference` by default."""
        return self.for_inference()

    def for_evaluation(self) -> Transform | None:
        """Return the variant used in evaluation, where no sample may be refused for its label; None to leave it out."""
        return None if self.training_only else self

    def compiled(self, context: Context) -> Transform:
        """Return the variant for a place in a pipeline, for work that depends on what comes before and after."""
        return self

    def with_changes(self, **attributes: Any) -> Any:
        """Return a copy in which some attributes are others; a transform in use never changes but in `set_epoch`."""
        made = copy.copy(self)
        vars(made).update(attributes)
        return made

    def set_epoch(self, epoch: int) -> None:
        """Tell a transform with a schedule which epoch it is in."""

    def check_report(self, report: DataReport) -> None:
        """Raise DataError where what the transform has noted about the samples used leaves nothing to learn."""

    def config(self) -> dict[str, Any]:
        """Return the resolved constructor arguments, as written to `inference.yml`."""
        return getattr(self, "_config", {})


@dataclass(frozen=True)
class Context:
    """Where a transform stands in a pipeline, and what the pipeline is for.

    Args:
        before: the transforms before it, compiled.
        after: the transforms after it.
        time_steps: how many time steps the network predicts for an image of the pipeline; None: unknown, or no matter.
        pixels_per_step: width of the image per time step.
    """

    before: Sequence[Transform] = ()
    after: Sequence[Transform] = ()
    time_steps: int | None = None
    pixels_per_step: float | None = None

    @property
    def next_takes_pending(self) -> bool:
        """Whether the next transform that looks at the image can take one whose changes are pending."""
        follower = next((t for t in self.after if not t.label_only), None)
        return follower is not None and follower.takes_pending

    @property
    def target_size(self) -> tuple[int, int] | None:
        """The (height, width) that a later transform resizes to; None where none does."""
        return next((size for t in self.after if (size := t.target_size()) is not None), None)


def compile_transforms(transforms: Sequence[Transform], context: Context) -> list[Transform]:
    """Return each transform as it is for its place among the others; those given stay as they are.

    Args:
        transforms: in order.
        context: what the pipeline is for.
    """
    compiled: list[Transform] = []
    for place, transform in enumerate(transforms):
        here = replace(context, before=tuple(compiled), after=tuple(transforms[place + 1 :]))
        compiled.append(transform.compiled(here))
    return compiled


class Pipeline:
    """A list of transforms run in order; the only preprocessing there is, in training as in deployment.

    Args:
        transforms: the steps, built; each is compiled for its place.
        context: what the pipeline is for.
    """

    def __init__(self, transforms: Sequence[Transform], context: Context | None = None) -> None:
        self.transforms = compile_transforms(transforms, context or Context())
        self.random = any(t.random for t in self.transforms)
        self.per_sample = frozenset(key for t in self.transforms for key in t.per_sample)
        self.joined = frozenset(key for t in self.transforms for key in t.joined)
        self.collate_fn = next((t.collate_fn for t in self.transforms if t.collate_fn), None)
        self.extra_samples = max((t.extra_samples for t in self.transforms), default=0)
        self.frees_width = any(t.frees_width for t in self.transforms)
        self.size_multiple = max((t.size_multiple for t in self.transforms), default=1)

    @classmethod
    def from_config(
        cls,
        specs: Iterable[Mapping[str, Any] | str],
        global_values: Mapping[str, Any],
        codecs: Codecs | None = None,
    ) -> Pipeline:
        """Build a pipeline from a YAML transform list.

        Args:
            specs: `[{"DecodeImage": {...}}, {"CTCLabelEncode": None}, ...]`.
            global_values: the `Global` section; fills and overrides the parameters a transform
                names in `from_global`.
            codecs: of the configuration; made from `global_values` when not given.

        Raises:
            ConfigError: unknown transform or key.
        """
        built = []
        codecs = codecs or Codecs(global_values)
        for spec in specs:
            name, args = (spec, None) if isinstance(spec, str) else next(iter(spec.items()))
            transform_class = TRANSFORMS.get(name)
            unset = [k for k in getattr(transform_class, "none_without_global", ()) if k not in (args or {})]
            filled: dict[str, Any] = dict.fromkeys(unset)
            wanted = getattr(transform_class, "from_global", ())
            filled.update({k: global_values[k] for k in wanted if k in global_values})
            transform = TRANSFORMS.build({"name": name, **(args or {})}, codecs=codecs, **filled)
            transform._config = {**(args or {}), **filled}
            transform._name = name
            built.append(transform)
        return cls(built)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Run every transform on a sample; raises SampleError if one refuses it."""
        for transform in self.transforms:
            sample = transform(sample, rng)
        return sample

    def set_epoch(self, epoch: int) -> None:
        """Pass the epoch to every transform."""
        for transform in self.transforms:
            transform.set_epoch(epoch)

    def check_report(self, report: DataReport) -> None:
        """Let every transform look at what was noted about the samples used; raises DataError if one refuses it."""
        for transform in self.transforms:
            transform.check_report(report)

    def for_inference(self) -> Pipeline:
        """Return the view that takes an image without a label; its pixels are evaluation's."""
        return Pipeline([v for t in self.transforms if (v := t.for_inference()) is not None])

    def for_deployment(self) -> Pipeline:
        """Return the view that takes an image without a label, with the resize that reads best."""
        return Pipeline([v for t in self.transforms if (v := t.for_deployment()) is not None])

    def for_evaluation(self) -> Pipeline:
        """Return the view that takes a labelled image and refuses none for its label."""
        return Pipeline([v for t in self.transforms if (v := t.for_evaluation()) is not None])

    def output_shape(self, shape: tuple[int, ...] = (-1, -1, 3)) -> tuple[int, ...]:
        """Return the image shape after all transforms, -1 where it varies."""
        for transform in self.transforms:
            shape = transform.output_shape(shape)
        return shape

    def to_config(self) -> list[dict[str, Any]]:
        """Return the YAML list that builds this pipeline again."""
        return [{getattr(t, "_name", type(t).__name__): t.config() or None} for t in self.transforms]
