"""Weights into networks: the report, its refusal in use, and heads matched by character."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.engine.checkpoint import find_checkpoint
from ppocr.engine.weights import load_weights, require_complete, require_some
from ppocr.errors import CheckpointError
from ppocr.modeling.architectures import build_model


class Head(nn.Layer):
    def __init__(self, width: int, classes: int, mid: int = 0) -> None:
        super().__init__()
        if mid:
            self.fc1 = nn.Linear(width, mid)
            self.fc2 = nn.Linear(mid, classes)
        else:
            self.fc = nn.Linear(width, classes)


class Network(nn.Layer):
    def __init__(self, classes: int, width: int = 6, mid: int = 0) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2D(3, width, 3), nn.BatchNorm2D(width))
        self.head = Head(width, classes, mid)


def arrays(model: nn.Layer) -> dict[str, np.ndarray]:
    return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}


def test_a_full_fit() -> None:
    source, target = Network(5), Network(5)
    report = load_weights(target, arrays(source))
    assert report.complete and report.share == 1 and not report.differences()
    for name, value in arrays(source).items():
        np.testing.assert_array_equal(value, target.state_dict()[name].numpy())
    require_complete(report, "x.pdparams")
    assert report.lines()[0].startswith("weights: 100.0% of the network loaded (8 tensors")


def test_what_does_not_fit_is_named_and_refused() -> None:
    params = arrays(Network(5))
    del params["backbone.0.bias"]
    params["neck.extra"] = np.ones(3, np.float32)
    report = load_weights(Network(7), params)
    assert report.missing == ["backbone.0.bias"] and report.unexpected == ["neck.extra"]
    assert [(w.name, w.have, w.want) for w in report.wrong_shape] == [
        ("head.fc.weight", (6, 5), (6, 7)),
        ("head.fc.bias", (5,), (7,)),
    ]
    assert not report.complete and 0 < report.share < 1
    text = "\n".join(report.lines())
    assert all(word in text for word in ("missing: backbone.0.bias", "unexpected: neck.extra", "[6, 5]"))
    with pytest.raises(CheckpointError, match=r"x.pdparams.*head.fc.weight is \[6, 5\].*backbone.0.bias is missing"):
        require_complete(report, "x.pdparams")


@pytest.mark.parametrize("params", [{}, {"other": np.ones(2)}])
def test_an_empty_or_foreign_checkpoint_is_refused(params: dict) -> None:
    report = load_weights(Network(5), params)
    assert report.share == 0
    with pytest.raises(CheckpointError):
        require_complete(report, "x")


def test_the_file_of_a_backbone_alone() -> None:
    source, target = Network(5), Network(5)
    head = target.head.fc.weight.numpy().copy()
    report = load_weights(target, {**arrays(source.backbone), "out.weight": np.ones((6, 1000))})
    assert report.part == "backbone" and len(report.loaded) == 6 and report.unexpected == ["backbone.out.weight"]
    assert any("its names are read as backbone.*" in line for line in report.lines())
    np.testing.assert_array_equal(source.backbone[0].weight.numpy(), target.backbone[0].weight.numpy())
    np.testing.assert_array_equal(head, target.head.fc.weight.numpy())
    require_some(report, "x")
    with pytest.raises(CheckpointError):
        require_complete(report, "x")


@pytest.mark.parametrize("prefix", ["", "backbone."])
def test_pretrained_file_of_a_detector(prefix: str, tmp_path: Path) -> None:
    """As `pretrain_models/MobileNetV3_large_x0_5_pretrained.pdparams`: a pickle of arrays, and no manifest."""
    backbone = {"name": "MobileNetV3", "scale": 0.35, "model_name": "large"}
    neck, head = {"name": "DBFPN", "out_channels": 16}, {"name": "DBHead"}
    source, target = (
        build_model({"model_type": "det", "Backbone": backbone, "Neck": neck, "Head": head}) for _ in range(2)
    )
    saved = {prefix + name: tensor for name, tensor in source.backbone.state_dict().items()}
    paddle.save(saved, str(tmp_path / "MobileNetV3_large_x0_35_pretrained.pdparams"))
    start = find_checkpoint(tmp_path / "MobileNetV3_large_x0_35_pretrained", weights_only=True)
    report = load_weights(target, start.params)
    assert len(report.loaded) == len(saved) and not report.unexpected
    assert {name.partition(".")[0] for name in report.missing} == {"neck", "head"}
    for name, tensor in source.backbone.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), target.backbone.state_dict()[name].numpy())


def test_weights_of_which_nothing_fits_are_refused_with_a_name_of_each() -> None:
    report = load_weights(Network(5), {"stem.conv.weight": np.ones((2, 2))})
    with pytest.raises(CheckpointError, match=r"x: nothing in it fits.*stem.conv.weight.*backbone.0.weight"):
        require_some(report, "x")


@pytest.mark.parametrize("mid", [0, 4])
def test_a_grown_dictionary_keeps_what_was_learned(mid: int) -> None:
    old, new = ["blank", "a", "b", "c", "d"], ["blank", "d", "x", "a", "b", "y", "z"]
    source, target = Network(len(old), mid=mid), Network(len(new), mid=mid)
    name = "head.fc2" if mid else "head.fc"
    source.state_dict()[f"{name}.bias"].set_value(np.arange(5, dtype=np.float32))
    before, params = arrays(target), arrays(source)
    report = load_weights(target, params, old_characters=old, new_characters=new)
    after = arrays(target)
    for index, character in enumerate(new):
        for key in (f"{name}.weight", f"{name}.bias"):
            want = params[key][..., old.index(character)] if character in old else before[key][..., index]
            np.testing.assert_array_equal(after[key][..., index], want)
    assert [(a.name, a.kept, a.new, a.dropped) for a in report.aligned] == [
        (f"{name}.weight", 4, 3, 1),
        (f"{name}.bias", 4, 3, 1),
    ]
    assert not report.wrong_shape and not report.complete and 0.5 < report.share < 1
    with pytest.raises(CheckpointError, match="4 classes kept, 3 new, 1 dropped"):
        require_complete(report, "x")


def test_the_same_characters_in_another_order() -> None:
    """The width of the backbone and of the first head layer equals the class count; only the classes may move."""
    old, new = ["blank", "a", "b", "c", "d", "e"], ["blank", "e", "d", "c", "b", "a"]
    source, target = Network(6, mid=6), Network(6, mid=6)
    params = arrays(source)
    report = load_weights(target, params, old_characters=old, new_characters=new)
    order = [old.index(c) for c in new]
    for name, value in arrays(target).items():
        want = params[name][..., order] if name.startswith("head.fc2") else params[name]
        np.testing.assert_array_equal(value, want)
    assert [a.name for a in report.aligned] == ["head.fc2.weight", "head.fc2.bias"]
    assert report.complete and report.share == 1


@pytest.mark.parametrize("auxiliary", ["SARHead", "NRTRHead"])
@pytest.mark.parametrize("new", ["dxabyz", "dcba"])
def test_the_auxiliary_head_of_a_grown_or_reordered_dictionary_keeps_what_it_learned(auxiliary: str, new: str) -> None:
    """Old classes "abcd": the auxiliary head's own, its start, end and padding included, follow the characters too."""
    decoder, extra = {"SARHead": ("SARLabelDecode", 3), "NRTRHead": ("NRTRLabelDecode", 4)}[auxiliary]

    def network(characters: str) -> nn.Layer:
        members = [{"CTCHead": {"Neck": {"name": "reshape"}, "Head": {}}}, {auxiliary: {}}]
        counts = {"CTCLabelDecode": len(characters) + 1, decoder: len(characters) + extra}
        head = {"name": "MultiHead", "head_list": members, "out_channels_list": counts}
        return build_model({"model_type": "rec", "in_channels": 8, "Head": head})

    source, target = network("abcd"), network(new)
    before, params = arrays(target), arrays(source)
    report = load_weights(target, params, old_characters=["blank", *"abcd"], new_characters=["blank", *new])
    after = arrays(target)
    behind, before_them = ["unknown", "ends", "padding"], ["blank", "unknown", "start", "end"]
    lists = {
        "head.ctc_head.fc.weight": ["blank", *"{}"],
        "head.ctc_head.fc.bias": ["blank", *"{}"],
        "head.sar_head.decoder.embedding.weight": [*"{}", *behind],
        "head.sar_head.decoder.prediction.weight": [*"{}", *behind[:-1]],
        "head.sar_head.decoder.prediction.bias": [*"{}", *behind[:-1]],
        "head.gtc_head.embedding.embedding.weight": [*before_them, *"{}", "never"],
        "head.gtc_head.tgt_word_prj.weight": [*before_them, *"{}", "never"],
    }
    for name, pattern in lists.items():
        if name not in params:
            continue
        old_list, new_list = (_filled(pattern, characters) for characters in ("abcd", new))
        axis = 0 if "embedding" in name else -1
        for index, entry in enumerate(new_list):
            learned = entry in old_list
            want = params[name].take(old_list.index(entry), axis) if learned else before[name].take(index, axis)
            np.testing.assert_array_equal(after[name].take(index, axis), want, err_msg=f"{name} {entry}")
    assert sorted(a.name for a in report.aligned) == sorted(name for name in lists if name in params)
    assert {a.new for a in report.aligned} == {len(set(new) - set("abcd"))}
    assert not report.wrong_shape and not report.missing
    assert sum(not np.array_equal(after[name], params[name]) for name in params if name not in lists) == 0


