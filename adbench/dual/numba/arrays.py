"""Functions that make arrays for themselves: rebuilt, with their helpers, so that they hold duals.

Only names are given other values: NumPy's array makers those of ``array_makers``, helpers that need it
their own text compiled anew. The code, its constants and its line numbers stay the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from numba import jit

from adbench.dual.numba.array_makers import NUMPY, STUBS
from adbench.dual.numba.helpers import bare_copy, closed_over, fill, globals_of, words
from adbench.dual.numba.internals import Dispatcher, has_fixed_signatures, loops_alone

# By identity: not every value that a name can have has a hash.
_MAKERS = {id(getattr(np, name)): stub for name, stub in STUBS.items()}


class _Plan(NamedTuple):
    needed: set[Any]  # functions to be rebuilt
    anew: dict[Any, Any]  # what their dispatchers became


def prepared(f: Callable[..., Any], ty: Any = None) -> Callable[..., Any]:
    """The Python function to compile in the place of f where duals are handed to it.

    It is f itself, or the text of a compiled f, when nothing in it needs another meaning. Otherwise
    it is a copy that knows other values under some names, taken when this is called:

    - ``np.zeros, ones, empty, full`` and their ``_like``, under any name, make arrays of duals where
      float64 would be their type and a dual is among the arguments of the function around;
    - a helper compiled by Numba that uses those, that has parallel loops, or that was compiled for
      fixed signatures, is compiled anew from its text, with its own options (`options_for_duals`).

    Which duals is found when the function is compiled: `ty` is not needed.
    """
    function = getattr(f, "py_func", f)
    if not isinstance(function, FunctionType):
        return f
    plan = _Plan(_functions_in_need(function), {})
    if function not in plan.needed:
        return function
    copy = bare_copy(function)
    fill(copy, function, lambda value: _other(value, function, plan))
    return copy


def options_for_duals(f: Callable[..., Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What a user told `numba.njit` of f, as it is told again where duals are.

    Of ``parallel`` only loops over prange are kept (see `internals.loops_alone`).
    """
    function = getattr(f, "py_func", f)
    loops = told.get("parallel") and "prange" in words(function.__code__)
    return {**told, "parallel": loops_alone() if loops else False}


def _in_parallel(helper: Dispatcher) -> bool:
    return bool(helper.targetoptions.get("parallel"))


def _values(function: FunctionType) -> list[Any]:
    return [*globals_of(function).values(), *closed_over(function).values()]


def _members(module: ModuleType, function: FunctionType) -> dict[str, Dispatcher]:
    """Compiled functions of a module that the text may name."""
    found = {word: vars(module).get(word) for word in words(function.__code__)}
    return {word: value for word, value in found.items() if isinstance(value, Dispatcher)}


def _helpers(function: FunctionType) -> Iterator[Dispatcher]:
    """Compiled functions that the text names."""
    for value in _values(function):
        if isinstance(value, Dispatcher):
            yield value
        elif isinstance(value, ModuleType):
            yield from _members(value, function).values()


def _makes_arrays(function: FunctionType) -> bool:
    values = _values(function)
    if any(value is np for value in values) and words(function.__code__) & set(STUBS):
        return True
    modules = [v for v in values if isinstance(v, ModuleType) and v is not np]
    if any(_makers_in(module, function) for module in modules):
        return True
    return any(id(value) in _MAKERS for value in values)


def _makers_in(module: ModuleType, function: FunctionType) -> dict[str, Any]:
    """NumPy's array makers that the text may name as members of another module, made for duals."""
    found = {word: vars(module).get(word) for word in words(function.__code__)}
    return {word: _MAKERS[id(value)] for word, value in found.items() if id(value) in _MAKERS}


def _functions_in_need(function: FunctionType) -> set[Any]:
    """Which of a function and all that it can reach must be rebuilt."""
    calls: dict[Any, list[Any]] = {}
    needed: set[Any] = set()
    waiting: list[Any] = [function]
    while waiting:
        one = waiting.pop()
        if one in calls:
            continue
        helpers = list(_helpers(one))
        calls[one] = [h.py_func for h in helpers]
        waiting += calls[one]
        needed |= {h.py_func for h in helpers if has_fixed_signatures(h) or _in_parallel(h)}
        if _makes_arrays(one):
            needed.add(one)
    while callers := {one for one in calls if one not in needed and needed & set(calls[one])}:
        needed |= callers
    return needed


def _other(value: Any, function: FunctionType, plan: _Plan) -> Any:
    """What a name that stood for this value stands for in the function when it is rebuilt."""
    if value is np:
        return NUMPY
    if isinstance(value, Dispatcher):
        return _recompiled(value, plan)
    if isinstance(value, ModuleType):
        members, makers = _members(value, function), _makers_in(value, function)
        if makers or any(m.py_func in plan.needed for m in members.values()):
            module = ModuleType(value.__name__)
            vars(module).update(vars(value) | makers)
            vars(module).update({w: _recompiled(m, plan) for w, m in members.items()})
            return module
    return _MAKERS.get(id(value), value)


def _recompiled(helper: Dispatcher, plan: _Plan) -> Any:
    text: Any = helper.py_func
    if text not in plan.needed:
        return helper
    if text not in plan.anew:
        copy = bare_copy(text)
        # Noted before its names are filled, among which it may find itself.
        plan.anew[text] = jit(**options_for_duals(text, helper.targetoptions))(copy)
        fill(copy, text, lambda value: _other(value, text, plan))
    return plan.anew[text]
