"""What is particular to the JAX methods: settings, arguments, own forms, distinct modes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vocabulary import WORDS, worst_error

from adbench import registry
from adbench.model import Form, Operator, Point, Prepared, elsewhere

jax = pytest.importorskip("jax")

from adbench.methods import jax as ours  # noqa: E402 - after the skip

NAMES = ("jax-forward", "jax-reverse", "jax-reverse-default", "jax-hessian")
ROOT = Path(__file__).parents[1]


def prepared(name: str, form: Form, operator: Operator, point: Point) -> Prepared:
    return registry.method(name).prepare(form, operator, elsewhere(point))


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ["jax-forward", "jax-reverse"])
def test_every_word_of_the_vocabulary_is_differentiated(name: str, word: str) -> None:
    assert worst_error(registry.method(name), "array", word, Operator.DERIVATIVE) < 1e-14


def test_own_forms_are_preferred() -> None:
    for name in NAMES:
        form = registry.method(name).form(registry.problem("logistic_map"))
        assert form is not None
        assert form.name == "jax"


@pytest.mark.parametrize("name", ["jax-forward", "jax-reverse", "jax-reverse-default"])
def test_the_derivative_is_taken_at_each_point_of_a_line(name: str) -> None:
    """At fixed points x = 1 - 1/r of the map the derivative is 1/r^2; r below 3 reaches them."""
    form = registry.method(name).form(registry.problem("logistic_map"))
    assert form is not None
    point = Point(np.linspace(1.5, 2.5, 7))
    p = prepared(name, form, Operator.DERIVATIVE, point)
    np.testing.assert_allclose(p.decode(p.call(*p.encode(point))), point.x**-2.0, rtol=1e-12)


def scaled(xp: Any) -> Any:
    return lambda x, a, k: xp.sum(a * xp.exp(x)) * k


def test_arguments_are_jax_arrays_of_the_points_types_and_numbers_stay_numbers() -> None:
    point = Point(np.ones(2), (np.arange(2), np.array([True, False]), 3.5))
    x, counts, mask, number = prepared(
        "jax-reverse", Form("array", scaled), Operator.VALUE, point
    ).encode(point)
    for a, dtype in ((x, np.float64), (counts, np.int64), (mask, np.bool_)):
        assert isinstance(a, jax.Array)
        assert a.dtype == dtype
    assert number == 3.5


def test_data_are_arguments_and_not_part_of_the_program() -> None:
    """One prepared call follows new data, plain numbers included, without another trace."""
    traces = []

    def build(xp: Any) -> Any:
        def f(x: Any, a: Any, k: Any) -> Any:
            traces.append(1)
            return xp.sum(a * xp.exp(x)) * k

        return f

    first = Point(np.zeros(2), (np.array([1.0, 2.0]), 2.0))
    second = Point(np.zeros(2), (np.array([5.0, 7.0]), 3.0))
    p = prepared("jax-reverse", Form("array", build), Operator.GRADIENT, first)
    assert p.decode(p.call(*p.encode(first))).tolist() == [2.0, 4.0]
    count = len(traces)
    assert p.decode(p.call(*p.encode(second))).tolist() == [15.0, 21.0]
    assert len(traces) == count


def test_the_result_of_a_call_is_ready() -> None:
    problem = registry.problem("rosenbrock")
    point, form = problem.at(100), problem.form("array")
    assert form is not None
    for name in NAMES:
        p = prepared(name, form, Operator.HESSIAN, point)
        args = p.encode(point)
        assert all(leaf.is_ready() for leaf in jax.tree.leaves(args))
        assert all(leaf.is_ready() for leaf in jax.tree.leaves(p.call(*args)))


class Late:
    """A result that remembers whether it was waited for."""

    ready = False

    def block_until_ready(self) -> "Late":
        self.ready = True
        return self


@pytest.mark.parametrize("operator", ours.OPERATORS)
def test_a_call_waits_for_each_array_by_its_own_method(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Walking the result as a tree of unknown shape would cost a tenth of the shortest calls."""
    both = operator is Operator.VALUE_AND_GRADIENT
    late = (Late(), Late()) if both else Late()

    def walk(tree: Any) -> Any:
        raise AssertionError("walked the tree of results")

    monkeypatch.setattr(jax, "jit", lambda f: lambda *args: late)
    monkeypatch.setattr(jax, "block_until_ready", walk)
    p = prepared("jax-reverse", Form("array", lambda xp: xp.sum), operator, Point(np.ones(2)))
    assert p.call() == late
    assert all(part.ready for part in (late if isinstance(late, tuple) else (late,)))


