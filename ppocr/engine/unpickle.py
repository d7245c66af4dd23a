"""Reading pickles that may come from anybody: arrays and plain containers only, never code.

The files `paddle.save` writes are pickles, and a pickle may name any importable function to be called. So Python's
unpickler never sees them: the few instructions that make data are carried out here, the few functions such files name
are answered by ours, and everything else is refused.
"""

from __future__ import annotations

import math
import pickletools
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.errors import CheckpointError

MAX_DEPTH = 64
FEW_PARTS = 1000  # a structure may always have as many parts, however short its file
_NUMBER = re.compile(r"[<>|=]?(\?|[biufc]\d{1,2})")
_SCALAR = (str, bytes, int, float, complex, np.generic, type(None))
_MARK = object()
# endings of the instructions that carry a value
_VALUES = ("INT", "INT1", "INT2", "LONG", "LONG1", "LONG4", "FLOAT", "STRING", "BYTES", "BYTES8", "UNICODE", "UNICODE8")


class _Bad(Exception):
    """What the file asks for is refused; the text says what and why."""


class _Unbuilt:
    """An array whose shape, type and numbers have not come yet."""


def _shown(value: object) -> str:
    """Return a short text of a value, which may be nested without end."""
    return repr(value)[:40] if isinstance(value, (str, bytes, bool)) else f"a {type(value).__name__}"


def _dtype(code: object, *more: object) -> np.dtype:
    code = code.decode("latin1") if isinstance(code, bytes) else code
    if not isinstance(code, str) or not _NUMBER.fullmatch(code):
        raise _Bad(f"it holds an array of {_shown(code)}, and only arrays of numbers are read")
    return np.dtype(code)


def _ordered(dtype: np.dtype, state: object) -> np.dtype:
    """Return a number type with the byte order of its state, which may say nothing else."""
    if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]):
        raise _Bad("it describes a structured number type")
    order: Any = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
    if order not in ("<", ">", "|", "="):
        raise _Bad("it describes an unknown byte order")
    return dtype.newbyteorder(order)


def _array(state: object) -> np.ndarray:
    if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], np.dtype):
        raise _Bad("an array in it has no proper description")
    _, shape, dtype, fortran, raw = state
    raw = raw.encode("latin1") if isinstance(raw, str) else raw  # written by Python 2
    if not isinstance(raw, bytes):
        raise _Bad("it holds an array of objects, and only arrays of numbers are read")
    if not isinstance(shape, tuple) or any(type(n) is not int or n < 0 for n in shape) or len(shape) > 32:
        raise _Bad("an array in it has an impossible shape")
    if math.prod(shape) * dtype.itemsize != len(raw):
        raise _Bad(f"an array of shape {str(shape)[:60]} and type {dtype} in it has {len(raw)} bytes")
    flat = np.frombuffer(raw, dtype) if raw else np.empty(0, dtype)
    array = flat.reshape(shape, order="F" if fortran is True else "C")
    # a copy is writable, in this machine's byte order and in rows
    return np.array(array, dtype=dtype.newbyteorder("="), order="C")


def _reconstruct(kind: object, *ignored: object) -> _Unbuilt:
    if kind is not _Unbuilt:
        raise _Bad("it holds an array of an unknown class")
    return _Unbuilt()


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """Answer how protocol 2, which has no bytes, writes them."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _Bad("it encodes something other than bytes")
    return text.encode("latin1")


def _key(value: Any) -> Any:
    """Return a value that may be a key: hashing repeated tuples of tuples would take for ever."""
    if any(not isinstance(part, _SCALAR) for part in (value if isinstance(value, tuple) else (value,))):
        raise _Bad(f"it uses {_shown(value)} as a key")
    return value


def _container(kind: type) -> Callable[..., Any]:
    """Return what makes a container (or a complex number) out of others."""

    def make(*content: Any) -> Any:
        if any(not isinstance(part, (tuple, list, dict, set, frozenset, float, int)) for part in content):
            raise _Bad(f"it makes a {kind.__name__} out of something unknown")
        if kind is OrderedDict:
            return kind((_key(key), value) for part in content for key, value in part)
        return kind(*(map(_key, part) for part in content)) if kind in (set, frozenset) else kind(*content)

    return make


_FUNCTIONS: dict[tuple[Any, Any], Callable[..., Any]] = {
    ("numpy", "ndarray"): _Unbuilt,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): _container(OrderedDict),
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _FUNCTIONS[_module, "_reconstruct"] = _reconstruct
    _FUNCTIONS[_module, "scalar"] = lambda dtype, raw=b"": _array((1, (), dtype, False, raw))[()]
for _module in ("builtins", "__builtin__"):
    _FUNCTIONS[_module, "bytes"] = lambda: b""  # as protocol 2 writes empty bytes
    for _kind in (tuple, set, frozenset, complex):
        _FUNCTIONS[_module, _kind.__name__] = _container(_kind)


class _Machine:
    """Carries out the instructions of a pickle that only make data."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.places: dict[int, int] = {}  # where in the memo an object is, by its id

    def run(self, data: bytes) -> Any:
        """Return what a pickle makes."""
        for code, argument, position in pickletools.genops(data):
            name, at = code.name, position or 0
            if name in _STEPS:
                self.stack.append(_STEPS[name](self))
            elif name.endswith("GET"):
                self.stack.append(self.memo[int(argument or 0)])
            elif name.endswith("PUT") or name == "MEMOIZE":
                index = len(self.memo) if argument is None else int(argument)
                if index > at:
                    raise _Bad(f"it wants room for {index} remembered objects")
                self.memo[index] = self.stack[-1]
                self.places[id(self.stack[-1])] = index
            elif name == "GLOBAL":
                self.stack.append(_function(str(argument).split(" ", 1)))
            elif name == "STOP":
                if at + 1 < len(data):
                    raise _Bad(f"damaged: {len(data) - at - 1} bytes follow its end")
                return self.stack.pop()
            elif name.endswith(_VALUES) and argument is not None:
                self.stack.append(argument)
            elif name not in ("PROTO", "FRAME"):
                raise _Bad(f"it holds the instruction {name}, which no data needs")
        raise _Bad("damaged: it has no end")

    def pop(self, count: int) -> list[Any]:
        """Take the last values off the stack."""
        if len(self.stack) < count:
            raise _Bad("damaged: a value is missing")
        return [self.stack.pop() for _ in range(count)][::-1]

    def marked(self) -> list[Any]:
        """Take the values off the stack that follow the last mark, and the mark."""
        values = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def call(self) -> Any:
        function, arguments = self.pop(2)
        if not callable(function) or not isinstance(arguments, tuple):  # functions on the stack are all ours
            raise _Bad("it calls something that is no function")
        return function(*arguments)

    def build(self) -> Any:
        old, state = self.pop(2)
        if not isinstance(old, (np.dtype, _Unbuilt)):
            raise _Bad(f"it alters the state of {_shown(old)}")
        new = _array(state) if isinstance(old, _Unbuilt) else _ordered(old, state)
        if id(old) in self.places:
            self.memo[self.places[id(old)]] = new
        return new

    def extended(self, items: list[Any]) -> Any:
        """Return the last container of the stack with more in it."""
        target = self.stack.pop()
        if isinstance(target, dict):
            target.update(_pairs(items))
        elif isinstance(target, list):
            target.extend(items)
        elif isinstance(target, set):
            target.update(map(_key, items))
        else:
            raise _Bad(f"it adds to {_shown(target)}")
        return target


