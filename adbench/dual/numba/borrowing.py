"""Calls from compiled code to which arrays are lent: the callee counts no references to them.

A reference is counted with a locked addition, and Numba has every function count those to its
arguments. It leaves the counting out where it sees that a function's exits give back what was taken, but
an exit by an exception, and a driver has some, gives nothing back. So where a driver is called its
arguments go without their owners, as plain memory that the caller keeps alive; and the exception's
exit is marked as Numba marks those of a ``raise``, for the caller's own references. What was lent is
not lost either when the function raises.

Hooks into Numba beyond its extension interface: `Borrower` overrides ``get_overload`` and enters the code
of a call in the target's table of functions (`_call`); the mark is the metadata that Numba's pass for
references looks for (`_propagate`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from adbench.dual.numba.dual_type import realign_stack
from adbench.dual.numba.internals import CPUDispatcher, normalize_signature

_PLAIN = (types.Number, types.Boolean, types.NoneType, types.Omitted)


class Borrower(CPUDispatcher):  # type: ignore[misc, unused-ignore]
    """A Numba dispatcher that calls from compiled code lend their arguments to.

    Lent are numbers, arrays and tuples of them; for a call with anything else, which might keep an
    array, it is as any other dispatcher.

    Parameters
    ----------
    function : callable
        The Python function to compile. It must keep no argument, and return no part of one but its
        last, `out`: that itself, or as the second of two results. With ``*args`` it has no `out`.
    options : dict
        Of ``numba.njit``; it is inlined in any case.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        pipeline = {k: options[k] for k in ("pipeline_class",) if k in options}
        told = {k: v for k, v in options.items() if k not in pipeline}
        told |= {"nopython": True, "forceinline": True}  # calls are seen to count nothing
        super().__init__(function, targetoptions=told, **pipeline)
        self._calls: dict[Any, Any] = {}

    def get_overload(self, sig: Any) -> Any:
        """What a call from compiled code calls."""
        args = tuple(normalize_signature(sig)[0])
        if args not in self._calls:
            variadic = self.py_func.__code__.co_flags & inspect.CO_VARARGS
            out = types.none if variadic else args[-1]
            self._calls[args] = _call(self.targetctx, self.overloads[args], out)
        return self._calls[args]


def _call(context: Any, compiled: Any, out: Any) -> Any:
    """What Numba looks a call up by: the code that lends, or where it cannot, the usual."""
    signature, description = compiled.signature, compiled.fndesc
    returned = _place_of_out(signature.return_type, out)
    if returned is None or not all(_is_plain(t) for t in signature.args):
        return compiled.entry_point
    own = compiled.library.get_function(description.llvm_func_name)
    realigned = any(b"stackrealign" in told for told in own.attributes)

    def call(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if realigned:  # inlined code brings its vectors, but not this
            realign_stack(builder)
        lent = [_without_owner(context, builder, t, a) for t, a in zip(sig.args, args, strict=True)]
        function = context.declare_function(builder.module, description)
        status, result = context.call_conv.call_function(
            builder, function, description.restype, description.argtypes, lent
        )
        with cgutils.if_unlikely(builder, status.is_error):
            _propagate(context, builder, status)
        if returned == _NOWHERE:
            return result
        context.nrt.incref(builder, out, args[-1])
        return builder.insert_value(result, args[-1], list(returned)) if returned else args[-1]

    call.libs = (compiled.library,)  # type: ignore[attr-defined]
    context.insert_func_defn([(call, call, signature.args)])
    return call


_NOWHERE = (-1,)


def _place_of_out(result: Any, out: Any) -> tuple[int, ...] | None:
    """Where in the result `out` is, as indices; None where that is not known."""
    if isinstance(out, types.NoneType | types.Omitted):
        return None if isinstance(result, types.Optional) else _NOWHERE
    if result == out:
        return ()
    pair = isinstance(result, types.BaseTuple) and len(result.types) == 2
    return (1,) if pair and result.types[1] == out else None


def _is_plain(ty: Any) -> bool:
    if isinstance(ty, types.BaseTuple):
        return all(_is_plain(t) for t in ty.types)
    return isinstance(ty, (*_PLAIN, types.Array))


def _without_owner(context: Any, builder: Any, ty: Any, value: Any) -> Any:
    """The value, its arrays without the meminfo that counts references."""
    if isinstance(ty, types.BaseTuple):
        for i, t in enumerate(ty.types):
            part = _without_owner(context, builder, t, builder.extract_value(value, i))
            value = builder.insert_value(value, part, i)
    elif isinstance(ty, types.Array):
        array = context.make_array(ty)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        value = array._getvalue()
    return value


def _propagate(context: Any, builder: Any, status: Any) -> None:
    """What Numba does where a callee raised, with the mark that it gives to a ``raise``.

    Within ``try`` the function goes on and gives its references back: there is no mark.
    """
    convention = context.call_conv
    in_try = convention.check_try_status(builder).in_try
    place = convention._get_excinfo_argument(builder.function)
    with builder.if_else(in_try) as (within, outside):
        with within:
            builder.store(status.excinfoptr, place)
        with outside:
            store = builder.store(status.excinfoptr, place)
            mark = builder.module.add_metadata([ir.IntType(1)(1)])
            store.set_metadata("numba_exception_output", mark)
            convention._return_errcode_raw(builder, status.code)
