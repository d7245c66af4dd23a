"""Names, shapes and outputs of the networks of PP-OCRv2 to v5 equal the reference's."""

import numpy as np
import paddle
import pytest

from tests.conformance import load
from tests.conformance.parts import check_network

LANGUAGES = ("arabic", "ch", "chinese_cht", "cyrillic", "devanagari", "japan", "ka", "korean", "latin", "ta", "te")
FIRST = ["en_PP-OCRv3_rec", "en_PP-OCRv4_rec", "PP-OCRv5_server_rec"]
V5 = ("PP", "arabic_PP", "cyrillic_PP", "devanagari_PP", "el_PP", "en_PP", "eslav_PP", "korean_PP", "latin_PP", "ta_PP")
OTHERS = [  # most are the same network with other class counts
    *(f"{language}_PP-OCRv3_rec" for language in LANGUAGES),
    *("ch_PP-OCRv4_rec", "ch_PP-OCRv4_rec_hgnet", "PP-OCRv4_server_rec_doc"),
    *(f"{language}-OCRv5_mobile_rec" for language in (*V5, "te_PP", "th_PP")),
]


def training_batch(reference):
    """Return the training batch of the reference's head, by our names."""
    label_ctc, auxiliary, length, ratio = (np.array(values) for values in reference["inputs"]["train_data"])
    (_, name) = reference["architecture"]["Head"]["out_channels_list"]
    key = "label_sar" if name == "SARLabelDecode" else "label_gtc"
    return {
        "label_ctc": paddle.to_tensor(label_ctc),
        key: paddle.to_tensor(auxiliary),
        "length": paddle.to_tensor(length),
        "valid_ratio": paddle.to_tensor(ratio.astype(np.float32)),
    }


@pytest.mark.parametrize("name", ["ch_PP-OCRv2_rec", "ch_PP-OCRv2_rec_enhanced_ctc_loss"])
def test_ctc_network_equals_reference(name):
    reference = load(f"models/rec__{name}.json")
    # upstream gives the features a loss reads and the logits as a list
    ours = {"model.0": "model.ctc_neck", "model.1": "model.ctc"}
    reference["train_outputs"] = {ours.get(k, k): v for k, v in reference["train_outputs"].items()}
    check_network(reference, "ctc")


@pytest.mark.parametrize("name", [*FIRST, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_network_with_auxiliary_head_equals_reference(name):
    reference = load(f"models/rec__{name}.json")
    check_network(reference, "ctc", training_batch(reference))
