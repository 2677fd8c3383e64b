"""Elementary functions of numbers of any type and of scalar dual numbers, by one dispatch each.

The rules see this namespace too, so a dual of a dual is differentiated by the same lines. A dual is
recognised by its ``tag`` (see `adbench.dual.python.numbers`); nothing else here knows how duals are
made. Steps and choices (floor, where, maximum) are in `adbench.dual.python.choices`.
"""

from difflib import get_close_matches
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np

from adbench.dual import rules
from adbench.dual.elementary import ARRAY, CONSTANTS, FLOAT, UNARY_NAMES, Function
from adbench.dual.python import foreign

Rule = rules.Unary


def _namespace(name: str, members: dict[str, Any]) -> ModuleType:
    module = ModuleType(name, "Elementary functions and constants.")
    vars(module).update(members)
    return module


_ARRAY = _namespace("adbench.dual.ARRAY", dict(ARRAY))


def core(x: Any) -> Any:
    """The number inside all duals."""
    while getattr(x, "tag", 0):
        x = x.value
    return x


def words(x: Any) -> Any:
    """The namespace in which rules compute with x: `math`, but for numbers of other precision."""
    inner = core(x)
    plain = isinstance(inner, (*foreign.PLAIN, complex))
    return math if plain else foreign.Words(math, inner)


def evaluate(rule: Rule, plain: Function, x: Any) -> tuple[Any, Any, Any]:
    """``(f, f', f'')`` at x, with infinities where Python's floats would raise in a derivative.

    Python raises for 1.0 / 0.0 and for overflow. Where f itself is defined (`plain` does not raise),
    as ``sqrt(0.0)``, the rule is read again in NumPy's arithmetic, which gives the infinite slope
    that the rules promise.
    """
    try:
        return rule(math if x.__class__ is float else words(x), x)
    except (ZeroDivisionError, OverflowError):
        if not isinstance(x, (float, int)):
            raise
        value = plain(x)
        with np.errstate(all="ignore"):
            _, first, second = rule(_ARRAY, np.float64(x))
        return value, _plain(first), _plain(second)


def _plain(d: Any) -> Any:
    return d if d is None or isinstance(d, int) else float(d)


def _unary(name: str) -> Function:
    plain, rule = FLOAT[name], rules.UNARY[name]

    def function(x: Any) -> Any:
        if x.__class__ is float:
            return plain(x)
        if getattr(x, "tag", 0):
            return x.apply(name, rule, plain)
        return foreign.of_one(name, x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name} of a number of any type or a dual number."
    return function


def binary(name: str, a: Any, b: Any) -> Any:
    """Combine two numbers, of which at least one is dual, by the rule of that name.

    The number of the inner differentiation (the larger tag) is the variable; a number of an outer
    one counts as a constant, so perturbations of different calls never mix.
    """
    if getattr(a, "tag", 0) >= getattr(b, "tag", 0):
        return a.combine(name, a, b)
    return b.combine(name, a, b)


def combine(name: str, a: Any, b: Any) -> Any:
    """`binary` for duals that the chain rule is enough for."""
    tag_a, tag_b = getattr(a, "tag", 0), getattr(b, "tag", 0)
    if tag_a == tag_b:
        return a.chain2(b, *partials(name, a.value, b.value))
    if tag_a > tag_b:
        f, fa, _, faa, _, _ = partials(name, a.value, b)
        return a.chain(f, fa, faa)
    f, _, fb, _, _, fbb = partials(name, a, b.value)
    return b.chain(f, fb, fbb)


