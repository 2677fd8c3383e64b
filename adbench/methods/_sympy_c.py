"""SymPy's formulas as C: its printers write a function, its autowrap compiles that with Cython.

Knows formulas whose symbols are entries of arrays, no form and no operator. SymPy's own generator writes
neither sums over data nor common subexpressions beside arrays ("do not play well together yet"), so that
the function is put together of its ``codegen.ast`` and handed to autowrap by a generator of ours.
Autowrap starts Python and the C compiler in a folder of its own, and removes it.

gcc and clang may reorder and contract here as LLVM may in Numba's methods, as far as NaN and infinity
keep their meaning.
"""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from adbench.methods._shared import Function
from adbench.methods._sympy_formulas import Entries

NAME = "formulas"
FLAGS = (
    "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",
    "-fno-signed-zeros", "-fassociative-math", "-freciprocal-math",
)  # fmt: skip


def by_c(entries: Entries, elementwise: bool) -> tuple[Function, Callable[[], None]]:
    """``call(*arrays)`` of all expressions in C, and what compiles it now.

    Returns
    -------
    callable
        Of arrays of doubles that lie in one piece, giving one such array: a number for each expression,
        summed over data; of an elementwise form the numbers of all points, expression after expression.
    callable

    Raises
    ------
    NotImplementedError
        When there is no C compiler, or the formulas hold a function that C's library lacks.
    """
    import sympy
    from sympy.utilities.autowrap import autowrap

    _need_compiler()
    if any(e.has(sympy.polygamma) for e in entries.expressions):
        raise NotImplementedError(
            "the derivative of lgamma is a polygamma function, which C's library lacks"
        )
    generator, arguments = _generator(entries, elementwise), list(entries.arrays)

    @cache
    def built() -> Any:
        flags = list(FLAGS)  # autowrap adds to the list
        return autowrap(
            sympy.Tuple(*entries.expressions), backend="cython", args=arguments,
            code_gen=generator, extra_compile_args=flags,
        )  # fmt: skip

    def now() -> None:
        built()

    return lambda *arrays: built()(*arrays), now


def _need_compiler() -> None:
    command = str(sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(command) is None:
        raise NotImplementedError(
            f"no C compiler '{command}' here, which SymPy's autowrap starts: apt install gcc "
            "python3-dev, or conda install -c conda-forge c-compiler"
        )


def _generator(entries: Entries, elementwise: bool) -> Any:
    """A generator of C whose one routine is ours."""
    from sympy.printing.c import C99CodePrinter
    from sympy.utilities.codegen import C99CodeGen, Routine

    arguments, body = _routine(entries, elementwise)
    function = _function(NAME, entries, arguments[-1].name, body)
    # Entries of arrays as they stand: "contracted" ones would get loops of the printer's own.
    text = C99CodePrinter({"contract": False}).doprint(function)

    class Generator(C99CodeGen):  # type: ignore[misc] # SymPy has no types
        def routine(self, *_: Any, **__: Any) -> Any:
            return Routine(NAME, arguments, [], [], set())

        def dump_c(self, routines: Any, file: Any, *_: Any, **__: Any) -> None:
            file.write(f"#include <math.h>\n{text}\n")

        dump_c.extension = "c"  # type: ignore[attr-defined] # where SymPy looks for it
        dump_fns = [dump_c, C99CodeGen.dump_h]  # noqa: RUF012 - SymPy's own is a list too

    return Generator("autowrap")


def _routine(entries: Entries, elementwise: bool) -> tuple[list[Any], list[Any]]:
    """What autowrap is told of the arguments, and the statements of the function."""
    import sympy
    from sympy.utilities.codegen import InputArgument, OutputArgument

    count = len(entries.expressions)
    length = count * entries.rows if elementwise else sympy.Integer(count)
    out = sympy.IndexedBase("out", shape=(length,))
    arguments = [InputArgument(a.label, dimensions=[(0, a.shape[0] - 1)]) for a in entries.arrays]
    if entries.runs:
        arguments.append(InputArgument(entries.rows))  # found by Cython in the shape of a column
    double = sympy.Float(0.0)
    arguments.append(OutputArgument(out.label, out, double, dimensions=[(0, length - 1)]))
    if elementwise:
        places = [out[k * entries.rows + entries.row] for k in range(count)]
        return arguments, [_loop(entries, _assignments(entries, places))]
    places = [out[k] for k in range(count)]
    if not entries.runs:
        return arguments, _assignments(entries, places)
    return arguments, _summed(entries, places)


def _summed(entries: Entries, places: Sequence[Any]) -> list[Any]:
    """Sums over data in variables of their own, which stay in registers as the array would not."""
    from sympy import symbols
    from sympy.codegen.ast import AddAugmentedAssignment, Assignment

    sums = symbols(f"sum:{len(places)}", seq=True)
    names, values = _common(entries)
    each = [AddAugmentedAssignment(s, e) for s, e in zip(sums, values, strict=True)]
    return [
        *(_number(s, 0.0) for s in sums),
        _loop(entries, [*names, *each]),
        *(Assignment(place, s) for place, s in zip(places, sums, strict=True)),
    ]


def _assignments(entries: Entries, places: Sequence[Any]) -> list[Any]:
    from sympy.codegen.ast import Assignment

    names, values = _common(entries)
    return [*names, *(Assignment(p, e) for p, e in zip(places, values, strict=True))]


def _loop(entries: Entries, statements: Sequence[Any]) -> Any:
    from sympy import Range
    from sympy.codegen.ast import For

    return For(entries.row, Range(0, entries.rows, 1), statements)


def _common(entries: Entries) -> tuple[list[Any], list[Any]]:
    """Declarations of common subexpressions, and the expressions that use them.

    Small whole powers are written as products, where gcc would call ``pow``.
    """
    import sympy
    from sympy.codegen.rewriting import create_expand_pow_optimization, optimize

    powers = create_expand_pow_optimization(
        8, base_req=lambda b: b.is_Symbol or isinstance(b, sympy.Indexed)
    )
    known = {c: c.evalf(17) for e in entries.expressions for c in e.atoms(sympy.NumberSymbol)}
    expressions = [e.xreplace(known) for e in entries.expressions]
    names, values = sympy.cse(expressions, symbols=sympy.numbered_symbols("t"))
    declared = [_number(name, optimize(e, [powers])) for name, e in names]
    return declared, [optimize(e, [powers]) for e in values]


def _number(name: Any, value: Any) -> Any:
    from sympy.codegen.ast import Variable, float64

    return Variable(name, type=float64).as_Declaration(value=value)


def _function(name: str, entries: Entries, out: Any, body: Sequence[Any]) -> Any:
    """Arrays do not overlap, as each call has a new result; the row is declared first."""
    from sympy.codegen.ast import CodeBlock, FunctionDefinition, Pointer, Variable, float64, intc
    from sympy.codegen.cnodes import restrict, void

    parameters = [Pointer(a.label, type=float64, attrs={restrict}) for a in entries.arrays]
    rows = [Variable(entries.rows, type=intc)] if entries.runs else []
    own = [Variable(entries.row, type=intc).as_Declaration()] if entries.runs else []
    parameters += [*rows, Pointer(out, type=float64, attrs={restrict})]
    return FunctionDefinition(void, name, parameters, CodeBlock(*own, *body))