@pytest.mark.parametrize("operator", [o for o in ours.OPERATORS if o is not Operator.DERIVATIVE])
def test_a_long_call_is_complete_when_it_returns(operator: Operator) -> None:
    """With JAX's own asynchronous dispatch, where an unfinished result would be handed out."""
    form = Form("array", lambda xp: lambda x, a: xp.sum(xp.sin(a @ (a @ (a * x[0]))) * x[1]))
    point = Point(np.array([0.3, 0.7]), (np.full((500, 500), 1e-3),))
    p = prepared("jax-reverse-default", form, operator, point)
    args = p.encode(point)
    for _ in range(3):
        assert all(leaf.is_ready() for leaf in jax.tree.leaves(p.call(*args)))


def test_without_x64_encode_says_what_happened() -> None:
    point = Point(np.ones(2))
    p = prepared("jax-reverse", Form("array", lambda xp: xp.sum), Operator.VALUE, point)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(RuntimeError, match=r"float64 into float32.*leave it on"):
            p.encode(point)
    finally:
        jax.config.update("jax_enable_x64", True)


@pytest.mark.parametrize("name", ["jax-reverse", "jax-hessian"])
def test_an_operator_that_is_not_offered_is_refused(name: str) -> None:
    with pytest.raises(NotImplementedError, match=r"'jvp'; it offers .*hessian"):
        prepared(name, Form("array", lambda xp: xp.sum), Operator.JVP, Point(np.ones(2)))


def test_the_modes_are_different_programs() -> None:
    """Forward over forward, reverse over reverse and forward over reverse, and their gradients."""

    def f(x: Any) -> Any:
        return jax.numpy.sum(jax.numpy.sin(x[1:] * x[:-1]))

    x = np.linspace(0.1, 0.5, 4)
    for operator, modes in (
        (Operator.GRADIENT, (ours._forward, ours._reverse)),
        (Operator.HESSIAN, (ours._forward, ours._reverse, ours._forward_over_reverse)),
    ):
        programs = [str(jax.make_jaxpr(ways(f)[operator])(x)) for ways in modes]
        assert len(set(programs)) == len(modes)


@pytest.mark.parametrize(("name", "waits"), [("jax-reverse", True), ("jax-reverse-default", False)])
def test_asynchronous_dispatch_is_off_in_every_row_but_the_default_one(
    name: str, waits: bool
) -> None:
    """Whether a long product is ready at once, in a process where only this method was prepared."""
    program = (
        "import sys\n"
        "from adbench import registry\n"
        "from adbench.model import Operator\n"
        "problem, method = registry.problem('rosenbrock'), registry.method(sys.argv[1])\n"
        "point = problem.at(2)\n"
        "p = method.prepare(method.form(problem), Operator.GRADIENT, point)\n"
        "p.call(*p.encode(point))\n"
        "import jax\n"
        "f, a = jax.jit(lambda a: a @ a @ a), jax.numpy.ones((700, 700))\n"
        "f(a).block_until_ready()\n"
        "print([f(a).is_ready() for _ in range(5)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, name], cwd=ROOT, capture_output=True, text=True, check=True
    )
    ready = done.stdout.strip()
    assert ready == str([True] * 5) if waits else "False" in ready
