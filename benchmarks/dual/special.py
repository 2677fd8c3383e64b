"""Cases of their own kind: operations of a function, call overhead, pure Python and NumPy duals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import arrays
import functions
import numpy as np
import ours
from contender import Contender, Maker
from problems import Problem, problem
from timing import calls

__all__ = ["NUMPY", "inside", "numpy", "operations", "overhead", "python"]


class Counted:
    """A number that depends on the variables, and counts the operations on such numbers."""

    total = 0

    def __init__(self, value: float) -> None:
        self.value = value

    @classmethod
    def made(cls, value: float) -> Counted:
        """The result of one operation."""
        Counted.total += 1
        return cls(value)


def _plain(x: Any) -> float:
    return float(x.value if isinstance(x, Counted) else x)


def _operator(name: str) -> None:
    def forward(self: Counted, *other: Any) -> Any:
        return Counted.made(getattr(float, name)(self.value, *map(_plain, other)))

    setattr(Counted, name, forward)


def _comparison(name: str) -> None:
    setattr(Counted, name, lambda self, other: getattr(self.value, name)(_plain(other)))


for _name in ("add", "sub", "mul", "truediv"):
    _operator(f"__{_name}__")
    _operator(f"__r{_name}__")
for _name in ("__neg__", "__abs__"):
    _operator(_name)
for _name in ("__lt__", "__le__", "__gt__", "__ge__"):
    _comparison(_name)


def operations(p: Problem) -> int:
    """How many operations a tape records: those with an operand that depends on the variables."""

    def word(name: str) -> Callable[[Any], Any]:
        plain = getattr(math, name)
        return lambda x: Counted.made(plain(x.value)) if isinstance(x, Counted) else plain(x)

    words = {name: word(name) for name in ("exp", "log", "log2", "erf")}
    f = p.build(functions.module("counting", **words, space=lambda x, n: [0.0] * n))
    x = [Counted(v) for v in p.x] if isinstance(p.x, np.ndarray) else Counted(p.x)
    Counted.total = 0
    f(x, *p.data)
    return Counted.total


def overhead() -> Mapping[str, Maker]:
    """Gradient of two variables against compiled functions that do nothing, same signatures."""
    from numba import njit

    p = problem("rosenbrock", 2)
    x, out = p.x, np.empty(2)

    @njit
    def empty(x):  # type: ignore[no-untyped-def]
        return np.empty(2)

    @njit
    def empty_into(x, out=None):  # type: ignore[no-untyped-def]
        return out

    gradient = ours.gradient(p)

    def allocating() -> Contender:
        return Contender(calls(gradient, x))

    def into() -> Contender:
        return Contender(_with_out(gradient, x, out))

    return {
        "grad(x)": allocating,
        "empty(x)": lambda: Contender(calls(empty, x)),
        "grad(x, out=g)": into,
        "empty(x, out=g)": lambda: Contender(_with_out(empty_into, x, out)),
    }


def _with_out(function: Callable[..., Any], x: Any, out: Any) -> Callable[[int], Any]:
    function(x, out=out)

    def run(count: int) -> None:
        for _ in range(count):
            function(x, out=out)

    return run


def inside() -> Mapping[str, Maker]:
    """Calls from a user's compiled loop, NumPy arrays in and out, of two variables."""
    p = problem("rosenbrock", 2)

    def looped(many: Any) -> Maker:
        x, out = p.x.copy(), np.empty(2)

        def gradient() -> Any:
            many(x, out, 1)
            return out.copy()

        return lambda: Contender(lambda count: many(x, out, count), gradient)

    return {name: looped(many) for name, many in ours.compiled_calls(p).items()}


def python() -> Mapping[str, Maker]:
    """The logistic map in Python: floats, our duals, and the other tools' numbers."""
    import peers

    p = problem("logistic_map", 1000)
    f = p.build(functions.for_python())
    one, many = ours.python_derivatives(f)
    makers: dict[str, Maker] = {
        "float": lambda: Contender(calls(f, p.x, *p.data)),
        "Dual": lambda: Contender(calls(one, p.x, *p.data), lambda: one(p.x, *p.data)),
        "Vector, k = 1": lambda: Contender(calls(many, p.x, *p.data), lambda: many(p.x, *p.data)),
    }
    others = ("num-dual", "fastdual", "hyperjet", "autograd")
    return makers | {name: peers.gradients(p)[name] for name in others}


NUMPY = (
    "rosenbrock[2]", "rosenbrock[10]", "gauss_nll[100]", "gauss_nll[10000]", "histogram_nll[1000]",
    "peaks[10000]",
)  # fmt: skip


def _numpy_case(name: str) -> tuple[Callable[[Any], Any], tuple[Any, ...]]:
    """Builder and arguments."""
    function, _, size = name.rstrip("]").partition("[")
    if function == "peaks":
        random = np.random.default_rng(3)
        times = np.linspace(0.0, 4.0, int(size))
        x = np.array([3.0, 0.2, 2.0, 0.5, 1.0, 1.0, 2.0, 2.0, 1.0, 4.0])
        return arrays.peaks, (x, times, random.normal(3.0, 1.0, times.size))
    p = problem(function, int(size))
    assert p.array is not None
    return p.array, (p.x, *p.data)


def numpy(name: str) -> Mapping[str, Maker]:
    """Whole-array code: NumPy itself, our array duals, autograd."""
    build, args = _numpy_case(name)
    f = build(arrays.for_numpy())
    gradient = ours.numpy_gradient(f)

    def autograd() -> Contender:
        import autograd as tool

        both = tool.value_and_grad(build(arrays.for_autograd()))
        return Contender(calls(both, *args), lambda: both(*args)[1])

    return {
        "numpy": lambda: Contender(calls(f, *args)),
        "numpy dual": lambda: Contender(calls(gradient, *args), lambda: gradient(*args)),
        "autograd": autograd,
    }
