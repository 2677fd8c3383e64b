"""How functions are compiled: flags, what users asked of Numba themselves, and errors explained."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba import njit, typeof, types
from numba.core.errors import NumbaError

from adbench.dual.numba.errors import explain
from adbench.dual.numba.helpers import with_helpers
from adbench.dual.numba.internals import ForceLiteralArg
from adbench.dual.numba.refusals import MARK
from adbench.dual.numba.vector_math import njit_options

Function = Callable[..., Any]

# All that fastmath=True gives in speed; NaN and infinity keep their meaning.
RELAXED = frozenset({"contract", "reassoc", "nsz", "arcp"})

# What a user's own @njit(...) may say that holds for its derivatives too.
_KEPT = ("parallel", "boundscheck", "nogil", "inline", "forceinline")


class UnsupportedFunctionError(NotImplementedError):
    """Numba cannot compile the function for dual numbers; its text says which operation is missing."""


def options(strict: bool, vector_math: bool = False) -> dict[str, Any]:
    """What `njit` is told: IEEE arithmetic when strict, else what lets LLVM reorder and contract.

    With `vector_math` also what makes LLVM compute elementary functions for several numbers at once
    (see ``vector_math``, which raises where that is not to be had). Division by zero gives infinity (``error_model="numpy"``): the check for it would keep loops
    from being vectorised. Numba keeps helpers of its own (``x ** n`` with a whole n, ``max``) as their
    first user in the process had them compiled: for bits that are IEEE's, compile strict code first.
    """
    extra = njit_options() if vector_math else {}
    return {"error_model": "numpy", "fastmath": False if strict else set(RELAXED), **extra}


def own_options(f: Function) -> dict[str, Any]:
    """What the user's own ``@njit(...)`` said of f, as far as it is kept; none for plain Python."""
    told = getattr(f, "targetoptions", {})
    return {key: told[key] for key in _KEPT if told.get(key)}


def python_text(f: Function) -> Function:
    """The Python function of an njit function, explicit signatures forgotten; f itself else."""
    found: Function = getattr(f, "py_func", f)
    if not inspect.isfunction(found):
        raise TypeError(f"{f!r}: expected a Python function, or what numba.njit made of one")
    return found


def primal(
    f: Function, strict: bool = False, vector_math: bool = False, inlined: bool = False
) -> Any:
    """``f`` itself for floats, compiled with the flags that its derivatives get.

    `inlined` has it inlined in compiled callers, which then compute no more of it than they use.
    """
    flags = options(strict, vector_math)
    own = {**own_options(f), **({"forceinline": True} if inlined else {})}
    return njit(**own, **flags)(with_helpers(python_text(f), flags))


def call_types(driver: Any, *args: Any) -> tuple[Any, ...]:
    """Numba's types of a call of a driver or a `primal` with these arguments."""
    found: list[Any] = []
    given = iter(args)
    for parameter in inspect.signature(driver.py_func).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            # A call gathers ``*data`` into a tuple before it looks for compiled code.
            found.append(typeof(tuple(given)))
        elif parameter.default is inspect.Parameter.empty:
            found.append(typeof(next(given)))
        else:
            rest = next(given, parameter.default)
            omitted = rest is parameter.default
            found.append(types.Omitted(rest) if omitted else typeof(rest))
    return tuple(found)


def compile_types(driver: Any, signature: tuple[Any, ...]) -> None:
    """Compile a driver or a `primal` now, for `call_types`; at once if that was done before.

    Raises
    ------
    UnsupportedFunctionError
        When Numba cannot, with the innermost operation that it refused.
    """
    with explained(getattr(driver, "function", driver)):
        driver.compile(signature)


def compile_for(driver: Any, *args: Any) -> Any:
    """`compile_types` for the types of these arguments, and their sizes; returns the driver."""
    prepare = getattr(driver, "prepare", None)
    if prepare is not None:
        with explained(driver.function):
            prepare(args)
    compile_types(driver, call_types(driver, *args))
    return driver


@contextmanager
def explained(f: Function | None = None) -> Iterator[None]:
    """What Numba refuses to compile meanwhile, of f, is told as `UnsupportedFunctionError`."""
    try:
        yield
    except (UnsupportedFunctionError, ForceLiteralArg):
        raise  # the latter is no error: Numba then compiles for an argument's value
    except (NumbaError, NotImplementedError) as error:
        own = re.search(rf"{MARK}(.+)", str(error))
        if own and not own[1].endswith("returns one number"):
            told = f"Numba cannot compile a derivative of {_name(f)}: {own[1]}"
        else:
            told = explain(type(error)(_within(str(error))), f)
        raise UnsupportedFunctionError(told) from error


def _within(text: str) -> str:
    """What Numba tells of the function itself, where a driver reached it through an intrinsic."""
    while True:
        _, ours, rest = text.partition("No implementation of function Function(<intrinsic ")
        _, found, inner = rest.partition("raised a specific error:")
        if not (ours and found):
            return text
        text = inner


def _name(f: Function | None) -> str:
    name = getattr(f, "__name__", "")
    return f"'{name}'" if name.isidentifier() else "this function"
