r"""What finite differences promise, whoever computes them; knows steps and errors, no function.

With steps of :math:`\epsilon^p \max(|x|, 1)`, truncation and rounding balance (Press et al., Numerical
Recipes, 3rd edition, section 5.7): p = 1/2 for forward, 1/3 for central and 1/4 for second central
differences. The relative error is then :math:`\epsilon^{1/2}, \epsilon^{2/3}` and
:math:`\epsilon^{1/2}` for a function whose values, slopes and curvatures are of order 1.

The promise is that times `SAFETY`, because rounding counts relative to f, and f may be that much
larger than its slopes times max(|x|, 1) (a sum over 10 000 terms is), and because its higher
derivatives may be large. 4096: the values of the suite's sums are up to 450 times their slopes, and
the third derivative of the logistic map makes a central difference 670 times (nearby 1 600 times)
worse than the ideal.
"""

from __future__ import annotations

import sys

from adbench.model import Operator

EPS = sys.float_info.epsilon
SAFETY = 2.0**12
FIRST = (Operator.DERIVATIVE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT)

FORWARD = dict.fromkeys(FIRST, SAFETY * EPS ** (1 / 2))
"""Relative errors promised of forward differences, operator by operator."""

CENTRAL = {
    **dict.fromkeys(FIRST, SAFETY * EPS ** (2 / 3)),
    Operator.HESSIAN: SAFETY * EPS ** (1 / 2),
}
"""Relative errors promised of central differences."""
