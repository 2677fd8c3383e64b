"""Derivatives of whole-array NumPy code, by array duals; the door for users.

>>> import numpy as np
>>> from adbench.dual.numpy import grad
>>> grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
array([2., 4.])

Each of these takes a function and gives one. `argnums` says which arguments hold the variables (a
number, or a tuple of numbers for a tuple of results); the others are constants of any kind. An
argument is a number, an array, or a tuple or list of arguments; results have the same form. Whole
numbers are taken as float64.

Variables are taken in chunks. `max_bytes` bounds one block of tangents, or of curvatures, of an array
as large as the largest argument, with one tangent as the least; by default it is 128 KiB, which stays
in the cache, but ten tangents at least.

Calls nest: the function may itself call these, to any depth, with duals of the outer call among its
arguments or constants.

Floating-point warnings are off while f runs: a rule's unused part may overflow where f does not.
Infinities and NaN show in the result.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import DualArray
from adbench.dual.numpy.layout import Array
from adbench.dual.numpy.passes import (
    FEW,
    chunks,
    end_to_end,
    evaluated,
    hessian_blocks,
    is_ours,
    one_number,
    own_copy,
    run_pass,
    tangents_of,
    value_of,
)
from adbench.dual.numpy.seeds import Seed
from adbench.dual.numpy.trees import Argnums, Variables, leaves, one_hot, real, rebuilt

Function = Callable[..., Any]


def derivative(f: Function, argnums: Argnums = 0) -> Function:
    """The derivative of a function that works element by element, one pass for each argument.

    ``derivative(f)(x, *data)`` has the shape of the result. One tangent of ones, kept as a single
    number until it has to grow. Raises TypeError where f does not keep the shape of x (a single
    number may give any shape).
    """

    def df(*args: Any) -> Any:
        variables = Variables(args, argnums)
        parts = (_slope(f, variables, n) for n in range(len(variables.values)))
        return rebuilt(variables.tree, parts)

    return df


def _slope(f: Function, variables: Variables, number: int) -> Any:
    seed = Seed()
    values = variables.values
    ones = [np.full((1,) * (len(v.shape) + 1), float(n == number)) for n, v in enumerate(values)]
    ones = [one.astype(v.dtype) for one, v in zip(ones, values, strict=True)]
    result, x = run_pass(f, variables, ones, seed), values[number]
    shape = np.shape(result)
    if isinstance(result, (tuple, list)) or (
        shape != x.shape and x.size != 1 and is_ours(result, seed)
    ):
        raise TypeError(
            f"the function maps shape {x.shape} to {shape}; derivative needs one that works element "
            "by element: use grad or jacobian"
        )
    if not is_ours(result, seed):
        return np.zeros(shape if x.size == 1 else x.shape, x.dtype)[()]
    return own_copy(np.broadcast_to(result.tangents[0], shape))


def value_and_grad(f: Function, argnums: Argnums = 0, *, max_bytes: int | None = None) -> Function:
    """Value and gradient: ``value_and_grad(f)(x, *data) -> (value, gradient)``.

    The gradient has the form of the variables. Raises TypeError when f does not return one number.
    """

    def both(*args: Any) -> tuple[Any, Any]:
        if type(argnums) is int and max_bytes is None and -len(args) <= argnums < len(args):
            x = args[argnums]
            if type(x) is np.ndarray and x.dtype.char == "d" and 0 < x.size <= FEW:
                return _in_short(f, args, x, argnums)
        variables = Variables(args, argnums)
        value: Any = None if variables.size else one_number(f(*args))
        parts = []
        for start, stop in chunks(variables, max_bytes):
            seed = Seed()
            result = one_number(run_pass(f, variables, variables.blocks([(start, stop)]), seed))
            ours = is_ours(result, seed)
            value = result.value if ours else result
            parts.append(result.tangents.reshape(-1) if ours else np.zeros(stop - start))
        return value, variables.shaped(end_to_end(parts))

    return both


def _in_short(f: Function, args: tuple[Any, ...], x: Array, number: Any) -> tuple[Any, Any]:
    """Value and gradient in one pass, for a few variables in one array: what small fits repeat."""
    n, call = x.size, list(args)
    ones = one_hot(n, n, 0, x.dtype)
    ones = ones if x.ndim == 1 else ones.reshape((n, *x.shape))
    seed = Seed(one_hot=ones if n > 3 else None)
    call[number] = DualArray(x.copy(), ones, None, seed)
    result = one_number(evaluated(f, call))
    if not is_ours(result, seed):
        return result, np.zeros(x.shape)
    t = result.tangents if result.low is None else result.written_out()
    return result.value, t.reshape(x.shape).copy()


def grad(f: Function, argnums: Argnums = 0, *, max_bytes: int | None = None) -> Function:
    """The gradient: ``grad(f)(x, *data)``, of the form of the variables."""
    both = value_and_grad(f, argnums, max_bytes=max_bytes)
    return lambda *args: both(*args)[1]


def jacobian(f: Function, argnums: Argnums = 0, *, max_bytes: int | None = None) -> Function:
    """The Jacobian: ``jacobian(f)(x, *data)``, of shape out.shape + x.shape.

    Where f returns a tuple or list, one Jacobian for each of its arrays, in the same form.
    """

    def j(*args: Any) -> Any:
        variables = Variables(args, argnums)
        parts: list[list[Array]] = []
        result: Any = None if variables.size else f(*args)
        for start, stop in chunks(variables, max_bytes):
            seed = Seed()
            result = run_pass(f, variables, variables.blocks([(start, stop)]), seed)
            parts.append([tangents_of(out, seed, stop - start) for out in leaves(result)])
        if not parts:
            parts = [[np.zeros((0, *np.shape(out))) for out in leaves(result)]]
        columns = (np.moveaxis(end_to_end(p), 0, -1) for p in zip(*parts, strict=True))
        return rebuilt(result, map(variables.shaped, columns))

    return j


def hessian(f: Function, argnums: Argnums = 0, *, max_bytes: int | None = None) -> Function:
    """The Hessian: ``hessian(f)(x, *data)``, of shape x.shape + x.shape; exactly symmetric.

    With several variables (a tuple of argnums, or an argument that is a tuple or list) one block for
    each pair of them: the form of the variables within the form of the variables.
    """

    def h(*args: Any) -> Any:
        variables = Variables(args, argnums)
        n = variables.size
        place = np.zeros((n, n), np.intp)
        parts, count = [], 0
        for ranges, i, j in hessian_blocks(n, variables.length, max_bytes):
            seed = Seed(i, j)
            out = one_number(run_pass(f, variables, variables.blocks(ranges), seed))
            bent = is_ours(out, seed) and out.curvatures is not None
            parts.append(out.curvatures.reshape(-1) if bent else np.zeros(len(i)))
            chosen = np.concatenate([np.arange(*r) for r in ranges])
            place[chosen[i], chosen[j]] = np.arange(count, count + len(i))
            place[chosen[j], chosen[i]] = np.arange(count, count + len(i))
            count += len(i)
        matrix = end_to_end(parts)[place]
        return rebuilt(variables.tree, map(variables.shaped, variables.rows(matrix)))

    return h


def jvp(f: Function) -> Function:
    """Value and derivative along a direction: ``jvp(f)(args, tangents) -> (value, tangent)``.

    Both are tuples, one element for each argument of f; a tangent of None leaves that argument a
    constant. One pass of one tangent. Where f returns a tuple or list, so are value and tangent.
    """

    def along(args: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        if len(args) != len(tangents):
            raise ValueError(
                f"{len(tangents)} tangents for {len(args)} arguments: give one for each, or None"
            )
        chosen = tuple(n for n, t in enumerate(tangents) if t is not None)
        if not chosen:
            value = f(*args)
            return value, rebuilt(value, (np.zeros(np.shape(v))[()] for v in leaves(value)))
        variables, seed = Variables(args, chosen), Seed()
        given = variables.flat(tuple(tangents[n] for n in chosen), "direction")
        result = run_pass(f, variables, [t[None] for t in given], seed)
        out = leaves(result)
        value = rebuilt(result, (value_of(v, seed) for v in out))
        return value, rebuilt(result, (own_copy(tangents_of(v, seed, 1)[0]) for v in out))

    return along


def vjp(f: Function, argnums: Argnums | None = None, *, max_bytes: int | None = None) -> Function:
    """Value and v times the Jacobian: ``vjp(f)(args, v) -> (value, gradients)``.

    By forward mode: as many tangents as the arguments have elements, not one backward pass. The
    gradients are a tuple, one for each argument of f, which must all be variables unless `argnums`
    names those that are.
    """

    def pulled(args: tuple[Any, ...], v: Any) -> tuple[Any, Any]:
        chosen = tuple(range(len(args))) if argnums is None else argnums
        weights = [real(w) for w in leaves(v)]
        variables = Variables(tuple(args), chosen)
        parts: list[Array] = []
        value: Any = None if variables.size else f(*args)
        for start, stop in chunks(variables, max_bytes):
            seed = Seed()
            result = run_pass(f, variables, variables.blocks([(start, stop)]), seed)
            out = leaves(result)
            _check_cotangent(out, weights)
            value = rebuilt(result, (value_of(o, seed) for o in out))
            rows = [tangents_of(o, seed, stop - start).reshape(stop - start, -1) for o in out]
            parts.append(sum(r @ w.reshape(-1) for r, w in zip(rows, weights, strict=True)))
        return value, variables.shaped(end_to_end(parts))

    return pulled


def _check_cotangent(out: list[Any], weights: list[Array]) -> None:
    shapes, given = [np.shape(o) for o in out], [w.shape for w in weights]
    if shapes != given:
        raise ValueError(f"v has arrays of shapes {given}, the result {shapes}: give one like it")


def hvp(f: Function, argnums: int = 0, *, max_bytes: int | None = None) -> Function:
    """The Hessian times a vector: ``hvp(f)(args, v)``, of the shape of v and of the variable.

    One pass of second order a chunk, with v as a direction beside those of the chunk.
    """

    def hv(args: tuple[Any, ...], v: Any) -> Any:
        variables = Variables(tuple(args), argnums)
        given, parts = variables.flat(v, "direction"), []
        for start, stop in chunks(variables, max_bytes):
            k = stop - start
            seed = Seed(np.arange(k), np.full(k, k))
            blocks = [
                np.concatenate([np.broadcast_to(t, (k, *w.shape)), w[None]])
                for t, w in zip(variables.blocks([(start, stop)]), given, strict=True)
            ]
            out = one_number(run_pass(f, variables, blocks, seed))
            bent = is_ours(out, seed) and out.curvatures is not None
            parts.append(out.curvatures.reshape(-1) if bent else np.zeros(k))
        return variables.shaped(end_to_end(parts))

    return hv
