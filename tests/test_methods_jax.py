"""What is particular to the JAX methods: settings, arguments, own forms, distinct modes.

Other ways to call and to arrange them are in ``test_methods_jax_ways.py``.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from small_forms import (
    computed,
    elementwise,
    nested,
    of_numbers,
    of_vectors,
    prepared_elsewhere,
    sparse,
)
from vocabulary import WORDS, worst_error

from adbench import registry
from adbench.methods import _jax_calls, _jax_sparse
from adbench.methods._jax_ways import FORWARD, MIXED, REVERSE, REVERSE_OVER_FORWARD
from adbench.methods._shared import ELEMENTWISE, GRADIENTS, OPERATORS, SECOND, VECTOR
from adbench.model import Form, Operator, Point, Prepared, elsewhere, given

jax = pytest.importorskip("jax")

NAMES = ("jax-forward", "jax-reverse", "jax-reverse-default", "jax-hessian", "jax-aot")
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


def test_arguments_are_jax_arrays_of_the_points_types_and_numbers_stay_numbers() -> None:
    point = Point(np.ones(2), (np.arange(2), np.array([True, False]), 3.5))

    def build(xp: Any) -> Any:
        return lambda x, counts, mask, number: xp.sum(x * counts * mask) * number

    p = prepared("jax-reverse", Form("array", build), Operator.VALUE, point)
    x, counts, mask, number = p.encode(point)
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


Doing = Callable[[], Any]
Counts = Callable[[Doing], Mapping[str, int]]


@pytest.fixture
def counts(caplog: pytest.LogCaptureFixture) -> Counts:
    """How often JAX says that it traced, lowered and compiled something while it did a thing."""
    said = {"traced": "Finished tracing", "lowered": "jaxpr to MLIR", "compiled": "XLA comp"}

    def count(do: Doing) -> Mapping[str, int]:
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="jax"), jax.log_compiles():
            do()
        lines = [r.getMessage() for r in caplog.records]
        finished = [line for line in lines if line.startswith("Finished ")]
        return {k: sum(text in line for line in finished) for k, text in said.items()}

    return count


NOTHING = {"traced": 0, "lowered": 0, "compiled": 0}


def row(name: str, problem: str, operator: Operator) -> tuple[Form, Point]:
    found = registry.problem(problem)
    form = registry.method(name).form(found)
    assert form is not None
    return form, found.at(found.sizes[0])


@pytest.mark.parametrize(
    ("problem", "operator"),
    [
        ("gauss_nll", Operator.VALUE),
        ("gauss_nll", Operator.VALUE_AND_GRADIENT),
        ("rosenbrock", Operator.HESSIAN),
        ("logistic_map", Operator.DERIVATIVE),
    ],
)
@pytest.mark.parametrize("name", ["jax-forward", "jax-reverse", "jax-reverse-default"])
def test_each_phase_does_its_own_part_once(
    counts: Counts, name: str, problem: str, operator: Operator
) -> None:
    """Prepare traces and lowers, compile compiles, and the first call finds nothing left to do."""
    form, point = row(name, problem, operator)
    held: list[Prepared] = []
    preparing = counts(lambda: held.append(prepared(name, form, operator, point)))
    assert preparing["compiled"] == 0
    assert preparing["traced"] >= 1
    assert preparing["lowered"] == 1
    (p,) = held
    args = p.encode(point)
    assert p.compile is not None
    assert counts(p.compile) == {**NOTHING, "compiled": 1}
    for _ in range(2):
        assert counts(lambda: p.call(*args)) == NOTHING
    assert counts(p.compile) == NOTHING


def test_without_compile_the_first_call_compiles_once(counts: Counts) -> None:
    """And neither compile() nor describe() does it again."""
    form, point = row("jax-reverse", "gauss_nll", Operator.GRADIENT)
    p = prepared("jax-reverse", form, Operator.GRADIENT, point)
    args = p.encode(point)
    assert counts(lambda: p.call(*args)) == {**NOTHING, "compiled": 1}
    for after in (p.compile, p.describe, lambda: p.call(*args)):
        assert after is not None
        assert counts(after) == NOTHING


def test_numbers_among_the_data_leave_nothing_to_compile_either(counts: Counts) -> None:
    """Whole numbers, truths and plain numbers keep their types between prepare and call."""
    point = Point(np.ones(2), (np.arange(2), np.array([True, False]), 3.5, 2))

    def build(xp: Any) -> Any:
        return lambda x, i, mask, a, k: xp.sum(xp.where(mask, x * i, a * x) ** k)

    p = prepared("jax-reverse", Form("array", build), Operator.GRADIENT, point)
    args = p.encode(point)
    assert p.compile is not None
    p.compile()
    assert counts(lambda: p.call(*args)) == NOTHING
    assert p.decode(p.call(*args)).tolist() == [0.0, 24.5]


@pytest.mark.parametrize("operator", [Operator.GRADIENT, Operator.HESSIAN])
def test_compile_changes_no_answer(operator: Operator) -> None:
    form, point = row("jax-reverse", "gauss_nll", operator)
    answers = []
    for early in (True, False):
        p = prepared("jax-reverse", form, operator, point)
        if early:
            assert p.compile is not None
            p.compile()
        answers.append(p.decode(p.call(*p.encode(point))))
    assert np.array_equal(*answers)


@pytest.mark.parametrize("name", NAMES)
def test_the_description_has_the_sizes_of_arguments_results_and_code(name: str) -> None:
    """Of 2 variables and 100 data in, a 2 by 2 matrix out; scratch and code of a plausible size."""
    problem = registry.problem("gauss_nll")
    point, form = problem.at(100), problem.form("array")
    assert form is not None
    p = prepared(name, form, Operator.HESSIAN, point)
    p.call(*p.encode(point))
    assert p.describe is not None
    found = p.describe()
    assert found["argument_bytes"] == 8 * (2 + 100)
    assert found["output_bytes"] == 8 * 4
    assert 0 < found["temp_bytes"] < 1_000_000
    assert all(type(size) is int for size in found.values())
    if jax.default_backend() == "cpu":
        assert "device_peak_bytes" not in found  # nobody counts it there
        if sys.platform == "linux":
            assert 500 < found["code_bytes"] < 100_000
    else:
        assert found["device_peak_bytes"] >= found["argument_bytes"]


def test_more_code_has_a_larger_size() -> None:
    """Code of a value, of its gradient and of its Hessian."""
    form = registry.problem("histogram_nll").form("array")
    assert form is not None
    sizes = []
    for operator in (Operator.VALUE, Operator.GRADIENT, Operator.HESSIAN):
        p = prepared("jax-reverse", form, operator, registry.problem("histogram_nll").at(100))
        assert p.describe is not None
        size = p.describe().get("code_bytes")
        if size is None:
            assert sys.platform != "linux"
            pytest.skip("the size of machine code is not known here")
        sizes.append(size)
    assert sizes[0] < sizes[1] < sizes[2]


def lowered(analysis: Any, serialize: Callable[[], bytes]) -> Any:
    """What `describe` reads, as another backend or another release may offer it."""
    executable = SimpleNamespace(serialize=serialize)
    compiled = SimpleNamespace(
        memory_analysis=lambda: analysis, runtime_executable=lambda: executable
    )
    return SimpleNamespace(compile=lambda: compiled)


def no_promise() -> bytes:
    raise NotImplementedError("this backend does not serialise")


def test_what_xla_does_not_know_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No size stands for an unknown one, and a device that counts has its peak."""
    sizes = {f"{part}_size_in_bytes": 0 for part in ("temp", "argument", "output")}
    unknown = SimpleNamespace(generated_code_size_in_bytes=0, **sizes)
    known = SimpleNamespace(generated_code_size_in_bytes=77, **sizes)
    zeros = {"temp_bytes": 0, "argument_bytes": 0, "output_bytes": 0}
    for stats, peak in ((None, {}), ({"peak_bytes_in_use": 9}, {"device_peak_bytes": 9})):
        device = SimpleNamespace(memory_stats=lambda stats=stats: stats)
        monkeypatch.setattr(jax, "devices", lambda device=device: [device])
        assert _jax_calls.describe(lowered(None, no_promise)) == peak
        assert _jax_calls.describe(lowered(unknown, no_promise)) == {**zeros, **peak}
        assert _jax_calls.describe(lowered(unknown, lambda: b"no object file")) == {**zeros, **peak}
        assert _jax_calls.describe(lowered(known, no_promise)) == {
            **zeros,
            **peak,
            "code_bytes": 77,
        }


