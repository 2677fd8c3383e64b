"""Second derivatives of plain Python functions: the Hessian, and its product with a vector."""

from collections.abc import Callable, Iterator
from typing import Any

from adbench.dual.python.arguments import Argnums, Variables, is_ours, new_tag, one_number, unit
from adbench.dual.python.drivers import grad, jvp
from adbench.dual.python.second import HyperDual, Pairs

Function = Callable[..., Any]

# Variables in each of the two blocks of a pass: up to this many, one pass does it all.
BLOCK = 16


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """The Hessian: ``hessian(f)(*args)``, of the shape of the argument within that of the argument.

    For a list of n numbers a list of n rows; for a tuple `argnums` a tuple of tuples of such, a block
    for each pair of arguments. Each pair of variables is computed once.
    """

    def h(*args: Any) -> Any:
        v = Variables.of(args, argnums, "hessian")
        n = len(v.numbers)
        rows = [[unit(x) * 0] * n for x in v.numbers]
        for chosen, pairs in _blocks(n):
            tag = new_tag()
            result = one_number(f(*v.arguments(_seeded(v.numbers, chosen, pairs, tag))), "hessian")
            if is_ours(result, tag) and result.curvatures is not None:
                for (i, j), c in zip(pairs, result.curvatures, strict=True):
                    rows[chosen[i]][chosen[j]] = rows[chosen[j]][chosen[i]] = c
        return v.blocks(rows)

    return h


def hvp(f: Function) -> Function:
    """The product of the Hessian in the first argument with a vector: ``hvp(f)(args, v)``.

    Parameters
    ----------
    args : tuple
        The arguments of f; all but the first are constants.
    v : numbers in the shape of ``args[0]``
        The vector; the result has its shape.

    Notes
    -----
    The derivative of the gradient along v: the cost of the gradient over duals of one tangent.
    """

    def product(args: tuple[Any, ...], v: Any) -> Any:
        first, *rest = args
        return jvp(lambda x: grad(f)(x, *rest))((first,), (v,))[1]

    return product


def _blocks(n: int) -> Iterator[tuple[list[int], Pairs]]:
    """Variables of each pass, and the pairs of them (by position) that it computes."""
    blocks = [list(range(start, min(start + BLOCK, n))) for start in range(0, n, BLOCK)]
    for row, a in enumerate(blocks):
        yield a, tuple((i, j) for i in range(len(a)) for j in range(i, len(a)))
        for b in blocks[row + 1 :]:
            yield a + b, tuple((i, len(a) + j) for i in range(len(a)) for j in range(len(b)))


def _seeded(xs: list[Any], chosen: list[int], pairs: Pairs, tag: int) -> list[Any]:
    duals = list(xs)
    for position, i in enumerate(chosen):
        one = unit(xs[i])
        tangents = [one * 0] * len(chosen)
        tangents[position] = one
        duals[i] = HyperDual(xs[i], tangents, None, pairs, tag)
    return duals
