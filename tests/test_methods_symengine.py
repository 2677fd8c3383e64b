"""What is particular to SymEngine: tables of data, and what it refuses to write out."""

from typing import Any

import pytest
from peer_checks import cells, check

from adbench import registry
from adbench.model import Method, Operator

pytest.importorskip("symengine")

METHODS = [m for m in registry.methods().values() if m.tool == "symengine"]
REFUSES: dict[str, list[tuple[str, Operator | None]]] = {
    "symengine-lambdify": [("kepler", None), ("kepler", Operator.VALUE)],
}


@pytest.mark.parametrize(("method", "name", "size", "operator"), cells(METHODS))
def test_every_operator_is_right_or_refused(
    method: Method, name: str, size: Any, operator: Operator
) -> None:
    check(method, name, size, operator, REFUSES.get(method.name, []))


def test_a_loop_over_data_is_refused() -> None:
    (method,) = METHODS
    problem = registry.problem("gauss_nll")
    scalar = problem.form("scalar")
    assert scalar is not None
    with pytest.raises(NotImplementedError, match="no term"):
        method.prepare(scalar, Operator.GRADIENT, problem.at(100))


def test_what_is_too_long_is_refused_and_what_grows_slowly_is_not() -> None:
    (method,) = METHODS
    chaos = registry.problem("logistic_map")
    form = method.form(chaos)
    assert form is not None
    with pytest.raises(NotImplementedError, match="operations"):
        method.prepare(form, Operator.DERIVATIVE, chaos.at(1))
    check(method, "rosenbrock", 100, Operator.GRADIENT)