def _filled(pattern: list[str], characters: str) -> list[str]:
    at = pattern.index("{")
    return [*pattern[:at], *characters, *pattern[at + 2 :]]


def test_repeated_characters_are_matched_one_by_one() -> None:
    old, new = ["blank", "a", "a", "b"], ["blank", "a", "b", "a", "c"]
    source, target = Network(4), Network(5)
    params = arrays(source)
    load_weights(target, params, old_characters=old, new_characters=new)
    np.testing.assert_array_equal(
        target.state_dict()["head.fc.weight"].numpy()[:, :4], params["head.fc.weight"][:, [0, 1, 3, 2]]
    )


def test_sizes_that_are_not_the_dictionaries_are_not_aligned() -> None:
    report = load_weights(
        Network(7), arrays(Network(5)), old_characters=["blank", "a"], new_characters=["blank", "a", "b"]
    )
    assert len(report.wrong_shape) == 2 and not report.aligned


def test_equal_dictionaries_change_nothing() -> None:
    classes = ["blank", "a", "b", "c", "d"]
    report = load_weights(Network(5), arrays(Network(5)), old_characters=classes, new_characters=list(classes))
    assert report.complete and not report.aligned


@pytest.mark.parametrize("have", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("want", ["float32", "float16", "bfloat16"])
def test_floating_types_convert(have: str, want: str) -> None:
    values = paddle.to_tensor([1.0, -2.5, 0.125])
    layer = nn.Layer()
    layer.register_buffer("w", paddle.zeros([3]).astype(want))
    report = load_weights(layer, {"w": values.astype(have).numpy()})
    assert report.complete and layer.w.dtype == values.astype(want).dtype
    np.testing.assert_array_equal(layer.w.astype("float32").numpy(), values.numpy())


def test_scalars_of_older_versions() -> None:
    layer = nn.Layer()
    layer.register_buffer("steps", paddle.zeros([], dtype="int64"))
    assert load_weights(layer, {"steps": np.array([7])}).complete
    assert int(layer.steps) == 7
