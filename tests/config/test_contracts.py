"""The chain of needs and provides is checked before anything heavy starts, and the message gives a hint."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ppocr.codecs.class_names import ClassNames
from ppocr.codecs.ctc import CTCCodec
from ppocr.codecs.nrtr import NRTRCodec
from ppocr.config.contracts import check_contracts
from ppocr.data.transforms.base import Pipeline
from ppocr.errors import ConfigError
from ppocr.losses.rec_ctc import CTCLoss
from ppocr.metrics.cls import ClsMetric
from ppocr.metrics.rec import RecMetric
from ppocr.modeling.architectures import build_model
from ppocr.modeling.architectures.base import Architecture
from ppocr.postprocess.ctc import CTCLabelDecode

CTC = CTCCodec.from_options()
GLOBAL = {"max_text_length": 25}


def declaring(**declarations) -> Architecture:
    """Return a network that declares these."""
    network = Architecture()
    for name, value in declarations.items():
        setattr(network, name, value)
    return network


NETWORK = declaring(outputs=("ctc",))


def pipeline(*keep: str, encode: bool = True) -> Pipeline:
    specs = ["DecodeImage", "CTCLabelEncode", {"RecResizeImg": {"image_shape": [3, 32, 100]}}]
    specs += [{"KeepKeys": {"keep_keys": list(keep)}}] if keep else []
    return Pipeline.from_config([s for s in specs if encode or s != "CTCLabelEncode"], GLOBAL)


def said(train: Pipeline | None, evaluation: Pipeline | None = None, **parts) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        check_contracts(train, evaluation, **parts)
    assert {p.kind for p in caught.value.problems} == {"contract"}
    return [str(p) for p in caught.value.problems]


def test_a_chain_that_fits():
    whole = pipeline("image", "label", "length")
    parts = {"network": NETWORK, "loss": CTCLoss(CTC), "postprocess": CTCLabelDecode(CTC), "metric": RecMetric()}
    check_contracts(whole, whole, **parts)
    check_contracts(pipeline(), None, **parts)
    check_contracts(None, pipeline("image"), network=NETWORK, postprocess=CTCLabelDecode(CTC))


def test_a_metric_measures_one_kind_of_result():
    (line,) = said(None, pipeline("image"), postprocess=CTCLabelDecode(CTC), metric=ClsMetric())
    assert line.startswith("Metric: ClsMetric measures a Classification, CTCLabelDecode gives a Recognition")


def test_a_key_that_is_label_and_input_is_missed_once():
    network = declaring(outputs=("sar",), train_outputs=(), inputs=("valid_ratio",), targets=("valid_ratio",))
    (line,) = said(pipeline("image", "label"), network=network)
    assert "needs 'valid_ratio'" in line


def test_keep_keys_drops_what_the_loss_needs():
    (line,) = said(pipeline("image", "label"), network=NETWORK, loss=CTCLoss(CTC))
    assert line.startswith("Train.dataset.transforms: CTCLoss needs 'length'; the batches give image, index, label,")
    assert line.endswith("; add length to KeepKeys.keep_keys")


def test_no_transform_makes_what_the_loss_needs():
    (line,) = said(pipeline(encode=False), network=NETWORK, loss=CTCLoss(CTC))
    assert "CTCLoss needs 'length'" in line
    assert "provided by" in line and "CTCLabelEncode" in line


def test_misspelt_key_in_keep_keys():
    lines = said(pipeline("image", "lable", "length"), network=NETWORK, loss=CTCLoss(CTC))
    assert lines[0].startswith("Train.dataset.transforms.3: KeepKeys needs 'lable'; the steps before it give image,")
    assert lines[0].endswith(", did you mean label?")
    assert "CTCLoss needs 'label'" in lines[1]


def test_key_that_nothing_in_the_project_makes():
    metric = SimpleNamespace(needs=("stroke_mask",))
    (line,) = said(None, pipeline("image"), network=NETWORK, metric=metric)
    assert line.startswith("Eval.dataset.transforms: SimpleNamespace needs 'stroke_mask'; the batches give image")
    assert "is a transform missing" in line


def test_outputs_that_loss_and_postprocess_do_not_read():
    network = declaring(outputs=("maps",), train_outputs=("ctc_neck",))
    whole = pipeline("image", "label", "length")
    lines = said(whole, whole, network=network, loss=CTCLoss(CTC), postprocess=CTCLabelDecode(CTC))
    assert lines[0] == (
        "Loss: CTCLoss needs 'ctc'; the head's predictions give ctc_neck, maps; do Loss and Head belong together?"
    )
    assert lines[1].startswith("PostProcess: CTCLabelDecode needs 'ctc'; the head's predictions give maps;")


def test_head_with_targets_and_inputs():
    network = declaring(outputs=("ctc",), targets=("label", "length"), inputs=("valid_ratio",))
    lines = said(pipeline("image", "label", "length"), pipeline("image", "valid_ratio"), network=network)
    assert len(lines) == 1
    assert "needs 'valid_ratio'" in lines[0] and lines[0].endswith("add valid_ratio to KeepKeys.keep_keys")


def test_classes_counted_twice_must_agree():
    network = declaring(outputs=("ctc",), train_outputs=(), inputs=(), targets=(), classes=4)
    named = SimpleNamespace(requires=("ctc",), needs=(), codec=ClassNames(["0", "180"]))
    (found,) = said(None, network=network, postprocess=named)
    assert found == "Architecture.Head: Architecture has 4 classes, SimpleNamespace has names for 2"


def of(cls: type, **options) -> Any:
    return cls.from_options(**options)


def test_parts_of_one_branch_hold_one_codec(tmp_path):
    (tmp_path / "d.txt").write_text("a\nb\n", encoding="utf-8")
    other = of(CTCCodec, character_dict_path=str(tmp_path / "d.txt"), use_space_char=True)
    (line,) = said(None, pipeline("image"), network=NETWORK, postprocess=CTCLabelDecode(other))
    assert line == (
        "Eval.dataset.transforms.1: CTCLabelEncode has the classes of digits and lower-case letters, CTCLabelDecode "
        f"those of {tmp_path}/d.txt with use_space_char; set character_dict_path, use_space_char, text_direction in "
        "Global, for all parts"
    )
    for codec in (of(CTCCodec, text_direction="rtl"), of(CTCCodec, character_dict=[*"9876543210", *"abc"])):
        (line,) = said(None, pipeline("image"), network=NETWORK, postprocess=CTCLabelDecode(codec))
        assert "CTCLabelEncode has the classes of" in line
    network = declaring(outputs=("ctc",), codec=of(NRTRCodec))
    (line,) = said(None, pipeline("image"), network=network, postprocess=CTCLabelDecode(CTC))
    assert line == (
        "Architecture.Head: Architecture has NRTRCodec, CTCLabelDecode CTCCodec; name parts that belong together"
    )
    loss = CTCLoss(of(CTCCodec, text_direction="rtl"))
    (line,) = said(pipeline("image", "label", "length"), None, network=NETWORK, loss=loss)
    assert line.startswith(
        "Train.dataset.transforms.1: CTCLabelEncode has the classes of digits and lower-case letters for label,"
    )


def test_the_second_label_is_encoded_as_its_head_decodes_it():
    specs = [{"MultiLabelEncode": {"gtc_encode": "SARLabelEncode"}}]
    encode = Pipeline.from_config(specs, GLOBAL)
    network = declaring(outputs=("ctc",), codec=CTC, label_codecs={"label_ctc": CTC, "label_gtc": of(NRTRCodec)})
    (line,) = said(encode, None, network=network)
    assert line == (
        "Train.dataset.transforms.0: MultiLabelEncode has SARCodec for label_gtc, Architecture "
        "NRTRCodec; name parts that belong together"
    )


def test_a_head_of_feature_maps_goes_behind_no_sequence():
    spec = {"model_type": "rec", "Backbone": {"name": "PlainConvNet"}, "Head": {"name": "SARHead", "out_channels": 9}}
    neck = {"name": "SequenceEncoder", "encoder_type": "reshape"}
    check_contracts(None, None, network=build_model(spec))
    (line,) = said(None, network=build_model({**spec, "Neck": neck}))
    assert line == (
        "Architecture.Neck: SARHead takes a feature map, SequenceEncoder gives a sequence; leave the neck out or name "
        "another"
    )
