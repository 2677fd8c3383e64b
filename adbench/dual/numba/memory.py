"""Arrays over memory that is there already: on the stack, or part of another array.

Numba's own ways (``carray``, slices, ``reshape``) do this in compiled Python; here it is a handful of
LLVM instructions, with shapes that may be constants, which LLVM needs to unroll loops over few
variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.core import cgutils

from adbench.dual.numba.internals import load_item, populate_array


def extents(context: Any, builder: Any, ty: Any, array: Any) -> list[Any]:
    """The shape of an array, in LLVM integers."""
    shape = context.make_array(ty)(context, builder, array).shape
    return list(cgutils.unpack_tuple(builder, shape, ty.ndim))


def product(context: Any, builder: Any, shape: Sequence[Any]) -> Any:
    """The number of elements of that shape; 1 for no dimensions."""
    size = context.get_constant(types.intp, 1)
    for d in shape:
        size = builder.mul(size, d)
    return size


def steps(context: Any, builder: Any, shape: Sequence[Any], unit: Any) -> list[Any]:
    """Strides of a C-contiguous array whose neighbours in the last dimension are `unit` apart."""
    found = []
    for d in reversed(shape):
        found.append(unit)
        unit = builder.mul(unit, d)
    return found[::-1]


def array_on(
    context: Any,
    builder: Any,
    ty: Any,
    data: Any,
    shape: Sequence[Any],
    strides: Sequence[Any] | None = None,
    owner: Any = None,
) -> Any:
    """An array of that type on the memory; a new reference to its owner, a meminfo, if there is one."""
    itemsize = context.get_constant(
        types.intp, context.get_abi_sizeof(context.get_data_type(ty.dtype))
    )
    if strides is None:
        strides = steps(context, builder, shape, itemsize)
    array = context.make_array(ty)(context, builder)
    populate_array(array, data, list(shape), list(strides), itemsize, owner)
    value = array._getvalue()
    if owner is not None:
        context.nrt.incref(builder, ty, value)
    return value


def view(
    context: Any,
    builder: Any,
    line_type: Any,
    line: Any,
    start: Any,
    shape: Sequence[Any],
    as_array: bool,
) -> Any:
    """From element `start` on, a line's elements in that shape: a view, or the one element itself."""
    source = context.make_array(line_type)(context, builder, line)
    data = builder.gep(source.data, [start])
    if not as_array:
        return load_item(context, builder, line_type, data)
    ty = types.Array(line_type.dtype, len(shape), "C")
    return array_on(context, builder, ty, data, shape, owner=source.meminfo)
