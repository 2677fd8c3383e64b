"""Other ways to call JAX: op by op, ahead of time, mapped, in float32, cut among devices."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from small_forms import computed, elementwise, prepared_elsewhere
from vocabulary import WORDS, worst_error

from adbench import registry
from adbench.methods import _jax_calls
from adbench.methods._jax_settings import Settings
from adbench.methods._shared import ELEMENTWISE, GRADIENTS, SECOND
from adbench.model import Form, Operator, Outcome, Point, given
from adbench.reference.judge import judge
from adbench.reference.truth import certified

jax = pytest.importorskip("jax")

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _precision_as_it_was() -> Iterator[None]:
    """Methods of fewer bits leave their setting behind: they are made for a process of their own."""
    yield
    jax.config.update("jax_enable_x64", True)


def squares(xp: Any) -> Any:
    return lambda x, a: xp.sum(a * x * x)


POINT = Point(np.array([1.0, 2.0]), (np.array([0.5, 3.0]),))


@pytest.mark.parametrize(("name", "jits"), [("jax-reverse", 1), ("jax-aot", 1), ("jax-eager", 0)])
def test_eager_calls_are_never_jitted(
    name: str, jits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our functions are not; what JAX itself jits inside jax.numpy is its own affair."""
    asked, original = [], jax.jit

    def spied(f: Any, *args: Any, **options: Any) -> Any:
        asked.append(f)
        return original(f, *args, **options)

    monkeypatch.setattr(jax, "jit", spied)
    p = prepared_elsewhere(registry.method(name), Form("array", squares), Operator.GRADIENT, POINT)
    assert computed(p, POINT).tolist() == [1.0, 12.0]
    assert len(asked) == jits


def test_eager_calls_follow_python_branches_which_a_trace_cannot() -> None:
    """At the point of the call, not at that of prepare."""
    form = Form("array", lambda xp: lambda x: 3.0 * x[0] if x[0] > 1.0 else 5.0 * x[0])
    p = registry.method("jax-eager").prepare(form, Operator.GRADIENT, Point(np.array([2.0])))
    assert computed(p, Point(np.array([2.0]))).tolist() == [3.0]
    assert computed(p, Point(np.array([0.5]))).tolist() == [5.0]
    with pytest.raises(NotImplementedError, match="Python branch or loop that depends on a value"):
        prepared_elsewhere(
            registry.method("jax-reverse"), form, Operator.GRADIENT, Point(np.array([2.0]))
        )


def test_what_eager_jax_cannot_do_is_refused_when_it_is_called() -> None:
    def looping(xp: Any) -> Any:
        """Doubles until 100 is passed."""
        return lambda x, a: jax.lax.while_loop(lambda s: s < 100.0, lambda s: 2.0 * s, x[0])

    p = prepared_elsewhere(
        registry.method("jax-eager"), Form("jax", looping), Operator.GRADIENT, POINT
    )
    with pytest.raises(NotImplementedError, match=r"no reverse mode through a lax\.while_loop"):
        p.call(*p.encode(POINT))


def test_compile_of_an_eager_method_meets_every_operation_once() -> None:
    calls = []

    def way(x: Any) -> Any:
        calls.append(np.asarray(x).tolist())
        return x * x

    called = _jax_calls.eager(Settings(), way, (np.array([3.0]),))
    called.compile()
    assert calls == [[3.0]]
    assert called.describe is None


def test_a_call_compiled_ahead_of_time_goes_to_the_compiled_object() -> None:
    """Which refuses arguments of another shape, where a jitted function would compile again."""
    method = registry.method("jax-aot")
    p = prepared_elsewhere(method, Form("array", squares), Operator.GRADIENT, POINT)
    assert p.compile is not None
    p.compile()
    assert computed(p, POINT).tolist() == [1.0, 12.0]
    longer = Point(np.ones(3), (np.ones(3),))
    with pytest.raises(TypeError, match="was compiled"):
        p.call(*p.encode(longer))
    usual = prepared_elsewhere(
        registry.method("jax-reverse"), Form("array", squares), Operator.GRADIENT, POINT
    )
    assert computed(usual, longer).tolist() == [2.0, 2.0, 2.0]


# ------------------------------------------------------------------------------------------- series


def bent(m: Any) -> Any:
    return lambda x, a: m.exp(a[0] * x[0]) / x[1] + a[1] * x[0] * x[1]


