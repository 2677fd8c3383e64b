"""Vector mathematics on request: exp, log, erf and friends for 2, 4 or 8 numbers at once.

Numba as it is installed from PyPI computes elementary functions one number at a time, also in loops
whose other work LLVM does for eight. glibc has vector versions of them in *libmvec* (Linux on x86-64;
since 2.22 of exp, log, pow, sin and cos, since 2.35 of all of C99's but gamma). A function compiled
with the options of `njit_options` uses them wherever LLVM vectorises its loops, for float64 and duals
alike, and only that function does: helpers that it calls are copied into it, whatever else uses them.

Two things to know. The last digits differ (`functions` tells by how much, at most 4 ulp), and, in one
loop, between the numbers computed together and the few left over at the end. And not every loop
becomes a vector loop: `used` tells which functions a compiled function computes so. Whether it gets
there is sometimes decided when it runs: ``for v in array`` Numba compiles for any distance between
numbers, LLVM bets on another one than 8 bytes, and the loop goes one by one. ``for i in
range(len(array))`` is read as contiguous.

NaN, infinities, zeros and numbers outside a function's domain give what the C library gives one by
one. No floating-point exception flags or errno are promised.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from llvmlite import binding

from adbench.dual.numba import vector_math_compiler as compiler
from adbench.dual.numba.internals import cpu_target
from adbench.dual.numba.vector_math_ir import VectorFunction, vector_calls

LIBRARY = "libmvec.so.1"

# By name in C, units in the last place by which a result may differ from the correctly rounded one:
# the largest found among some hundred thousand numbers of every range (glibc 2.36; 2, 4 and 8 lanes),
# rounded up, and one more where that came within a tenth.
LARGEST_ERROR = MappingProxyType(
    {
        "acos": 3,
        "acosh": 3,
        "asin": 4,
        "asinh": 3,
        "atan": 3,
        "atan2": 3,
        "atanh": 3,
        "cbrt": 2,
        "cos": 4,
        "cosh": 2,
        "erf": 3,
        "erfc": 2,
        "exp": 4,
        "exp10": 2,
        "exp2": 2,
        "expm1": 4,
        "hypot": 3,
        "log": 2,
        "log10": 3,
        "log1p": 3,
        "log2": 3,
        "pow": 2,
        "sin": 4,
        "sinh": 3,
        "tan": 4,
        "tanh": 3,
    }
)
OF_TWO_NUMBERS = ("atan2", "hypot", "pow")

# Letter of the ABI, lanes, and the processor feature that the code needs. One of c and d is used.
SETS = (("b", 2, ""), ("d", 4, "avx2"), ("c", 4, "avx"), ("e", 8, "avx512f"))


class VectorMathError(RuntimeError):
    """Vector mathematics was asked for where there is none."""


def available() -> bool:
    """Whether functions can be compiled with vector mathematics here."""
    return not reason()


@cache
def reason() -> str:
    """Why vector mathematics is not to be had here; empty if it is."""
    system, machine = sys.platform, platform.machine()
    if system != "linux" or machine.lower() not in ("x86_64", "amd64") or sys.maxsize < 2**32:
        return f"it needs glibc's libmvec on 64-bit x86 Linux; this is {machine} {system}"
    unfit = compiler.unfit()
    if unfit:
        return unfit
    try:
        binding.load_library_permanently(LIBRARY)
    except RuntimeError as error:
        return f"it needs glibc's {LIBRARY}, which cannot be loaded ({error})"
    found = _probe()
    if not found:
        return f"{LIBRARY} has none of the vector functions this code knows"
    compiler.register(found, {name: binding.address_of_symbol(name) for name in found})
    return ""


def functions() -> dict[str, int]:
    """The functions computed in vectors here, with the largest error of each in ulp.

    Numba's names for them are the same, but for ``x ** y`` (pow), ``np.arcsin`` (asin) and the like.
    What is missing in the list is computed one number at a time: lgamma, say.
    """
    if reason():
        return {}
    return {name: LARGEST_ERROR[name] for name in sorted(compiler.registered())}


def njit_options() -> dict[str, Any]:
    """Options for ``numba.njit`` that give the function vector mathematics.

    Not together with ``cache=True``: Numba's cache files do not tell such a function from a plain one,
    and neither does pickle, whose copies of a dispatcher are plain.

    Raises
    ------
    VectorMathError
        Where there is none.

    Examples
    --------
    >>> import math, numba, numpy as np
    >>> def total(x):
    ...     s = 0.0
    ...     for i in range(x.size):
    ...         s += math.exp(x[i])
    ...     return s
    >>> fast = numba.njit(fastmath={"reassoc"}, **njit_options())(total)  # doctest: +SKIP
    >>> fast(np.zeros(100))  # doctest: +SKIP
    100.0
    >>> used(fast)  # doctest: +SKIP
    frozenset({'exp'})
    """
    if reason():
        raise VectorMathError(
            f"vector_math=True: {reason()}. Leave vector_math at False: results are the same to a few"
            " units in the last place, only slower"
        )
    return {"pipeline_class": compiler.VectorMathCompiler}


def used(driver: Any) -> frozenset[str]:
    """Functions that compiled code computes for several numbers at once, where it gets there.

    Parameters
    ----------
    driver : numba dispatcher
        Looked at is what it was compiled for so far, and what its method ``kernels()``, if it has one,
        lists: dispatchers of code that it calls by address.
    """
    parts = [driver, *getattr(driver, "kernels", list)()]
    texts = [text for part in parts for text in part.inspect_llvm().values()]
    return frozenset().union(*map(vector_calls, texts))


def _probe() -> Mapping[str, VectorFunction]:
    """The functions that the library has, with the variants that suit what Numba compiles for."""
    features = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    sets: dict[int, str] = {}
    for letter, lanes, feature in SETS:
        if not feature or f"+{feature}" in features:
            sets.setdefault(lanes, letter)
    found = {}
    for name in LARGEST_ERROR:
        arguments = 2 if name in OF_TWO_NUMBERS else 1
        symbols = [
            (lanes, f"_ZGV{letter}N{lanes}{'v' * arguments}_{name}")
            for lanes, letter in sets.items()
        ]
        variants = tuple((n, s) for n, s in symbols if binding.address_of_symbol(s))
        if variants and binding.address_of_symbol(name):
            found[name] = VectorFunction(name, arguments, variants)
    return found
