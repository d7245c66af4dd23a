import paddle
import pytest
from paddle import nn

from ppocr.errors import ConfigError
from ppocr.modeling.architectures import build_model
from ppocr.registry import BACKBONES, HEADS


def crnn(**sections):
    return {
        "model_type": "rec",
        "algorithm": "CRNN",
        "Transform": None,
        "Backbone": {"name": "PlainConvNet", "channels": [4, 4, 8, 8]},
        "Neck": {"name": "SequenceEncoder", "encoder_type": "rnn", "hidden_size": 6},
        "Head": {"name": "CTCHead", "out_channels": 5},
        **sections,
    }


@pytest.fixture
def registered():
    """Classes filed under a name for one test only."""
    added = []

    def add(registry, name, cls):
        registry.find("", "rec")
        registry.register(name, scope="rec")(cls)
        added.append((registry, name))

    yield add
    for registry, name in added:
        del registry._classes["rec", name]


def test_scores_in_training_probabilities_in_evaluation():
    model = build_model(crnn())
    image = paddle.randn([2, 3, 32, 64])
    scores = model(image)["ctc"]
    assert list(scores.shape) == [2, 16, 5]
    model.eval()
    preds = model(image)
    assert list(preds) == ["ctc"]
    assert paddle.allclose(preds["ctc"].sum(axis=-1), paddle.ones([2, 16]))


def test_parts_left_out():
    model = build_model({"model_type": "rec", "Backbone": {"name": "PlainConvNet"}})
    assert model.transform is None and model.neck is None and model.head is None
    assert list(model(paddle.zeros([1, 3, 32, 32]))) == ["backbone_out"]


def test_image_channels_reach_the_backbone():
    model = build_model(crnn(in_channels=1))
    assert list(model(paddle.zeros([1, 1, 32, 32]))["ctc"].shape) == [1, 8, 5]


def test_all_features_on_request():
    head = {"name": "CTCHead", "out_channels": 5, "return_feats": True}
    preds = build_model(crnn(return_all_feats=True, Head=head))(paddle.zeros([1, 3, 32, 32]))
    assert set(preds) == {"backbone_out", "neck_out", "head_out", "ctc", "ctc_neck"}
    assert preds["head_out"] is preds["ctc"]


def test_head_with_targets_gets_the_batch(registered):
    class Teacher(nn.Layer):
        targets = ("label",)

        def __init__(self, in_channels, out_channels):
            super().__init__()

        def forward(self, x, batch):
            return {"ctc": x, "seen": batch["label"]}

    registered(HEADS, "Teacher", Teacher)
    model = build_model(crnn(Head={"name": "Teacher", "out_channels": 5}))
    batch = {"label": paddle.ones([1, 3])}
    assert model(paddle.zeros([1, 3, 32, 32]), batch)["seen"] is batch["label"]


def test_missing_out_channels_is_named(registered):
    class Silent(nn.Layer):
        def __init__(self, in_channels=3):
            super().__init__()

    registered(BACKBONES, "Silent", Silent)
    with pytest.raises(ConfigError, match=r"Architecture\.Neck: Silent .* self\.out_channels"):
        build_model(crnn(Backbone={"name": "Silent"}))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"Backbone": {"name": "MobileNetV4"}}, "did you mean MobileNetV3"),
        ({"Backbone": {"name": "MobileNetV3", "scal": 0.5}}, "did you mean scale"),
        ({"Backbone": {"name": "MobileNetV3", "scale": 0.6}}, "0.35, 0.5, 0.75, 1.0, 1.25"),
        ({"Backbone": {"name": "MobileNetV3", "model_name": "medium"}}, "model_name: expected 'small' or 'large'"),
        ({"Backbone": {"name": "MobileNetV3", "small_stride": [1, 2]}}, "four numbers"),
        ({"Backbone": {"name": "ResNet", "layers": 33}}, "expected 18, 34, 50, 101, 152 or 200"),
        (
            {"Neck": {"name": "SequenceEncoder", "encoder_type": "lstm"}},
            "'svtr' or 'lightsvtr'",
        ),
    ],
)
def test_wrong_values_are_named(sections, message):
    with pytest.raises(ConfigError, match=message):
        build_model(crnn(**sections))


def test_feature_map_too_high_is_named():
    model = build_model(crnn(Backbone={"name": "MobileNetV3", "model_name": "large"}))
    with pytest.raises(ConfigError, match="2 pixels high"):
        model(paddle.zeros([1, 3, 64, 64]))


def test_exports_itself():
    model = build_model(crnn())
    assert {name: found.network for name, found in model.exportables().items()} == {"": model}