@pytest.mark.parametrize(
    ("name", "form"),
    [("jax-jet", "array"), ("jax-forward", "array"), ("dual-python", "scalar")],
)
def test_taylor_coefficients_along_a_direction(name: str, form: str) -> None:
    """Against mpmath's, of f(x + t v) by one number t; c_k is the k-th derivative by k!."""
    point = Point(np.array([0.4, 1.3]), (np.array([0.7, -2.0]),))
    (v,) = given(Operator.TAYLOR, point)
    p = prepared_elsewhere(registry.method(name), Form(form, bent), Operator.TAYLOR, point)
    a, x = point.data[0].tolist(), point.x.tolist()
    with mpmath.workdps(40):
        f = bent(mpmath)
        exact = mpmath.taylor(
            lambda t: f([b + t * d for b, d in zip(x, v.tolist(), strict=True)], a), 0, 4
        )
    np.testing.assert_allclose(computed(p, point), [float(c) for c in exact], rtol=1e-13)


def test_what_jet_has_no_rule_for_is_refused_by_name() -> None:
    form = Form("array", lambda xp: lambda x, a: xp.prod(x))
    with pytest.raises(
        NotImplementedError, match="jet has no rule for the operation 'reduce_prod'"
    ):
        prepared_elsewhere(registry.method("jax-jet"), form, Operator.TAYLOR, POINT)
    other = Form("array", lambda xp: lambda x, a: {}["missing"])
    with pytest.raises(KeyError, match="missing"):
        prepared_elsewhere(registry.method("jax-jet"), other, Operator.TAYLOR, POINT)


# ------------------------------------------------------------------------------------------- mapped


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_scalar_vocabulary_is_mapped(word: str) -> None:
    assert worst_error(registry.method("jax-vmap"), "scalar", word, Operator.DERIVATIVE) < 1e-14


@pytest.mark.parametrize("operator", ELEMENTWISE)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_text_for_one_point_is_mapped_over_all(k: int, operator: Operator) -> None:
    """It is handed numbers: an array of all points would have another shape."""
    shapes = set()

    def build(m: Any) -> Any:
        def f(*args: Any) -> Any:
            shapes.update(a.shape for a in args[:k])
            product = 1.0
            for i in range(k):
                product = product * m.sin((1.0 + i) * args[i])
            return product

        return f

    _, point, _ = elementwise(k, operator)
    form, bare = Form("scalar", build, elementwise=k), Point(point.x)
    p = prepared_elsewhere(registry.method("jax-vmap"), form, operator, bare)
    parts = point.x.reshape(k, -1)
    rates = 1.0 + np.arange(k)[:, None]
    value = np.prod(np.sin(rates * parts), axis=0)
    exact = value if operator is Operator.VALUE else (value * rates / np.tan(rates * parts)).ravel()
    np.testing.assert_allclose(computed(p, bare), exact, rtol=1e-14)
    assert shapes == {()}


@pytest.mark.parametrize("operator", [Operator.VALUE, *GRADIENTS, *SECOND])
def test_a_term_is_mapped_over_the_columns_and_summed(operator: Operator) -> None:
    """Columns are made of the data by encode; the term sees one number of each."""

    def build(m: Any) -> Any:
        def t(x: Any, a: Any, b: Any) -> Any:
            assert a.shape == b.shape == ()
            return m.exp(a * x[0]) + b * x[1] * x[1]

        return t

    form = Form("term", build, lambda table: (table[0], table[1]))
    a, b = np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 4.0])
    x, v = np.array([0.5, 1.5]), None
    point = Point(x, (np.stack([a, b]),))
    p = prepared_elsewhere(registry.method("jax-vmap"), form, operator, point)
    e = np.exp(a * x[0])
    value, gradient = np.sum(e + b * x[1] ** 2), np.array([np.sum(a * e), 2.0 * x[1] * np.sum(b)])
    hessian = np.diag([np.sum(a * a * e), 2.0 * np.sum(b)])
    if operator is Operator.HVP:
        v = np.asarray(p.encode(point)[1])
    exact = {
        Operator.VALUE: value,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: np.concatenate([[value], gradient]),
        Operator.HESSIAN: hessian,
        Operator.HVP: None if v is None else hessian @ v,
        Operator.NEWTON_DIRECTION: gradient / np.diag(hessian),
    }
    np.testing.assert_allclose(computed(p, point), exact[operator], rtol=1e-14)


@pytest.mark.parametrize(
    ("problem", "form"),
    [("kepler", "jax"), ("escape", "jax"), ("damped_sine", "scalar"), ("gauss_nll", "term")],
)
def test_which_text_is_mapped(problem: str, form: str) -> None:
    found = registry.method("jax-vmap").form(registry.problem(problem))
    assert found is not None
    assert found.name == form


