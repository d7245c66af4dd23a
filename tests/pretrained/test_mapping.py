"""Names of inference models lead to the names of training; another network's configuration is reported in one line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ppocr.errors import CheckpointError
from ppocr.pretrained.deploy_form import Unit
from ppocr.pretrained.mapping import map_tensors, training_name
from ppocr.pretrained.model_file import NORMALISATION, FileTensor, ModelFile
from tests.conformance import load


def of_inference(name: str) -> str:
    """What PP-OCRv4's inference models call a parameter."""
    name = re.sub(r"\.(dw_conv|pw_conv)\.lab\.scale$", r".\1.w", name)
    name = re.sub(r"\.(dw_conv|pw_conv)\.lab\.bias$", r".\1.b", name)
    return name.replace(".act.lab.", ".activation.")


@pytest.mark.parametrize("model", ["det__PP-OCRv4_mobile_det", "rec__ch_PP-OCRv4_rec"])
def test_every_name_of_the_reference_comes_back(model: str) -> None:
    reference = load(f"models/{model}.json")
    names = [name for name, _, _ in reference["state_dict"]]
    names += [entry[0] if isinstance(entry, list) else entry for entry in reference["fused"]["added"]]
    assert sum(of_inference(name) != name for name in names) > 100
    assert [training_name(of_inference(name)) for name in names] == names


def model_file(*tensors: FileTensor) -> ModelFile:
    return ModelFile(Path("model.onnx"), list(tensors))


def weight(*shape: int, operator: str = "", structured: str = "") -> FileTensor:
    return FileTensor("t", np.random.default_rng(0).standard_normal(shape), operator, structured)


def statistics(size: int) -> list[FileTensor]:
    return [weight(size, operator=NORMALISATION) for _ in range(4)]


CONV = Unit("conv", {"conv.weight": (4, 3, 3, 3)})
BIASED = Unit("conv", {"conv.weight": (4, 3, 3, 3), "conv.bias": (4,)})
NORM = Unit("bn", {"bn.weight": (4,), "bn.bias": (4,), "bn._mean": (4,), "bn._variance": (4,)}, norm=True)
LINEAR = Unit("head.fc", {"head.fc.weight": (4, 7), "head.fc.bias": (7,)})


def test_order_of_use() -> None:
    file = model_file(weight(4, 3, 3, 3), *statistics(4), weight(4, 7), weight(7))
    mapped = map_tensors(file, {}, [CONV, NORM, LINEAR])
    assert list(mapped.arrays) == [*CONV.shapes, *NORM.shapes, *LINEAR.shapes]
    assert mapped.arrays["conv.weight"].dtype == np.float32


def test_shapes_may_differ_by_sides_of_one() -> None:
    mapped = map_tensors(model_file(weight(4, 3, 3, 3), weight(1, 4, 1, 1)), {}, [BIASED])
    assert mapped.arrays["conv.bias"].shape == (4,)


def test_a_batch_norm_merged_with_its_convolution() -> None:
    bias = weight(4)
    mapped = map_tensors(model_file(weight(4, 3, 3, 3), bias, weight(4, 7), weight(7)), {}, [CONV, NORM, LINEAR])
    assert np.allclose(mapped.folded["bn"], bias.array) and "bn.weight" not in mapped.arrays
    mapped = map_tensors(model_file(weight(4, 3, 3, 3), bias, weight(4, 7), weight(7)), {}, [BIASED, NORM, LINEAR])
    assert mapped.folded == {"bn": None} and "conv.bias" in mapped.arrays


@pytest.mark.parametrize(
    ("tensors", "reported"),
    [
        ([weight(8, 3, 3, 3), *statistics(8)], r"t is \[8, 3, 3, 3\], conv.weight is \[4, 3, 3, 3\]"),
        ([weight(4, 3, 3, 3)], r"ends where the network has bn.weight \[4\]"),
        (
            [weight(4, 3, 3, 3), *statistics(4), weight(4, 7), weight(7), weight(9)],
            r"no place for 1 of its 8 arrays, the first t \[9\]",
        ),
        ([weight(4, 3, 3, 3), *statistics(4), weight(4, 9), weight(9)], "9 classes come of another dictionary"),
    ],
)
def test_another_network_is_refused(tensors: list[FileTensor], reported: str) -> None:
    with pytest.raises(CheckpointError, match=reported):
        map_tensors(model_file(*tensors), {}, [CONV, NORM, LINEAR])


def test_names_must_fill_what_a_prediction_needs() -> None:
    state = {**CONV.shapes, **LINEAR.shapes, "training_only.weight": (5,)}
    named = [weight(*shape, structured=name) for name, shape in CONV.shapes.items()]
    with pytest.raises(CheckpointError, match="lacks 2 parameters of the network, e.g. head.fc.weight"):
        map_tensors(model_file(*named), state, [CONV, LINEAR])
    named += [weight(*shape, structured=name) for name, shape in LINEAR.shapes.items()]
    assert map_tensors(model_file(*named), state, [CONV, LINEAR]).by == "name"
    wrong = [*named[:-1], weight(9, structured="head.fc.bias")]
    with pytest.raises(CheckpointError, match="another dictionary"):
        map_tensors(model_file(*wrong), state, [CONV, LINEAR])
