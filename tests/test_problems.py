"""Every problem: its texts agree, its inputs are the published ones, and it is worth differentiating."""

import ast
import builtins
import importlib.util
import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import special

from adbench import registry
from adbench.model import (
    CONSTANTS,
    ELEMENTARY,
    Form,
    Operator,
    Point,
    Problem,
    elsewhere,
    namespace,
)

LARGEST = 10_000  # a text in plain floats takes too long beyond
PROBLEMS = registry.problems()

# SHA-256 of x and data (`Point.digest`): whoever changes an input changes what a row means.
DIGESTS = {
    "gauss_nll[100]": "f0adda7b30ef0f601346f7a4322153e6c65424cc12a3474d47989865a1c1e544",
    "gauss_nll[10000]": "c9b9dd8fbdb1faf8531b928625ec830852c37b2e3a71cdb6d66fd7860629f137",
    "histogram_nll[100]": "4e6f7a79fde25f99a80ff451d18d864e05e2db7133b76b025a89cc2d1c9f8217",
    "histogram_nll[1000]": "4c2324ebc8dc0f3af2cdda33677f916943e1b5b75555663c0a8b835810f98a63",
    "histogram_nll[10000]": "73b09047dc75146a2b712f1b7cb5232e41928d5642a4276bdb024bfd17c0450c",
    "logistic_map[1]": "8b7868bebcd88e6fc31bad9c71415008948f186e00ac94947908030459199ed2",
    "rosenbrock[2]": "73d4ef148c2977fd44ce7fd5313cbc6f7f197fd70f3b5de0690a1c42da13a1c2",
    "rosenbrock[10]": "7b90b46b130b7d293c80b6c4261012d21e7a100543992672cb815ea7a0833dbc",
    "rosenbrock[100]": "a3897f606cb527ede7d7aa0536196b9f5b02235cc575096fa85aa3e58db85fd2",
    "rosenbrock[1000]": "805838f3ad47652f6772e4c6503428ce1b0a5d05df081f21e5ef7309675689b8",
    "rosenbrock[10000]": "11b16c2b574ae94d0191cdce5ef098b4f8286a331c3bb4d82048b6b24d064686",
}


def _sizes(problem: Problem) -> list[Any]:
    return [s for s in problem.sizes if math.prod(s if isinstance(s, tuple) else (s,)) <= LARGEST]


CELLS = [
    pytest.param(problem, size, id=f"{problem.name}[{size}]")
    for problem in PROBLEMS.values()
    for size in _sizes(problem)
]
FIRST_CELLS = [
    pytest.param(problem, problem.sizes[0], id=problem.name) for problem in PROBLEMS.values()
]
BUILDERS = [
    pytest.param(form, id=f"{problem.name}-{form.name}")
    for problem in PROBLEMS.values()
    for form in problem.forms
    if not form.own
] + [
    pytest.param(Form("scalar", build), id=f"{problem.name}-exact-{operator.value}")
    for problem in PROBLEMS.values()
    for operator, build in problem.exact.items()
]


def plain() -> ModuleType:
    """The scalar vocabulary on Python floats."""
    return namespace("math", {word: getattr(math, word) for word in ELEMENTARY})


def numpy_words() -> ModuleType:
    """The array vocabulary on NumPy arrays."""
    words = {k: v for k, v in vars(np).items() if not k.startswith("_")}
    words |= {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2}
    words |= {"erf": special.erf, "erfc": special.erfc, "lgamma": special.gammaln}
    return namespace("numpy", words)


def value(problem: Problem, form: Form, point: Point) -> Any:
    """F at the point by one of the problem's texts: a number, or one an element."""
    x, data = point.fresh()
    if form.own:
        return own_value(form, point)
    if form.name == "array":
        return np.asarray(form.build(numpy_words())(x, *data))
    f = form.build(plain())
    if form.columns is not None:
        rows = zip(*(c.tolist() for c in form.columns(*data)), strict=True)
        return np.asarray(math.fsum(f(x.tolist(), *row) for row in rows))
    lists = [d.tolist() if isinstance(d, np.ndarray) else d for d in data]
    if form.elementwise:
        return np.array([f(v, *lists) for v in x.tolist()])
    return np.asarray(f(x.tolist(), *lists))


def own_value(form: Form, point: Point) -> Any:
    """F by a tool's own text, run by that tool's first method that gives values."""
    if importlib.util.find_spec(form.name) is None:
        pytest.skip(f"{form.name} is not installed")
    method = next(
        m
        for m in registry.methods().values()
        if m.tool == form.name and form.name in m.reads and Operator.VALUE in m.operators
    )
    prepared = method.prepare(form, Operator.VALUE, elsewhere(point))
    return prepared.decode(prepared.call(*prepared.encode(point)))


@pytest.mark.parametrize(
    ("problem", "size", "form"),
    [
        pytest.param(problem, size, form, id=f"{problem.name}[{size}]-{form.name}")
        for problem in PROBLEMS.values()
        for size in _sizes(problem)
        for form in problem.forms
        if form.name != "scalar"
    ],
)
def test_every_text_of_a_problem_is_the_same_function(
    problem: Problem, size: Any, form: Form
) -> None:
    """To 1e-12 at every size, at the problem's point and at another one."""
    scalar = problem.form("scalar")
    assert scalar is not None
    for point in (problem.at(size), elsewhere(problem.at(size))):
        expected = value(problem, scalar, point)
        assert expected.shape == ((len(point.x),) if problem.elementwise else ())
        np.testing.assert_allclose(value(problem, form, point), expected, rtol=1e-12)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_every_problem_has_a_scalar_text(problem: Problem) -> None:
    """It is what certifies the reference."""
    assert problem.form("scalar") is not None
    assert len({f.elementwise for f in problem.forms}) == 1
    assert problem.elementwise == (Operator.DERIVATIVE in problem.operators)
    assert Operator.VALUE in problem.operators


