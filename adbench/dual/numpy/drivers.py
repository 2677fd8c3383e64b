"""Derivatives of whole-array NumPy code, by array duals; the door for users.

>>> import numpy as np
>>> from adbench.dual.numpy import grad
>>> grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
array([2., 4.])

A function takes one array of variables, and constants after it, and may use arithmetic, indexing,
`scipy.special.erf` and `erfc`, and these of NumPy: elementary functions and `power`, `square`,
`reciprocal`, `absolute`, `arctan2`, `hypot`; `sum`, `mean`, `prod`, `cumsum`, `diff`; `dot` and
`matmul` of one and two axes; `where`, `maximum`, `minimum`, `clip`, `max`, `min`; `concatenate`,
`stack`, `reshape`, `ravel`, `transpose`, `moveaxis`, `expand_dims`, `squeeze`, `broadcast_to`,
`copy`; comparisons and steps, on values. Anything else raises a TypeError that names it.

Second order is a pass of its own kind, which carries the wanted second derivatives next to the
tangents and reads them from the rule table. The alternative, duals whose tangents are duals, would
call NumPy three to four times as often and compute each mixed derivative twice.

Floating-point warnings are off while f runs: a rule's unused part may overflow where f does not.
Infinities and NaN show in the result.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from adbench.dual.numpy import functions, products
from adbench.dual.numpy.array_type import DualArray, Seed

__all__ = ["DualArray", "derivative", "grad", "hessian", "value_and_grad"]

Function = Callable[..., Any]
Array = npt.NDArray[Any]

# Elements of one block of tangents, which bounds the memory: 128 KiB of float64. Blocks then stay in
# the cache, and below the size from which the C library maps fresh pages for each array (a factor of
# two to five on Rosenbrock functions of 300 to 10 000 variables).
ELEMENTS = 2**14
# So few variables are taken in one pass whatever their data: a second pass would repeat f's values.
FEW = 8

# importing these modules has filled the tables of the array dual
_TABLES = (functions, products)


def derivative(f: Function) -> Function:
    """The derivative of a function that works element by element: ``derivative(f)(x, *data)``.

    One pass with one tangent of ones, kept as a single number until it has to grow.
    """

    def df(x: Any, *data: Any) -> Array:
        x = _variables(x)
        seed = Seed()
        ones = np.ones((1,) * (x.ndim + 1), x.dtype)
        result = _run(f, DualArray(x, ones, None, seed), data)
        if not _is_ours(result, seed):
            return np.zeros(x.shape, x.dtype)
        if result.shape != x.shape:
            raise TypeError(
                f"the function maps shape {x.shape} to {result.shape}; derivative needs one that "
                "works element by element: use gradient"
            )
        slopes: Array = np.array(np.broadcast_to(result.tangents[0], x.shape))
        return slopes

    return df


def value_and_grad(f: Function) -> Function:
    """Value and gradient: ``value_and_grad(f)(x, *data) -> (value, gradient)``.

    The gradient has the shape of x. Raises TypeError when f does not return one number.
    """

    def both(x: Any, *data: Any) -> tuple[Any, Array]:
        x = _variables(x)
        slopes = np.zeros(x.size, x.dtype)
        value: Any = None if x.size else f(x, *data)
        for start, stop in _chunks(x.size, _length(x, data)):
            seed = Seed()
            ones = np.eye(stop - start, x.size, start, dtype=x.dtype)
            result = _one_number(_run(f, _seeded(x, ones, seed), data))
            value = result.value if isinstance(result, DualArray) else result
            if _is_ours(result, seed):
                slopes[start:stop] = result.tangents.reshape(-1)
        return value, slopes.reshape(x.shape)

    return both


def grad(f: Function) -> Function:
    """The gradient: ``grad(f)(x, *data)``, of the shape of x."""
    both = value_and_grad(f)
    return lambda x, *data: both(x, *data)[1]


def hessian(f: Function) -> Function:
    """The Hessian: ``hessian(f)(x, *data)``, shape (n, n) for n elements of x; exactly symmetric."""

    def h(x: Any, *data: Any) -> Array:
        x = _variables(x)
        result = np.zeros((x.size, x.size), x.dtype)
        for chosen, i, j in _blocks(x.size, _length(x, data)):
            seed = Seed(i, j)
            ones = np.zeros((len(chosen), x.size), x.dtype)
            ones[np.arange(len(chosen)), chosen] = 1.0
            out = _one_number(_run(f, _seeded(x, ones, seed), data))
            if _is_ours(out, seed) and out.curvatures is not None:
                rows, columns = np.asarray(chosen)[i], np.asarray(chosen)[j]
                result[rows, columns] = result[columns, rows] = out.curvatures.reshape(-1)
        return result

    return h


def _variables(x: Any) -> Array:
    if isinstance(x, DualArray):
        raise TypeError(
            "array duals do not nest: use adbench.dual.numpy.hessian for second derivatives, or the "
            "scalar duals"
        )
    variables: Array = np.asarray(x)
    return variables if variables.dtype.kind == "f" else variables.astype(np.float64)


def _length(x: Array, data: Any) -> int:
    """The largest array in sight: what one tangent of an intermediate result may take."""
    return max(1, x.size, *(np.size(d) for d in data if not isinstance(d, DualArray)))


def _chunks(n: int, length: int) -> Iterator[tuple[int, int]]:
    """Ranges of variables, one a pass."""
    step = n if n <= FEW else max(1, ELEMENTS // length)
    for start in range(0, n, max(step, 1)):
        yield start, min(start + step, n)


def _blocks(n: int, length: int) -> Iterator[tuple[list[int], Array, Array]]:
    """Variables of each second-order pass, and the pairs of them (by position) that it computes."""
    side = max(FEW, int((ELEMENTS // length) ** 0.5))
    blocks = [list(range(start, min(start + side, n))) for start in range(0, n, side)]
    for row, a in enumerate(blocks):
        i, j = np.triu_indices(len(a))
        yield a, i, j
        for b in blocks[row + 1 :]:
            i, j = np.indices((len(a), len(b))).reshape(2, -1)
            yield a + b, i, j + len(a)


def _seeded(x: Array, directions: Array, seed: Seed) -> DualArray:
    """X with one tangent for each row of `directions`."""
    return DualArray(x, directions.reshape(-1, *x.shape), None, seed)


def _run(f: Function, x: DualArray, data: Any) -> Any:
    with np.errstate(all="ignore"):
        return f(x, *data)


def _is_ours(result: Any, seed: Seed) -> bool:
    return isinstance(result, DualArray) and result.seed is seed


def _one_number(result: Any) -> Any:
    if getattr(result, "size", 1) != 1 or isinstance(result, (list, tuple)):
        shape = getattr(result, "shape", f"({len(result)},)")
        raise TypeError(
            f"the function returned shape {shape}; a function to differentiate returns one number: "
            "use derivative for one that works element by element, or sum"
        )
    return result
