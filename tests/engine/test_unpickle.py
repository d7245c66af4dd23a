"""R4: nothing in a pickle runs; what paddle writes is read exactly."""

from __future__ import annotations

import builtins
import collections
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from ppocr.engine.checkpoint import find_checkpoint, load_checkpoint, save_checkpoint
from ppocr.engine.unpickle import load, loads
from ppocr.errors import CheckpointError
from tests.fuzz.outcomes import Outcome, classify


class Calls:
    """Pickles into a call of a function."""

    def __init__(self, function, *args) -> None:
        self.call = (function, args)

    def __reduce__(self):
        return self.call


class Subclass(dict):
    """A container whose reduction calls something."""

    sentinel = ""

    def __reduce__(self):
        return os.mkdir, (self.sentinel,)


class State:
    """Restored by BUILD through `__setstate__`."""

    def __setstate__(self, state) -> None:
        os.mkdir(state)

    def __getstate__(self):
        return Subclass.sentinel


def payloads(sentinel: str) -> dict[str, object]:
    Subclass.sentinel = sentinel
    hidden = np.empty(2, object)
    hidden[:] = [Calls(os.mkdir, sentinel), 1]
    return {
        "os.system": Calls(os.system, f"mkdir {sentinel}"),
        "eval": Calls(builtins.eval, f"__import__('os').mkdir({sentinel!r})"),
        "getattr": Calls(getattr, 1, "real"),
        "import": Calls(builtins.__import__, "this"),
        "bytearray": Calls(bytearray, 10),
        "object array": hidden,
        "subclass": Subclass(a=1),
        "state": State(),
        "fromfile": Calls(np.fromfile, "/etc/hostname"),
        "defaultdict": collections.defaultdict(list),
        "codec": Calls(__import__("codecs").encode, "text", "utf-16"),
    }


@pytest.mark.parametrize("name", sorted(payloads("")))
@pytest.mark.parametrize("protocol", [2, 4])
def test_payloads_do_not_run(name: str, protocol: int, tmp_path: Path) -> None:
    sentinel = tmp_path / "it_ran"
    payload = payloads(str(sentinel))[name]
    content = {"weight": np.ones(3, np.float32), "deep": [{"x": (payload,)}]}
    (tmp_path / "bad.pdparams").write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path / "bad.pdparams", weights_only=True)
    assert not sentinel.exists()
    assert "bad.pdparams" in str(error.value) and "\n" not in str(error.value)


def test_the_message_names_what_was_asked_for() -> None:
    with pytest.raises(CheckpointError, match=r"system.*refuses to run code"):
        loads(pickle.dumps(Calls(os.system, "true")), "x.states")


def test_every_file_of_a_checkpoint_is_guarded(tmp_path: Path) -> None:
    sentinel = tmp_path / "it_ran"
    for suffix in (".pdparams", ".pdopt", ".states"):
        folder = tmp_path / suffix[1:]
        save_checkpoint(folder / "latest", {"w": np.ones(2)}, {"m": np.ones(2)}, {}, {"step": 1})
        (folder / "latest.json").unlink()
        (folder / f"latest{suffix}").write_bytes(pickle.dumps({"w": Calls(os.mkdir, str(sentinel))}))
        with pytest.raises(CheckpointError, match="refuses to run code"):
            find_checkpoint(folder / "latest")
    assert not sentinel.exists()


def op(name: str, *parts: bytes) -> bytes:
    return getattr(pickle, name) + b"".join(parts)


