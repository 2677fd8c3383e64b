r"""The Brusselator: reaction and diffusion of two substances on a periodic N x N grid.

.. math:: F_u = 1 + u^2 v - 4.4 u + 10 \nabla^2 u, \qquad F_v = 3.4 u - u^2 v + 10 \nabla^2 v

with the five-point Laplacian over :math:`h^2`, :math:`h = 1/N`. The variables are u and then v, each
row by row, :math:`2 N^2` in all, and so are the outputs. At :math:`x_i = (i + 1/2) / N`:
:math:`u_{ij} = 22 (y_j (1 - y_j))^{3/2}, v_{ij} = 27 (x_i (1 - x_i))^{3/2}`.

Source: ``docs/PROBLEMS.md`` D (a common test of solvers of stiff equations; E. Hairer and G. Wanner,
Solving Ordinary Differential Equations II, Springer, 1996). In the suite because its Jacobian is
sparse in the way that grids make it: 6 non-zeros a row of :math:`2 N^2`, whose columns need only a
dozen colours at any N, so that compressed derivatives win by an ever larger factor.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Pattern, Point, Problem


def at(size: int) -> Point:
    """The usual start; products and square roots only, which round alike on every platform."""
    middle = (np.arange(size) + 0.5) / size
    bump = middle * (1.0 - middle)
    bump = bump * np.sqrt(bump)
    u, v = np.tile(22.0 * bump, (size, 1)), np.tile(27.0 * bump[:, None], (1, size))
    x = np.concatenate([u.ravel(), v.ravel()])
    return Point(x, outputs=len(x), pattern=pattern(size))


def pattern(size: int) -> Pattern:
    """Five neighbours of the same substance and one place of the other: 12 N^2 non-zeros.

    Raises
    ------
    ValueError
        When the grid is so small that neighbours on both sides are the same.
    """
    if size < 3:
        raise ValueError("the grid of the Brusselator has at least 3 x 3 places")
    place = np.arange(size * size).reshape(size, size)
    around = [np.roll(place, shift, axis) for shift in (1, -1) for axis in (0, 1)]
    own = np.stack([place, *around], axis=-1).reshape(-1, 5)
    other = place.reshape(-1, 1) + size * size
    rows = np.concatenate(
        [np.hstack([own, other]), np.hstack([own + size * size, other - size * size])]
    )
    starts = np.arange(len(rows) + 1) * rows.shape[1]
    return Pattern((len(rows), len(rows)), starts, np.sort(rows, axis=1).ravel())


def scalar(m: Any) -> Any:
    def f(x):
        n = 1
        while 2 * n * n < len(x):
            n += 1
        half = n * n
        diffusion = 10.0 * half
        y = m.zeros(2 * half)
        for i in range(n):
            above = n * (i - 1) if i > 0 else n * (n - 1)
            below = n * (i + 1) if i < n - 1 else 0
            for j in range(n):
                left = n * i + (j - 1 if j > 0 else n - 1)
                right = n * i + (j + 1 if j < n - 1 else 0)
                k = n * i + j
                u = x[k]
                v = x[half + k]
                lap_u = x[above + j] + x[below + j] + x[left] + x[right] - 4.0 * u
                lap_v = (
                    x[half + above + j]
                    + x[half + below + j]
                    + x[half + left]
                    + x[half + right]
                    - 4.0 * v
                )
                reaction = u * u * v
                y[k] = 1.0 + reaction - 4.4 * u + diffusion * lap_u
                y[half + k] = 3.4 * u - reaction + diffusion * lap_v
        return y

    return f


def array(xp: Any) -> Any:
    def around(w):
        above = xp.concatenate([w[-1:], w[:-1]], axis=0)
        below = xp.concatenate([w[1:], w[:1]], axis=0)
        left = xp.concatenate([w[:, -1:], w[:, :-1]], axis=1)
        right = xp.concatenate([w[:, 1:], w[:, :1]], axis=1)
        return above + below + left + right - 4.0 * w

    def f(x):
        n = 1
        while 2 * n * n < x.shape[0]:
            n += 1
        diffusion = 10.0 * n * n
        u, v = xp.reshape(x[: n * n], (n, n)), xp.reshape(x[n * n :], (n, n))
        reaction = u * u * v
        f_u = 1.0 + reaction - 4.4 * u + diffusion * around(u)
        f_v = 3.4 * u - reaction + diffusion * around(v)
        return xp.concatenate([xp.reshape(f_u, (n * n,)), xp.reshape(f_v, (n * n,))])

    return f


PROBLEM = Problem(
    name="brusselator",
    summary="reaction and diffusion on a periodic N x N grid: a sparse Jacobian",
    at=at,
    sizes=(8, 32, 128),
    operators=(Operator.VALUE, Operator.JACOBIAN, Operator.JVP, Operator.VJP),
    forms=(Form("scalar", scalar), Form("array", array)),
)