def test_only_the_method_with_other_process_wide_options_needs_a_process_of_its_own() -> None:
    alone = {m.name for m in registry.methods().values() if m.tool == "jax" and m.own_process}
    assert alone == {"jax-reverse-default", "jax-float32", "jax-sharded"}


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


class Jitted:
    """A jitted function that has always the same result."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def __call__(self, *args: Any) -> Any:
        return self.result

    def lower(self, *args: Any) -> Any:
        return SimpleNamespace(compile=lambda: None)


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_call_waits_for_each_array_by_its_own_method(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Walking the result as a tree of unknown shape would cost a tenth of the shortest calls."""
    both = operator is Operator.VALUE_AND_GRADIENT
    late = (Late(), Late()) if both else Late()

    def walk(tree: Any) -> Any:
        raise AssertionError("walked the tree of results")

    monkeypatch.setattr(jax, "jit", lambda f: Jitted(late))
    monkeypatch.setattr(jax, "block_until_ready", walk)
    p = prepared("jax-reverse", Form("array", lambda xp: xp.sum), operator, Point(np.ones(2)))
    assert p.call() == late
    assert all(part.ready for part in (late if isinstance(late, tuple) else (late,)))


@pytest.mark.parametrize("operator", [Operator.VALUE, *GRADIENTS, *SECOND])
def test_a_long_call_is_complete_when_it_returns(operator: Operator) -> None:
    """With JAX's own asynchronous dispatch, where an unfinished result would be handed out."""
    form = Form("array", lambda xp: lambda x, a: xp.sum(xp.sin(a @ (a @ (a * x[0]))) * x[1]))
    point = Point(np.array([0.3, 0.7]), (np.full((500, 500), 1e-3),))
    p = prepared("jax-reverse-default", form, operator, point)
    args = p.encode(point)
    for _ in range(3):
        assert all(leaf.is_ready() for leaf in jax.tree.leaves(p.call(*args)))