def _pairs(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise _Bad("damaged: a key without a value")
    return {_key(key): value for key, value in zip(items[::2], items[1::2])}


def _function(name: list[Any]) -> Callable[..., Any]:
    if any(not isinstance(part, str) for part in name) or tuple(name) not in _FUNCTIONS:
        shown = ".".join(part if isinstance(part, str) and part.isidentifier() else _shown(part) for part in name)
        raise _Bad(f"it names {shown}, and ppocr refuses to run code from a file")
    return _FUNCTIONS[tuple(name)]


_STEPS: dict[str, Callable[[_Machine], Any]] = {
    "MARK": lambda m: _MARK,
    "NONE": lambda m: None,
    "NEWTRUE": lambda m: True,
    "NEWFALSE": lambda m: False,
    "EMPTY_TUPLE": lambda m: (),
    "EMPTY_LIST": lambda m: [],
    "EMPTY_DICT": lambda m: {},
    "EMPTY_SET": lambda m: set(),
    "TUPLE1": lambda m: tuple(m.pop(1)),
    "TUPLE2": lambda m: tuple(m.pop(2)),
    "TUPLE3": lambda m: tuple(m.pop(3)),
    "TUPLE": lambda m: tuple(m.marked()),
    "LIST": lambda m: m.marked(),
    "DICT": lambda m: _pairs(m.marked()),
    "FROZENSET": lambda m: frozenset(map(_key, m.marked())),
    "APPEND": lambda m: m.extended(m.pop(1)),
    "APPENDS": lambda m: m.extended(m.marked()),
    "ADDITEMS": lambda m: m.extended(m.marked()),
    "SETITEM": lambda m: m.extended(m.pop(2)),
    "SETITEMS": lambda m: m.extended(m.marked()),
    "STACK_GLOBAL": lambda m: _function(m.pop(2)),
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
}


def _count(value: Any, limit: int, known: dict[int, int], depth: int = 0) -> int:
    """Return how many parts a value has, repeated ones counted as often as they are repeated.

    By repeating containers n bytes describe a structure of 2^n parts, which nobody could walk through.
    """
    if depth > MAX_DEPTH:
        raise _Bad(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, (*_SCALAR, np.ndarray)):
        return 1
    if not isinstance(value, (dict, list, tuple, set, frozenset)):
        raise _Bad("it holds a bare function or type, or an array without content")
    if id(value) not in known:
        parts: Iterable[Any] = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + len(value) + sum(_count(part, limit, known, depth + 1) for part in parts)
    if known[id(value)] > limit:
        raise _Bad(f"it repeats parts of itself until it has more than {limit}")
    return known[id(value)]


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
    try:
        value = _Machine().run(data)
        _count(value, max(FEW_PARTS, 2 * len(data)), {})
    except _Bad as error:
        raise CheckpointError(f"{name}: {error}", "only arrays and plain containers are read") from None
    except (ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise CheckpointError(f"{name}: damaged or not a pickle: {reason}", "copy or save it again") from error
    return value


def load(path: str | Path) -> Any:
    """Return what a pickle file holds; see `loads`."""
    return loads(read_checkpoint_bytes(Path(path)), str(path))


def read_checkpoint_bytes(path: Path) -> bytes:
    """Return a file's content, or raise CheckpointError naming the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
