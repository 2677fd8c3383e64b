"""Chooses between layouts of tangents with a stopwatch: compiled both ways, the faster one stays.

What is faster depends on whether LLVM vectorises the function's loop across data, on how many
tangents there are, and on the machine; no rule foretells it. The choice is made at the first call for
a size and holds for the process. It reads the clock, which nothing else here does: a choice, unlike a
measurement, may be wrong by a few per cent without harm. `suited_layout` chooses without a clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakKeyDictionary

from adbench.dual.numba.compiling import compile_for, primal
from adbench.dual.numba.kernels import LARGEST_SCALAR_LAYOUT, default_layout

BLOCK_S = 50e-6  # calls are timed in blocks of about this length
ROUNDS = 7
PATIENCE_S = 0.5  # of a function that takes longer than this nothing is compiled twice
MARGIN = 0.97  # what the other layout must gain to be worth it

_chosen: WeakKeyDictionary[Any, dict[Hashable, str]] = WeakKeyDictionary()


def measured_layout(
    f: Callable[..., Any],
    key: Hashable,
    k: int,
    largest: int,
    call_in: Callable[[str], Callable[[], Any]],
) -> str:
    """The faster layout of k tangents, as found before for the function and key, or now.

    Parameters
    ----------
    f : callable
        The user's Python function, which the choice is remembered for.
    key : hashable
        What else the choice depends on: operator, types, size, flags.
    k, largest : int
        Beyond `largest` tangents scalars are much code and many registers: vectors, unseen.
    call_in : callable
        ``call_in(layout)`` compiles and returns a call without arguments.
    """
    if k == 1 or k > largest:
        return default_layout(k)
    known = _chosen.setdefault(f, {})
    if key not in known:
        first = default_layout(k)
        known[key] = _faster(first, "V" if first == "S" else "S", call_in)
    return known[key]


def _faster(first: str, other: str, call_in: Callable[[str], Callable[[], Any]]) -> str:
    usual = call_in(first)
    once = min(_seconds(usual, 1) for _ in range(2))
    if once > PATIENCE_S:
        return first
    unusual = call_in(other)
    unusual()
    loops = max(1, int(BLOCK_S / max(once, 1e-9)))
    pairs = [(_seconds(usual, loops), _seconds(unusual, loops)) for _ in range(ROUNDS)]
    return other if min(u for _, u in pairs) < MARGIN * min(u for u, _ in pairs) else first


def _seconds(call: Callable[[], Any], loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        call()
    return (time.perf_counter() - start) / loops


def suited_layout(
    f: Any, k: int, *args: Any, strict: bool = False, vector_math: bool = False
) -> str:
    """The layout of k tangents that suits f at arguments of these types, found without a clock.

    Compiles f for floats, as strictly as the derivatives will be, and looks for a loop that LLVM
    vectorised: two processes choose alike. Beyond 3 tangents V is chosen unseen; a sum over much data
    with 4 to 8 variables and no call in its loop is better off with ``layout="S"``.
    """
    if k == 1 or k > LARGEST_SCALAR_LAYOUT:
        return default_layout(k)
    code = compile_for(primal(f, strict, vector_math), *args).inspect_llvm()
    return "S" if any("vector.body" in text for text in code.values()) else "V"