def test_methods_of_both_precisions_take_turns_in_one_process() -> None:
    """Each has its own again when it encodes, whatever the other one set since it was prepared."""
    point = Point(np.array([0.1, 1.0 / 3.0]), (np.arange(2),))
    form = Form("array", lambda xp: lambda x, i: xp.sum(x * x * i))
    full, half = (
        prepared(name, form, Operator.GRADIENT, point) for name in ("jax-reverse", "jax-float32")
    )
    for p, dtype, third in ((full, "float64", 2.0 / 3.0), (half, "float32", np.float32(2.0 / 3.0))):
        x, i = p.encode(point)
        assert (x.dtype, i.dtype) == (dtype, dtype.replace("float", "int"))
        result = p.call(x, i)
        assert result.dtype == dtype
        assert p.decode(result).tolist() == [0.0, third]


def test_a_result_of_half_the_bits_is_refused() -> None:
    """A text that makes float32 numbers, alone or beside others."""
    one, pair = Operator.VALUE, Operator.VALUE_AND_GRADIENT
    half = Form("array", lambda xp: lambda x: xp.sum(x).astype("float32"))
    for operator in (one, pair):
        p = prepared("jax-reverse", half, operator, Point(np.ones(2)))
        with pytest.raises(RuntimeError, match="computed in float32, not in float64"):
            computed(p, Point(np.ones(2)))


