"""Where the functions are differentiated: variables and data of every case, for Numba, C and arrays.

All from fixed seeds; nothing here runs or measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import arrays
import functions
import numpy as np
import numpy.typing as npt

__all__ = ["CASES", "Problem", "array_arguments", "named", "problem"]

Floats = npt.NDArray[np.float64]
EMPTY = np.zeros(1)
STEPS = 1000


@dataclass(frozen=True)
class Problem:
    """A function at a point, and how its kernels see it.

    Attributes
    ----------
    name : str
        ``function[size]``.
    build : callable
        Builder of `functions`: ``build(m) -> f(x, *data)``.
    x : ndarray or float
        Variables; one number for functions of one number.
    data : tuple
        What f takes after x.
    flat, n : ndarray, int
        The data as kernels see them.
    unpack : callable
        ``unpack(m) -> g(x, data, n)``: a kernel's arguments as f's, as code for Numba; `m` is Numba.
    array : callable, optional
        Builder of `arrays` for the same function; its f takes x and those data that are arrays.
    many : bool
        f is applied to every point in `flat`, two numbers each, instead of to x.
    """

    name: str
    build: Callable[[Any], Any]
    x: Any
    data: tuple[Any, ...]
    flat: Floats
    n: int
    unpack: Callable[[Any], Any]
    array: Callable[[Any], Any] | None = None
    many: bool = False

    @property
    def c_name(self) -> str:
        """Name of its C kernels, without ``_primal`` and the like."""
        return self.name.partition("[")[0]

    @property
    def variables(self) -> int:
        """How many numbers f is differentiated by."""
        return int(np.size(self.x))

    @property
    def results(self) -> int:
        """How many numbers a gradient kernel writes."""
        return 3 * self.n if self.many else self.variables


def array_arguments(problem: Problem) -> tuple[Any, ...]:
    """Variables and data as whole-array code takes them; numbers of steps are part of its text."""
    if problem.many:
        return (problem.flat.reshape(-1, 2),)
    return (problem.x, *(d for d in problem.data if isinstance(d, np.ndarray)))


def _number(m: Any) -> Any:
    return m.njit(forceinline=True)(lambda x, data, n: (m.carray(x, (1,))[0],))


def _number_and_size(m: Any) -> Any:
    return m.njit(forceinline=True)(lambda x, data, n: (m.carray(x, (1,))[0], n))


def _variables(count: int) -> Callable[[Any], Any]:
    return lambda m: m.njit(forceinline=True)(lambda x, data, n: (m.carray(x, (count,)),))


def _variables_and_size(count: int) -> Callable[[Any], Any]:
    return lambda m: m.njit(forceinline=True)(lambda x, data, n: (m.carray(x, (count,)), n))


def _variables_and_data(count: int, each: int = 1) -> Callable[[Any], Any]:
    return lambda m: m.njit(forceinline=True)(
        lambda x, data, n: (m.carray(x, (count,)), m.carray(data, (each * n,)))
    )  # fmt: skip


def _histogram(m: Any) -> Any:
    def unpack(x, data, n):  # type: ignore[no-untyped-def]
        both = m.carray(data, (2 * n + 1,))
        return m.carray(x, (3,)), both[:n], both[n:]

    return m.njit(forceinline=True)(unpack)


def _moved(count: int) -> Callable[[Any], Any]:
    return lambda m: m.njit(forceinline=True)(
        lambda x, data, n: (m.carray(x, (count,)), m.carray(data, (10,)), n)
    )  # fmt: skip


def _logistic(size: int) -> Problem:
    return Problem("logistic_map[1000]", functions.logistic_map, 3.5, (size,), EMPTY, size,
                   _number_and_size, arrays.logistic_map)  # fmt: skip


def _bessel(size: int) -> Problem:
    return Problem("bessel", functions.bessel, 2.5, (), EMPTY, 0, _number, arrays.bessel)


def _rosenbrock(size: int) -> Problem:
    return Problem(f"rosenbrock[{size}]", functions.rosenbrock, np.linspace(-1.2, 1.0, size), (),
                   EMPTY, size, _variables(size), arrays.rosenbrock)  # fmt: skip


def _sample(size: int) -> Floats:
    return 1.5 + 0.7 * np.random.default_rng(31337).standard_normal(size)


def _gauss(size: int) -> Problem:
    sample = _sample(size)
    return Problem(f"gauss_nll[{size}]", functions.gauss_nll, np.array([1.2, 0.8]), (sample,),
                   sample, size, _variables_and_data(2), arrays.gauss_nll)  # fmt: skip


def _gauss_log(size: int) -> Problem:
    sample = _sample(size)
    return Problem(f"gauss_log[{size}]", functions.gauss_log, np.array([1.2, 0.8]), (sample,),
                   sample, size, _variables_and_data(2), arrays.gauss_log)  # fmt: skip


def _histogram_nll(size: int) -> Problem:
    draws = np.random.default_rng(1).normal(size=10_000)
    counts, edges = np.histogram(draws, bins=size)
    flat = np.concatenate([counts.astype(np.float64), edges])
    return Problem(f"histogram_nll[{size}]", functions.histogram_nll,
                   np.array([1.5 * counts.sum(), 1.0, 2.0]), (flat[:size], flat[size:]), flat, size,
                   _histogram, arrays.histogram_nll)  # fmt: skip


def _gmm(size: int) -> Problem:
    random = np.random.default_rng(5)
    points = random.normal(size=2 * size) * 2.0
    x = np.concatenate([random.normal(size=5), random.normal(size=10),
                        0.3 * random.normal(size=15)])  # fmt: skip
    return Problem(f"gmm[{size}]", functions.gmm, x, (points,), points, size,
                   _variables_and_data(30, 2), arrays.gmm)  # fmt: skip


# An orbit of predator and prey, slightly damped, every coefficient different from zero.
ORBIT = np.array([0.01, 1.5, 0.02, -1.0, -0.05, 0.01, 0.03, -3.0, 1.0, -0.05])


def _ode(size: int) -> Problem:
    return Problem(f"ode[{size}]", functions.ode, ORBIT, (size,), EMPTY, size,
                   _variables_and_size(10), arrays.ode)  # fmt: skip


def _escape(size: int) -> Problem:
    random = np.random.default_rng(7)
    points = np.column_stack([random.uniform(-2.0, 0.6, size), random.uniform(-1.2, 1.2, size)])
    return Problem(f"escape[{size}]", functions.escape, points[0].copy(), (), points.reshape(-1),
                   size, _variables(2), arrays.escape, many=True)  # fmt: skip


def _tangents(k: int) -> Problem:
    x = np.linspace(0.0, 1.0, k)
    return Problem(f"tangents[{k}]", functions.tangents, x, (ORBIT, STEPS), ORBIT, STEPS,
                   _moved(k))  # fmt: skip


# Every case of the tables: the 16 against JAX first, then what only our duals run.
CASES: dict[str, tuple[Callable[[int], Problem], tuple[int, ...]]] = {
    "logistic_map": (_logistic, (1000,)),
    "bessel": (_bessel, (0,)),
    "rosenbrock": (_rosenbrock, (2, 10, 100, 1000)),
    "gauss_nll": (_gauss, (100, 1000, 10_000, 100_000, 1_000_000)),
    "gauss_log": (_gauss_log, (10_000,)),
    "histogram_nll": (_histogram_nll, (1000,)),
    "gmm": (_gmm, (1000,)),
    "ode": (_ode, (1000,)),
    "escape": (_escape, (10_000,)),
    "tangents": (_tangents, (4, 8, 16, 32)),
}


def problem(function: str, size: int) -> Problem:
    """One of them."""
    return CASES[function][0](size)


def named() -> dict[str, tuple[str, int]]:
    """Name of each case to its function and size."""
    return {
        name if name == "bessel" else f"{name}[{size}]": (name, size)
        for name, (_, sizes) in CASES.items()
        for size in sizes
    }
