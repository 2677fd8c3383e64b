"""Which numbers among the arguments of a call are variables, and how they lie in flat memory.

The *variables* are the arguments that ``argnums`` names: a number, an array, or a tuple of such, nested
or not. Their numbers, in the order of the arguments, rows of arrays first, are one flat line. Drivers
compute with that line alone; the functions here read it from the arguments (`gather`, `seeded`), give
the function its arguments back with duals in their places (`lifted`), and give a line of derivatives
the structure of the variables (`structured`, `matrix`).

`shapes`, where it is not None, holds the shape of every array among the variables, known when the
code is compiled; the arguments are then taken to have these shapes (`fits` tells).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from numba import types
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.dual_type import NUMBERS, DualType
from adbench.dual.numba.memory import extents, product, view
from adbench.dual.numba.refusals import refusal

f64 = types.float64
LINE = types.Array(f64, 1, "C")

Argnums = int | tuple[int, ...]
Shapes = tuple[tuple[int, ...], ...]


def normal(argnums: Any, count: int) -> Argnums:
    """Argnums counted from the front, for a function of so many arguments.

    Raises
    ------
    TypeError, ValueError
        For anything but an int or a tuple of different ints within the arguments.
    """
    several = isinstance(argnums, tuple)
    wanted = argnums if several else (argnums,)
    if not all(isinstance(i, int) and not isinstance(i, bool) for i in wanted) or not wanted:
        raise TypeError(f"argnums {argnums!r}: expected an int or a tuple of ints")
    if not all(-count <= i < count for i in wanted):
        raise ValueError(f"argnums {argnums!r}: the function is called with {count} arguments")
    found = tuple(i % count for i in wanted)
    if len(set(found)) < len(found):
        raise ValueError(f"argnums {argnums!r}: an argument is named twice")
    return found if several else found[0]


def chosen(args: Any, argnums: Argnums) -> Any:
    """The variables' Numba type, of the type of all arguments (a tuple)."""
    found = normal(argnums, len(args.types))
    if isinstance(found, int):
        return args.types[found]
    return types.BaseTuple.from_types([args.types[i] for i in found])


def leaves(ty: Any) -> list[Any]:
    """Types of the numbers and arrays of a tree of tuples, in order.

    Raises
    ------
    numba.TypingError
        For one that is neither.
    """
    if isinstance(ty, types.BaseTuple):
        return [leaf for t in ty.types for leaf in leaves(t)]
    of = ty.dtype if isinstance(ty, types.Array) else ty
    if not isinstance(of, NUMBERS):
        raise refusal(
            f"derivatives by an argument of type {ty}: expected a real number, an array of them, or a "
            "tuple of those; name the arguments to differentiate by with argnums="
        )
    return [ty]


def mapped(ty: Any, change: Callable[[Any], Any]) -> Any:
    """The tree of tuples with every leaf's type changed."""
    if isinstance(ty, types.BaseTuple):
        new = [mapped(t, change) for t in ty.types]
        return types.BaseTuple.from_types(new, getattr(ty, "instance_class", None))
    return change(ty)


# ---- the same in LLVM code


def chosen_values(builder: Any, ty: Any, args: Any, argnums: Argnums) -> list[tuple[Any, Any]]:
    """Leaves of the variables as pairs (type, value), in order."""
    found = normal(argnums, len(ty.types))
    which = (found,) if isinstance(found, int) else found
    return [
        leaf
        for i in which
        for leaf in leaf_values(builder, ty.types[i], builder.extract_value(args, i))
    ]


def leaf_values(builder: Any, ty: Any, value: Any) -> list[tuple[Any, Any]]:
    """Leaves of a tree of tuples as pairs (type, value), in order."""
    if not isinstance(ty, types.BaseTuple):
        return [(ty, value)]
    return [
        leaf
        for i, t in enumerate(ty.types)
        for leaf in leaf_values(builder, t, builder.extract_value(value, i))
    ]


def assembled(context: Any, builder: Any, ty: Any, values: Iterator[Any]) -> Any:
    """The tree of that type, its leaves taken from the iterator."""
    if not isinstance(ty, types.BaseTuple):
        return next(values)
    parts = [assembled(context, builder, t, values) for t in ty.types]
    return context.make_tuple(builder, ty, parts)


def shapes_of(context: Any, builder: Any, leaf_list: Any, shapes: Shapes | None) -> list[list[Any]]:
    """The shape of every leaf, in LLVM integers; of a number the empty one."""
    fixed = iter(shapes or ())
    found: list[list[Any]] = []
    for ty, value in leaf_list:
        if not isinstance(ty, types.Array):
            found.append([])
        elif shapes is None:
            found.append(extents(context, builder, ty, value))
        else:
            found.append([context.get_constant(types.intp, d) for d in next(fixed)])
    return found