def test_a_process_that_starts_without_x64_has_it_on_in_every_row() -> None:
    """By the environment, and by a module that used JAX before: the result has all of its digits."""
    program = """
import jax
assert jax.numpy.ones(2).dtype == "float32"
import numpy as np
from adbench import registry
from adbench.model import Form, Operator, Point
form = Form("array", lambda xp: lambda x: xp.sum(x * x * xp.ones(2)))
for name in ("jax-forward", "jax-reverse", "jax-reverse-default"):
    p = registry.method(name).prepare(form, Operator.GRADIENT, Point(np.ones(2)))
    result = p.call(*p.encode(Point(np.array([0.1, 1 / 3]))))
    assert result.dtype == "float64", result.dtype
    assert p.decode(result).tolist() == [0.2, 2 / 3]
print("all digits")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"JAX_ENABLE_X64": "0"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout.strip() == "all digits", done.stderr


@pytest.mark.parametrize(
    ("name", "operator", "offers"),
    [
        ("jax-reverse", Operator.TAYLOR, "value, .*jacobian"),
        ("jax-hessian", Operator.JVP, "hessian, hvp, newton_direction"),
    ],
)
def test_an_operator_that_is_not_offered_is_refused(
    name: str, operator: Operator, offers: str
) -> None:
    with pytest.raises(NotImplementedError, match=f"'{operator.value}'; it offers {offers}"):
        registry.method(name).prepare(Form("array", lambda xp: xp.sum), operator, Point(np.ones(2)))


MODES = ["jax-forward", "jax-reverse"]
SECOND_MODES = [*MODES, "jax-hessian", "jax-reverse-over-forward"]


def offered(operators: Any) -> list[Any]:
    """(name, operator) of what each of the three offers of these."""
    return [(n, o) for n in SECOND_MODES for o in operators if o in registry.method(n).operators]


def error(found: Any, exact: Any) -> float:
    """Largest error relative to the largest number."""
    assert found.dtype == np.float64
    assert found.shape == np.shape(exact)
    return float(np.max(np.abs(found - exact)) / np.max(np.abs(exact)))


@pytest.mark.parametrize("operator", VECTOR)
@pytest.mark.parametrize("name", MODES)
def test_vector_valued_functions_have_all_their_operators(name: str, operator: Operator) -> None:
    form, point, exact = of_vectors(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 1e-15


@pytest.mark.parametrize(("name", "operator"), offered([Operator.GRADIENT, *SECOND]))
def test_second_derivatives_and_their_products(name: str, operator: Operator) -> None:
    form, point, exact = of_numbers(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 1e-15


@pytest.mark.parametrize("operator", [Operator.HVP, Operator.NEWTON_DIRECTION])
def test_one_product_with_the_hessian_does_not_form_it(operator: Operator) -> None:
    """Of 3 000 variables, the program of a mode with a cheap gradient has no array of 9 000 000."""
    form = registry.problem("rosenbrock").form("array")
    assert form is not None
    for name in ("jax-reverse", "jax-hessian", "jax-reverse-over-forward"):
        p = prepared(name, form, operator, Point(np.linspace(0.5, 1.0, 3_000)))
        assert p.describe is not None
        assert p.describe()["temp_bytes"] < 3_000_000


def test_directions_are_arguments_and_not_part_of_the_program() -> None:
    """Twice the direction, twice the product, by one prepared call."""
    for name in SECOND_MODES:
        form, point, exact = of_numbers(Operator.HVP)
        p = prepared_elsewhere(registry.method(name), form, Operator.HVP, point)
        x, v, *data = p.encode(point)
        assert np.array_equal(v, given(Operator.HVP, point)[0])
        assert error(p.decode(p.call(x, 2.0 * v, *data)), 2.0 * exact) < 1e-15


@pytest.mark.parametrize("operator", ELEMENTWISE)
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("name", MODES)
def test_functions_of_several_numbers_a_point(name: str, k: int, operator: Operator) -> None:
    """All derivatives by the first number of every point, then by the second, and so on."""
    form, point, exact = elementwise(k, operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 2e-15


@pytest.mark.parametrize(
    ("name", "operator"), offered([Operator.VALUE, Operator.GRADIENT, Operator.HESSIAN])
)
def test_derivatives_nest_without_confusion(name: str, operator: Operator) -> None:
    form, point, exact = nested(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 2e-15


@pytest.mark.parametrize(("name", "word"), [("jax-forward", "jvp"), ("jax-reverse", "vjp")])
def test_inner_derivatives_are_of_the_methods_own_mode(
    name: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    for each in ("jvp", "vjp"):
        original = getattr(jax, each)

        def spied(*args: Any, each: str = each, original: Any = original) -> Any:
            called.append(each)
            return original(*args)

        monkeypatch.setattr(jax, each, spied)
    form, point, _ = nested(Operator.VALUE)
    prepared(name, form, Operator.VALUE, point)
    assert set(called) == {word}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("name", MODES)
def test_sparse_jacobians_are_delivered_with_their_pattern(
    name: str, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All products at once, and one after another in pieces shorter and longer than a colour has."""
    form, point, dense = sparse(40)
    assert point.pattern is not None
    for piece in (3, 64):
        monkeypatch.setattr(_jax_sparse, "PIECE", piece)
        if not together:
            monkeypatch.setattr(_jax_sparse, "TOGETHER", 0)
        p = prepared_elsewhere(registry.method(name), form, Operator.JACOBIAN, point)
        entries = p.call(*p.encode(point))
        assert entries.shape == (point.pattern.nnz,), "the entries are picked within the call"
        found = p.decode(entries)
        assert np.array_equal(found.indices, point.pattern.columns)
        assert error(found.toarray(), dense) < 1e-15


@pytest.mark.parametrize("name", MODES)
def test_a_sparse_jacobian_takes_a_product_a_colour(name: str) -> None:
    """Not one a variable: the program of many variables has room for a few products only."""
    form, point, _ = sparse(2_000)
    assert point.pattern is not None
    colours = point.pattern.column_colours if name == "jax-forward" else point.pattern.row_colours
    assert colours.max() < 5
    p = prepared_elsewhere(registry.method(name), form, Operator.JACOBIAN, point)
    assert p.describe is not None
    assert p.describe()["temp_bytes"] < 8 * 2_000 * 30


