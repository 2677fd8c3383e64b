"""What is particular to uncertainties: covariances of results, and nothing else."""

from typing import Any

import pytest
from peer_checks import cells, check, check_wrong_use

from adbench import registry
from adbench.model import Method, Operator

pytest.importorskip("uncertainties")

METHODS = [m for m in registry.methods().values() if m.tool == "uncertainties"]
REFUSES: dict[str, list[tuple[str, Operator | None]]] = {}


@pytest.mark.parametrize(("method", "name", "size", "operator"), cells(METHODS))
def test_every_operator_is_right_or_refused(
    method: Method, name: str, size: Any, operator: Operator
) -> None:
    check(method, name, size, operator, REFUSES.get(method.name, []))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_what_the_tool_is_not_asked_for_is_refused_by_a_sentence(method: Method) -> None:
    check_wrong_use(method, Operator.GRADIENT)
