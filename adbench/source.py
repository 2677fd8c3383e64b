"""Reads the text of functions and what it depends on, so that a changed function has a changed hash.

Knows Python and NumPy arrays, nothing else of adbench.
"""

from __future__ import annotations

import ast
import contextlib
import dis
import enum
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["normal", "sources"]


def sources(*functions: Callable[..., Any]) -> list[str]:
    """Sources of `functions` and, transitively, of the functions of their package that they use by
    name or closed over; values of everything else that they so use, and of default arguments.
    """
    todo: list[Any] = list(functions)
    seen: list[Any] = []
    texts = []
    while todo:
        fn = todo.pop(0)
        if any(fn is other for other in seen):
            continue
        seen.append(fn)
        if not isinstance(fn, FunctionType):
            raise ValueError(f"a form is built by {fn!r}, which is no plain function: write a def")
        texts.append(textwrap.dedent(inspect.getsource(fn)))
        for name, value in _used(fn):
            found: list[FunctionType] = []
            text = _value_text(value, f"'{name}' of {fn.__qualname__}", _home(fn), found)
            todo.extend(found)
            if not (isinstance(value, FunctionType) and found and value.__name__ == name):
                texts.append(f"{name} = {text}")
    return texts


def _used(fn: FunctionType) -> list[tuple[str, Any]]:
    """What a function's result depends on beside its text and arguments, by name: globals, closed-over
    variables, default values.
    """
    named = {n: fn.__globals__[n] for n in _names(fn.__code__) if n in fn.__globals__}
    cells = zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True)
    for name, cell in cells:
        with contextlib.suppress(ValueError):  # not bound yet
            named[name] = cell.cell_contents
    found = [(n, named[n]) for n in sorted(named) if not n.startswith("__")]
    if fn.__defaults__:
        found.append(("__defaults__", fn.__defaults__))
    if fn.__kwdefaults__:
        found.append(("__kwdefaults__", fn.__kwdefaults__))
    return found


def _names(code: Any) -> set[str]:
    """Global names that a code object reads, and those that the functions defined in it read."""
    own = {str(i.argval) for i in dis.get_instructions(code) if i.opname in _READS_GLOBAL}
    return own.union(*(_names(c) for c in code.co_consts if inspect.iscode(c)))


_READS_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")


def _home(fn: FunctionType) -> str:
    return fn.__module__.partition(".")[0]


def _value_text(value: Any, what: str, home: str, functions: list[FunctionType]) -> str:
    """An expression that tells the value from others, the same in every process and Python version.

    Functions of the package `home` go to `functions`: their source tells more than their name.
    Modules, classes and other packages' functions count by name alone.

    Raises
    ------
    ValueError
        When the value shows itself by its address in memory; `what` says where it was met.
    """

    def inner(v: Any) -> str:
        return _value_text(v, what, home, functions)

    if isinstance(value, FunctionType):
        if _home(value) != home:
            return repr(f"function {value.__module__}.{value.__qualname__}")
        functions.append(value)
        return repr(f"function {value.__qualname__}")
    if isinstance(value, ModuleType):
        return repr(f"module {value.__name__}")
    if isinstance(value, type):
        return repr(f"class {value.__qualname__}")
    if isinstance(value, (np.ndarray, np.generic)):
        return _array_text(np.asarray(value), inner)
    if isinstance(value, enum.Enum):
        return repr(f"{type(value).__qualname__}.{value.name}")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{inner(k)}: {inner(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__}([{', '.join(sorted(map(inner, value)))}])"
    if type(value) is tuple:
        return "(" + "".join(f"{inner(v)}, " for v in value) + ")"
    if type(value) is list:
        return "[" + ", ".join(map(inner, value)) + "]"
    text = repr(value)
    if " at 0x" in text:
        raise ValueError(
            f"a form uses {what}, which has no stable text to hash: {text}. Close over numbers, "
            "strings, arrays and plain functions instead, or make the object inside the builder."
        )
    return text if isinstance(value, (int, float, complex, str, bytes, type(None))) else repr(text)


def _array_text(array: npt.NDArray[Any], inner: Callable[[Any], str]) -> str:
    if array.dtype.hasobject:
        return f"array({inner(array.tolist())})"
    # little-endian on every machine
    data = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()
    return repr(f"array {array.dtype.name} {array.shape} {hashlib.sha256(data).hexdigest()}")


def normal(source: str) -> str:
    """The source without comments, docstrings and layout, the same for every Python version."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not (isinstance(body, list) and body and isinstance(body[0], ast.Expr)):
            continue
        if isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
            body[:] = body[1:] or [ast.Pass()]
    # Unparsed, not dumped: a dump names fields that come and go with Python's versions.
    return ast.unparse(tree)
