"""First derivatives of plain Python functions, by scalar dual numbers; the door for users.

>>> from adbench.dual.python import grad, math
>>> grad(lambda x: x[0] * math.exp(x[1]))([2.0, 0.0])
[1.0, 2.0]

Arguments are numbers, or lists and tuples of them, nested; `argnums` says which are differentiated (an
int, or a tuple of them for a tuple of results), and the others are constants of any kind. Derivatives
have the shape of their argument. Any number type will do: floats, Fractions, complex numbers, those of
mpmath and python-flint, or the duals of an outer call. Where Python's floats raise, duals do, except
that a function with a value and an infinite slope, such as ``math.sqrt`` at 0, has that slope.

Variables are taken in chunks, and those outside the chunk stay plain numbers, so memory and the work
on expressions with few variables stay bounded when there are many.
"""

from collections.abc import Callable, Iterator
from typing import Any

from adbench.dual.python.arguments import (
    Argnums,
    Variables,
    is_ours,
    new_tag,
    one_number,
    unit,
)
from adbench.dual.python.numbers import dual
from adbench.dual.python.series import Jet
from adbench.dual.python.trees import is_branch, leaves, rebuilt
from adbench.dual.python.vector import vector

Function = Callable[..., Any]

# Tangents a pass. A pass costs about n plain operations and k dual ones of k tangents each, so the
# best k grows as sqrt(n): 40 at n = 1 000, 126 at 10 000 for the Rosenbrock function.
CHUNK = 64
# Up to here one pass of one tangent a variable is faster than one pass of lists.
FEW = 3


def derivative(f: Function, argnums: int = 0) -> Function:
    """The derivative of a function of one number: ``derivative(f)(x, *constants)``.

    Raises
    ------
    TypeError
        When the argument or the result is not one number.
    """

    def df(*args: Any) -> Any:
        x = _one_argument(args, argnums, "derivative")
        tag, one = new_tag(), unit(x)
        result = f(*_with(args, argnums, dual(x, one, tag)))
        if is_ours(result, tag):
            return result.tangent
        one_number(result, "derivative")
        return one * 0

    return df


def value_and_grad(f: Function, argnums: Argnums = 0) -> Function:
    """Value and gradient: ``value_and_grad(f)(*args) -> (value, gradient)``.

    The gradient has the shape of the argument; for a tuple `argnums` it is a tuple, one for each.
    Raises TypeError when f does not return one number.
    """

    def both(*args: Any) -> tuple[Any, Any]:
        v = Variables.of(args, argnums, "grad")
        value, slopes = None, []
        for result, start, stop, tag in _passes(f, v):
            ours = is_ours(result, tag)
            value = result.value if ours else one_number(result, "grad")
            slopes.extend(_slopes(result, v.numbers[start:stop], tag))
        return (value if v.numbers else f(*args)), v.shaped(slopes)

    return both


def grad(f: Function, argnums: Argnums = 0) -> Function:
    """The gradient: ``grad(f)(*args)``, of the shape of the argument, by one pass a chunk."""
    both = value_and_grad(f, argnums)
    return lambda *args: both(*args)[1]


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """The Jacobian of a function that returns numbers in lists or tuples, nested.

    ``jacobian(f)(*args)`` has the shape of the result, with a gradient in place of each number.
    """

    def j(*args: Any) -> Any:
        v = Variables.of(args, argnums, "jacobian")
        shape, rows = _rows(f, v)
        return rebuilt(shape, map(v.shaped, rows))

    return j