def test_texts_of_checkpoints_and_rules_are_read_by_their_own_methods_alone() -> None:
    def build(xp: Any) -> Any:
        """For the test."""
        return lambda x: xp.sum(x * x * x)

    for name in ("jax-checkpoint", "jax-implicit"):
        method, own = registry.method(name), Form(name, build)
        assert method.reads == (name,)
        assert [n for n in registry.methods() if name in registry.method(n).reads] == [name]
        point = Point(np.array([1.0, 2.0]))
        for operator in GRADIENTS:
            found = computed(prepared_elsewhere(method, own, operator, point), point)
            assert found.tolist()[-2:] == [3.0, 12.0]


def looping(xp: Any) -> Any:
    """Doubles until 100 is passed: nobody knows beforehand how often."""
    return lambda x: jax.lax.while_loop(lambda s: s < 100.0, lambda s: 2.0 * s, x[0])


def test_what_jax_cannot_reverse_is_said_in_a_sentence() -> None:
    form, point = Form("jax", looping), Point(np.array([3.0]))
    with pytest.raises(NotImplementedError, match=r"no reverse mode through a lax\.while_loop"):
        prepared("jax-reverse", form, Operator.GRADIENT, point)
    p = prepared_elsewhere(registry.method("jax-forward"), form, Operator.GRADIENT, point)
    assert computed(p, point).tolist() == [64.0]


def test_what_jax_cannot_push_forward_is_said_in_a_sentence() -> None:
    def build(xp: Any) -> Any:
        cube = jax.custom_vjp(lambda x: xp.sum(x * x * x))
        cube.defvjp(lambda x: (cube(x), x), lambda x, u: (3.0 * u * x * x,))
        return cube

    form, point = Form("array", build), Point(np.array([1.0, 2.0]))
    with pytest.raises(NotImplementedError, match="no forward mode through a function"):
        prepared("jax-forward", form, Operator.GRADIENT, point)
    p = prepared_elsewhere(registry.method("jax-reverse"), form, Operator.GRADIENT, point)
    assert computed(p, point).tolist() == [3.0, 12.0]


def test_other_errors_of_a_text_are_not_excused() -> None:
    form = Form("array", lambda xp: lambda x: xp.sum(x) + "a")
    with pytest.raises(TypeError):
        prepared("jax-reverse", form, Operator.GRADIENT, Point(np.ones(2)))


@pytest.mark.parametrize("operator", [Operator.GRADIENT, Operator.VALUE_AND_GRADIENT])
def test_too_little_memory_is_said_to_be_that(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(said: str) -> Any:
        def call(*args: Any) -> Any:
            raise jax.errors.JaxRuntimeError(said)

        return _jax_calls.waiting(call, operator is Operator.VALUE_AND_GRADIENT)

    with pytest.raises(MemoryError, match="allocating 8 bytes"):
        failing("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.")()
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        failing("INTERNAL: something else")()


def test_the_modes_are_different_programs() -> None:
    """All four of one mode over another, and the gradients of the pure ones."""

    def f(x: Any) -> Any:
        return jax.numpy.sum(jax.numpy.sin(x[1:] * x[:-1]))

    x = np.linspace(0.1, 0.5, 4)
    for operator, modes in (
        (Operator.GRADIENT, (FORWARD, REVERSE)),
        (Operator.HESSIAN, (FORWARD, REVERSE, MIXED, REVERSE_OVER_FORWARD)),
        (Operator.HVP, (FORWARD, REVERSE, MIXED, REVERSE_OVER_FORWARD)),
        (Operator.NEWTON_DIRECTION, (FORWARD, REVERSE, MIXED, REVERSE_OVER_FORWARD)),
        (Operator.JACOBIAN, (FORWARD, REVERSE)),
        (Operator.PROPAGATE, (FORWARD, REVERSE)),
    ):
        shapes = (x, *given(operator, Point(x)))
        vector = operator in VECTOR
        g = (lambda r: f(r)[None] * r[:2]) if vector else f
        programs = [str(jax.make_jaxpr(m.ways(jax, g, 0)[operator])(*shapes)) for m in modes]
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


@pytest.mark.parametrize(
    ("platform", "remedy"),
    [("nowhere", "for a GPU install jax[cuda13]"), ("tpu", "for a TPU install jax[tpu]")],
)
def test_a_platform_that_is_not_there_is_named_with_the_remedy(platform, remedy):
    """Without a GPU, JAX's own error is an empty assertion."""
    program = """
from adbench import registry
from adbench.model import Operator
problem = registry.problem("rosenbrock")
method = registry.method("jax-reverse")
try:
    method.prepare(problem.form("array"), Operator.GRADIENT, problem.at(2))
except RuntimeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"JAX_PLATFORMS": platform},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert f"no device for platform '{platform}'" in done.stdout
    assert f"{remedy}, or measure on the CPU" in done.stdout
