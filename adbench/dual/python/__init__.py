"""Scalar duals for plain Python code, over any number type; the door for users.

``numbers`` is the dual of one tangent and what all share, ``vector`` the one of several, ``second``
the second-order one, ``series`` the Taylor series to any order. ``functions`` is the namespace
``math`` of elementary functions, ``choices`` its steps and choices; ``drivers`` (first derivatives,
Taylor) and ``curvature`` (second ones) are what users call.
"""

from adbench.dual.python import choices as _choices  # noqa: F401  (completes math)
from adbench.dual.python.curvature import hessian, hvp
from adbench.dual.python.drivers import (
    derivative,
    grad,
    jacobian,
    jvp,
    taylor,
    value_and_grad,
    vjp,
)
from adbench.dual.python.functions import math
from adbench.dual.python.numbers import Dual
from adbench.dual.python.second import HyperDual
from adbench.dual.python.series import Jet
from adbench.dual.python.vector import Vector

__all__ = [
    "Dual", "HyperDual", "Jet", "Vector", "derivative", "grad", "hessian", "hvp", "jacobian", "jvp",
    "math", "taylor", "value_and_grad", "vjp",
]  # fmt: skip
