"""ONNX files: arrays in the order of use whatever way they are stored; numbers of formulas are not parameters."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ppocr.errors import CheckpointError, PpocrError
from ppocr.pretrained.model_file import NORMALISATION, ModelFile
from ppocr.pretrained.readers import read_model
from tests.pretrained.parts import encoded, node, onnx, tensor

RNG = np.random.default_rng(0)


def array(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def read(data: bytes, folder: Path) -> ModelFile:
    (folder / "model.onnx").write_bytes(data)
    return read_model(folder / "model.onnx")


def small() -> tuple[bytes, list[np.ndarray]]:
    """Convolution with a reshaped bias, hard swish in single steps, batch norm, a layer of one channel, a product."""
    arrays = [array(4, 3, 3, 3), array(4), *(array(4) for _ in range(4)), array(1, 4, 1, 1), array(1, 1, 1, 1)]
    arrays += [array(1), array(5, 4)]
    conv, bias, gamma, beta, mean, variance, one, its_bias, scale, product = arrays
    constant = [(1, "value"), (5, tensor("", conv)), (20, 4)]
    transposed = [(1, "transB"), (3, 1), (20, 2)]
    nodes = [
        node("Constant", [], "conv2d_0.w_0", constant),
        node("Conv", ["x", "conv2d_0.w_0"], "a"),
        node("Identity", ["conv2d_0.b_0"], "copy"),
        node("Reshape", ["copy", "sizes"], "wide"),
        node("Add", ["a", "wide"], "b"),
        node("Add", ["b", "three"], "c"),
        node("Div", ["c", "six"], "d"),
        node("BatchNormalization", ["d", "n.w_0", "n.b_0", "n.w_1", "n.w_2"], "e"),
        node("Conv", ["e", "one"], "f"),
        node("Add", ["f", "its_bias"], "g"),
        node("Mul", ["g", "learnable_0.w_0"], "h"),
        node("Gemm", ["h", "linear_0.w_0"], "i", transposed),
        node("Conv", ["i", "conv2d_0.w_0"], "j"),
    ]
    tensors = [
        tensor("linear_0.w_0", product),
        tensor("conv2d_0.b_0", bias),
        tensor("sizes", np.array([1, 4, 1, 1], np.int64), kind=7),
        tensor("three", np.float32(3)),
        tensor("six", np.float32(6)),
        *(tensor(n, a) for n, a in zip(("n.w_0", "n.b_0", "n.w_1", "n.w_2"), (gamma, beta, mean, variance))),
        tensor("one", one),
        [(1, its_bias.shape[0]), *((1, 1),) * 3, (2, 1), (4, its_bias.tobytes()), (8, "its_bias")],
        tensor("learnable_0.w_0", scale),
        tensor("unused", array(7)),
    ]
    return onnx(nodes, tensors, characters="a\n\u2028\n\n"), [*arrays[:-1], product.T]


def test_arrays_come_in_the_order_of_use(tmp_path: Path) -> None:
    data, expected = small()
    file = read(data, tmp_path)
    assert len(file.tensors) == len(expected)
    assert all(np.array_equal(t.array, a) for t, a in zip(file.tensors, expected))
    assert [i for i, t in enumerate(file.tensors) if t.operator == NORMALISATION] == [2, 3, 4, 5]
    assert file.characters == ["a", "\u2028", ""]
    assert not file.named


def test_what_is_no_onnx_file_is_refused(tmp_path: Path) -> None:
    data, _ = small()
    for bad in (b"", b"\x89PNG\r\n\x1a\n" + bytes(99), data[:-40], data[: len(data) // 2], onnx([], [])):
        with pytest.raises(CheckpointError) as caught:
            read(bad, tmp_path)
        assert "model.onnx" in str(caught.value) and "\n" not in str(caught.value)


def test_arrays_in_other_files_are_refused(tmp_path: Path) -> None:
    outside = [(1, 4), (2, 1), (8, "w"), (13, [(1, "location"), (2, "../../etc/passwd")]), (14, 1)]
    with pytest.raises(CheckpointError, match="w is stored in another file"):
        read(onnx([node("Conv", ["x", "w"], "y")], [outside]), tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        [(1, 4), (2, 1), (8, "w"), (9, b"\0" * 12)],
        [(1, 1 << 40), (1, 1 << 40), (2, 1), (8, "w"), (9, b"\0" * 12)],
        [(1, (1 << 64) - 1), (2, 1), (8, "w"), (9, b"")],
        [(1, 1 << 62), (1, 0), (2, 1), (8, "w"), (9, b"")],
        [(1, 1 << 62), (1, 4), (1, 0), (2, 1), (8, "w"), (9, b"")],
        [*[(1, 1)] * 100, (2, 1), (8, "w"), (9, b"\0" * 4)],
        [*[(1, 1 << 62)] * 3000, (2, 1), (8, "w"), (9, b"\0" * 4)],
        [(1, 3), (2, 1), (8, "w"), (9, b"\0" * 13)],
        [(1, 3), (2, 1), (8, b"\xff\xfe"), (9, b"\0" * 12)],
    ],
)
def test_arrays_of_impossible_size_are_refused(tmp_path: Path, wrong: list) -> None:
    with pytest.raises(CheckpointError, match="damaged or not an ONNX file") as caught:
        read(onnx([node("Conv", ["x", "w"], "y")], [wrong]), tmp_path)
    assert len(str(caught.value)) < 400


def test_altered_bytes_are_refused_or_read_but_never_crash(tmp_path: Path) -> None:
    whole, _ = small()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        data = bytearray(whole)
        for position in rng.integers(0, len(data), 5):
            data[position] = rng.integers(0, 256)
        try:
            assert isinstance(read(bytes(data), tmp_path), ModelFile)
        except CheckpointError as error:
            assert "\n" not in str(error)


def test_the_writer_of_these_tests_writes_protocol_buffers() -> None:
    assert encoded([(1, 150), (2, "testing"), (3, [(1, 150)])]) == bytes.fromhex(
        "089601" + "120774657374696e67" + "1a03089601"
    )


def test_without_the_package_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(PpocrError, match="needs the package onnx") as caught:
        read(small()[0], tmp_path)
    assert "pip install ppocr[onnx]" in caught.value.hint and "\n" not in str(caught.value)
