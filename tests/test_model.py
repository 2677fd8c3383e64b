"""The nouns keep their invariants: read-only points, one name a case, hashes of code and not of layout."""

import importlib.util
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adbench import model
from adbench.model import (
    Case,
    Comparison,
    Decision,
    Form,
    Measurement,
    Method,
    Operator,
    Outcome,
    Phase,
    Point,
    Prepared,
    Problem,
    Result,
    UnknownNameError,
)

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,12}", fullmatch=True)
SIZES = st.one_of(
    st.integers(0, 10**7), st.lists(st.integers(0, 10**4), min_size=2, max_size=4).map(tuple)
)
OPERATORS = st.sampled_from([o.value for o in Operator])


def identity(m: Any) -> Any:
    return lambda x: x


def problem(**changes: Any) -> Problem:
    given_ = {
        "name": "toy",
        "summary": "a toy",
        "at": lambda size: Point(np.ones(size)),
        "sizes": (1, 2),
        "operators": (Operator.VALUE,),
        "forms": (Form("scalar", identity),),
    }
    return Problem(**{**given_, **changes})


def method(**changes: Any) -> Method:
    given_ = {
        "name": "toy-forward",
        "summary": "a toy",
        "tool": "toy",
        "mode": "forward",
        "reads": ("array", "scalar"),
        "operators": (Operator.VALUE,),
        "prepare": lambda form, operator, point: Prepared(abs, lambda p: (p.x,), np.asarray),
    }
    return Method(**{**given_, **changes})


def test_a_method_computes_in_a_known_dtype() -> None:
    assert method().dtype == "float64"
    assert method(dtype="float32").dtype == "float32"
    with pytest.raises(
        ValueError, match="'toy-forward': dtype 'float16' is none of float64, float32"
    ):
        method(dtype="float16")


# Operator, Outcome


@pytest.mark.parametrize(
    ("operator", "shape"),
    [
        (Operator.VALUE, (2, 3)),
        (Operator.DERIVATIVE, (4,)),
        (Operator.GRADIENT, (4,)),
        (Operator.VALUE_AND_GRADIENT, (5,)),
        (Operator.JACOBIAN, (6, 4)),
        (Operator.HESSIAN, (4, 4)),
        (Operator.JVP, (2, 3)),
        (Operator.VJP, (4,)),
        (Operator.HVP, (4,)),
        (Operator.PROPAGATE, (6, 6)),
        (Operator.TAYLOR, (5, 2, 3)),
    ],
)
def test_an_operator_fixes_the_shape(operator: Operator, shape: tuple[int, ...]) -> None:
    assert operator.shape(4, (2, 3)) == shape


def test_the_value_of_a_sum_has_no_axis() -> None:
    assert Operator.VALUE.shape(4) == ()


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_is_found_by_its_label(outcome: Outcome) -> None:
    assert Outcome.from_label(outcome.label) is outcome
    assert outcome.ran == (outcome is Outcome.OK)


def test_an_unknown_outcome_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"'okay'.*ok, wrong"):
        Outcome.from_label("okay")


# Point


