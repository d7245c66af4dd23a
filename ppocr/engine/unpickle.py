"""Reading pickles that may come from anybody: arrays and plain containers only, never code.

The files `paddle.save` writes are pickles, and a pickle may name any importable function to be called. This reader
knows the few names such files need and answers each with a stand-in of ours, so that neither foreign code nor NumPy's
own state-setting (which trusts what it is told about sizes) ever sees what the file says.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.errors import CheckpointError

MAX_DEPTH = 64
_NUMBER = re.compile(r"[<>|=]?(\?|[biufc]\d{1,2})")
_RECONSTRUCTORS = ("numpy.core.multiarray", "numpy._core.multiarray")


class _Bad(Exception):
    """What the file asks for is refused; the text says what and why."""


class _Sealed:
    """A stand-in whose attributes a pickle cannot change."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise _Bad(f"it alters the state of {type(self).__name__}")


class _NdarrayType(_Sealed):
    """Stands for the class `numpy.ndarray` where it is named as an argument."""

    __slots__ = ()


class _Dtype:
    """A number type under construction; only its byte order can be set."""

    __slots__ = ("dtype",)

    def __init__(self, code: object) -> None:
        if isinstance(code, bytes):
            code = code.decode("latin1")
        if not isinstance(code, str) or not _NUMBER.fullmatch(code):
            raise _Bad(f"it holds an array of {code!r}, and only arrays of numbers are read")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: object) -> None:
        state = state if isinstance(state, tuple) and len(state) >= 5 else ()
        order: Any = state[1] if state else None
        order = order.decode("latin1") if isinstance(order, bytes) else order
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise _Bad("it describes a structured number type")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """An array under construction: empty until its state has been checked."""

    __slots__ = ("array",)
    __hash__ = None  # type: ignore[assignment]  # how Python spells "unhashable"; the stub of object has no word for it

    def __init__(self) -> None:
        self.array: np.ndarray | None = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise _Bad("an array in it has no proper description")
        _, shape, dtype, fortran, raw = state
        if not isinstance(dtype, _Dtype):
            raise _Bad("an array in it has no number type")
        if isinstance(raw, str):  # written by Python 2
            raw = raw.encode("latin1")
        if not isinstance(raw, bytes):
            raise _Bad("it holds an array of objects, and only arrays of numbers are read")
        if not isinstance(shape, tuple) or any(type(n) is not int or n < 0 for n in shape) or len(shape) > 32:
            raise _Bad(f"an array in it has the shape {shape!r}")
        if math.prod(shape) * dtype.dtype.itemsize != len(raw):
            raise _Bad(f"an array of shape {shape} and type {dtype.dtype} in it has {len(raw)} bytes")
        flat = np.frombuffer(raw, dtype.dtype) if raw else np.empty(0, dtype.dtype)
        array = flat.reshape(shape, order="F" if fortran is True else "C")
        # a copy is writable, in this machine's byte order and in rows
        self.array = np.array(array, dtype=dtype.dtype.newbyteorder("="), order="C")


class _MakeDtype(_Sealed):
    __slots__ = ()

    def __call__(self, code: object, *flags: object) -> _Dtype:
        return _Dtype(code)


class _MakeArray(_Sealed):
    __slots__ = ()

    def __call__(self, kind: object, shape: object, code: object) -> _Array:
        if not isinstance(kind, _NdarrayType):
            raise _Bad("it holds an array of an unknown class")
        return _Array()


class _MakeScalar(_Sealed):
    __slots__ = ()

    def __call__(self, dtype: object, raw: object = b"") -> Any:
        holder: Any = _Array()
        holder.__setstate__((1, (), dtype, False, raw))
        return holder.array[()]


