"""Passes of a function over chunks of its variables: how many, what each is given, what comes back."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import DualArray
from adbench.dual.numpy.layout import Array, full
from adbench.dual.numpy.memory import DroppedDerivativeError
from adbench.dual.numpy.seeds import Seed
from adbench.dual.numpy.trees import Ranges, Variables

Function = Callable[..., Any]

# The GNU C library gives memory back to the system, and faults it in again page by page, until it has
# once seen so large an array come and go: a factor of five for 10 000 data and two parameters.
SPARE = 2**22

# Bytes of one block of tangents: it stays in the cache, and below the size from which the C library
# maps fresh pages for each array (a factor of two to five on Rosenbrock functions of 300 to 10 000
# variables).
CACHE = 2**17
# So few variables are taken in one pass whatever their data: a second pass would repeat f's values.
FEW = 10


def chunks(variables: Variables, max_bytes: int | None) -> Ranges:
    """Ranges of variables, one a pass."""
    n = variables.size
    if max_bytes is None and n and (n <= FEW or 8 * n * variables.length <= CACHE):
        return [(0, n)]
    step = max(1, (max_bytes or CACHE) // (8 * variables.length))
    if max_bytes is None:
        step = max(step, FEW)
    return [(start, min(start + step, n)) for start in range(0, n, step)]


def hessian_blocks(
    n: int, length: int, max_bytes: int | None
) -> Iterator[tuple[Ranges, Array, Array]]:
    """Variables of each second-order pass, and the pairs of them (by position) that it computes."""
    side = max(1, int(((max_bytes or CACHE) / (8 * length)) ** 0.5))
    if max_bytes is None:
        side = max(side, FEW)
    blocks = [(start, min(start + side, n)) for start in range(0, n, side)]
    for row, a in enumerate(blocks):
        i, j = np.triu_indices(a[1] - a[0])
        yield [a], i, j
        for b in blocks[row + 1 :]:
            i, j = np.indices((a[1] - a[0], b[1] - b[0])).reshape(2, -1)
            yield [a, b], i, j + (a[1] - a[0])


@cache
def settled() -> None:
    """Let the C library see a large array come and go, once in a process (see `SPARE`)."""
    np.empty(SPARE, np.uint8)


def run_pass(f: Function, variables: Variables, blocks: list[Array], seed: Seed) -> Any:
    """What f makes of duals with those tangents, one block for each leaf of the variables."""
    return evaluated(f, variables.call_with(blocks, seed))


def evaluated(f: Function, args: list[Any]) -> Any:
    """What f makes of these arguments, without warnings."""
    settled()
    return _quietly(f, args)


def _called(f: Function, args: list[Any]) -> Any:
    try:
        return f(*args)
    except ValueError as error:
        # NumPy speaks of sequences when a dual is stored in an element of a plain array
        if isinstance(error.__cause__, DroppedDerivativeError):
            raise DroppedDerivativeError(str(error.__cause__)) from error
        raise


def _called_in_block(f: Function, args: list[Any]) -> Any:
    with np.errstate(all="ignore"):
        return _called(f, args)


# As a decorator it costs half, but before NumPy 2 it did not nest.
_NESTS = np.lib.NumpyVersion(np.__version__) >= "2.0.0"
_quietly: Function = np.errstate(all="ignore")(_called) if _NESTS else _called_in_block


def is_ours(result: Any, seed: Seed) -> bool:
    """Whether the result is a dual of this pass, and no constant to it."""
    return type(result) is DualArray and result.seed is seed


def value_of(result: Any, seed: Seed) -> Any:
    """The value of a result, whether it is a dual of this pass or a constant."""
    return result.value if is_ours(result, seed) else result


def tangents_of(result: Any, seed: Seed, k: int) -> Array:
    """Tangents of a result in full; those of a constant are zero."""
    shape = np.shape(result)
    return full(result.tangents, shape) if is_ours(result, seed) else np.zeros((k, *shape))


def end_to_end(parts: Any) -> Array:
    """What the chunks found, one after the other."""
    parts = list(parts)
    if not parts:
        return np.zeros(0)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def own_copy(t: Array) -> Array:
    """An array that shares nothing, or NumPy's scalar."""
    return np.copy(t)[()]


def one_number(result: Any) -> Any:
    """The result of a function of one number; raises TypeError for any other."""
    if type(result) is DualArray and result.value.size == 1:
        return result
    if isinstance(result, (list, tuple)) or getattr(result, "size", 1) != 1:
        shape = f"({len(result)},)" if isinstance(result, (list, tuple)) else result.shape
        raise TypeError(
            f"the function returned shape {shape}; a function to differentiate returns one number: "
            "use jacobian, or derivative for one that works element by element, or sum"
        )
    return result