def partials(name: str, a: Any, b: Any) -> tuple[Any, ...]:
    """The rule of that name at (a, b), with infinities as in `evaluate`."""
    rule = rules.BINARY[name]
    try:
        if a.__class__ is float and b.__class__ is float:
            return rule(math, a, b)
        inner = core(a)
        if isinstance(b, int) and isinstance(inner, Fraction):
            b = Fraction(b)  # 1 / b of the rule would round
        return rule(words(b if isinstance(inner, foreign.PLAIN) else a), a, b)
    except (ZeroDivisionError, OverflowError):
        if name not in FLOAT or not all(isinstance(x, (int, float)) for x in (a, b)):
            raise
        value = FLOAT[name](a, b)
        with np.errstate(all="ignore"):
            _, *slopes = rule(_ARRAY, np.float64(a), np.float64(b))
        return value, *map(_plain, slopes)


def _of_two(name: str) -> Function:
    def function(a: Any, b: Any) -> Any:
        if getattr(a, "tag", 0) or getattr(b, "tag", 0):
            return binary(name, a, b)
        return foreign.of_two(name, a, b)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name} of numbers of any type or dual numbers."
    return function


def vanishes(x: Any) -> bool:
    """Whether x is zero; of a dual, whether all its derivatives are zero too."""
    return bool(x.vanishes() if getattr(x, "tag", 0) else x == 0)


def _strong(v: Any, x: Any) -> Any:
    return 0.0 if vanishes(v) and x == x else v * x


def _quiet_log(x: Any) -> Any:
    if isinstance(core(x), complex) or x > 0:
        return math.log(x)
    if getattr(x, "tag", 0):
        slope = np.inf if x == 0 else np.nan
        return x.chain(_quiet_log(x.value), slope, -slope)
    return FLOAT["quiet_log"](x)


def power(a: Any, b: Any) -> Any:
    """``a ** b`` where at least one is dual: without a logarithm when the exponent is plain."""
    if getattr(b, "tag", 0):
        return binary("pow", a, b)
    if isinstance(b, int) and b >= 0 and hasattr(core(a), "numerator"):
        return repeated(a, b)  # the rule's floats would round an integer or a Fraction
    return a.raised(b)


def repeated(a: Any, n: int) -> Any:
    """``a ** n`` for a whole n >= 0, by multiplications alone."""
    if n == 0:
        return a * 0 + 1
    half = repeated(a, n // 2) if n > 1 else 1
    square = half * half
    return square * a if n % 2 else square


def polygamma(order: int, x: Any) -> Any:
    """The polygamma function: derivatives of lgamma from the first on."""
    if getattr(x, "tag", 0):
        return x.polygamma(order)
    return foreign.polygamma(order, x)


def _where_nonnegative(x: Any, yes: Any, no: Any) -> Any:
    if x.__class__ is not float:
        inner = core(x)
        # of a complex number the real part: what the rules choose by it is analytic on either side
        x = inner.real if isinstance(inner, complex) or hasattr(inner, "_mpc_") else inner
    return yes if x >= 0 else no


_float_square_error = FLOAT["square_error"]


def _square_error(x: Any) -> Any:
    inner = x if x.__class__ is float else core(x)
    return _float_square_error(inner) if inner.__class__ is float else 0.0


def _floor(x: Any) -> Any:
    inner = core(x)
    return FLOAT["floor"](inner) if inner.__class__ is float else foreign.of_one("floor", inner)


def _missing(name: str) -> Any:
    near = get_close_matches(name, [n for n in vars(math) if not n.startswith("_")], 1)
    hint = f"did you mean '{near[0]}'?" if near else "write it with the functions that are there"
    raise AttributeError(f"adbench.dual.python.math has no '{name}': {hint}")


math = _namespace(
    "adbench.dual.python.math",
    {
        **CONSTANTS,
        **{name: _unary(name) for name in (*UNARY_NAMES, "fabs")},
        **{name: _of_two(name) for name in ("atan2", "hypot", "logaddexp", "mod")},
        "floor": _floor,
        "polygamma": polygamma,
        "pow": FLOAT["pow"],
        "where_nonnegative": _where_nonnegative,
        "quiet_log": _quiet_log,
        "strong": _strong,
        "steady": FLOAT["steady"],
        "square_error": _square_error,
        **rules.CONSTANTS,
        "__getattr__": _missing,
    },
)
