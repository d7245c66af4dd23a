"""inference.yml: what is written is read back, official files are read too, and damage is named."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from ppocr.deploy import inference_schema
from ppocr.deploy.cli_arguments import overrule
from ppocr.deploy.inference_config import InferenceConfig, load
from ppocr.deploy.inference_schema import TensorSpec
from ppocr.errors import ConfigError

OFFICIAL = """
Global:
  model_name: PP-OCRv5_server_rec
Hpi:
  backend_configs:
    paddle_infer:
      trt_dynamic_shapes: {x: [[1, 3, 48, 160], [1, 3, 48, 320], [8, 3, 48, 3200]]}
PreProcess:
  transform_ops:
  - DecodeImage:
      channel_first: false
      img_mode: BGR
  - MultiLabelEncode:
      gtc_encode: NRTRLabelEncode
  - RecResizeImg:
      image_shape: [3, 48, 320]
  - KeepKeys:
      keep_keys: [image, label_ctc, label_gtc, length, valid_ratio]
PostProcess:
  name: CTCLabelDecode
  character_dict: ['a', '1', 'é']
"""
ODD = [
    "yes",
    "1",
    "~",
    "null",
    "1e3",
    "",
    "  ",
    "#",
    "- a",
    ": ",
    "\u3000",
    "\u2028",
    "\ufeff",
    "\x85",
    "\U0001f600",
    "'",
    '"',
]


def write(folder: Path, text: str) -> Path:
    (folder / "inference.yml").write_text(text, encoding="utf-8")
    return folder


def test_written_is_read_back(tmp_path):
    written = InferenceConfig(
        [{"DecodeImage": {"img_mode": "BGR", "channel_first": False}}, {"RecResizeImg": {"image_shape": [3, 48, 320]}}],
        {"name": "CTCLabelDecode", "character_dict": ODD, "use_space_char": False},
        model_name="m",
        inputs=(TensorSpec("x", "image", (-1, 3, 48, -1)), TensorSpec("valid_ratio", "valid_ratio", (-1,))),
        outputs=("ctc", "sar"),
        made_by="ppocr test",
    )
    written.dump(tmp_path / "inference.yml")
    assert load(tmp_path) == written


def test_an_official_file_is_read(tmp_path):
    config = load(write(tmp_path, OFFICIAL))
    assert [next(iter(spec)) for spec in config.transforms] == ["DecodeImage", "RecResizeImg", "KeepKeys"]
    assert config.characters == ["a", "1", "é"]
    assert "MultiLabelEncode" in config.notes[0]
    assert config.pipeline("evaluation").output_shape() == (3, 48, 320)
    assert config.pipeline().output_shape() == (3, 48, -1)
    assert config.outputs == () and config.made_by == ""
    assert config.assume_space_char() and not config.assume_space_char()
    assert config.build_postprocess().codec.num_outputs == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("PreProcess:", "Preprocess:"), "inference.yml:8: Preprocess: unknown key, did you mean PreProcess"),
        (("PreProcess:", "Other:"), "inference.yml:2: PreProcess: the section is missing"),
        (("- RecResizeImg:", "- RecResizeImage:"), "did you mean RecResizeImg"),
        (("'a', '1'", "'a', 1"), r"inference.yml:21: PostProcess.character_dict.1: an int is not text"),
        (("['a', '1', 'é']", "[]"), "expected a list of characters"),
        (("name: CTCLabelDecode", "nome: CTCLabelDecode"), "PostProcess.nome: unknown key, did you mean name"),
        (("['a', '1', 'é']", "['a'"), "not valid YAML"),
        (("['a', '1', 'é']", "&x ['a', *x]"), "an alias contains itself"),
        (("['a', '1', 'é']", "!!python/object/apply:os.system ['true']"), "tag .* is not allowed"),
        (("PostProcess:", "Model: {inputs: 3}\nPostProcess:"), "inference.yml:19: Model.inputs: expected a list"),
    ],
)
def test_damage_is_named(tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        load(write(tmp_path, OFFICIAL.replace(*change)))


def test_aliases_of_official_files_are_read(tmp_path):
    shapes = "Runners:\n  paddle: {shapes: &id001 {x: [[1, 3, 48, 160]]}}\n  tensorrt: {shapes: *id001}\nPostProcess:"
    assert load(write(tmp_path, OFFICIAL.replace("PostProcess:", shapes))).characters == ["a", "1", "é"]


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"- a\n- b\n"])
def test_what_is_no_mapping_is_refused(tmp_path, content):
    (tmp_path / "inference.yml").write_bytes(content)
    with pytest.raises(ConfigError, match="inference.yml"):
        load(tmp_path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path)


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(inference_schema, "MAX_BYTES", 10)
    with pytest.raises(ConfigError, match="larger than"):
        load(write(tmp_path, OFFICIAL))


def test_another_image_shape(tmp_path, caplog):
    config = load(write(tmp_path, OFFICIAL))
    before = copy.deepcopy(config.transforms)
    with caplog.at_level("INFO"):
        overrule(config, "rec", {"rec_image_shape": [3, 48, 320]})
    assert config.transforms == before and not caplog.text
    for shape in ([3, 32, 100], [3, 48, -1]):
        with caplog.at_level("INFO"):
            overrule(config, "rec", {"rec_image_shape": shape})
        assert config.pipeline("evaluation").output_shape() == tuple(shape)
        assert config.pipeline().output_shape() == (*shape[:2], -1)
        assert f"--rec_image_shape {shape} overrules inference.yml" in caplog.text
