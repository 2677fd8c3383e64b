"""Compiled callables that know the sizes they were called with.

Code for a known number of variables is several times as fast as code for any, but Numba compiles for
types, and the length of an array is none. So the dispatcher that Python calls looks the sizes up in a
small table of addresses, in compiled code, and calls what was compiled for them. A size that is not in
the table is compiled for when it first comes: for that the compiled code calls back into Python. What
other compiled code calls (`Compiled.inside`) has no table, since there may be no Python to call back.

Hooks into Numba beyond its extension interface: `Compiled` overrides four methods of its dispatcher,
``_compile_for_args``, ``get_call_template``, ``get_overload`` and ``get_compile_result``; and a function
is called by its address with Numba's own calling convention, as Numba calls first-class functions.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.arguments import Argnums, all_dimensions, chosen, leaves, total
from adbench.dual.numba.compiling import UnsupportedFunctionError, explained
from adbench.dual.numba.dual_type import realign_stack
from adbench.dual.numba.internals import CPUDispatcher, OmittedArg

SLOTS = 40  # sizes of one table: those of an array of up to 32 numbers, and some
WORD = ir.IntType(64)


class Compiled(CPUDispatcher):  # type: ignore[misc, unused-ignore]
    """A Numba dispatcher that explains what cannot be compiled, and prepares for what it is called with.

    Parameters
    ----------
    entry : callable
        The Python function to compile.
    options : dict
        Of ``numba.njit``.
    function : callable
        What is differentiated.
    inside : numba dispatcher, optional
        What other compiled code calls in its place.
    prepare : callable, optional
        Called with the arguments, out excepted, when their types are new.
    kernels : callable, optional
        Dispatchers of the code that the compiled code calls by address.
    """

    def __init__(
        self,
        entry: Callable[..., Any],
        options: dict[str, Any],
        function: Callable[..., Any],
        inside: Any = None,
        prepare: Callable[[tuple[Any, ...]], None] | None = None,
        kernels: Callable[[], list[Any]] = list,
    ) -> None:
        pipeline = {k: options[k] for k in ("pipeline_class",) if k in options}
        told = {k: v for k, v in options.items() if k not in pipeline}
        super().__init__(entry, targetoptions={"nopython": True, **told}, **pipeline)
        self.inside = inside
        self.function = function
        self.prepare = prepare
        self.kernels = kernels

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """What a call from compiled code is typed with."""
        try:
            with explained(self.function):
                if self.inside is None:
                    return super().get_call_template(args, kws)
                return self.inside.get_call_template(args, kws)
        except UnsupportedFunctionError as error:
            raise TypingError(str(error)) from None

    def get_overload(self, sig: Any) -> Any:
        """What a call from compiled code calls."""
        return super().get_overload(sig) if self.inside is None else self.inside.get_overload(sig)

    def get_compile_result(self, sig: Any) -> Any:
        """What stands for the function where compiled code passes it on."""
        if self.inside is None:
            return super().get_compile_result(sig)
        return self.inside.get_compile_result(sig)

    def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
        with explained(self.function):
            if self.prepare is not None:
                self.prepare(self._given(args))
            return super()._compile_for_args(*args, **kws)

    def _given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments of the function that is differentiated, of those of the entry."""
        if self.py_func.__code__.co_flags & VARIADIC:
            found: tuple[Any, ...] = args[0]
            return found
        return tuple(a for a in args[:-1] if not isinstance(a, OmittedArg))


VARIADIC = 0x04  # flag of a code object: inspect.CO_VARARGS