def test_a_point_is_a_read_only_copy() -> None:
    x, sample, mask = np.ones(3), np.arange(4.0), np.array([True, False])
    point = Point(x, (sample, mask, 7))
    x[0] = sample[0] = 5.0
    mask[0] = False
    assert point.x[0] == 1.0
    assert point.data[0][0] == 0.0
    assert point.data[1][0]
    assert point.data[2] == 7
    for array in (point.x, *point.data[:2]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_points_x_is_float64_and_one_dimensional() -> None:
    assert Point(np.array([1, 2])).x.dtype == np.float64
    assert Point(np.array(2.0)).x.shape == (1,)
    with pytest.raises(ValueError, match=r"\(2, 2\).*ravel"):
        Point(np.ones((2, 2)))


def test_fresh_gives_writable_buffers_of_their_own() -> None:
    point = Point(np.ones(3), (np.ones(2), 4))
    (x, (sample, number)), (again, (sample_again, _)) = point.fresh(), point.fresh()
    x[:] = sample[:] = 9.0
    assert number == 4
    assert again.tolist() == point.x.tolist() == [1.0, 1.0, 1.0]
    assert sample_again.tolist() == point.data[0].tolist() == [1.0, 1.0]


def test_a_digest_tells_values_shapes_and_dtypes_apart() -> None:
    points = [
        Point(np.array([1.0, 2.0])),
        Point(np.array([1.0, np.nextafter(2.0, 3.0)])),
        Point(np.array([1.0]), (np.array([2.0]),)),
        Point(np.array([1.0]), (np.array([[2.0]]),)),
        Point(np.array([1.0]), (np.array([2.0], dtype=np.float32),)),
        Point(np.array([0.0])),
        Point(np.array([-0.0])),
    ]
    assert len({p.digest() for p in points}) == len(points)
    assert Point(np.array([1.0, 2.0])).digest() == points[0].digest()


@given(
    st.lists(st.floats(-1e6, 1e6).filter(lambda v: abs(v) > 1e-6), min_size=1, max_size=5),
    st.lists(st.floats(-1e6, 1e6).filter(lambda v: abs(v) > 1e-6), min_size=1, max_size=5),
)
def test_elsewhere_is_another_point_of_the_same_kind(x: list[float], sample: list[float]) -> None:
    """Every variable and datum moves; order, signs, zeros, shapes, counts and plain numbers stay."""
    point = Point(np.array(x), (np.array([*sample, 0.0]), np.arange(3), 5))
    other = model.elsewhere(point)
    assert np.all(other.x != point.x)
    assert np.all(other.data[0][:-1] != point.data[0][:-1])
    assert other.data[0][-1] == 0.0
    assert other.data[1].tolist() == [0, 1, 2]
    assert other.data[2] == 5
    for a, b in zip((other.x, *other.data[:2]), (point.x, *point.data[:2]), strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert np.all(np.sign(a) == np.sign(b))
        assert np.all(np.argsort(a, kind="stable") == np.argsort(b, kind="stable"))


# namespace, Form


def test_a_namespace_is_a_module_with_constants_that_members_may_replace() -> None:
    m = model.namespace("m", {"exp": abs, "pi": 3})
    assert isinstance(m, ModuleType)
    assert (m.exp, m.pi, m.sqrt2) == (abs, 3, model.CONSTANTS["sqrt2"])


BASE = """\
STEPS = 3

def helper(v):
    return v * 2.0

def build(m):
    def f(x):
        total = 0.0
        for _ in range(STEPS):
            total = total + helper(m.exp(x[0]))
        return total
    return f
"""


@pytest.fixture
def hash_of(tmp_path: Path) -> Callable[[str], str]:
    """The form hash of the function `build` in a module of that text."""
    count = itertools.count()

    def hashed(text: str) -> str:
        name = f"form_text_{next(count)}"
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
            return Form("scalar", module.build).hash
        finally:
            del sys.modules[name]

    return hashed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return f", "    # a comment\n    return f  # and another"),
        ("def build(m):", 'def build(m):\n    """A docstring."""'),
        ("    def f(x):", '    def f(x):\n        """One\n        more."""'),
        ("def helper(v):", 'def helper(v):\n    """A helper\'s docstring."""'),
        ("total = total + helper(m.exp(x[0]))", "total = (total\n    + helper(m.exp(x[0])))"),
        ("\n\ndef", "\n\n\n\ndef"),
        ("STEPS = 3", "STEPS = 3\nUNUSED = 4"),
    ],
)
def test_a_form_hash_ignores_comments_docstrings_and_layout(
    hash_of: Callable[[str], str], old: str, new: str
) -> None:
    assert old in BASE
    assert hash_of(BASE.replace(old, new)) == hash_of(BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total = 0.0", "total = 1.0"),
        ("m.exp", "m.log"),
        ("total + helper", "helper"),
        ("v * 2.0", "v * 3.0"),
        ("STEPS = 3", "STEPS = 4"),
    ],
)
def test_a_form_hash_changes_with_code_helpers_and_constants(
    hash_of: Callable[[str], str], old: str, new: str
) -> None:
    assert old in BASE
    assert hash_of(BASE.replace(old, new)) != hash_of(BASE)


def test_a_form_hash_is_the_same_in_every_process_and_python_version(
    hash_of: Callable[[str], str],
) -> None:
    """The stored value: rows of different runs are compared by it."""
    assert hash_of(BASE) == "b6f6d02d08d8e903"