@pytest.mark.parametrize(
    "data",
    [
        # a function or type left bare, called with nonsense, or with its attributes set
        b"cnumpy\ndtype\n.",
        b"cnumpy\nndarray\n.",
        b"cnumpy\ndtype\n(S'O'\ntR.",
        b"cnumpy\ndtype\n(S'V8'\ntR.",
        b"cnumpy\ndtype\n(S'f4'\ntR.",
        b"cnumpy\ndtype\n}S'x'\nI1\nsb.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I9\ntcnumpy\ndtype\n(S'f4'\ntRI00\nS'abcd'\ntb.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I-1\ntcnumpy\ndtype\n(S'f4'\ntRI00\nS'abcd'\ntb.",
        b"cnumpy\ndtype\n(S'f4'\ntR(I3\nS'<'\nNN(S'a'\ntI99\nI99\nI0\ntb.",
        b"cbuiltins\nbytes\n(I9\ntR.",
        b"\x80\x04Nr\xff\xff\xff\x7f.",  # room for two thousand million objects
        b"Np99999999999\n.",
        b"Pelsewhere\n.",
        b"\x82\x01.",
        b"]" * 5000 + b"a" * 4999 + b".",
        op("PROTO", b"\x04") + op("BINBYTES8", struct.pack("<Q", 1 << 62)) + b".",
        b"",
        b"not a pickle at all",
        b"\x00" * 64,
        pickle.dumps({"a": 1}) + b"rest",
    ],
)
def test_crafted_streams_are_refused(data: bytes) -> None:
    with pytest.raises(CheckpointError, match="^crafted"):
        loads(data, "crafted")


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_arrays_and_containers_survive(protocol: int) -> None:
    value = {
        "f4": np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big-endian": np.arange(3, dtype=">i4"),
        "half": np.arange(3).astype(np.float16),
        "bits": np.arange(4, dtype=np.uint16),
        "bool": np.array([True, False]),
        "empty": np.zeros((0, 3), np.int64),
        "scalar": np.array(2.5),
        "generic": np.float64(0.1),
        "plain": [1, 2.5, None, True, "text", b"bytes", (1, (2,)), {3}, frozenset({4}), 10**30, 1j],
        "ordered": collections.OrderedDict(a=1, b=[2]),
    }
    if protocol == 5:  # writes arrays in another form, which paddle.save never does
        value = {"plain": value["plain"]}
    back = loads(pickle.dumps(value, protocol=protocol), "x")
    assert list(back) == list(value)
    for key, item in value.items():
        if isinstance(item, np.ndarray):
            assert back[key].dtype == item.dtype.newbyteorder("=") and back[key].flags.writeable, key
            np.testing.assert_array_equal(back[key], item)
        else:
            assert back[key] == item and type(back[key]) is type(item)


SHARED = b"\x80\x04}(X\x01\x00\x00\x00a)" + b"2\x86" * 30 + b"u."


def repeated(levels: int, start: bytes, step: bytes, end: bytes) -> bytes:
    """Return a pickle that makes a container of two references to the one before, again and again."""
    return b"\x80\x04" + start + b"\x94" + b"".join(step % {b"i": bytes([i])} for i in range(levels)) + end


@pytest.mark.parametrize(
    "data",
    [
        SHARED,
        repeated(40, b")", b"h%(i)bh%(i)b\x86\x94", b"."),
        repeated(40, b")", b"h%(i)bh%(i)b\x86\x94", b"}h\x28Ns."),  # as a key
        repeated(40, b")", b"h%(i)bh%(i)b\x86\x94", b"(h\x28\x91."),  # in a frozenset
        repeated(40, b")", b"h%(i)bh%(i)b\x86\x94", b"\x8f(h\x28\x90."),  # in a set
        repeated(40, b"]", b"](h%(i)bh%(i)be\x94", b"."),
        repeated(40, b"]", b"}(X\x01\x00\x00\x00ah%(i)bX\x01\x00\x00\x00bh%(i)bu\x94", b"."),
        repeated(40, b")", b"cbuiltins\ntuple\nh%(i)bh%(i)b\x86\x85R\x94", b"."),
        repeated(40, b")", b"cbuiltins\nfrozenset\nh%(i)bh%(i)b\x86\x85R\x94", b"."),
        b"\x80\x04]\x94h\x00a.",  # a list that holds itself
        b"\x80\x04}\x94h\x00h\x00s.",
        b"\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00.",  # room for a big bytearray
    ],
)
def test_repeated_parts_neither_hang_nor_fill_the_memory(data: bytes) -> None:
    found = classify(lambda: loads(data, "crafted"), seconds=10, memory=100 << 20)
    assert found.outcome is Outcome.REFUSED, found


def test_parts_may_be_repeated_a_few_times() -> None:
    shared = {"acc": [0.5, (1, 2)]}
    value = {"a": shared, "b": [shared] * 20, "c": np.arange(3)}
    back = loads(pickle.dumps(value), "x")
    assert back["b"][19] == shared and back["a"] == shared


def test_names_of_both_numpy_generations() -> None:
    data = pickle.dumps({"a": np.arange(3)}, protocol=2)
    other = {b"numpy._core.multiarray": b"numpy.core.multiarray", b"numpy.core.multiarray": b"numpy._core.multiarray"}
    here = next(name for name in other if name in data)
    for text in (data, data.replace(here, other[here])):
        np.testing.assert_array_equal(loads(text, "x")["a"], np.arange(3))


def test_damage_is_reported_and_never_escapes(tmp_path: Path) -> None:
    data = pickle.dumps({"a": np.arange(50.0), "b": ["text", 1.5, {"c": (1, 2)}]}, protocol=4)
    for cut in range(len(data)):
        with pytest.raises(CheckpointError):
            loads(data[:cut], "cut")
    rng = np.random.default_rng(0)
    for _ in range(1500):  # some flips stay valid pickles; all others must end in our error
        flipped = bytearray(data)
        flipped[rng.integers(len(data))] ^= 1 << rng.integers(8)
        try:
            loads(bytes(flipped), "flipped")
        except CheckpointError as error:
            assert str(error).startswith("flipped")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path / "absent.states")