def offsets(context: Any, builder: Any, sizes: Sequence[Any]) -> list[Any]:
    """Where each leaf begins in the flat line, and at the end its length."""
    found = [context.get_constant(types.intp, 0)]
    for size in sizes:
        found.append(builder.add(found[-1], size))
    return found


def total(context: Any, builder: Any, ty: Any, args: Any, argnums: Argnums) -> Any:
    """How many numbers the variables are, in LLVM code."""
    found = chosen_values(builder, ty, args, argnums)
    sizes = [product(context, builder, s) for s in shapes_of(context, builder, found, None)]
    return offsets(context, builder, sizes)[-1]


def counter(argnums: Argnums) -> Any:
    """``count(args)``: how many numbers the variables are."""

    def count(typingctx: Any, args: Any) -> Any:
        leaves(chosen(args, argnums))

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            return total(context, builder, sig.args[0], values[0], argnums)

        return signature(types.intp, args), write

    return intrinsic(count)


def all_dimensions(context: Any, builder: Any, ty: Any, args: Any, argnums: Argnums) -> list[Any]:
    """Dimensions of the arrays among the variables, one array after the other."""
    found = chosen_values(builder, ty, args, argnums)
    return [d for shape in shapes_of(context, builder, found, None) for d in shape]


def gatherer(argnums: Argnums) -> Any:
    """``gather(args, line)``: copies the numbers of the variables into a line of float64."""

    def gather(typingctx: Any, args: Any, line: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            found = chosen_values(builder, sig.args[0], values[0], argnums)
            sizes = [product(context, builder, s) for s in shapes_of(context, builder, found, None)]
            starts = offsets(context, builder, sizes)
            for (ty, value), start in zip(found, starts, strict=False):
                impl = _copy_array if isinstance(ty, types.Array) else _copy_number
                copy = signature(types.none, LINE, types.intp, ty)
                context.compile_internal(builder, impl, copy, (values[1], start, value))
            return context.get_dummy_value()

        return signature(types.none, args, LINE), write

    return intrinsic(gather)


def _copy_array(line, start, a):  # type: ignore[no-untyped-def]
    for v in a.flat:
        line[start] = v
        start += 1


def _copy_number(line, start, a):  # type: ignore[no-untyped-def]
    line[start] = a


def lifter(ty: DualType, argnums: Argnums, shapes: Shapes | None) -> Any:
    """``lift(duals, args)``: the arguments, with views of the line of duals for the variables."""

    def lift(typingctx: Any, duals: Any, args: Any) -> Any:
        found = normal(argnums, len(args.types))
        which = (found,) if isinstance(found, int) else found
        result = types.BaseTuple.from_types(
            [mapped(t, _dual_leaf(ty)) if i in which else t for i, t in enumerate(args.types)]
        )

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            views = iter(_views(context, builder, sig, values, argnums, shapes))
            parts: list[Any] = [None] * len(args.types)
            for i in which:
                parts[i] = assembled(context, builder, result.types[i], views)
            for i, t in enumerate(args.types):
                if i not in which:
                    parts[i] = builder.extract_value(values[1], i)
                    context.nrt.incref(builder, t, parts[i])
            return context.make_tuple(builder, result, parts)

        return signature(result, duals, args), write

    return intrinsic(lift)


def exchanger(ty: DualType, argnum: Any) -> Any:
    """``exchange(args, dual)``: the arguments, with a dual for the one that `argnum` names."""

    def exchange(typingctx: Any, args: Any, dual: Any) -> Any:
        which = normal(argnum, len(args.types))
        if not isinstance(which, int):
            raise refusal(f"argnums={argnum!r}: a derivative is taken by one argument")
        result = types.BaseTuple.from_types(
            [ty if i == which else t for i, t in enumerate(args.types)]
        )

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            parts = [values[1] if i == which else builder.extract_value(values[0], i)
                     for i in range(len(args.types))]  # fmt: skip
            for t, part in zip(result.types, parts, strict=True):
                context.nrt.incref(builder, t, part)
            return context.make_tuple(builder, result, parts)

        return signature(result, args, ty), write

    return intrinsic(exchange)


def _dual_leaf(ty: DualType) -> Callable[[Any], Any]:
    return lambda t: types.Array(ty, t.ndim, "C") if isinstance(t, types.Array) else ty


def _views(
    context: Any, builder: Any, sig: Any, values: Any, argnums: Argnums, shapes: Shapes | None
) -> Iterator[Any]:
    line, args = sig.args
    found = chosen_values(builder, args, values[1], argnums)
    all_shapes = shapes_of(context, builder, found, shapes)
    starts = offsets(context, builder, [product(context, builder, s) for s in all_shapes])
    for (ty, _), shape, start in zip(found, all_shapes, starts, strict=False):
        yield view(context, builder, line, values[0], start, shape, isinstance(ty, types.Array))