FACTORIES = """\
import enum, math
import numpy as np

TABLE = [1.0, 2.0]
OPTIONS = {"a": 1, "b": [3, 4]}
GRID = np.array([1.0, 2.0, 3.0])
CHOSEN = frozenset({"x", "y", "z"})
DEFAULT = 2.5

class Kind(enum.Enum):
    ONE = 1

KIND = Kind.ONE

def scaled(k):
    return lambda v: v * k

def make(a, g, table):
    def build(m, c=DEFAULT, *, d=(7, 8.0)):
        def f(x):
            rest = TABLE[0] + OPTIONS["a"] + GRID[1] + len(CHOSEN) + math.pi + (KIND is Kind.ONE)
            return a * g(x[0]) + c * d[1] + table[0] + rest
        return f
    return build

build = make(1.0, scaled(3.0), np.array([5.0, 6.0]))
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("make(1.0", "make(5.0"),
        ("scaled(3.0)", "scaled(4.0)"),
        ("scaled(3.0)", "math.exp"),
        ("scaled(3.0)", "None"),
        ("[5.0, 6.0]", "[5.0, 7.0]"),
        ("[5.0, 6.0]", "[[5.0, 6.0]]"),
        ("[5.0, 6.0]", "[5, 6]"),
        ("v * k", "v + k"),
        ("TABLE = [1.0, 2.0]", "TABLE = [1.0, 3.0]"),
        ('"b": [3, 4]', '"b": [3, 5]'),
        ("[1.0, 2.0, 3.0]", "[1.0, 2.0, 3.5]"),
        ('"y", "z"', '"y", "w"'),
        ("ONE = 1\n\nKIND = Kind.ONE", "ONE = 1\n    TWO = 2\n\nKIND = Kind.TWO"),
        ("DEFAULT = 2.5", "DEFAULT = 3.5"),
        ("d=(7, 8.0)", "d=(7, 9.0)"),
        ("import enum, math", "import enum, cmath as math"),
    ],
)
def test_a_form_hash_changes_with_what_is_closed_over_and_with_globals_and_defaults(
    hash_of: Callable[[str], str], old: str, new: str
) -> None:
    """Numbers, functions, arrays, lists, dicts, sets, enums, default arguments, modules."""
    assert old in FACTORIES
    assert hash_of(FACTORIES.replace(old, new)) != hash_of(FACTORIES)


def test_a_default_made_outside_the_text_counts(hash_of: Callable[[str], str]) -> None:
    """The name in the signature is the same; its value when the function was defined is not."""
    text = "K = {}\ndef build(m, k=K):\n    return lambda x: k * x\ndel K\n"
    assert hash_of(text.format(1)) != hash_of(text.format(2))
    assert hash_of(text.format(1)) == hash_of(text.format(1))


def test_a_form_hash_of_a_closure_is_the_same_everywhere(hash_of: Callable[[str], str]) -> None:
    """The stored value, with every kind of thing that is hashed by value."""
    assert hash_of(FACTORIES) == hash_of(FACTORIES) == "d3308a8dfa09927f"


def test_functions_of_one_factory_differ() -> None:
    def make(k: Any) -> Any:
        def build(m: Any) -> Any:
            return lambda x: k * x

        return build

    assert Form("scalar", make(1.0)).hash == Form("scalar", make(1.0)).hash
    assert Form("scalar", make(1.0)).hash != Form("scalar", make(5.0)).hash
    assert Form("scalar", make(np.ones(3))).hash != Form("scalar", make(np.zeros(3))).hash


def test_what_has_no_stable_text_is_refused_by_name() -> None:
    """An address in memory is another in the next process."""
    thing = object()

    def build(m: Any) -> Any:
        return lambda x: x if thing else 0.0

    with pytest.raises(ValueError, match=r"'thing' of .*build.*no stable text.*Close over numbers"):
        _ = Form("scalar", build).hash
    builder: Any = itertools.count
    with pytest.raises(ValueError, match=r"no plain function: write a def"):
        _ = Form("scalar", builder).hash


def columns(a: Any) -> tuple[Any, ...]:
    return (a,)


def test_a_term_needs_columns_and_nothing_else_has_them() -> None:
    assert Form("term", identity, columns).columns is columns
    for name, given_ in (("term", None), ("scalar", columns)):
        with pytest.raises(ValueError, match="columns"):
            Form(name, identity, given_)


def test_an_own_form_says_why_it_exists() -> None:
    def documented(m: Any) -> Any:
        """Why."""
        return identity(m)

    assert Form("jax", documented).own
    assert not Form("array", identity).own
    with pytest.raises(ValueError, match=r"'jax'.*docstring"):
        Form("jax", identity)


# Problem, Method


@pytest.mark.parametrize("name", ["Toy", "9toy", "to y", "", "toy[1]", "töy"])
def test_names_are_plain(name: str) -> None:
    for make in (problem, method):
        with pytest.raises(ValueError, match="lower-case letters"):
            make(name=name)


@pytest.mark.parametrize("what", ["sizes", "operators", "forms"])
def test_a_problem_is_complete(what: str) -> None:
    with pytest.raises(ValueError, match=f"'toy' has no {what}"):
        problem(**{what: ()})


def test_a_problem_has_one_form_of_a_name() -> None:
    with pytest.raises(ValueError, match="two forms of one name"):
        problem(forms=(Form("scalar", identity), Form("scalar", identity)))


def test_a_quick_run_takes_the_first_size_unless_told() -> None:
    assert problem().quick == (1,)
    assert problem(quick=(2,)).quick == (2,)


def test_a_problem_offers_an_operator_up_to_its_limit() -> None:
    toy = problem(
        operators=(Operator.VALUE, Operator.HESSIAN), up_to=MappingProxyType({Operator.HESSIAN: 10})
    )
    assert toy.offers(Operator.HESSIAN, 10)
    assert not toy.offers(Operator.HESSIAN, 11)
    assert toy.offers(Operator.VALUE, 10**6)
    assert not toy.offers(Operator.GRADIENT, 1)


@pytest.mark.parametrize("what", ["reads", "operators"])
def test_a_method_is_complete(what: str) -> None:
    with pytest.raises(ValueError, match=f"'toy-forward' has no {what}"):
        method(**{what: ()})


def test_a_methods_mode_is_one_of_a_few() -> None:
    with pytest.raises(ValueError, match="'sideways' is none of forward, reverse"):
        method(mode="sideways")


def test_a_method_takes_the_best_form_there_is() -> None:
    scalar, array = Form("scalar", identity), Form("array", identity)
    assert method().form(problem(forms=(scalar, array))) is array
    assert method().form(problem(forms=(scalar,))) is scalar
    assert method(reads=("array",)).form(problem(forms=(scalar,))) is None


def test_a_method_need_neither_compile_nor_describe_nor_live_alone() -> None:
    """What plug-ins leave out: three functions are enough."""
    point = Point(np.ones(2))
    toy = method()
    prepared = toy.prepare(Form("scalar", identity), Operator.VALUE, point)
    assert prepared.compile is None
    assert prepared.describe is None
    assert not toy.own_process


# Case


@given(st.builds(Case, NAMES, SIZES, OPERATORS, NAMES))
def test_a_case_id_is_read_back(case: Case) -> None:
    assert Case.parse(case.id) == case
    assert case.id == f"{case.row}/{case.method}"


def test_case_ids_read_as_documented() -> None:
    assert Case("gmm", (20, 10), "gradient", "jax-reverse").id == "gmm[20x10]/gradient/jax-reverse"
    assert Case.parse("rosenbrock[10]/hessian/numba-dual").size == 10


@pytest.mark.parametrize(
    "text",
    ["", "rosenbrock", "rosenbrock[10]", "rosenbrock[10]/gradient", "rosenbrock[]/gradient/x",
     "rosenbrock[1x]/gradient/x", "rosenbrock[10]/gradient/x ", "a[1]/b/c/d", "a[-1]/b/c"],
)  # fmt: skip
def test_what_is_no_case_id_is_told_what_one_looks_like(text: str) -> None:
    with pytest.raises(UnknownNameError, match="one looks like"):
        Case.parse(text)


# Measurement, Result, Comparison

STEADY = Measurement(Phase.STEADY, (1e-6,), (1e-6,), (100,))
CASE = Case("toy", 1, "value", "toy-forward")


def test_a_measurement_has_samples_and_as_many_loops() -> None:
    with pytest.raises(ValueError, match="differ in number"):
        Measurement(Phase.STEADY, (1.0, 2.0), (1.0,), (1, 1))
    with pytest.raises(ValueError, match="no samples"):
        Measurement(Phase.FIRST, (), (), ())


@pytest.mark.parametrize("outcome", Outcome)
def test_a_timing_exists_only_where_the_case_ran(outcome: Outcome) -> None:
    if outcome is Outcome.OK:
        assert Result(CASE, 0, outcome, measurements=(STEADY,)).measurements == (STEADY,)
    else:
        with pytest.raises(ValueError, match=r"toy-forward.*carries steady timings"):
            Result(CASE, 0, outcome, measurements=(STEADY,))


def test_phases_are_in_the_order_in_which_a_case_goes_through_them() -> None:
    """Pages and files show them so."""
    order = [
        "import",
        "prepare",
        "compile",
        "first",
        "cold start",
        "warm start",
        "steady",
        "round trip",
        "value",
    ]
    assert [phase.value for phase in Phase] == order


def test_a_result_says_nothing_of_memory_that_nobody_measured() -> None:
    assert Result(CASE, 0, Outcome.OK, measurements=(STEADY,)).memory == {}


@pytest.mark.parametrize("missing", ["low", "high", "noise_floor"])
def test_there_is_no_decision_without_interval_and_noise_floor(missing: str) -> None:
    known: dict[str, Any] = {"low": 0.4, "high": 0.6, "noise_floor": 0.02}
    Comparison("r", "a", "b", 0.5, decision=Decision.FASTER, **known)
    known[missing] = None
    Comparison("r", "a", "b", 0.5, decision=Decision.UNDECIDED, **known)
    with pytest.raises(ValueError, match="needs an interval and a noise floor"):
        Comparison("r", "a", "b", 0.5, decision=Decision.FASTER, **known)