@pytest.mark.parametrize(("problem", "size"), CELLS)
def test_inputs_are_the_published_ones(problem: Problem, size: Any) -> None:
    assert problem.at(size).digest() == DIGESTS[f"{problem.name}[{size}]"]


@pytest.mark.parametrize(("problem", "size"), FIRST_CELLS)
def test_inputs_are_the_same_each_time_and_differ_by_size(problem: Problem, size: Any) -> None:
    assert problem.at(size).digest() == problem.at(size).digest()
    assert problem.at(size).digest() != problem.at(problem.sizes[1]).digest()


def slopes(problem: Problem, point: Point) -> Any:
    """Central differences of the scalar text, to about six digits."""
    form = problem.form("scalar")
    assert form is not None
    result = []
    for i, v in enumerate(point.x):
        step = 1e-6 * max(1.0, abs(v))
        values = []
        for sign in (1.0, -1.0):
            x = point.x.copy()
            x[i] += sign * step
            values.append(float(np.sum(value(problem, form, Point(x, point.data)))))
        result.append((values[0] - values[1]) / (2.0 * step))
    return np.array(result)


@pytest.mark.parametrize(("problem", "size"), FIRST_CELLS)
def test_no_problem_is_degenerate(problem: Problem, size: Any) -> None:
    """F depends on every variable and every datum, and its gradient is neither zero nor constant."""
    point = problem.at(size)
    form = problem.form("scalar")
    assert form is not None
    here, there = slopes(problem, point), slopes(problem, elsewhere(point))
    assert np.all(np.abs(here) > 1e-3)
    assert np.all(np.abs(there - here) > 1e-4 * np.abs(here))
    base = float(np.sum(value(problem, form, point)))
    for k, datum in enumerate(point.data):
        moved = list(point.data)
        moved[k] = datum * 1.01
        assert (
            abs(float(np.sum(value(problem, form, Point(point.x, tuple(moved))))) / base - 1) > 1e-6
        )


@pytest.mark.parametrize(
    "problem",
    [pytest.param(p, id=p.name) for p in PROBLEMS.values() if Operator.GRADIENT in p.exact],
)
def test_closed_gradients_are_the_derivatives(problem: Problem) -> None:
    """Against central differences of the scalar text; the reference's tests do it to 1e-25."""
    build, point = problem.exact[Operator.GRADIENT], problem.at(problem.sizes[0])
    closed = build(plain())(point.x.tolist(), *(d.tolist() for d in point.data))
    np.testing.assert_allclose(closed, slopes(problem, point), rtol=1e-6)


def attributes(tree: ast.AST) -> set[tuple[str, str]]:
    """What is read of what: (name, attribute); an attribute of no plain name has the name ''."""
    return {
        (n.value.id if isinstance(n.value, ast.Name) else "", n.attr)
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute)
    }


def offences(form: Form) -> set[str]:
    """Words of a text that its vocabulary does not hold."""
    tree = ast.parse(form.text)
    builder = next(n for n in tree.body if isinstance(n, ast.FunctionDef))
    given = builder.args.args[0].arg
    words = {*ELEMENTARY, *CONSTANTS, "derivative"}
    if form.name == "array":
        words |= {w for w in vars(np) if not w.startswith("_")}
    shapes = {"shape", "T", "ndim"} if form.name == "array" else set()
    found = {
        f"{name}.{attribute}"
        for name, attribute in attributes(tree)
        if not (name == given and attribute in words) and attribute not in shapes
    }
    found |= {type(n).__name__ for n in ast.walk(tree) if isinstance(n, FORBIDDEN)}
    bound = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    bound |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    bound |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)} | BUILTINS
    # the text tells a module that it uses as "math = 'module math'": named, yet not of the vocabulary
    bound -= {
        n.targets[0].id
        for n in tree.body
        if isinstance(n, ast.Assign)
        and isinstance(n.targets[0], ast.Name)
        and isinstance(n.value, ast.Constant)
        and str(n.value.value).startswith("module ")
    }
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return found | (used - bound)


FORBIDDEN = (ast.Import, ast.ImportFrom, ast.Try, ast.With, ast.Global, ast.Nonlocal, ast.ClassDef)
# Annotations of the builders name Any and tuple.
BUILTINS = {"len", "range", "sum", "abs", "min", "max", "zip", "enumerate", "Any", "tuple"}


@pytest.mark.parametrize("form", BUILDERS)
def test_a_text_keeps_to_its_vocabulary(form: Form) -> None:
    """Only arithmetic, plain builtins and words of the namespace, so that every tool can run it."""
    assert BUILTINS - {"Any"} <= set(dir(builtins))
    assert offences(form) == set()


def uses_math(m: Any) -> Any:
    return lambda x: math.exp(x[0]) + m.exp(x[0])


def uses_an_unknown_word(m: Any) -> Any:
    return lambda x: m.gamma(x[0])


def uses_a_method(m: Any) -> Any:
    return lambda x: x.sum() + float(x[0])


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (uses_math, {"math.exp", "math"}),
        (uses_an_unknown_word, {"m.gamma"}),
        (uses_a_method, {"x.sum", "float"}),
    ],
)
def test_a_word_outside_the_vocabulary_is_found(build: Any, found: set[str]) -> None:
    assert offences(Form("scalar", build)) == found
