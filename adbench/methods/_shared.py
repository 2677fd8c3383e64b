"""What several methods need alike: operators, arguments, results, names of functions; knows no tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from adbench.model import Floats, Form, Operator, Pattern, Point, given, namespace

Function = Callable[..., Any]

# Of elementwise functions, of functions with one number as value, and of vector-valued functions. A
# function has a value in any case; propagation of errors is asked of vectors, of one element too.
ELEMENTWISE = (Operator.VALUE, Operator.DERIVATIVE)
GRADIENTS = (Operator.GRADIENT, Operator.VALUE_AND_GRADIENT)
SECOND = (Operator.HESSIAN, Operator.HVP, Operator.NEWTON_DIRECTION)
VECTOR = (Operator.JACOBIAN, Operator.JVP, Operator.VJP, Operator.PROPAGATE)

OPERATORS = (*ELEMENTWISE, *GRADIENTS, *SECOND, *VECTOR)


def made(ready: Callable[[], Function]) -> None:
    """Have a function built that is built when first asked for; what it is, nobody wants yet."""
    ready()


def arrays(operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments of a call as fresh writable NumPy arrays: x, what `given` adds, then the data.

    Plain numbers among the data stay plain.
    """
    x, data = point.fresh()
    return (x, *given(operator, point), *data)


def decode(result: Any) -> Floats:
    """A result as an array of its own: of one array or number, or of a value and its gradient.

    Parameters
    ----------
    result : number, array, list, or tuple of them
        A tuple becomes one vector, part after part.
    """
    parts = result if isinstance(result, tuple) else (result,)
    own = [np.array(p, dtype=np.float64) for p in parts]
    return own[0] if len(own) == 1 else np.concatenate([np.ravel(a) for a in own])


def deliver(form: Form, operator: Operator, point: Point) -> Callable[[Any], Any]:
    """What decodes the results of an operator: `decode`, or the entries of a sparse Jacobian into
    ``scipy.sparse.csr_matrix``.

    A call for a sparse Jacobian returns its entries in the order of the pattern, shape (nnz,): products
    along the colours and picking entries out of them belong to what is timed, only the wrapping is not.
    """
    pattern = point.pattern
    if operator is not Operator.JACOBIAN or pattern is None or form.elementwise:
        return decode
    return lambda entries: pattern.matrix(decode(entries))


def joined(form: Form, f: Function) -> Function:
    """An elementwise array text of k arrays as a function of one x that holds them one after another.

    Any other function as it is.
    """
    k = int(form.elementwise)
    if k < 2:
        return f
    return lambda x, *data: f(*(x[part] for part in parts(k, len(x))), *data)


def parts(k: int, n: int) -> tuple[slice, ...]:
    """Where each of k arrays of one length stands in an x of n numbers."""
    return tuple(slice(i * n // k, (i + 1) * n // k) for i in range(k))


def propagated(jacobian: Function) -> Function:
    """Of a function that computes J of shape (m, n), the one that takes C after x and computes
    J C J^T, shape (m, m).
    """

    def propagate(x: Any, covariance: Any, *data: Any) -> Any:
        j = jacobian(x, *data)
        return j @ covariance @ j.T

    return propagate


def chosen(tool: str, ways: Mapping[Operator, Function], operator: Operator) -> Function:
    """The tool's way to compute an operator; raises NotImplementedError where there is none."""
    if operator not in ways:
        raise NotImplementedError(
            f"{tool} in this mode is not asked for '{operator.value}'; "
            f"it offers {', '.join(o.value for o in ways)}"
        )
    return ways[operator]


def cannot_nest(method: str) -> Callable[[Any, Any], NoReturn]:
    """The word `derivative` of a method that has no derivative inside a derivative: it refuses.

    Raises
    ------
    NotImplementedError
        On call, so that only the functions that contain a derivative are refused.
    """

    def derivative(g: Any, t: Any) -> NoReturn:
        raise NotImplementedError(
            f"{method} cannot nest derivatives, and this function's text contains one"
        )

    return derivative


def array_words(
    name: str, numpy_like: Any, special: Any, derivative: Function | None = None
) -> ModuleType:
    """All of a module like NumPy, and the names that forms use where NumPy's differ.

    Parameters
    ----------
    name : str
        Of the namespace.
    numpy_like, special : module
        Counterparts of NumPy and of scipy.special. NumPy's older names are asked for, which all have:
        autograd knows the derivative of arcsin, not of NumPy 2's alias asin.
    derivative : callable, optional
        ``derivative(g, t)``, the elementwise derivative of g at t by the method itself.
    """
    public = {k: v for k, v in vars(numpy_like).items() if not k.startswith("_")}
    ours = {
        "asin": numpy_like.arcsin,
        "acos": numpy_like.arccos,
        "atan": numpy_like.arctan,
        "atan2": numpy_like.arctan2,
        "erf": special.erf,
        "erfc": special.erfc,
        "lgamma": special.gammaln,
        "derivative": derivative or cannot_nest(name),
    }
    return namespace(name, {**public, **ours})


def compressed(pattern: Pattern, products: Function, by_rows: bool = False) -> Function:
    """The entries of a sparse Jacobian, one product a colour, each put in its place at once.

    Parameters
    ----------
    pattern : Pattern
    products : callable
        ``products(x, *data)`` gives the function of a direction that multiplies it by J at x: by J from
        the left, shape (n,) to (m,), or with `by_rows` from the right, shape (m,) to (n,).
    by_rows : bool
        Whether directions are sums of unit vectors of rows, as reverse mode wants, or of columns.

    Returns
    -------
    callable
        ``jacobian(x, *data)``, of shape (nnz,), in the order of the pattern.
    """
    colours = pattern.row_colours if by_rows else pattern.column_colours
    own, other = (pattern.row_of, pattern.columns) if by_rows else (pattern.columns, pattern.row_of)
    order = np.argsort(colours[own], kind="stable")
    ends = np.cumsum(np.bincount(colours[own]))[:-1]
    plan = [(entries, other[entries]) for entries in np.split(order, ends)]

    def jacobian(x: Any, *data: Any) -> Floats:
        product = products(x, *data)
        found = np.empty(pattern.nnz)
        for colour, (entries, places) in enumerate(plan):
            found[entries] = product((colours == colour).astype(np.float64))[places]
        return found

    return jacobian
