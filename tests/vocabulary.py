"""The scalar vocabulary as forms of one function each, with derivatives to 50 digits; for tests only."""

from typing import Any

import mpmath
import numpy as np

from adbench.model import ELEMENTARY, Form, Method, Operator, Point, elsewhere

# Inside every function's domain, away from zeros of the derivatives.
POINTS = np.array([0.1, 0.35, 0.8])
SPELT = {"lgamma": "loggamma"}


def _of(m: Any, word: str, x: Any) -> Any:
    function = getattr(m, SPELT.get(word, word) if m is mpmath.mp else word)
    return function(x, 2.0 - x * x) if word == "atan2" else function(x)


def form(name: str, word: str) -> Form:
    """``word(x)`` element by element; `atan2` takes 2 - x^2 as its second argument."""
    return Form(name, lambda m: lambda x: _of(m, word, x), elementwise=True)


def worst_error(method: Method, name: str, word: str, operator: Operator) -> float:
    """Largest relative error of the method's result for the word."""
    point = Point(POINTS)
    prepared = method.prepare(form(name, word), operator, elsewhere(point))
    result = prepared.decode(prepared.call(*prepared.encode(point)))
    assert result.shape == POINTS.shape
    assert result.dtype == np.float64
    with mpmath.workdps(50):
        order = 1 if operator is Operator.DERIVATIVE else 0
        exact = [mpmath.diff(lambda x: _of(mpmath.mp, word, x), x, order) for x in POINTS.tolist()]
        return max(float(abs(r / e - 1)) for r, e in zip(result.tolist(), exact, strict=True))


WORDS = ELEMENTARY
