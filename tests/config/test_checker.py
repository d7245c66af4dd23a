"""Sections against dataclasses and signatures: every problem at once, each with its place and a hint."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import get_type_hints

import pytest

from ppocr.config.checker import check
from ppocr.config.document import Document
from ppocr.config.overrides import apply_overrides
from ppocr.config.schema import Config
from ppocr.config.sections import GlobalSection
from ppocr.config.yaml_reader import parse
from ppocr.errors import ConfigError
from ppocr.registry import BACKBONES, TRANSFORMS

TEXT = textwrap.dedent("""\
    Global: {epoch_num: 2, max_text_length: 25}
    Optimizer:
      name: Adam
      lr: {learning_rate: 1e-3}
      regularizer: {name: L2, factor: 0}
    Architecture:
      model_type: rec
      algorithm: CRNN
      Backbone: {name: MobileNetV3, scale: 0.5}
      Neck: {name: SequenceEncoder, encoder_type: reshape}
      Head: {name: CTCHead}
    Loss: {name: CTCLoss}
    PostProcess: {name: CTCLabelDecode}
    Metric: {name: RecMetric}
    Train: &data
      dataset:
        name: SimpleDataSet
        label_file_list: [a.txt]
        transforms:
        - DecodeImage
        - CTCLabelEncode:
        - RecResizeImg: {image_shape: [3, 32, 100]}
        - KeepKeys: {keep_keys: [image, label, length]}
      loader: {batch_size_per_card: 8}
    Eval: *data
    """)
PLACE = "c.yml"


def document(*overrides: str, text: str = TEXT) -> Document:
    found = parse(text, PLACE)
    apply_overrides(found, overrides)
    return found


def checked(*overrides: str, text: str = TEXT) -> Config:
    return check(document(*overrides, text=text))


def reported(*overrides: str, text: str = TEXT) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        checked(*overrides, text=text)
    assert caught.value.exit_code == 2
    return [str(p) for p in caught.value.problems]


def test_accepted():
    config = checked()
    assert config.Global.epoch_num == 2
    assert config.Train.loader.batch_size_per_card == 8
    assert config.Optimizer["lr"] == {"name": "Const", "learning_rate": 1e-3}
    assert config.Train.dataset["transforms"][:2] == [{"DecodeImage": None}, {"CTCLabelEncode": None}]
    assert config.warnings == []
    assert config.where("Global.epoch_num") == "c.yml:1"
    assert config.where("Train.dataset.transforms.2.RecResizeImg") == "c.yml:22"


def wrong_values() -> Iterator[tuple[str, str]]:
    """Yield a value of a wrong type for every typed field of Global."""
    for name, kind in get_type_hints(GlobalSection).items():
        yield name, "[{}]" if kind in (str, str | None, bool, bool | None) else "soon"


@pytest.mark.parametrize(("key", "wrong"), wrong_values())
def test_wrong_type_in_global(key, wrong):
    (line,) = reported(text=TEXT.replace("epoch_num: 2, max_text_length: 25", f"{key}: {wrong}"))
    assert line.startswith(f"c.yml:1: Global.{key}: expected ")
    assert line.endswith("got a list [{}]" if wrong == "[{}]" else "got a string 'soon'")
    assert reported(f"Global.{key}={wrong}") == [line.replace(f"c.yml:1: Global.{key}", f"-o Global.{key}")]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("amp_level=1", "'O0', 'O1' or 'O2', got an int 1"),
        ("amp_dtype=bfloat", "'float16' or 'bfloat16', got a string 'bfloat', did you mean bfloat16?"),
        ("oov=1", "'drop', 'skip' or 'error', got an int 1"),
        ("text_direction=rtll", "'ltr', 'rtl' or 'visual' or null, got a string 'rtll', did you mean rtl?"),
    ],
)
def test_choices(override, said):
    assert reported(f"Global.{override}") == [f"-o Global.{override.split('=')[0]}: expected {said}"]


def test_null_means_the_default():
    config = checked("Global.epoch_num=", "Global.freeze=null", "Train.loader.num_workers=")
    assert (config.Global.epoch_num, config.Global.freeze, config.Train.loader.num_workers) == (1, [], 0)


def test_overrides_are_typed_by_the_schema():
    config = checked("Global.save_model_dir=007", "Global.eval_batch_step=[0, 5]", "Optimizer.beta1=.5")
    assert config.Global.save_model_dir == "007"
    assert config.Global.eval_batch_step == [0, 5]
    assert config.Optimizer["beta1"] == 0.5


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("Global.epoch_nmu=3", "-o Global.epoch_nmu: unknown key, did you mean epoch_num?"),
        ("Globl.x=3", "-o Globl.x: Globl: unknown key, did you mean Global?"),
        ("Global.epoch_num=0", "-o Global.epoch_num: expected an int of at least 1, got an int 0"),
        ("Global.eval_batch_step=[1]", "-o Global.eval_batch_step: expected a number of steps or [start, every]"),
        (
            "Train.loader.batch_size_per_card=0",
            "-o Train.loader.batch_size_per_card: expected an int of at least 1 and at",
        ),
        ("Train.loader.zzzz=1", "unknown key, known: batch_size_per_card, collate_fn, drop_last, num_sections"),
        ("Train.loader=3", "-o Train.loader: expected a section, got an int"),
        ("Train.dataset=3", "-o Train.dataset: expected a section"),
        ("Train.dataset={}", "-o Train.dataset: the section is missing"),
        ("Train.dataset={transforms: []}", "Train.dataset: name is missing: it says which data set"),
        ("Train.dataset.mode=eval", "-o Train.dataset.mode: unknown key"),
        ("Train.dataset.transforms=3", "expected a list of transforms"),
        ("Train.dataset.transforms.1=3", "-o Train.dataset.transforms.1: expected one transform"),
        ("Train.dataset.transforms.1.CTCLabelEncode=3", "expected the transform's keys, got an int"),
        ("Train.dataset.transforms.0=DecodImage", "unknown transform 'DecodImage', did you mean DecodeImage?"),
        ("Train.dataset.transforms.2.RecResizeImg.image_shape=3", "expected a list of"),
        ("Train.sampler.name=X", "unknown sampler 'X'"),
        ("Eval=null", "-o Eval: the section is missing"),
        ("Global=[1]", "-o Global: expected a section, got a list"),
        ("Optimizer.lr=0.1", "-o Optimizer.lr: expected a mapping, got a float 0.1"),
        ("Optimizer.lr.name=[1]", "-o Optimizer.lr.name: expected the name of a learning-rate schedule, got a list"),
        ("Optimizer.lr.name=Cosin", "unknown learning-rate schedule 'Cosin', did you mean Cosine?"),
        (
            "Optimizer.regularizer.name=L3",
            "-o Optimizer.regularizer.name: expected 'L1' or 'L2', got a string 'L3'",
        ),
        (
            "Optimizer.regularizer.factor=a",
            "-o Optimizer.regularizer.factor: expected a number of at least 0, got",
        ),
        ("Optimizer.name=adam", "-o Optimizer.name: unknown optimizer 'adam', did you mean Adam?"),
        ("Optimizer={lr: {learning_rate: 1}}", "Optimizer: name is missing: it says which optimizer"),
        ("Architecture.model_type=rce", "unknown model type 'rce', did you mean rec?"),
        ("Architecture.model_type=5", "-o Architecture.model_type: unknown model type '5', known: cls, det"),
        ("Architecture.model_type=[5]", "-o Architecture.model_type: expected a string, got a list"),
        ("Architecture.Backbone=3", "-o Architecture.Backbone: expected a section with a name, got an int"),
        ("Architecture.Backbone.in_channels=3", "-o Architecture.Backbone.in_channels: unknown key"),
        ("Architecture.Backbone.name=MobileNetV4", "unknown backbone 'MobileNetV4', did you mean MobileNetV3?"),
        ("Loss.name=", "Loss.name: expected the name of a loss, got null"),
    ],
)
def test_refused(override, said):
    lines = reported(override)
    assert any(said in line for line in lines), lines


def test_all_problems_at_once():
    lines = reported("Global.epoch_nmu=1", "Loss.name=CTCLos", "Train.loader.shuffle=3", "Optimizer.beta1=x")
    assert len(lines) == 4


@pytest.mark.parametrize("section", ["Global", "Optimizer", "Architecture", "Loss", "PostProcess", "Metric", "Eval"])
def test_missing_section(section):
    found = document()
    del found.tree[section]
    del found.places[(section,)]
    with pytest.raises(ConfigError) as caught:
        check(found)
    assert f"c.yml:1: {section}: the section is missing" in map(str, caught.value.problems)


def test_without_a_train_section():
    found = document()
    del found.tree["Train"], found.tree["Optimizer"]
    assert check(found).Train is None


def test_keys_nothing_reads_are_warned_about_where_they_say_something():
    config = checked("Global.character_type=en", "Global.debug=false", "Optimizer.weight_deacy=0.0")
    assert sorted(config.warnings) == [
        "-o Global.character_type: accepted, and unused: the dictionary says which characters there are",
        "-o Optimizer.weight_deacy: accepted, and unused",
    ]
    assert "weight_deacy" not in config.Optimizer


def test_a_space_without_a_dictionary_is_warned_about():
    (warning,) = checked("Global.use_space_char=true").warnings
    assert warning.startswith("-o Global.use_space_char: of no effect without Global.character_dict_path")
    assert checked("Global.use_space_char=true", "Global.character_dict_path=ppocr/utils/dict90.txt").warnings == []


@pytest.fixture
def plug_ins():
    """Register classes as a user may write them, and forget them afterwards."""
    before = {registry: dict(registry._classes) for registry in (TRANSFORMS, BACKBONES) if registry.names()}

    @BACKBONES.register()
    class OpenBackbone:
        def __init__(self, in_channels: int, depth: int = 3, **kwargs) -> None:
            self.kwargs = kwargs

    @TRANSFORMS.register()
    class Bare:
        pass

    @TRANSFORMS.register()
    class NeedsLength:
        from_global = ("max_text_length", "max_seq_len")

        def __init__(self, max_text_length: int, max_seq_len: int) -> None:
            pass

    yield
    for registry, classes in before.items():
        registry._classes = classes


def test_plug_in_with_open_keywords(plug_ins):
    plug_in = "Architecture.Backbone={name: OpenBackbone, depth: 4, anything: [1]}"
    assert checked(plug_in).Architecture["Backbone"] == {"name": "OpenBackbone", "depth": 4, "anything": [1]}
    assert reported(plug_in, "Architecture.Backbone.depth=x") == [
        "-o Architecture.Backbone.depth: expected an int, got a string 'x'"
    ]


def test_class_without_a_constructor_has_no_keys(plug_ins):
    checked("Train.dataset.transforms.0=Bare")
    (line,) = reported("Train.dataset.transforms.0={Bare: {x: 1}}")
    assert line.endswith("Train.dataset.transforms.0.Bare.x: unknown key, it has none")


def test_keys_that_global_fills(plug_ins):
    (line,) = reported("Train.dataset.transforms.0=NeedsLength")
    assert line.endswith("NeedsLength.max_seq_len: the key is missing, and has no default")
    checked("Train.dataset.transforms.0=NeedsLength", "Global.max_seq_len=4")
    checked("Train.dataset.transforms.0={NeedsLength: {max_seq_len: 4}}")


@pytest.mark.parametrize(
    ("entry", "where", "hint"),
    [
        ("{tpye: Fliplr}", "0.tpye", "did you mean type?"),
        ("{type: Fliplr, args: {pp: 0.5}}", "0.args.pp", "did you mean p?"),
        ("{type: Affine, args: {rotaet: 5}}", "0.args.rotaet", "did you mean rotate?"),
        ("{type: Sharpen, args: {alhpa: 0.5}}", "0.args.alhpa", "did you mean alpha?"),
    ],
)
def test_unknown_keys_inside_values(entry, where, hint):
    text = TEXT.replace("- DecodeImage\n", f"- IaaAugment: {{augmenter_args: [{entry}]}}\n")
    lines = reported(text=text)
    assert lines[0] == f"c.yml:20: Train.dataset.transforms.0.IaaAugment.augmenter_args.{where}: unknown key, {hint}"


@pytest.mark.parametrize(
    "entry",
    ["[Fliplr, 0.5]", "{type: Fliplr}", "{type: Affine, args: [2]}", "{type: Affine, args: {fit_output: true}}"],
)
def test_known_keys_inside_values(entry):
    checked(text=TEXT.replace("- DecodeImage\n", f"- IaaAugment: {{augmenter_args: [{entry}]}}\n"))
