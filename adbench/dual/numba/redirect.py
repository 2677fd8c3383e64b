"""How functions and methods of arrays find what serves duals, and leave all else to Numba.

A template asked before Numba's own looks for a dual among the arguments. Where there is none it
declines, whatever the arguments are, and Numba goes on as ever; where there is one it names a function
of ours, an overload like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_getattr, infer_global
from numba.extending import lower_builtin, overload

from adbench.dual.numba.array_makers import dual_among
from adbench.dual.numba.dual_type import DualType
from adbench.dual.numba.internals import FIRST, methods_of_arrays, stay_inside

Choose = Callable[..., Any]


def is_array(ty: Any, ndim: int | None = None) -> bool:
    """Whether the type is an array of duals, of that many axes where a number is given."""
    return (
        isinstance(ty, types.Array)
        and isinstance(ty.dtype, DualType)
        and (ndim is None or ty.ndim == ndim)
    )


def serves(*names: Any, method: bool = False) -> Callable[[Choose], Choose]:
    """Register what chooses a loop by the types of the arguments, as `numba.extending.overload` does.

    Under NumPy's functions of these names, those that this NumPy has, or functions themselves; if
    asked under the method of the first name, too.
    """

    def register(choose: Choose) -> Choose:
        def ours(*args: Any) -> Any:
            raise NotImplementedError(f"{names[0]} of duals is for compiled code")

        # what Numba's errors call it
        ours.__name__ = names[0] if isinstance(names[0], str) else names[0].__name__
        overload(ours, strict=False)(choose)
        found = [getattr(np, n, None) if isinstance(n, str) else n for n in names]
        for function in {id(f): f for f in found if f is not None}.values():
            _redirect(function, ours)
        if method:
            _METHODS[names[0]] = ours
            lower_builtin(("method of dual arrays", names[0]), types.VarArg(types.Any))(_call(ours))
        return choose

    return register


def loop_over(*names: str, method: bool = False) -> Callable[[Choose], Choose]:
    """As `serves`, for a loop over one array of duals of any shape."""

    def register(loop: Choose) -> Choose:
        serves(*names, method=method)(lambda a: loop if is_array(a) else None)
        return loop

    return register


_METHODS: dict[str, Any] = {}


def _redirect(function: Any, ours: Any) -> None:
    class Redirect(AbstractTemplate):  # type: ignore[misc, unused-ignore]
        key = function
        metadata = FIRST

        def generic(self, args: Any, kws: Any) -> Any:
            if dual_among((*args, *dict(kws).values())) is None:
                return None
            return self.context.resolve_value_type(ours).get_call_type(self.context, args, kws)

        def get_impl_key(self, sig: Any) -> Any:
            return self.context.resolve_value_type(ours).get_impl_key(sig)

    infer_global(function)(Redirect)


def _method(context: Any, array: Any, name: str) -> Any:
    if not is_array(array) or name not in _METHODS:
        return None
    ours = _METHODS[name]

    class Method(AbstractTemplate):  # type: ignore[misc, unused-ignore]
        key = ("method of dual arrays", name)

        def generic(self, args: Any, kws: Any) -> Any:
            function = self.context.resolve_value_type(ours)
            return function.get_call_type(self.context, (array, *args), kws).as_method()

    return types.BoundFunction(Method, array)


def _call(ours: Any) -> Any:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        function = context.typing_context.resolve_value_type(ours)
        sig = function.get_call_type(context.typing_context, sig.args, {})
        implementation = context.get_function(function, sig)
        context.add_linking_libs(getattr(implementation, "libs", ()))
        return implementation(builder, args)

    return lower


infer_getattr(methods_of_arrays(_method))
stay_inside(DualType)
