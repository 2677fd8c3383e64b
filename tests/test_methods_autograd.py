"""What is particular to the autograd methods: its namespace, its modes, what has no forward rule."""

from typing import Any

import numpy as np
import pytest
from vocabulary import WORDS, worst_error

from adbench import registry
from adbench.model import Form, Operator, Point, elsewhere

pytest.importorskip("autograd")

NO_FORWARD_RULE = {"erf", "erfc", "lgamma"}


@pytest.mark.parametrize("word", WORDS)
def test_reverse_mode_differentiates_every_word_of_the_vocabulary(word: str) -> None:
    method = registry.method("autograd-reverse")
    assert worst_error(method, "array", word, Operator.DERIVATIVE) < 1e-14


@pytest.mark.parametrize("word", [w for w in WORDS if w not in NO_FORWARD_RULE])
def test_forward_mode_differentiates_the_words_it_has_rules_for(word: str) -> None:
    method = registry.method("autograd-forward")
    assert worst_error(method, "array", word, Operator.DERIVATIVE) < 1e-14


@pytest.mark.parametrize("word", sorted(NO_FORWARD_RULE))
def test_forward_modes_declared_gap_is_a_real_one(word: str) -> None:
    """The day autograd gains the rule, the gap must go."""
    method = registry.method("autograd-forward")
    assert "special-functions" in method.gaps
    with pytest.raises(NotImplementedError, match="JVP"):
        worst_error(method, "array", word, Operator.DERIVATIVE)


def counted(calls: list[int]) -> Form:
    def build(xp: Any) -> Any:
        def f(x: Any) -> Any:
            calls.append(1)
            return xp.sum(x * x * x)

        return f

    return Form("array", build)


@pytest.mark.parametrize(("name", "passes"), [("autograd-reverse", 1), ("autograd-forward", 5)])
def test_a_gradient_takes_one_pass_in_reverse_and_one_a_variable_forward(
    name: str, passes: int
) -> None:
    calls: list[int] = []
    point = Point(np.arange(1.0, 6.0))
    p = registry.method(name).prepare(counted(calls), Operator.GRADIENT, elsewhere(point))
    assert p.decode(p.call(*p.encode(point))).tolist() == [3.0, 12.0, 27.0, 48.0, 75.0]
    assert len(calls) == passes


@pytest.mark.parametrize("name", ["autograd-reverse", "autograd-forward"])
def test_an_operator_that_is_not_offered_is_refused(name: str) -> None:
    with pytest.raises(NotImplementedError, match="'jvp'; it offers value"):
        registry.method(name).prepare(
            Form("array", lambda xp: xp.sum), Operator.JVP, Point(np.ones(2))
        )