def test_what_cannot_be_mapped_is_refused_with_the_reason() -> None:
    method = registry.method("jax-vmap")
    kepler = registry.problem("kepler")
    scalar = kepler.form("scalar")
    assert scalar is not None
    with pytest.raises(NotImplementedError, match="Python branch or loop that depends on a value"):
        method.prepare(scalar, Operator.DERIVATIVE, kepler.at(1))
    with pytest.raises(NotImplementedError, match="not one of a few numbers at each of many"):
        method.prepare(Form("scalar", squares), Operator.GRADIENT, POINT)


# ------------------------------------------------------------------------------------------ float32


@pytest.mark.parametrize("problem", ["gauss_nll", "rosenbrock", "damped_sine", "xy_errors"])
def test_float32_keeps_its_own_digits_and_no_more(problem: str) -> None:
    """Right by the digits of float32, and wrong by those of float64."""
    found, method = registry.problem(problem), registry.method("jax-float32")
    size = found.sizes[0]
    form, point = method.form(found), found.at(size)
    assert form is not None
    operator = found.quick_operators[0]
    p = prepared_elsewhere(method, form, operator, point)
    answer, truth = computed(p, point), certified(found, size, operator, point)
    assert answer.dtype == np.float64
    assert method.dtype == "float32"
    assert judge(answer, truth, None, method.dtype).outcome is Outcome.OK
    assert judge(answer, truth).outcome is Outcome.WRONG


def test_float32_has_no_array_of_twice_the_bits_on_the_way() -> None:
    """Texts that make arrays of their own get JAX's default, which is float32 there."""
    dtypes = set()

    def build(xp: Any) -> Any:
        def f(x: Any, a: Any) -> Any:
            made = xp.zeros(2) + xp.array([1.0, 2.0]) + xp.linspace(0.0, 1.0, 2)
            dtypes.update({x.dtype.name, a.dtype.name, made.dtype.name})
            return xp.sum(x * a * made)

        return f

    method = registry.method("jax-float32")
    for operator in (Operator.VALUE, Operator.GRADIENT, Operator.HESSIAN):
        computed(prepared_elsewhere(method, Form("array", build), operator, POINT), POINT)
    assert dtypes == {"float32"}


# ------------------------------------------------------------------------------------------ devices

SHARDED = """
import json
import numpy as np
from adbench import registry
from adbench.methods import _jax_settings
from adbench.model import Form, Operator, Point
_jax_settings._cores = lambda: 2
form = Form("array", lambda xp: lambda a, b, s: s * xp.sin(a) * b, elementwise=2)
def at(points):
    x = np.linspace(0.1, 1.3, 2 * points)
    return Point(x, (np.linspace(1.0, 2.0, points),))
found = {}
for points in (6, 5, 1):
    for operator in (Operator.VALUE, Operator.DERIVATIVE):
        p = registry.method("jax-sharded").prepare(form, operator, at(points))
        args = p.encode(at(points))
        result = p.call(*args)
        a, b = at(points).x.reshape(2, -1)
        s = at(points).data[0]
        exact = s * np.sin(a) * b
        if operator is Operator.DERIVATIVE:
            exact = np.concatenate([s * np.cos(a) * b, s * np.sin(a)])
        np.testing.assert_allclose(p.decode(result), exact, rtol=1e-14)
        shares = [[len(v.sharding.device_set), v.addressable_shards[0].data.shape] for v in (*args, result)]
        found[f"{points} {operator.value}"] = shares
print(json.dumps(found))
"""


def test_points_are_cut_into_equal_shares_one_a_device() -> None:
    """Two devices take three of six points each, rows of x together; five and one go to one device."""
    done = subprocess.run(
        [sys.executable, "-c", SHARDED], cwd=ROOT, env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    x, s = [2, [2, 3]], [2, [3]]
    alone = {
        f"{n} {o}": [[1, [2, n]], [1, [n]], [1, [n] if o == "value" else [2, n]]]
        for n in (5, 1)
        for o in ("value", "derivative")
    }
    assert json.loads(done.stdout) == {
        "6 value": [x, s, s],
        "6 derivative": [x, s, x],
        **alone,
    }


@pytest.mark.parametrize("operator", ELEMENTWISE)
def test_sharded_points_are_right_with_whatever_devices_there_are(operator: Operator) -> None:
    """In a process whose backend has long been started, with one device as a rule."""
    for k in (1, 2, 3):
        form, point, exact = elementwise(k, operator)
        p = prepared_elsewhere(registry.method("jax-sharded"), form, operator, point)
        np.testing.assert_allclose(computed(p, point), exact, rtol=1e-14)


def test_only_points_can_be_cut_among_devices() -> None:
    method = registry.method("jax-sharded")
    with pytest.raises(NotImplementedError, match="which could be cut among devices"):
        method.prepare(Form("array", squares), Operator.VALUE, POINT)
