"""Array duals for whole-array NumPy code (vector mode); the door for users.

``array_type`` is the array dual itself, ``arithmetic``, ``functions`` and ``products`` are the NumPy
functions it offers, ``drivers`` what users call.
"""

from adbench.dual.numpy.drivers import (
    DualArray,
    derivative,
    grad,
    hessian,
    value_and_grad,
)

__all__ = ["DualArray", "derivative", "grad", "hessian", "value_and_grad"]
