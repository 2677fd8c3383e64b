"""Elementary functions of floats, complex numbers and scalar dual numbers, by one dispatch each.

The rules see this namespace too, so a dual of a dual is differentiated by the same lines. A dual is
recognised by its ``tag`` (see `adbench.dual.python.numbers`); nothing else here knows how duals are made.
"""

from types import ModuleType
from typing import Any

import numpy as np

from adbench.dual import rules
from adbench.dual.elementary import ARRAY, COMPLEX, CONSTANTS, FLOAT, UNARY_NAMES, Function

Rule = rules.Unary


def _namespace(name: str, members: dict[str, Any]) -> ModuleType:
    module = ModuleType(name, "Elementary functions and constants.")
    vars(module).update(members)
    return module


_ARRAY = _namespace("adbench.dual.ARRAY", dict(ARRAY))


def evaluate(rule: Rule, plain: Function, x: Any) -> tuple[Any, Any, Any]:
    """``(f, f', f'')`` at x, with infinities where Python's floats would raise in a derivative.

    Python raises for 1.0 / 0.0 and for overflow. Where f itself is defined (`plain` does not raise),
    as ``sqrt(0.0)``, the rule is read again in NumPy's arithmetic, which gives the infinite slope
    that the rules promise.
    """
    try:
        return rule(math, x)
    except (ZeroDivisionError, OverflowError):
        if not isinstance(x, float):
            raise
        value = plain(x)
        with np.errstate(all="ignore"):
            _, first, second = rule(_ARRAY, np.float64(x))
        return value, _plain(first), _plain(second)


def _plain(d: Any) -> Any:
    return d if d is None or isinstance(d, int) else float(d)


def _unary(name: str, rule: Rule) -> Function:
    plain = FLOAT[name]

    def function(x: Any) -> Any:
        if x.__class__ is float:
            return plain(x)
        if getattr(x, "tag", 0):
            return x.chain(*evaluate(rule, plain, x.value))
        if isinstance(x, complex):
            return COMPLEX[name](x)
        return plain(x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name} of a float, a complex number or a dual number."
    return function


def binary(name: str, a: Any, b: Any) -> Any:
    """Combine two numbers, of which at least one is dual, by the rule of that name.

    The number of the inner differentiation (the larger tag) is the variable; a number of an outer
    one counts as a constant, so perturbations of different calls never mix.
    """
    tag_a, tag_b = getattr(a, "tag", 0), getattr(b, "tag", 0)
    if tag_a == tag_b:
        return a.chain2(b, *_partials(name, a.value, b.value))
    if tag_a > tag_b:
        f, fa, _, faa, _, _ = _partials(name, a.value, b)
        return a.chain(f, fa, faa)
    f, _, fb, _, _, fbb = _partials(name, a, b.value)
    return b.chain(f, fb, fbb)


def _partials(name: str, a: Any, b: Any) -> tuple[Any, ...]:
    """The rule of that name at (a, b), with infinities as in `evaluate`."""
    rule = rules.BINARY[name]
    try:
        return rule(math, a, b)
    except (ZeroDivisionError, OverflowError):
        if name not in FLOAT or not all(isinstance(x, (int, float)) for x in (a, b)):
            raise
        value = FLOAT[name](a, b)
        with np.errstate(all="ignore"):
            _, *partials = rule(_ARRAY, np.float64(a), np.float64(b))
        return value, *map(_plain, partials)


def _of_two(name: str) -> Function:
    plain = FLOAT[name]

    def function(a: Any, b: Any) -> Any:
        if getattr(a, "tag", 0) or getattr(b, "tag", 0):
            return binary(name, a, b)
        return plain(a, b)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name} of floats or dual numbers."
    return function


def vanishes(x: Any) -> bool:
    """Whether x is zero; of a dual, whether all its derivatives are zero too."""
    return bool(x.vanishes() if getattr(x, "tag", 0) else x == 0)


def _strong(v: Any, x: Any) -> Any:
    return 0.0 if vanishes(v) and x == x else v * x


def _quiet_log(x: Any) -> Any:
    if isinstance(x, complex) or x > 0:
        return math.log(x)
    if getattr(x, "tag", 0):
        slope = np.inf if x == 0 else np.nan
        return x.chain(_quiet_log(x.value), slope, -slope)
    return FLOAT["quiet_log"](x)


def power(a: Any, b: Any) -> Any:
    """``a ** b`` where at least one is dual: without a logarithm when the exponent is plain."""
    if getattr(b, "tag", 0):
        return binary("pow", a, b)
    if isinstance(b, int) and b >= 0 and _exact(a):
        return _repeated(a, b)
    return a.chain(*evaluate(lambda m, x: rules.power(m, x, b), lambda x: x**b, a.value))


def _exact(a: Any) -> bool:
    """Whether the number at the core is one whose arithmetic does not round (int, Fraction)."""
    while getattr(a, "tag", 0):
        a = a.value
    return hasattr(a, "numerator")


def _repeated(a: Any, n: int) -> Any:
    """``a ** n`` by multiplications alone: the rule's floats would round a Fraction."""
    if n == 0:
        return a * 0 + 1
    half = _repeated(a, n // 2) if n > 1 else 1
    square = half * half
    return square * a if n % 2 else square


def polygamma(order: int, x: Any) -> Any:
    """The polygamma function: derivatives of lgamma from the first on."""
    if getattr(x, "tag", 0):
        return x.chain(*rules.polygamma(math, order, x.value))
    return FLOAT["polygamma"](order, x)


def _where_nonnegative(x: Any, yes: Any, no: Any) -> Any:
    return yes if x >= 0 else no


math = _namespace(
    "adbench.dual.python.math",
    {
        **CONSTANTS,
        **{name: _unary(name, rules.UNARY[name]) for name in UNARY_NAMES if name != "lgamma"},
        "lgamma": _unary("lgamma", rules.lgamma),
        "fabs": _unary("fabs", rules.UNARY["fabs"]),
        "atan2": _of_two("atan2"),
        "hypot": _of_two("hypot"),
        "polygamma": polygamma,
        "pow": FLOAT["pow"],
        "where_nonnegative": _where_nonnegative,
        "quiet_log": _quiet_log,
        "strong": _strong,
        "steady": FLOAT["steady"],
    },
)
