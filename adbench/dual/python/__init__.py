"""Scalar duals for plain Python code, over any number type; the door for users.

``numbers`` is the dual of one tangent and what all share, ``vector`` the one of several, ``second``
the second-order one, ``functions`` the namespace ``math`` of elementary functions, ``drivers`` what
users call.
"""

from adbench.dual.python.drivers import (
    Dual,
    Jet,
    Vector,
    derivative,
    grad,
    hessian,
    math,
    value_and_grad,
)

__all__ = [
    "Dual", "Jet", "Vector", "derivative", "grad", "hessian", "math", "value_and_grad",
]  # fmt: skip
