"""Small functions in whole-array code with every derivative written by hand; for tests only."""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Pattern, Point, Prepared, elsewhere, given

SCALED = np.array([0.7, -1.1, 0.4])


def _vector(xp: Any) -> Any:
    def f(x, a):
        return xp.stack([a[0] * x[0] * x[1], xp.sin(x[2]) * x[0], x[1] * x[1] * a[1], a[2] * x[2]])

    return f


def _vector_jacobian(x: Any, a: Any) -> Any:
    return np.array(
        [
            [a[0] * x[1], a[0] * x[0], 0.0],
            [np.sin(x[2]), 0.0, np.cos(x[2]) * x[0]],
            [0.0, 2.0 * x[1] * a[1], 0.0],
            [0.0, 0.0, a[2]],
        ]
    )


def _scalar(xp: Any) -> Any:
    return lambda x, a: xp.sum(a * x * x * x) + x[0] * x[1] * x[2]


def _scalar_gradient(x: Any, a: Any) -> Any:
    return 3.0 * a * x * x + np.array([x[1] * x[2], x[0] * x[2], x[0] * x[1]])


def _scalar_hessian(x: Any, a: Any) -> Any:
    mixed = np.array([[0.0, x[2], x[1]], [x[2], 0.0, x[0]], [x[1], x[0], 0.0]])
    return np.diag(6.0 * a * x) + mixed


def of_vectors(operator: Operator) -> tuple[Form, Point, Any]:
    """Form, point and exact result of a vector-valued function with data."""
    point = Point(np.array([1.2, -0.7, 2.1]), (SCALED,), outputs=4)
    j, more = _vector_jacobian(point.x, SCALED), given(operator, point)
    exact = {
        Operator.JACOBIAN: lambda: j,
        Operator.JVP: lambda v: j @ v,
        Operator.VJP: lambda u: u @ j,
        Operator.PROPAGATE: lambda c: j @ c @ j.T,
    }
    return Form("array", _vector), point, exact[operator](*more)


def of_numbers(operator: Operator) -> tuple[Form, Point, Any]:
    """Form, point and exact result of a function with one number as value."""
    point = Point(np.array([1.2, -0.7, 2.1]), (SCALED,))
    h, g = _scalar_hessian(point.x, SCALED), _scalar_gradient(point.x, SCALED)
    more = given(operator, point)
    exact = {
        Operator.GRADIENT: lambda: g,
        Operator.HESSIAN: lambda: h,
        Operator.HVP: lambda v: h @ v,
        Operator.NEWTON_DIRECTION: lambda: g / np.sum(h, axis=1),
    }
    return Form("array", _scalar), point, exact[operator](*more)


def sparse(n: int) -> tuple[Form, Point, Any]:
    """N - 2 products of three neighbours and one of the ends; the last variable has no entry twice.

    The exact result is the dense Jacobian.
    """

    def build(xp: Any) -> Any:
        def f(x, a):
            inner = x[:-2] * xp.sin(x[1:-1]) * x[2:]
            return xp.concatenate([a * inner, xp.reshape(x[0] * x[n - 1], (1,))])

        return f

    x = np.linspace(0.5, 1.5, n)
    i, a = np.arange(n - 2), np.linspace(1.0, 2.0, n - 2)
    entries = [(i, i), (i, i + 1), (i, i + 2), ([n - 2, n - 2], [0, n - 1])]
    pattern = Pattern.of((n - 1, n), entries)
    dense = np.zeros((n - 1, n))
    dense[i, i] = a * np.sin(x[1:-1]) * x[2:]
    dense[i, i + 1] = a * x[:-2] * np.cos(x[1:-1]) * x[2:]
    dense[i, i + 2] = a * x[:-2] * np.sin(x[1:-1])
    dense[n - 2, 0], dense[n - 2, n - 1] = x[n - 1], x[0]
    return Form("array", build), Point(x, (a,), n - 1, pattern), dense


def elementwise(k: int, operator: Operator) -> tuple[Form, Point, Any]:
    """The product of a scale and the sines of (1 + i) x_i, a function of k numbers at 5 points."""

    def build(xp: Any) -> Any:
        def f(*args):
            product = args[k]
            for i in range(k):
                product = product * xp.sin((1.0 + i) * args[i])
            return product

        return f

    x, scale = np.linspace(0.1, 1.3, 5 * k), np.array([1.0, -2.0, 0.5, 3.0, 0.1])
    parts = x.reshape(k, 5)
    rates = 1.0 + np.arange(k)[:, None]
    value = scale * np.prod(np.sin(rates * parts), axis=0)
    slopes = value * rates / np.tan(rates * parts)
    exact = value if operator is Operator.VALUE else slopes.ravel()
    return Form("array", build, elementwise=k), Point(x, (scale,)), exact


def nested(operator: Operator) -> tuple[Form, Point, Any]:
    """Sum of g'(t)^2 with g(t) = x_0 t^3 + x_1 sin t by ``xp.derivative``, and x_2 d(x_2 + t)/dt,
    whose derivative by x_2 is 1 unless the two derivatives are confused.
    """

    def build(xp: Any) -> Any:
        def f(x, t):
            slope = xp.derivative(lambda s: x[0] * s * s * s + x[1] * xp.sin(s), t)
            return xp.sum(slope * slope) + x[2] * xp.derivative(lambda s: x[2] + s, x[2])

        return f

    t, x = np.linspace(0.2, 0.9, 4), np.array([0.7, -0.3, 1.5])
    by = np.stack([3.0 * t * t, np.cos(t), 0.0 * t])
    slope = x @ by
    exact = {
        Operator.VALUE: np.sum(slope * slope) + x[2],
        Operator.GRADIENT: 2.0 * by @ slope + np.array([0.0, 0.0, 1.0]),
        Operator.HESSIAN: 2.0 * by @ by.T,
    }
    return Form("array", build), Point(x, (t,)), exact[operator]


def computed(prepared: Prepared, point: Point) -> Any:
    """The decoded result at the point."""
    return prepared.decode(prepared.call(*prepared.encode(point)))


def prepared_elsewhere(method: Any, form: Form, operator: Operator, point: Point) -> Prepared:
    """Prepared at other x, data and directions: what a method keeps of them would show."""
    made: Prepared = method.prepare(form, operator, elsewhere(point))
    return made
