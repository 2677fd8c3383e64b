"""What Numba has beyond its documented extension interface and duals use, and the releases it fits.

What Numba does not document for extensions is imported here and nowhere else (a test looks): the other
modules take such names from this one, which says in one place what a new release may break.

Hooks that are no import stand with their purpose: methods of Numba's classes that ``sizes.Compiled``,
``borrowing.Borrower`` and ``vector_math_compiler`` override, the calling convention in ``tape_pass``,
``dual_type.realign_stack``, which goes round a check of llvmlite, and ``machine_code.code_bytes``,
which reads what was compiled. The rest of the package uses what Numba documents for extensions (types,
data models, intrinsics, overloads, lowering of builtins, templates).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba.core import boxing, pythonapi
from numba.core.callconv import Status, excinfo_t
from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.cpu_options import ParallelOptions
from numba.core.dispatcher import Dispatcher, OmittedArg
from numba.core.errors import ForceLiteralArg, UnsupportedError
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.sigutils import normalize_signature
from numba.core.typing import fold_arguments
from numba.core.typing.templates import AttributeTemplate
from numba.np import npyimpl
from numba.np.arrayobj import load_item, populate_array

__all__ = [
    "FIRST", "TESTED", "CPUCodeLibrary", "CPUDispatcher", "Compiler", "Dispatcher", "ForceLiteralArg",
    "JITCodeLibrary", "OmittedArg", "Status", "check_version", "cpu_target", "excinfo_t",
    "fold_arguments", "fuse_array_expressions", "has_fixed_signatures", "load_item", "loops_alone",
    "methods_of_arrays", "normalize_signature", "populate_array", "scalars_beside_arrays",
    "stay_inside", "surrounding_types",
]  # fmt: skip

TESTED = ("0.67", "0.68")
"""Minor releases of Numba that the test-suite has passed with."""

_WRAPPER = "_ZN7cpython"  # what the names of wrappers for calls from Python begin with

FIRST = {"target": "cpu"}
"""Metadata of a template that is asked before Numba's own, which are for any target."""


def check_version(version: str = numba.__version__) -> None:
    """Warn of a release that the hooks were not tested with.

    Warns
    -----
    RuntimeWarning
        Names the tested releases; what still works is not known.
    """
    if ".".join(version.split(".")[:2]) not in TESTED:
        warnings.warn(
            f"numba {version}: duals hook into its internals and were tested with "
            f"{' and '.join(TESTED)} only; if compiling fails, install one of those",
            RuntimeWarning,
            stacklevel=2,
        )


def _missing(what: str) -> ImportError:
    return ImportError(
        f"numba {numba.__version__} has no {what}, which duals hook into; "
        f"install numba {' or '.join(TESTED)}"
    )


def fuse_array_expressions(kind: type) -> None:
    """Let expressions of arrays and scalars of this type of value become one loop.

    Numba fuses only types that it thinks its own, and tells them by the module of their class.
    """
    if not hasattr(types.Type, "is_internal"):
        raise _missing("Type.is_internal")
    kind._is_internal = True  # type: ignore[attr-defined]


def scalars_beside_arrays(kind: type) -> None:
    """Let loops over arrays take a scalar of this type of value, as they take numbers."""
    own = getattr(npyimpl, "_prepare_argument", None)
    if own is None:
        raise _missing("npyimpl._prepare_argument")

    def prepare(
        context: Any, builder: Any, value: Any, ty: Any, where: str = "input operand"
    ) -> Any:
        if isinstance(ty, kind):
            return npyimpl._ScalarHelper(context, builder, value, ty)
        return own(context, builder, value, ty, where)

    npyimpl._prepare_argument = prepare


def stay_inside(kind: type) -> None:
    """Let compiled functions hand values of this type, and arrays of them, to compiled callers.

    Numba writes for each function what would hand its result to Python. For these that code raises
    TypeError; and a block of object mode that takes one is refused when it is compiled.
    """
    boxers = getattr(getattr(pythonapi, "_boxers", None), "functions", None)
    own = getattr(boxing, "box_array", None)
    if own is None or boxers is None or boxers.get(types.Array) is not own:
        raise _missing("pythonapi._boxers with boxing.box_array among them")

    def box(ty: Any, value: Any, c: Any) -> Any:
        return _refusal(ty, c) if isinstance(ty.dtype, kind) else own(ty, value, c)

    boxers[types.Array] = box
    boxers[kind] = lambda ty, value, c: _refusal(ty, c)


def _refusal(ty: Any, c: Any) -> Any:
    if not c.builder.function.name.startswith(_WRAPPER):
        raise UnsupportedError(f"objmode gets {ty}")
    c.pyapi.err_set_string("PyExc_TypeError", f"{ty} is for compiled code; take its value there")
    return c.pyapi.get_null_object()


def surrounding_types(typing_context: Any) -> tuple[Any, ...]:
    """Types of the arguments of the function whose types are being inferred; none outside of one."""
    stack = getattr(typing_context, "callstack", None)
    if stack is None:
        raise _missing("callstack of its typing context")
    return tuple(stack[0].args) if len(stack) else ()


def loops_alone() -> Any:
    """What ``@njit(parallel=...)`` is told of duals: loops over prange, and nothing by itself.

    Numba would write array expressions and sums out as parallel loops too, in a way that needs the
    element to be one of NumPy's types.
    """
    others = ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil")
    # The finished record: of a dict Numba would take the entries out while it reads them.
    return ParallelOptions(dict.fromkeys(others, False))


def has_fixed_signatures(dispatcher: Any) -> bool:
    """Whether the function was compiled for given types and takes no others."""
    return not getattr(dispatcher, "_can_compile", True)


def methods_of_arrays(resolve: Callable[[Any, Any, str], Any]) -> type:
    """Template that asks ``resolve(context, array type, name)`` before Numba looks for a method.

    None leaves the name to Numba; what ordinary arrays have stays as it was.
    """

    class Methods(AttributeTemplate):  # type: ignore[misc, unused-ignore]
        key = types.Array
        metadata = FIRST

        def generic_resolve(self, array: Any, name: str) -> Any:
            return resolve(self.context, array, name)

    return Methods