def jvp(f: Function) -> Function:
    """The derivative along a direction: ``jvp(f)(primals, tangents) -> (value, tangent)``.

    Parameters
    ----------
    primals, tangents : tuple
        The arguments of f, and a direction of the same shape. One pass whatever their size.
    """

    def along(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        v = Variables.of(tuple(primals), tuple(range(len(primals))), "jvp")
        steps = leaves(tuple(tangents), "jvp: tangents")
        _same_length(len(steps), len(v.numbers), "jvp: tangents", "primals")
        tag = new_tag()
        duals = [dual(x, t, tag) for x, t in zip(v.numbers, steps, strict=True)]
        result = f(*v.arguments(duals))
        out = leaves(result, "jvp: the result")
        values = (r.value if is_ours(r, tag) else r for r in out)
        slopes = (r.tangent if is_ours(r, tag) else unit(r) * 0 for r in out)
        return rebuilt(result, values), rebuilt(result, slopes)

    return along


def vjp(f: Function) -> Function:
    """A weighted sum of the rows of the Jacobian: ``vjp(f)(args, v) -> (value, gradients)``.

    Parameters
    ----------
    args : tuple
        The arguments of f, all differentiated; `gradients` is a tuple with one for each.
    v : numbers in the shape of the result of f
        The weights.

    Notes
    -----
    Forward mode: it costs as many tangents as the arguments have numbers. Reverse mode, whose cost
    does not grow with them, is in the Numba variant.
    """

    def weighted(args: tuple[Any, ...], v: Any) -> tuple[Any, Any]:
        variables = Variables.of(tuple(args), tuple(range(len(args))), "vjp")
        weights = leaves(v, "vjp: weights")
        shape, rows = _rows(f, variables)
        _same_length(len(weights), len(rows), "vjp: weights", "results")
        columns = zip(*rows, strict=True)
        gradient = [sum(w * s for w, s in zip(weights, c, strict=True)) for c in columns]
        return shape, variables.shaped(gradient)

    return weighted


def taylor(f: Function, order: int, argnums: int = 0) -> Function:
    """Taylor coefficients of a function of one number, ``f(x + t) = c_0 + c_1 t + c_2 t^2 + ...``.

    ``taylor(f, order)(x, *constants) -> [c_0, ..., c_order]``; c_k is the k-th derivative by k!. The
    cost grows as the square of the order.
    """
    if order < 0:
        raise ValueError(f"taylor: order {order}; the highest power wanted, 0 or more")

    def coefficients(*args: Any) -> list[Any]:
        x = _one_argument(args, argnums, "taylor")
        tag, one = new_tag(), unit(x)
        jet = Jet([x, one, *[one * 0] * order][: order + 1], tag)
        result = one_number(f(*_with(args, argnums, jet)), "taylor")
        return result.coefficients if is_ours(result, tag) else [result, *[one * 0] * order]

    return coefficients


def _one_argument(args: tuple[Any, ...], position: int, name: str) -> Any:
    """The number at that position."""
    if not (isinstance(position, int) and -len(args) <= position < len(args)):
        raise TypeError(f"{name}: argnums {position} of a call with {len(args)} arguments")
    x = args[position]
    if x.__class__ is float:
        return x
    if is_branch(x):
        raise TypeError(
            f"{name}: argument {position} is a {type(x).__name__}, and one number is wanted: "
            "use grad or jacobian"
        )
    return leaves(x, f"{name}: argument {position}")[0]


def _with(args: tuple[Any, ...], position: int, x: Any) -> list[Any]:
    made = list(args)
    made[position] = x
    return made


def _passes(f: Function, v: Variables) -> Iterator[tuple[Any, int, int, int]]:
    """The results of f, chunk by chunk of the variables: (result, start, stop, tag)."""
    n = len(v.numbers)
    chunk = 1 if n <= FEW else CHUNK
    for start in range(0, n, chunk):
        stop = min(start + chunk, n)
        tag, k = new_tag(), stop - start
        duals = list(v.numbers)
        for i in range(start, stop):
            x = v.numbers[i]
            one = unit(x)
            if k == 1:
                duals[i] = dual(x, one, tag)
            else:
                tangents = [one * 0] * k
                tangents[i - start] = one
                duals[i] = vector(x, tangents, tag)
        yield f(*v.arguments(duals)), start, stop, tag


def _slopes(result: Any, variables: list[Any], tag: int) -> list[Any]:
    if not is_ours(result, tag):
        return [unit(x) * 0 for x in variables]
    return [result.tangent] if len(variables) == 1 else list(result.tangents)


def _rows(f: Function, v: Variables) -> tuple[Any, list[list[Any]]]:
    """The result of f on plain numbers, and for each of its numbers the derivatives."""
    shape: Any = None
    rows: list[list[Any]] | None = None
    for result, start, stop, tag in _passes(f, v):
        out = leaves(result, "the result")
        rows = rows or [[] for _ in out]
        shape = rebuilt(result, (r.value if is_ours(r, tag) else r for r in out))
        for row, r in zip(rows, out, strict=True):
            row.extend(_slopes(r, v.numbers[start:stop], tag))
    if rows is None:
        shape = f(*v.args)
        rows = [[] for _ in leaves(shape, "the result")]
    return shape, rows


def _same_length(found: int, wanted: int, what: str, beside: str) -> None:
    if found != wanted:
        raise TypeError(f"{what} hold {found} numbers, the {beside} {wanted}: give one for each")
