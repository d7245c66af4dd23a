"""Declared parts: what resembles a declaration and is none is refused where the class is made."""

from __future__ import annotations

from typing import Any

import pytest

from ppocr import registry
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.config.contracts import check_contracts
from ppocr.data.dataset import IndexedDataset
from ppocr.data.transforms.base import Transform
from ppocr.declarations import Counted, Filled, declarations, filled, keys_read, parameters
from ppocr.errors import ConfigError
from ppocr.losses.base import Loss
from ppocr.metrics.base import Metric
from ppocr.modeling.architectures import BaseModel
from ppocr.modeling.heads.base import Head
from ppocr.postprocess.base import PostProcess

KINDS = [r for r in vars(registry).values() if isinstance(r, registry.Registry) and r.base is not None]


@pytest.mark.parametrize(
    ("base", "name", "value", "said"),
    [
        (Transform, "need", ("image",), "Part.need is no declaration of a Transform, did you mean needs?"),
        (Transform, "provide", ("image",), "did you mean provides?"),
        (Transform, "output_shapes", lambda self, shape: shape, "did you mean output_shape?"),
        (Head, "target", ("label",), "Part.target is no declaration of a Head, did you mean targets?"),
        (Head, "aux", ("sar",), "did you mean train_outputs?"),
        (Head, "class_table", lambda self, classes: {}, "did you mean class_tables?"),
        (Loss, "reads", ("ctc",), "Part.reads is no declaration of a Loss, did you mean requires?"),
        (Loss, "accept", ("ctc",), "did you mean accepts?"),
        (PostProcess, "require", ("ctc",), "did you mean requires?"),
        (PostProcess, "dimension", (3,), "did you mean dimensions?"),
        (Metric, "main_indicater", "acc", "did you mean main_indicator?"),
        (Loss, "needs", "label", "Part.needs is a text where a tuple is meant: write ('label',)"),
    ],
)
def test_a_misspelt_declaration_is_refused(base: type, name: str, value: object, said: str) -> None:
    with pytest.raises(TypeError) as inherited:
        type("Part", (base,), {name: value})
    assert said in str(inherited.value)
    kind = next(k for k in KINDS if k.base is base)
    with pytest.raises(TypeError) as plain:  # a user's class that inherits nothing gets the same
        kind.register("PlainPart")(type("Part", (), {name: value}))
    assert str(plain.value) == str(inherited.value)
    assert kind.find("PlainPart") is None


def test_a_plain_class_gets_the_declarations_it_leaves_out() -> None:
    plain = type("PlainLoss", (), {"requires": ("ctc",)})
    try:
        registry.LOSSES.register("PlainLoss")(plain)
        assert keys_read(plain) == ("ctc",) and plain.needs == ()
    finally:
        registry.LOSSES._classes.pop((None, "PlainLoss"), None)


def test_every_registered_class_inherits_or_completes_the_declarations_of_its_kind() -> None:
    assert {kind.kind for kind in KINDS} >= {"transform", "head", "loss", "post-processing", "metric", "backbone"}
    for kind in KINDS:
        base = kind.base
        assert base is not None
        kind.names()
        classes = {cls for cls in kind._classes.values() if cls.__module__.startswith("ppocr.")}
        assert classes
        for cls in classes:
            lacking = [
                name for name, value in declarations(base).items() if value is not ... and not hasattr(cls, name)
            ]
            assert not lacking, (cls, lacking)


def test_what_a_constructor_declares_is_checked_with_the_chain() -> None:
    class Misspelt(Head):
        def __init__(self) -> None:
            super().__init__()
            self.train_output = ("sar",)

    with pytest.raises(ConfigError) as reported:
        network = BaseModel({"model_type": "rec"})
        network.head = Misspelt()
        check_contracts(None, None, network=network)
    assert "Misspelt.train_output is no declaration of a Head, did you mean train_outputs?" in str(reported.value)


def test_parameters_the_builder_fills_are_marked_in_the_signature() -> None:
    class Part:
        def __init__(self, in_channels: Filled[int], out_channels: Counted[int | None] = None, width: int = 1) -> None:
            """Do nothing."""

    assert {name: mark.also_in_config for name, mark in filled(Part).items()} == {
        "in_channels": False,
        "out_channels": True,
    }

    class Unresolvable:
        def __init__(self, in_channels: "Filled[Nowhere]", width: "Nowhere" = 1) -> None:  # noqa: F821, UP037
            """Do nothing."""

    assert list(filled(Unresolvable)) == ["in_channels"]


def test_a_plain_backbone_without_marks_is_filled_by_the_names_of_its_base() -> None:
    class Plain:
        def __init__(self, in_channels: int, width: int) -> None:
            """Do nothing."""

    assert list(registry.BACKBONES.filled(Plain)) == ["in_channels"]
    assert filled(Vocabulary) == {}


def test_a_field_has_the_type_it_has_in_the_module_of_the_class_that_declares_it() -> None:
    data_set = registry.DATASETS.get("MultiScaleDataSet")  # whose own module imports neither of these names
    assert list(filled(data_set)) == ["pipeline", "mode", "seed"]
    found, base = (parameters(cls)[0]["ratio_list"].annotation for cls in (data_set, IndexedDataset))
    assert found == base is not Any