class Table:
    """Addresses of the kernels compiled for the sizes of arguments of some types.

    A row of the table is an address and the dimensions of the arrays among the variables; above
    `largest` variables, when one kernel serves all sizes, they are told as -1.

    Parameters
    ----------
    function : callable
        What is differentiated.
    argnums : int or tuple of int
    args : numba type
        Of the tuple of arguments.
    largest : int
    kernel_for : callable
        ``kernel_for(dimensions or None, types, arguments or None) -> (dispatcher, types it is compiled
        for)``.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        argnums: Argnums,
        args: Any,
        largest: int,
        kernel_for: Callable[[tuple[int, ...] | None, Any, tuple[Any, ...] | None], Any],
    ) -> None:
        arrays = [t for t in leaves(chosen(args, argnums)) if isinstance(t, types.Array)]
        self.argnums, self.args, self.largest = argnums, args, largest
        self.dimensions = sum(a.ndim for a in arrays)
        self.rows = ((ctypes.c_int64 * (1 + self.dimensions)) * SLOTS)()
        self.resolver = self.resolve  # compiled code knows its address, which must stay good
        self._function, self._kernel_for = function, kernel_for
        self._kernels: dict[tuple[int, ...] | None, Any] = {}
        self._next = 0

    def return_type(self) -> Any:
        """What the kernels return."""
        key = next(iter(self._kernels), None)
        return self._compiled(key, None).signature.return_type

    def resolve(self, args: tuple[Any, ...]) -> int:
        """The address of the kernel for these arguments, entered in the table; compiled if new."""
        key, count = dimensions_of(args, self.argnums)
        many = count > self.largest
        own = key in self._kernels or (not many and len(self._kernels) < SLOTS)
        compiled = self._compiled(key if own else None, args)
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
        row = self.rows[self._next % SLOTS]
        self._next += 1
        row[0] = 0
        row[1:] = (-1,) * len(key) if many else key
        row[0] = address
        return int(address)

    def kernels(self) -> list[Any]:
        """Dispatchers of the kernels compiled so far."""
        return [kernel for kernel, _ in self._kernels.values()]

    def _compiled(self, key: tuple[int, ...] | None, args: tuple[Any, ...] | None) -> Any:
        if key not in self._kernels:
            with explained(self._function):
                self._kernels[key] = self._kernel_for(key, self.args, args)
        kernel, types_of_call = self._kernels[key]
        return kernel.overloads[types_of_call]


def dimensions_of(args: tuple[Any, ...], argnums: Argnums) -> tuple[tuple[int, ...], int]:
    """Dimensions of the arrays among the variables one after the other, and how many numbers in all."""
    which = (argnums,) if isinstance(argnums, int) else argnums
    dimensions: list[int] = []
    count = 0
    rest = [args[i] for i in reversed(which)]
    while rest:
        part = rest.pop()
        if isinstance(part, tuple):
            rest.extend(reversed(part))
        else:
            dimensions += getattr(part, "shape", ())
            count += getattr(part, "size", 1)
    return tuple(dimensions), count


def caller(table_of: Callable[[Any], Table]) -> Any:
    """``kernel(call)``: calls the kernel for the sizes of ``call[0]`` with the elements of `call`.

    `table_of` finds the table for a type of ``call[0]``, the tuple of arguments.
    """

    def kernel(typingctx: Any, call: Any) -> Any:
        table = table_of(call.types[0])
        result_type = table.return_type()

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            parts = [builder.extract_value(values[0], i) for i in range(len(call.types))]
            address = cgutils.alloca_once_value(
                builder, _look_up(context, builder, table, parts[0])
            )
            missing = builder.icmp_signed("==", builder.load(address), ir.Constant(WORD, 0))
            with cgutils.if_unlikely(builder, missing):
                builder.store(_ask_python(context, builder, table, parts[0]), address)
            kind = context.call_conv.get_function_type(result_type, call.types)
            function = builder.inttoptr(builder.load(address), kind.as_pointer())
            status, result = context.call_conv.call_function(
                builder, function, result_type, call.types, parts
            )
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return result

        return signature(result_type, call), write

    return intrinsic(kernel)


def by_type(kernel_of: Callable[[Any], Any]) -> Any:
    """``kernel(call)``: calls the dispatcher that suits the type of `call` with its elements."""

    def kernel(typingctx: Any, call: Any) -> Any:
        kind = types.Dispatcher(kernel_of(call))
        own = kind.get_call_type(typingctx, call.types, {})

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            parts = [builder.extract_value(values[0], i) for i in range(len(call.types))]
            if kind.dispatcher.targetoptions.get("forceinline"):
                realign_stack(builder)
            function = context.get_function(kind, own)
            context.add_linking_libs(getattr(function, "libs", ()))
            return function(builder, parts)

        return signature(own.return_type, call), write

    return intrinsic(kernel)


def _look_up(context: Any, builder: Any, table: Table, args: Any) -> Any:
    """The address in the row of these sizes, 0 where there is none."""
    dimensions = _told(context, builder, table, args)
    where = context.add_dynamic_addr(builder, ctypes.addressof(table.rows), "sizes compiled for")
    rows = builder.bitcast(where, WORD.as_pointer())
    found = cgutils.alloca_once_value(builder, ir.Constant(WORD, 0))
    with cgutils.for_range(builder, ir.Constant(WORD, SLOTS)) as loop:
        start = builder.mul(loop.index, ir.Constant(WORD, 1 + len(dimensions)))
        address = builder.load(builder.gep(rows, [start]))
        same = builder.icmp_signed("!=", address, ir.Constant(WORD, 0))
        for i, d in enumerate(dimensions):
            entry = builder.load(builder.gep(rows, [builder.add(start, ir.Constant(WORD, i + 1))]))
            same = builder.and_(same, builder.icmp_signed("==", entry, d))
        with builder.if_then(same, likely=True):
            builder.store(address, found)
            loop.do_break()
    return builder.load(found)


def _told(context: Any, builder: Any, table: Table, args: Any) -> list[Any]:
    """The dimensions as the table has them: -1 for all where the variables are many."""
    dimensions = all_dimensions(context, builder, table.args, args, table.argnums)
    count = total(context, builder, table.args, args, table.argnums)
    many = builder.icmp_signed(">", count, ir.Constant(WORD, table.largest))
    return [builder.select(many, ir.Constant(WORD, -1), d) for d in dimensions]


def _ask_python(context: Any, builder: Any, table: Table, args: Any) -> Any:
    """Calls `Table.resolve`; what it raises is raised by the compiled code."""
    python = context.get_python_api(builder)
    state = python.gil_ensure()
    resolve = context.add_dynamic_addr(builder, id(table.resolver), "compiles for a new size")
    context.nrt.incref(builder, table.args, args)  # boxing takes a reference
    boxed = python.from_native_value(table.args, args, context.get_env_manager(builder))
    answer = python.call_function_objargs(builder.bitcast(resolve, boxed.type), (boxed,))
    python.decref(boxed)
    with cgutils.if_unlikely(builder, cgutils.is_null(builder, answer)):
        python.gil_release(state)
        context.call_conv.return_exc(builder)
    address = python.long_as_longlong(answer)
    python.decref(answer)
    python.gil_release(state)
    return address
