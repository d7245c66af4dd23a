"""CTC networks export with a free width and then give what they gave before."""

import numpy as np
import paddle
import pytest
from paddle import inference
from paddle.static import InputSpec

from ppocr.modeling.architectures import build_model

SMALL = {"name": "MobileNetV3", "model_name": "small", "scale": 0.35, "small_stride": [1, 2, 2, 2]}
RNN = {"name": "SequenceEncoder", "encoder_type": "rnn", "hidden_size": 16}


@pytest.mark.parametrize(
    "sections",
    [
        {"Backbone": SMALL, "Neck": RNN},
        {"Backbone": {"name": "ResNet", "layers": 18}, "Neck": RNN},
        {
            "Backbone": {"name": "PlainConvNet", "channels": [8, 8, 8, 8]},
            "Neck": {"name": "SequenceEncoder", "encoder_type": "reshape"},
        },
    ],
    ids=["mobilenet", "resnet", "plain"],
)
def test_exported_equals_built(sections, tmp_path):
    paddle.seed(1)
    model = build_model({"model_type": "rec", **sections, "Head": {"name": "CTCHead", "out_channels": 11}})
    model.eval()
    prefix = str(tmp_path / "inference")
    paddle.jit.save(model, prefix, input_spec=[InputSpec([None, 3, 32, None], "float32", "x")])
    program = prefix + (".json" if (tmp_path / "inference.json").exists() else ".pdmodel")
    config = inference.Config(program, prefix + ".pdiparams")
    config.disable_mkldnn()
    config.disable_glog_info()
    predictor = inference.create_predictor(config)

    for count, width in ((1, 64), (3, 100), (2, 333)):
        image = np.random.RandomState(width).uniform(-1, 1, (count, 3, 32, width)).astype(np.float32)
        handle = predictor.get_input_handle(predictor.get_input_names()[0])
        handle.reshape(image.shape)
        handle.copy_from_cpu(image)
        predictor.run()
        exported = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
        np.testing.assert_allclose(exported, model(paddle.to_tensor(image))["ctc"].numpy(), atol=1e-4, rtol=0)
