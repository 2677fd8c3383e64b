"""The one place where Numba's compiler learns to use vector mathematics, function by function.

A Numba function is compiled into a *library* of its own: its code, linked with the finished code of
the functions it calls, and optimised as a whole. `VectorMathLibrary` rewrites that linked code just
before LLVM optimises it. Nothing shared with other libraries is touched: their code was copied.

Hooks into Numba beyond its extension interface (as in 0.67 and 0.68): ``CPUCodeLibrary._final_module`` and
``_optimize_final_module``; `unfit` says when they are not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

import llvmlite
import numba
from llvmlite import binding

from adbench.dual.numba.internals import Compiler, CPUCodeLibrary, JITCodeLibrary
from adbench.dual.numba.vector_math_ir import VectorFunction, aliases, keeper, vectorisable

OLDEST_LLVM = 16  # the first to read ``memory(none)``
_functions: dict[str, VectorFunction] = {}


def unfit() -> str:
    """Why the installed Numba cannot be taught vector mathematics; empty if it can."""
    if binding.llvm_version_info[0] < OLDEST_LLVM:
        found = ".".join(map(str, binding.llvm_version_info))
        return f"llvmlite {llvmlite.__version__} has LLVM {found}, older than {OLDEST_LLVM}"
    if not hasattr(CPUCodeLibrary, "_optimize_final_module"):
        return (
            f"the inner parts of Numba {numba.__version__} are not those this code was written for"
        )
    return ""


def register(functions: Mapping[str, VectorFunction], scalar: Mapping[str, int]) -> None:
    """Tell the compiler, once a process, which functions there are.

    Parameters
    ----------
    functions : mapping of str to VectorFunction
        By name in C.
    scalar : mapping of str to int
        Address of each scalar function.
    """
    for name, address in scalar.items():
        binding.add_symbol(functions[name].alias, address)
    _functions.update(functions)


def registered() -> Mapping[str, VectorFunction]:
    """What `register` was told."""
    return MappingProxyType(_functions)


class VectorMathLibrary(JITCodeLibrary):  # type: ignore[misc, unused-ignore]
    """A library whose elementary functions LLVM may compute for several numbers at once."""

    _final_module: Any

    def _optimize_final_module(self) -> None:
        text = str(self._final_module)
        new = vectorisable(text, _functions)
        if new is not text:
            module = binding.parse_assembly(new)
            module.name = self._final_module.name
            called = [_functions[name] for name in sorted(aliases(new))]
            if called:
                module.link_in(binding.parse_assembly(keeper(called)))
            self._final_module = module
        super()._optimize_final_module()

    def serialize_using_object_code(self) -> NoReturn:
        """Refuse: Numba's files on disk do not tell this code from the plain function's."""
        raise RuntimeError(
            f"{self.name}: code with vector math cannot be cached on disk, where it would pass for "
            "the plain function's; leave out cache=True"
        )

    serialize_using_bitcode = serialize_using_object_code


class VectorMathCompiler(Compiler):  # type: ignore[misc, unused-ignore]
    """Numba's compiler, with a library of that kind for the function it is given."""

    def define_pipelines(self) -> Any:
        """Numba's own stages; the library is made here, before Numba makes one of its own."""
        state = self.state
        if state.library is None:
            name = state.func_id.func_qualname
            state.library = VectorMathLibrary(state.targetctx.codegen(), name)
            state.library.enable_object_caching()
        return super().define_pipelines()
