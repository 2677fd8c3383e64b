"""uncertainties as its manual has you use it: numbers with errors, whose covariances are asked at the end.

``correlated_values(x, covariance)`` makes x variables with that covariance, f is run on them with the
functions of ``uncertainties.umath``, and ``covariance_matrix`` of the results is J C J^T: first-order
propagation, with derivatives that the numbers carry (uncertainties 3.2). Nothing else is asked of it:
its derivatives are there for that.

``correlated_values`` finds independent variables by an eigendecomposition of the correlations, whose
rounding stays within what an exact method may be wrong by. It adds up variables in the order of a set,
which changes from call to call: so do the last bits of a result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adbench.methods._scalars import at_each, float_words, lists
from adbench.methods._shared import cannot_nest, deliver
from adbench.model import ELEMENTARY, Form, Method, Operator, Point, Prepared, namespace


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    import uncertainties
    from uncertainties import umath

    if operator is Operator.VALUE:
        plain, k = form.build(float_words("uncertainties")), int(form.elementwise)
        value = at_each(plain, k) if k else plain
        return Prepared(value, lambda at: lists(operator, at), deliver(form, operator, point))
    if operator is not Operator.PROPAGATE:
        raise NotImplementedError(
            f"uncertainties propagates errors and is not asked for '{operator.value}'"
        )
    words = {word: getattr(umath, word) for word in ELEMENTARY}
    f = form.build(namespace("umath", {**words, "derivative": cannot_nest("uncertainties")}))

    def propagate(x: Any, covariance: Any, *data: Any) -> Any:
        numbers = uncertainties.correlated_values(x, covariance)
        return np.array(uncertainties.covariance_matrix(f(list(numbers), *data)))

    return Prepared(propagate, lambda at: lists(operator, at), deliver(form, operator, point))


METHODS = [
    Method(
        name="uncertainties-umath",
        summary="correlated_values through Python code, covariance_matrix of the results",
        tool="uncertainties",
        mode="reverse",
        reads=("scalar",),
        operators=(Operator.VALUE, Operator.PROPAGATE),
        prepare=_prepare,
        requires=("uncertainties",),
        gaps={
            "nested-derivative": "uncertainties gives covariances and no derivative inside a text"
        },
        imports=("uncertainties.umath", "adbench.dual.elementary"),
    )
]
