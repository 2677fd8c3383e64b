r"""Propagation of errors, :math:`C_y = J C_x J^T`: three functions of 3, 8 and many variables.

- n = 3: a point (x, y, z) in spherical coordinates,
  :math:`r = |(x, y, z)|, \theta = \arccos(z / r), \varphi = \mathrm{atan2}(y, x)`.
- n = 8: two four-momenta (E, px, py, pz) and the mass of their sum,
  :math:`\sqrt{(\sum E)^2 - |\sum p|^2}`: one output.
- any other n: :math:`y_i = e^{-x_i} \sin x_i`, a Jacobian that is diagonal, which no method is told.

Source: ``docs/PROBLEMS.md`` D. In the suite because it is what experimenters do with derivatives every
day: a handful of variables, where the overhead of a call is all; and, at 1 000, a dense Jacobian of
1 000 outputs, in which forward and reverse mode both pay for every zero.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem

POSITION = (1.2, -0.7, 2.1)
MOMENTA = (45.6, 20.0, -30.0, 25.0, 52.1, -18.0, 33.0, -30.0)


def at(size: int) -> Point:
    """A position, two four-momenta, or draws in [0, 3): see above."""
    if size == len(POSITION):
        return Point(np.array(POSITION), outputs=3)
    if size == len(MOMENTA):
        return Point(np.array(MOMENTA), outputs=1)
    return Point(3.0 * np.random.default_rng(31337).random(size), outputs=size)


def _spherical(m: Any) -> Any:
    def spherical(x):
        y = m.zeros(3)
        y[0] = m.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
        y[1] = m.acos(x[2] / y[0])
        y[2] = m.atan2(x[1], x[0])
        return y

    return spherical


def _mass(m: Any) -> Any:
    def mass(x):
        energy = x[0] + x[4]
        px = x[1] + x[5]
        py = x[2] + x[6]
        pz = x[3] + x[7]
        y = m.zeros(1)
        y[0] = m.sqrt(energy * energy - (px * px + py * py + pz * pz))
        return y

    return mass


def _damped(m: Any) -> Any:
    def damped(x):
        y = m.zeros(len(x))
        for i in range(len(x)):
            y[i] = m.exp(-x[i]) * m.sin(x[i])
        return y

    return damped


def scalar(m: Any) -> Any:
    spherical, mass, damped = _spherical(m), _mass(m), _damped(m)

    def f(x):
        if len(x) == 3:
            return spherical(x)
        if len(x) == 8:
            return mass(x)
        return damped(x)

    return f


def array(xp: Any) -> Any:
    def f(x):
        if x.shape[0] == 3:
            r = xp.sqrt(xp.sum(x * x))
            return xp.stack([r, xp.acos(x[2] / r), xp.atan2(x[1], x[0])])
        if x.shape[0] == 8:
            both = x[:4] + x[4:]
            square = both * both
            return xp.reshape(xp.sqrt(square[0] - xp.sum(square[1:])), (1,))
        return xp.exp(-x) * xp.sin(x)

    return f


def jacobian(m: Any) -> Any:
    def spherical(x):
        across = x[0] * x[0] + x[1] * x[1]
        square = across + x[2] * x[2]
        r, rho = m.sqrt(square), m.sqrt(across)
        return [
            [x[0] / r, x[1] / r, x[2] / r],
            [x[0] * x[2] / (rho * square), x[1] * x[2] / (rho * square), -rho / square],
            [-x[1] / across, x[0] / across, x[0] * 0.0],
        ]

    def mass(x):
        both = [x[i] + x[i + 4] for i in range(4)]
        square = both[0] * both[0] - sum(p * p for p in both[1:])
        energy = both[0] / m.sqrt(square)
        momentum = [-p / m.sqrt(square) for p in both[1:]]
        return [[energy, *momentum, energy, *momentum]]

    def damped(x):
        rows = [[0.0 for _ in x] for _ in x]
        for i, v in enumerate(x):
            rows[i][i] = m.exp(-v) * (m.cos(v) - m.sin(v))
        return rows

    def g(x):
        return spherical(x) if len(x) == 3 else mass(x) if len(x) == 8 else damped(x)

    return g


PROBLEM = Problem(
    name="propagation",
    summary="error propagation: spherical coordinates, a mass, and 1 000 damped sines",
    at=at,
    sizes=(3, 8, 1_000),
    quick=(3, 8),
    operators=(
        Operator.VALUE,
        Operator.JACOBIAN,
        Operator.JVP,
        Operator.VJP,
        Operator.PROPAGATE,
    ),
    forms=(Form("scalar", scalar), Form("array", array)),
    exact={Operator.JACOBIAN: jacobian},
)
