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

A column of a Jacobian is a gradient of many functions at once, by the same steps: the same promise.

Differences of fourth order have truncation in the fourth power: where a function varies over lengths of
max(|x|, 1) / 64, as the logistic map does, it is 4096 times larger of a central difference and 4096^2 times
of one of fourth order. Steps of :math:`\epsilon^{1/5} / 8` take 8^4 = 4096 from that and make rounding 8 times
larger; so they are promised :math:`8 \epsilon^{4/5}` times `SAFETY`. Extrapolated differences go through such
steps, and are promised the same. A kink or a jump within a step, of which they take the largest of all but
second differences, breaks the promise.

Along a direction v one step does: :math:`t = \epsilon^p / \max_i (|v_i| / w_i)` with
:math:`w_i = \max(|x_i|, 1)`, so that no variable moves further than in its own difference
(`along`). Rounding is then :math:`\epsilon |f| / t`. The product is a sum of :math:`w_i g_i` times
:math:`v_i / w_i` and so about the root mean square of both factors times :math:`\sqrt n`; the largest
of n normal draws is :math:`\sqrt{2 \ln n}` times their root mean square, 5.2 for a million. So a product
with a vector loses less than five times what a gradient may, and nothing for large n where all
variables count: the same promise as of a gradient, with `SAFETY` for the rest. A Hessian times a vector,
by two such steps (`p` = 1/4), is promised what a Hessian is, by the same argument.

:math:`J C J^T` has the Jacobian on both sides: twice its promise.

Not promised, and so offered by nobody: products from the left, which differences take a whole Jacobian
for; and the Newton direction, which divides by second differences of functions with kinks, where one
tie within a step of :math:`10^{-4}` leaves no digit.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

from adbench.model import Operator

EPS = sys.float_info.epsilon
SAFETY = 2.0**12
FIRST = (
    Operator.DERIVATIVE,
    Operator.GRADIENT,
    Operator.VALUE_AND_GRADIENT,
    Operator.JACOBIAN,
    Operator.JVP,
)
SECOND = (Operator.HESSIAN, Operator.HVP)

FORWARD = {
    **dict.fromkeys(FIRST, SAFETY * EPS ** (1 / 2)),
    Operator.PROPAGATE: 2.0 * SAFETY * EPS ** (1 / 2),
}
"""Relative errors promised of forward differences, operator by operator."""

CENTRAL = {
    **dict.fromkeys(FIRST, SAFETY * EPS ** (2 / 3)),
    Operator.PROPAGATE: 2.0 * SAFETY * EPS ** (2 / 3),
    **dict.fromkeys(SECOND, SAFETY * EPS ** (1 / 2)),
}
"""Relative errors promised of central differences."""

FOURTH = {
    **dict.fromkeys(FIRST, 8.0 * SAFETY * EPS ** (4 / 5)),
    Operator.PROPAGATE: 16.0 * SAFETY * EPS ** (4 / 5),
}
"""Relative errors promised of differences of fourth order, and of extrapolated ones, which hold them."""


def along(x: npt.ArrayLike, v: npt.ArrayLike, exponent: float) -> float:
    """The step ``eps**exponent / max_i(|v_i| / max(|x_i|, 1))`` along v from x; 1 along no direction."""
    longest = float(np.max(np.abs(v) / np.maximum(np.abs(x), 1.0), initial=0.0))
    return EPS**exponent / longest if longest else 1.0
