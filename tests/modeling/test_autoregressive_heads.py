"""Autoregressive heads: decoding agrees with teacher forcing, beams with an exhaustive search."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from ppocr.codecs.context import Codecs
from ppocr.codecs.ctc import CTCCodec
from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.errors import ConfigError
from ppocr.modeling.heads.rec_multi_head import MultiHead
from ppocr.modeling.heads.rec_nrtr_head import Transformer
from ppocr.modeling.heads.rec_sar_head import SARHead

START, END = NRTRCodec.start_id, NRTRCodec.end_id
CTC = {"CTCHead": {"Neck": {"name": "svtr", "dims": 8, "depth": 1, "hidden_dims": 16}, "Head": {"fc_decay": 1e-5}}}
CODECS = Codecs(sizes={CTCCodec: 7, SARCodec: 9, NRTRCodec: 10})


def features(*shape: int) -> paddle.Tensor:
    return paddle.to_tensor(np.random.RandomState(0).randn(*shape).astype(np.float32))


def sar(**keys) -> SARHead:
    paddle.seed(1)
    return SARHead(
        6, SARCodec.of_size(9), enc_dim=8, d_k=5, max_text_length=4, enc_drop_rnn=0.0, pred_dropout=0.0, **keys
    )


def nrtr(**keys) -> Transformer:
    paddle.seed(3)
    return Transformer(16, NRTRCodec.of_size(10), d_model=16, nhead=2, dim_feedforward=8, num_decoder_layers=2, **keys)


@pytest.mark.parametrize("keys", [{}, {"enc_bi_rnn": True}, {"enc_gru": True, "dec_gru": True, "pred_concat": False}])
def test_sar_decodes_what_teacher_forcing_predicts(keys):
    head, x = sar(**keys), features(2, 6, 3, 5)
    batch = {"valid_ratio": paddle.to_tensor([1.0, 0.5])}
    head.eval()
    probs = head(x, batch)["sar"]
    assert probs.shape == [2, 4, 8]
    label = paddle.concat([paddle.full([2, 1], 7, "int64"), probs.argmax(-1)[:, :-1]], axis=1)
    head.train()
    forced = head(x, {**batch, "label": label})["sar"]
    np.testing.assert_allclose(F.softmax(forced, -1).numpy(), probs.numpy(), atol=1e-6)


def test_sar_does_not_see_the_padding():
    head, x = sar(), features(2, 6, 3, 5)
    head.eval()
    changed = x.clone()
    changed[1, :, :, 4:] = 9.0
    # the attention's keys see one column to each side, so the column next to the padding is not counted either
    ratio = {"valid_ratio": paddle.to_tensor([1.0, 0.6])}
    np.testing.assert_allclose(head(x, ratio)["sar"].numpy(), head(changed, ratio)["sar"].numpy(), atol=1e-6)
    assert np.abs(head(x)["sar"].numpy() - head(changed)["sar"].numpy()).max() > 1e-4


def test_nrtr_decodes_what_teacher_forcing_predicts():
    head, x = nrtr(num_encoder_layers=1, max_len=6, residual_dropout_rate=0.0), features(2, 5, 16)
    head.eval()
    preds = head(x)
    ids, probs = preds["nrtr"], preds["nrtr_probs"]
    assert ids[:, 0].tolist() == [START, START] and ids.shape == probs.shape
    head.train()
    forced = F.softmax(head(x, {"label": ids, "length": paddle.to_tensor([ids.shape[1] - 2, 1])})["nrtr"], -1)
    np.testing.assert_allclose(forced.max(-1).numpy(), probs[:, 1:].numpy(), atol=1e-6)
    assert forced.argmax(-1).tolist() == ids[:, 1:].tolist()


def all_paths(head: Transformer, memory: paddle.Tensor, ids: list) -> tuple:
    """Return (sum of log-probabilities, token ids, count) of every sequence."""
    logs = F.log_softmax(head._next(paddle.to_tensor([ids]), memory), -1)[0].numpy()
    paths = []
    for c, log in enumerate(logs):
        if c == END or len(ids) == head.max_len - 1:
            paths.append((log, [c], 1))
        else:
            rest, tail, count = columns_of_all_paths(head, memory, [*ids, c])
            paths += [(log + r, [c, *t], n + 1) for r, t, n in zip(rest, tail, count)]
    return paths


def columns_of_all_paths(head, memory, ids):
    paths = all_paths(head, memory, ids)
    return [p[0] for p in paths], [p[1] for p in paths], [p[2] for p in paths]


def test_wide_beam_finds_the_best_path_of_all():
    head = nrtr(num_encoder_layers=0, beam_size=400, max_len=3)
    head.eval()
    x = features(2, 5, 16)
    ids = head(x)["nrtr"].numpy()
    for line in range(2):
        paths = all_paths(head, x[line : line + 1], [START])
        _, want = max((total / n, path) for total, path, n in paths)
        assert ids[line, 1 : 1 + len(want)].tolist() == want


def test_narrow_beam_of_one_line_and_of_many_agree():
    head = nrtr(num_encoder_layers=0, beam_size=3, max_len=6)
    head.eval()
    x = features(3, 5, 16)
    together = head(x)
    for line in range(3):
        alone = head(x[line : line + 1])
        steps = alone["nrtr"].shape[1]
        assert alone["nrtr"][0].tolist() == together["nrtr"][line, :steps].tolist()
        np.testing.assert_allclose(
            alone["nrtr_probs"][0].numpy(), together["nrtr_probs"][line, :steps].numpy(), atol=1e-5
        )


@pytest.mark.parametrize(
    ("auxiliary", "key", "label"),
    [
        ({"SARHead": {"enc_dim": 8}}, "sar", "label_sar"),
        ({"NRTRHead": {"nrtr_dim": 32, "num_decoder_layers": 1}}, "gtc", "label_gtc"),
    ],
)
def test_auxiliary_head_works_in_training_only(auxiliary, key, label):
    head = MultiHead(16, CODECS.get(CTCCodec), CODECS, [CTC, auxiliary])
    assert key in head.train_outputs and label in head.targets
    x = features(2, 16, 1, 6)
    batch = {label: paddle.full([2, 5], 2, "int64"), "length": paddle.to_tensor([1, 2])}
    batch["valid_ratio"] = paddle.to_tensor([1.0, 0.5])
    assert set(head(x, batch)) == {"ctc", "ctc_neck", key}
    head.eval()
    preds = head(x)
    assert set(preds) == {"ctc"}
    np.testing.assert_allclose(preds["ctc"].sum(-1).numpy(), 1.0, atol=1e-5)


def test_heads_are_found_whatever_their_order():
    heads = [{"NRTRHead": {"nrtr_dim": 32}}, CTC]
    assert MultiHead(16, CODECS.get(CTCCodec), CODECS, heads).train_outputs == ("ctc_neck", "gtc")
    for wrong in ([CTC], heads[:1], [CTC, *heads, {"SARHead": {}}]):
        with pytest.raises(ConfigError, match="CTCHead and one auxiliary head are needed"):
            MultiHead(16, CODECS.get(CTCCodec), CODECS, wrong)
    with pytest.raises(ConfigError, match="unknown head 'AttentionHed'"):
        MultiHead(16, CODECS.get(CTCCodec), CODECS, [CTC, {"AttentionHed": {}}])


def test_unknown_keys_are_found_at_their_place():
    heads = [
        {"CTCHead": {"Neck": {"name": "svtr", "dim": 8}, "Head": {"fc_dekay": 1}, "Nek": {}}},
        {"NRTRHead": {"nrtr_dims": 32}},
        {"SARHed": None},
    ]
    places = [place[1:] for place, *_ in MultiHead.unknown_inside({"head_list": heads})]
    assert sorted(map(str, places)) == sorted(
        map(
            str,
            [
                (0, "CTCHead", "Nek"),
                (0, "CTCHead", "Neck", "dim"),
                (0, "CTCHead", "Head", "fc_dekay"),
                (1, "NRTRHead", "nrtr_dims"),
                (2, "SARHed"),
            ],
        )
    )
