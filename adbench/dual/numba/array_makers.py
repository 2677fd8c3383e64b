"""Arrays of duals that a function makes for itself: what np.zeros and its kin become in ``arrays``.

One rule decides: in a function that duals are handed to, an array that would be of float64 is of those
duals. A helper that is handed none keeps its floats.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

import numpy as np
from numba import njit, types
from numba.core.typing.templates import AbstractTemplate, CallableTemplate, infer_global
from numba.extending import lower_builtin

from adbench.dual.numba.dual_type import DualType
from adbench.dual.numba.emit import Emitter
from adbench.dual.numba.internals import surrounding_types
from adbench.dual.numba.intrinsics import dtype_of as new_dtype_of

dtype_of = lru_cache(maxsize=None)(new_dtype_of)
"""As `intrinsics.dtype_of`, one object a type: Numba recognises by it what it compiled before."""


def dual_among(given: Iterable[Any]) -> DualType | None:
    """The type of dual found first in these types: itself, or in arrays, lists and tuples of it."""
    for ty in given:
        if isinstance(ty, DualType):
            return ty
        parts = ty.types if isinstance(ty, types.BaseTuple) else [getattr(ty, "dtype", None)]
        if isinstance(ty, types.Optional):
            parts = [ty.type]
        found = dual_among(p for p in parts if isinstance(p, types.Type) and p is not ty)
        if found is not None:
            return found
    return None


def _like(name: str, parameters: str) -> Callable[..., Any]:
    """A function of that name and those parameters that compiled code alone can call."""

    def stub(*args: Any, **kws: Any) -> Any:
        raise NotImplementedError(f"np.{name} as compiled for duals is for compiled code")

    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD
    stub.__name__ = name
    vars(stub)["__signature__"] = inspect.Signature(
        [
            inspect.Parameter(p, kinds, default=None if p == "dtype" else inspect.Parameter.empty)
            for p in parameters.split()
        ]
    )
    return stub


_PARAMETERS = {
    "zeros": "shape dtype", "ones": "shape dtype", "empty": "shape dtype",
    "full": "shape fill_value dtype",
    "zeros_like": "a dtype", "ones_like": "a dtype", "empty_like": "a dtype",
    "full_like": "a fill_value dtype",
}  # fmt: skip
STUBS: dict[str, Callable[..., Any]] = {
    name: _like(name, parameters) for name, parameters in _PARAMETERS.items()
}
"""What stands for NumPy's function of that name in a prepared function."""


def _template(name: str, stub: Callable[..., Any]) -> type:
    numpys, signature = getattr(np, name), inspect.signature(stub)

    def generic(self: Any) -> Any:
        def typer(*args: Any, **kws: Any) -> Any:
            given = signature.bind(*args, **kws).args
            function = self.context.resolve_value_type(numpys)
            array = function.get_call_type(self.context, given, {}).return_type
            dual = dual_among(surrounding_types(self.context))
            return array if dual is None or array.dtype != types.float64 else array.copy(dtype=dual)

        vars(typer)["pysig"] = signature
        return typer

    return type(f"Dual_{name}", (CallableTemplate,), {"key": stub, "generic": generic})


def _lowering(name: str) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        make = _maker(name, len(args), sig.return_type.dtype)
        return Emitter(context, builder).resolved(make, sig.args, args)[1]

    return lower


@cache
def _maker(name: str, n: int, dtype: Any) -> Any:
    """What is compiled for NumPy's function called with n arguments, the last maybe a dtype."""
    numpys, filled = getattr(np, name), name.startswith("full")
    if not isinstance(dtype, DualType):
        plain: dict[int, Callable[..., Any]] = {
            1: lambda a: numpys(a),
            2: lambda a, b: numpys(a, b),
            3: lambda a, b, c: numpys(a, b, c),
        }
        return njit(plain[n])
    dual = dtype_of(dtype)
    if filled:
        if n == 2:
            return njit(lambda a, value: numpys(a, value, dual()))
        return njit(lambda a, value, _: numpys(a, value, dual()))
    return njit((lambda a: numpys(a, dual())) if n == 1 else (lambda a, _: numpys(a, dual())))


for _name, _stub in STUBS.items():
    infer_global(_stub, types.Function(_template(_name, _stub)))
    lower_builtin(_stub, types.VarArg(types.Any))(_lowering(_name))


def array(object: Any, dtype: Any = None) -> Any:
    """As np.array; under another name, because Numba writes out np.array([a, b]) for floats alone."""
    raise NotImplementedError("np.array as compiled for duals is for compiled code")


class _Array(AbstractTemplate):  # type: ignore[misc, unused-ignore]
    key = array

    def generic(self, args: Any, kws: Any) -> Any:
        return self.context.resolve_value_type(np.array).get_call_type(self.context, args, kws)

    def get_impl_key(self, sig: Any) -> Any:
        return self.context.resolve_value_type(np.array).get_impl_key(sig)


infer_global(array, types.Function(_Array))
STUBS["array"] = array


def _numpy_for_duals() -> ModuleType:
    shim = ModuleType("numpy for duals")
    vars(shim).update({**vars(np), **STUBS, "__name__": shim.__name__})
    return shim


NUMPY = _numpy_for_duals()
"""NumPy as a prepared function sees it."""
