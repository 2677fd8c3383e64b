r"""The value of a saddle function at the maximum that an inner solver finds, as a function of a.

.. math:: f(a, b) = |a|^2 + a^T M b - |b|^2, \quad M = \begin{pmatrix} 1 & 2 \\ 0 & 1 \end{pmatrix};
   \quad b \leftarrow b + \tfrac14 \nabla_b f(a, b), \text{ 60 times from } (1, 1)

Differentiated: f(a, b_60(a)) with respect to a, at (1, 2). Source: ``docs/PROBLEMS.md`` C; after the
saddle-point examples of Siskind and Pearlmutter, "Using polyvariant union-free flow analysis to
compile a higher-order functional-programming language with a first-class derivative operator", 2008.
In the suite because the inner solver uses a gradient, taken by the method under test, and the outer
derivative goes through all its steps; the implicit form differentiates the stationary point instead.

Each step halves the distance to the maximum :math:`b^* = M^T a / 2`, so that
:math:`b_{60} = b^* + 2^{-60} (b_0 - b^*)`: for tools of 53 bits this is the maximum itself.
There the derivative of f by b vanishes, and with it what b's own derivative adds to the gradient: a
tool that lost the inner path would still have 16 right digits. The Hessian
:math:`2 I + M M^T / 2` (to :math:`2^{-60}`) has its second term from that path alone.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem

STEPS, RATE = 60, 0.25


def at(size: int) -> Point:
    """A = (1, 2), and the matrix M as data."""
    if size != 2:
        raise ValueError("the saddle has two variables: take size 2")
    return Point(np.array([1.0, 2.0]), (np.array([[1.0, 2.0], [0.0, 1.0]]),))


def _objective(x, matrix, b_0, b_1):
    a_0, a_1 = x[0], x[1]
    by_0 = a_0 * matrix[0][0] + a_1 * matrix[1][0]
    by_1 = a_0 * matrix[0][1] + a_1 * matrix[1][1]
    return a_0 * a_0 + a_1 * a_1 + (by_0 * b_0 + by_1 * b_1) - (b_0 * b_0 + b_1 * b_1)


def _climb(slope_0, slope_1):
    """The objective after the inner ascent along its partial derivatives by b_0 and b_1."""

    def f(x, matrix):
        b_0, b_1 = 1.0, 1.0
        for _ in range(STEPS):
            up_0, up_1 = slope_0(x, matrix, b_0, b_1), slope_1(x, matrix, b_0, b_1)
            b_0, b_1 = b_0 + RATE * up_0, b_1 + RATE * up_1
        return _objective(x, matrix, b_0, b_1)

    return f


def scalar(m: Any) -> Any:
    def slope_0(x, matrix, b_0, b_1):
        return m.derivative(lambda t: _objective(x, matrix, t, b_1), b_0)

    def slope_1(x, matrix, b_0, b_1):
        return m.derivative(lambda t: _objective(x, matrix, b_0, t), b_1)

    return _climb(slope_0, slope_1)


def reference(m: Any) -> Any:
    def slope_0(x, matrix, b_0, b_1):
        return x[0] * matrix[0][0] + x[1] * matrix[1][0] - 2.0 * b_0

    def slope_1(x, matrix, b_0, b_1):
        return x[0] * matrix[0][1] + x[1] * matrix[1][1] - 2.0 * b_1

    return _climb(slope_0, slope_1)


def array(xp: Any) -> Any:
    def summands(x, matrix, b):
        return x * x + (x @ matrix) * b - b * b

    def f(x, matrix):
        b = 0.0 * x + 1.0
        for _ in range(STEPS):
            # each summand knows its own element of b alone, so these are the elements of the gradient
            b = b + RATE * xp.derivative(lambda t: summands(x, matrix, t), b)
        return xp.sum(summands(x, matrix, b))

    return f


def jax(xp: Any) -> Any:
    """JAX has ``lax.fori_loop`` for a known number of passes, which both modes differentiate, where a
    Python loop would be unrolled; the inner gradient is ``jax.grad``.
    """
    from jax import grad, lax

    def objective(a, b, matrix):
        return a @ a + a @ matrix @ b - b @ b

    def f(a, matrix):
        def climb(_, b):
            return b + RATE * grad(objective, argnums=1)(a, b, matrix)

        return objective(a, lax.fori_loop(0, STEPS, climb, xp.ones_like(a)), matrix)

    return f


def jax_implicit(xp: Any) -> Any:
    r"""``jax.custom_jvp`` around the inner solver: at its stationary point b moves with a so that the
    gradient stays zero, :math:`\partial_{bb} f \, \dot b = -\dot{(\partial_b f)}`. One linear system
    replaces the derivative of 60 steps; both modes read the rule.
    """
    from jax import custom_jvp, grad, hessian, jvp, lax

    def objective(a, b, matrix):
        return a @ a + a @ matrix @ b - b @ b

    by_b = grad(objective, argnums=1)

    @custom_jvp
    def highest(a, matrix):
        return lax.fori_loop(0, STEPS, lambda _, b: b + RATE * by_b(a, b, matrix), xp.ones_like(a))

    @highest.defjvp
    def moved(primals, tangents):
        a, matrix = primals
        b = highest(a, matrix)
        _, drift = jvp(lambda *args: by_b(args[0], b, args[1]), primals, tangents)
        return b, -xp.linalg.solve(hessian(objective, argnums=1)(a, b, matrix), drift)

    return lambda a, matrix: objective(a, highest(a, matrix), matrix)


def _ends(x, matrix):
    """M^T a, b_60 = s M^T a + 2^-60 b_0, and s = (1 - 2^-60) / 2."""
    by = [x[0] * matrix[0][j] + x[1] * matrix[1][j] for j in range(2)]
    rest = 0.5**STEPS
    return by, [0.5 * (1.0 - rest) * c + rest for c in by], 0.5 * (1.0 - rest)


def value(m: Any) -> Any:
    def g(x, matrix):
        _, b, _ = _ends(x, matrix)
        return _objective(x, matrix, b[0], b[1])

    return g


def gradient(m: Any) -> Any:
    """With b = s M^T a + const: 2 a + M (b + s (M^T a - 2 b))."""

    def g(x, matrix):
        by, b, s = _ends(x, matrix)
        moved = [b[j] + s * (by[j] - 2.0 * b[j]) for j in range(2)]
        return [2.0 * x[i] + matrix[i][0] * moved[0] + matrix[i][1] * moved[1] for i in range(2)]

    return g


def hessian(m: Any) -> Any:
    """2 I + 2 s (1 - s) M M^T."""

    def g(x, matrix):
        _, _, s = _ends(x, matrix)
        rows = [[0.0, 0.0], [0.0, 0.0]]
        for i in range(2):
            for j in range(2):
                both = matrix[i][0] * matrix[j][0] + matrix[i][1] * matrix[j][1]
                rows[i][j] = 2.0 * s * (1.0 - s) * both + (2.0 if i == j else 0.0)
        return rows

    return g


PROBLEM = Problem(
    name="saddle",
    summary="a saddle function at its inner maximum: nested derivatives through a solver of 60 steps",
    at=at,
    sizes=(2,),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT, Operator.HESSIAN),
    forms=(
        Form("scalar", scalar),
        Form("reference", reference),
        Form("array", array),
        Form("jax", jax),
        Form("jax-implicit", jax_implicit),
    ),
    exact={Operator.VALUE: value, Operator.GRADIENT: gradient, Operator.HESSIAN: hessian},
)
