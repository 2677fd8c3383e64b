"""Plain Python functions that a function calls: compiled along with it, which Numba leaves to the user.

A text may name functions of its own, from around it or from its module. Numba takes them only where
``@njit`` stands before each; here the function that is compiled is a copy that knows them compiled,
with the flags that it has itself. Functions that Numba knows by another way stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import CellType, CodeType, FunctionType
from typing import Any

from numba import njit
from numba.core.errors import NumbaError

from adbench.dual.numba.internals import cpu_target

Function = Callable[..., Any]


def with_helpers(f: Function, flags: Mapping[str, Any]) -> Function:
    """The Python function f, or a copy that knows its plain Python helpers compiled.

    Parameters
    ----------
    f : Python function
    flags : mapping
        What ``numba.njit`` is told of the helpers, and of theirs.
    """
    return _known(f, flags, {}) if isinstance(f, FunctionType) else f


def words(code: CodeType) -> set[str]:
    """Names of globals and attributes that the code uses, its inner functions' too."""
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return set(code.co_names).union(*map(words, inner))


def globals_of(function: FunctionType) -> dict[str, Any]:
    """Values of the global names that a function uses."""
    found = words(function.__code__)
    return {name: value for name, value in function.__globals__.items() if name in found}


def closed_over(function: FunctionType) -> dict[str, Any]:
    """Values of the names that a function takes from the functions around it."""
    known = {}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        try:
            known[name] = cell.cell_contents
        except ValueError:  # not filled yet
            continue
    return known


def says(f: Any, word: str) -> bool:
    """Whether the text of f, or of a Python function that it reaches, uses a name or an attribute."""
    waiting, seen = [f], []
    while waiting:
        one = waiting.pop()
        if isinstance(one, FunctionType) and one not in seen:
            seen.append(one)
            waiting += [*globals_of(one).values(), *closed_over(one).values()]
    return any(word in words(one.__code__) for one in seen)


def bare_copy(function: FunctionType) -> FunctionType:
    """The same code with names of its own, which stand for nothing yet."""
    cells = tuple(CellType() for _ in function.__closure__ or ())
    copy = FunctionType(
        function.__code__, {}, function.__name__, function.__defaults__, cells or None
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
    return copy


def fill(copy: FunctionType, function: FunctionType, other: Callable[[Any], Any]) -> None:
    """Give the names of a copy the values that `other` makes of the function's own."""
    meaning = {name: other(value) for name, value in globals_of(function).items()}
    copy.__globals__.update({**function.__globals__, **meaning})
    closed = closed_over(function)
    for name, cell in zip(copy.__code__.co_freevars, copy.__closure__ or (), strict=True):
        if name in closed:
            cell.cell_contents = other(closed[name])


def _known(f: FunctionType, flags: Mapping[str, Any], made: dict[FunctionType, Any]) -> Any:
    """F with its helpers compiled; `made` holds what has been compiled so far."""
    values = [*globals_of(f).values(), *closed_over(f).values()]
    if not any(_is_plain(value) for value in values):
        return f

    def other(value: Any) -> Any:
        if not _is_plain(value):
            return value
        if value not in made:
            copy = bare_copy(value)
            # Noted before its names are filled, among which it may find itself.
            made[value] = njit(**flags)(copy)
            fill(copy, value, other)
        return made[value]

    copy = bare_copy(f)
    fill(copy, f, other)
    return copy


def _is_plain(value: Any) -> bool:
    """Whether it is a Python function that Numba cannot call as it is."""
    if not isinstance(value, FunctionType):
        return False
    context = cpu_target.typing_context
    context.refresh()
    try:
        context.resolve_value_type(value)
    except (NumbaError, ValueError, TypeError):
        return True
    return False