class _Encode(_Sealed):
    """Protocol 2 has no bytes, so Python 3 writes them as Latin-1 text to be encoded."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object = "latin1") -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise _Bad("it encodes something other than bytes")
        return text.encode("latin1")


class _MakeBytes(_Sealed):
    """Protocol 2 writes empty bytes as a call without arguments."""

    __slots__ = ()

    def __call__(self, *content: object) -> bytes:
        if content:
            raise _Bad("it makes bytes out of something else")
        return b""


class _MakeContainer(_Sealed):
    __slots__ = ("kind",)

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __call__(self, *content: Any) -> Any:
        if any(not isinstance(part, (tuple, list, dict, set, frozenset, float, int)) for part in content):
            raise _Bad(f"it makes a {self.kind.__name__} out of something unknown")
        return self.kind(*content)


_ALLOWED: dict[tuple[str, str], _Sealed] = {
    ("numpy", "ndarray"): _NdarrayType(),
    ("numpy", "dtype"): _MakeDtype(),
    ("_codecs", "encode"): _Encode(),
    ("builtins", "bytes"): _MakeBytes(),
    ("__builtin__", "bytes"): _MakeBytes(),
    ("collections", "OrderedDict"): _MakeContainer(OrderedDict),
    **{(module, "_reconstruct"): _MakeArray() for module in _RECONSTRUCTORS},
    **{(module, "scalar"): _MakeScalar() for module in _RECONSTRUCTORS},
    **{
        (module, kind.__name__): _MakeContainer(kind)
        for module in ("builtins", "__builtin__")
        for kind in (tuple, list, dict, set, frozenset, complex)
    },
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _Bad(f"it names {module}.{name}, and ppocr refuses to run code from a file") from None

    def persistent_load(self, pid: object) -> Any:
        raise _Bad("it refers to objects outside the file")


def _check_sizes(data: bytes) -> None:
    """Refuse numbered memo entries beyond what the file can fill: the unpickler would make room for them all."""
    argument: Any
    for position, (code, argument, _) in enumerate(pickletools.genops(data)):
        if code.name.endswith("PUT") and int(argument) > position:
            raise _Bad(f"it wants room for {argument} remembered objects")


def _settled(value: Any, depth: int = 0) -> Any:
    """Return a value with every stand-in replaced by the array it stands for."""
    if depth > MAX_DEPTH:
        raise _Bad(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, _Array):
        if value.array is None:
            raise _Bad("an array in it has no content")
        return value.array
    if isinstance(value, dict):
        return type(value)((_settled(k, depth + 1), _settled(v, depth + 1)) for k, v in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(_settled(item, depth + 1) for item in value)
    if isinstance(value, (_Sealed, _Dtype)):
        raise _Bad("it holds a bare function or type")
    return value


def loads(data: bytes, name: str) -> Any:
    """Return what a pickle holds, built from arrays of numbers and plain containers only.

    Args:
        data: the pickle, of any protocol up to 5.
        name: what to call it in an error, such as its path.

    Returns:
        Dicts, lists, tuples, sets, strings, bytes, numbers, None and numpy arrays (writable, native byte order).

    Raises:
        CheckpointError: the data is damaged, or asks for anything else.
    """
    stream = io.BytesIO(data)
    try:
        _check_sizes(data)
        value = _settled(_Reader(stream, encoding="latin1").load())
    except _Bad as error:
        raise CheckpointError(f"{name}: {error}", "only arrays and plain containers are read") from None
    except (MemoryError, RecursionError) as error:
        raise CheckpointError(f"{name}: it asks for more memory or depth than any checkpoint needs") from error
    except Exception as error:  # the unpickler answers damage with nearly every exception there is
        reason = str(error) or type(error).__name__
        raise CheckpointError(f"{name}: damaged or not a pickle: {reason}", "copy or save it again") from error
    rest = len(data) - stream.tell()
    if rest:
        raise CheckpointError(f"{name}: damaged: {rest} bytes follow its end", "copy or save it again")
    return value


def load(path: str | Path) -> Any:
    """Return what a pickle file holds; see `loads`."""
    return loads(read_bytes(Path(path)), str(path))


def read_bytes(path: Path) -> bytes:
    """Return a file's content, or raise CheckpointError naming the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
