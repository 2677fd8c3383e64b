"""kepler, escape, particle, saddle: loops that values end, solvers, and derivatives within derivatives."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from adbench import registry
from adbench.dual import elementary, python
from adbench.dual import numpy as arrays
from adbench.model import ELEMENTARY, Floats, Form, Operator, Point, Problem, namespace
from adbench.problems import kepler, particle
from adbench.reference.truth import reference

KEPLER, ESCAPE, PARTICLE, SADDLE = map(registry.problem, ("kepler", "escape", "particle", "saddle"))
Function = Callable[..., Any]


def plain() -> ModuleType:
    return namespace("math", dict(elementary.FLOAT))


def scalar_words() -> ModuleType:
    """Scalar duals, which nest."""
    nesting = {"derivative": lambda g, t: python.derivative(g)(t)}
    return namespace("python", {**vars(python.math), **nesting})


def array_words() -> ModuleType:
    """Array duals, which nest."""
    nesting = {"derivative": lambda g, t: arrays.derivative(g)(t)}
    return namespace("numpy", {**elementary.numpy_words(), **nesting})


def text(problem: Problem, name: str) -> Form:
    form = problem.form(name)
    assert form is not None, f"{problem.name} has no form '{name}'"
    return form


def jax_text(problem: Problem, name: str) -> Function:
    """An own form of JAX, or the array text, in 64 bits."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    words = namespace("jax.numpy", {k: v for k, v in vars(jax.numpy).items() if k[0] != "_"})
    words.derivative = lambda g, t: jax.grad(lambda s: jax.numpy.sum(g(s)))(t)  # type: ignore[attr-defined]
    f: Function = text(problem, name).build(words)
    return f


def halves(point: Point) -> tuple[Floats, Floats]:
    count = len(point.x) // 2
    return point.x[:count].copy(), point.x[count:].copy()


def by_scalar_duals(problem: Problem, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Values and both partial derivatives, one after another, by the scalar text."""
    slopes = python.value_and_grad(text(problem, "scalar").build(scalar_words()), (0, 1))
    found = [slopes(u, v) for u, v in zip(a.tolist(), b.tolist(), strict=True)]
    values = np.array([value for value, _ in found])
    return values, np.array([gradient for _, gradient in found]).T.ravel()


def by_array_duals(problem: Problem, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """As `by_scalar_duals`, by the array text."""
    f = text(problem, "array").build(array_words())
    return f(a, b), np.concatenate([arrays.derivative(f, k)(a, b) for k in range(2)])


def by_jax(problem: Problem, name: str, mode: str, a: Floats, b: Floats) -> Floats:
    """Both partial derivatives, by one of JAX's modes."""
    f = jax_text(problem, name)
    import jax

    if mode == "reverse":
        both = jax.jit(jax.grad(lambda u, v: jax.numpy.sum(f(u, v)), (0, 1)))(a, b)
    else:
        one, nought = np.ones_like(a), np.zeros_like(a)
        along = jax.jit(lambda du, dv: jax.jvp(f, (a, b), (du, dv))[1])
        both = (along(one, nought), along(nought, one))
    return np.concatenate(both)


@pytest.mark.parametrize(("problem", "size"), [(KEPLER, 1_000), (ESCAPE, 4_096)])
def test_scalar_and_array_texts_have_the_same_derivatives(problem: Problem, size: int) -> None:
    a, b = halves(problem.at(size))
    values, slopes = by_scalar_duals(problem, a, b)
    array_values, array_slopes = by_array_duals(problem, a, b)
    np.testing.assert_allclose(array_values, values, rtol=1e-13)
    np.testing.assert_allclose(array_slopes, slopes, rtol=1e-12)
    assert len(set(slopes.tolist())) > size


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("name", ["array", "jax", "jax-implicit"])
def test_both_modes_of_jax_differentiate_each_text_of_kepler(name: str, mode: str) -> None:
    point = KEPLER.at(1_000)
    closed = KEPLER.exact[Operator.DERIVATIVE](plain())(point.x.tolist())
    found = by_jax(KEPLER, name, mode, *halves(point))
    np.testing.assert_allclose(found, closed, rtol=1e-11)


def test_the_closed_derivative_of_kepler_is_that_of_the_loop() -> None:
    """To all 104 bits, at a point in ball arithmetic; the loop's own error is squared by its end."""
    from adbench.reference.balls import ball_namespace, precision
    from adbench.reference.tape import lift

    point = KEPLER.at(1)
    truth = reference(text(KEPLER, "scalar"), Operator.DERIVATIVE, point)
    with precision(200):
        found = KEPLER.exact[Operator.DERIVATIVE](ball_namespace())(
            [lift(v) for v in point.x.tolist()]
        )
        for value, hi, lo in zip(found, truth.hi.tolist(), truth.lo.tolist(), strict=True):
            assert abs((value.v - hi - lo) / value.v) < 1e-25


def test_the_fixed_number_of_newton_steps_is_enough_for_every_point() -> None:
    """On a net of M and e up to 0.91, beyond the point that methods are prepared at; one fewer is not."""
    mean, e = (
        g.ravel() for g in np.meshgrid(np.logspace(-9, math.log10(2 * math.pi), 400), [0.3, 0.91])
    )
    f = text(KEPLER, "scalar").build(plain())
    expected = [f(u, v) for u, v in zip(mean.tolist(), e.tolist(), strict=True)]
    build = text(KEPLER, "array").build
    np.testing.assert_allclose(build(array_words())(mean, e), expected, rtol=1e-12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kepler, "STEPS", kepler.STEPS - 2)
        fewer = build(array_words())(mean, e)
    assert np.max(np.abs(fewer / expected - 1.0)) > 1e-12


def test_the_published_point_leaves_at_iteration_8() -> None:
    re, im = ESCAPE.at(1).x.tolist()
    z, n = complex(re, im), 0
    while abs(z) <= 2.0:
        z, n = z * z + complex(re, im), n + 1
    assert n == 8
    value = text(ESCAPE, "scalar").build(plain())(re, im)
    assert value == pytest.approx(9.0 - math.log2(math.log(abs(z))), rel=1e-14)


# Inside, on the real axis with |z| = 2 for ever, leaving at once, at the second pass, far outside.
EDGES = np.array([0.0, -1.0, -2.0, 2.0, 1.5, 300.0]), np.array([0.0, 0.1, 0.0, 2.0, 1.0, -1e3])


def test_the_escape_time_has_no_slope_inside_and_finite_ones_outside() -> None:
    """What ``where`` discards neither overflows nor spoils a derivative."""
    values, slopes = by_scalar_duals(ESCAPE, *EDGES)
    assert values[:3].tolist() == [50.0] * 3
    by_re, by_im = slopes.reshape(2, -1)
    assert not by_re[:3].any()
    assert not by_im[:3].any()
    assert np.all(by_re[3:] != 0.0)
    with np.errstate(all="raise"):
        array_values, array_slopes = by_array_duals(ESCAPE, *EDGES)
    np.testing.assert_allclose(array_values, values, rtol=1e-14)
    np.testing.assert_allclose(array_slopes, slopes, rtol=1e-12)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_both_modes_of_jax_differentiate_the_escape_time(mode: str) -> None:
    _, slopes = by_scalar_duals(ESCAPE, *EDGES)
    np.testing.assert_allclose(by_jax(ESCAPE, "jax", mode, *EDGES), slopes, rtol=1e-12)


def test_a_grid_of_escape_times_is_square() -> None:
    with pytest.raises(ValueError, match="square"):
        ESCAPE.at(10)


@pytest.mark.parametrize("problem", [KEPLER, ESCAPE], ids=lambda p: p.name)
def test_numba_compiles_loops_with_an_exit_for_duals(problem: Problem) -> None:
    numba = pytest.importorskip("numba")
    from adbench.dual import numba as compiled

    words = namespace("numba-math", {word: getattr(math, word) for word in ELEMENTARY})
    f = numba.njit(text(problem, "scalar").build(words))
    slopes = compiled.grad(lambda x: f(x[0], x[1]), layout="S")
    point = problem.at(1)
    _, expected = by_scalar_duals(problem, *halves(point))
    np.testing.assert_allclose(slopes(point.x), expected, rtol=1e-13)


@pytest.mark.parametrize("problem", [PARTICLE, SADDLE], ids=lambda p: p.name)
def test_scalar_duals_nest_through_the_loops(problem: Problem) -> None:
    """What the method differentiates itself is what the reference has by hand, in second order too."""
    point = problem.at(problem.sizes[0])
    args = (point.x.tolist(), *(d.tolist() for d in point.data))
    nested, by_hand = (
        text(problem, name).build(scalar_words()) for name in ("scalar", "reference")
    )
    for derivative in (python.grad, python.hessian):
        np.testing.assert_allclose(
            derivative(nested)(*args), derivative(by_hand)(*args), rtol=1e-12
        )


@pytest.mark.parametrize("problem", [PARTICLE, SADDLE], ids=lambda p: p.name)
def test_the_nested_gradients_are_the_certified_ones(problem: Problem) -> None:
    """The flight's gradient has a condition number of 800."""
    point = problem.at(problem.sizes[0])
    args = (point.x.tolist(), *(d.tolist() for d in point.data))
    truth = reference(problem.reference, Operator.GRADIENT, point)
    found = python.grad(text(problem, "scalar").build(scalar_words()))(*args)
    np.testing.assert_allclose(found, truth.hi, rtol=1e-11)
    assert problem.reference.name == "reference"


def test_forward_mode_of_jax_goes_through_the_unbounded_loop_and_reverse_mode_says_no() -> None:
    f = jax_text(PARTICLE, "jax")
    import jax

    point = PARTICLE.at(1)
    truth = reference(PARTICLE.reference, Operator.GRADIENT, point)
    np.testing.assert_allclose(jax.jacfwd(f)(point.x), truth.hi, rtol=1e-12)
    with pytest.raises(ValueError, match="Reverse-mode differentiation does not work"):
        jax.grad(f)(point.x)


def test_the_particle_is_moved_back_to_the_axis() -> None:
    """The result has no jump where one more step is needed, as it would have at the step's end."""
    f = particle.reference(plain())
    w = np.linspace(0.15, 0.25, 401)
    values = np.sqrt([f([v]) for v in w.tolist()])
    assert np.max(np.abs(np.diff(values, 2))) < 0.02 * np.ptp(values)


SADDLE_DERIVATIVES = [
    (Operator.GRADIENT, python.grad, arrays.grad, "jacfwd"),
    (Operator.GRADIENT, python.grad, arrays.grad, "grad"),
    (Operator.HESSIAN, python.hessian, arrays.hessian, "hessian"),
]


@pytest.mark.parametrize(("operator", "scalars", "of_arrays", "jaxs"), SADDLE_DERIVATIVES)
def test_every_text_of_the_saddle_has_the_closed_derivatives(
    operator: Operator, scalars: Function, of_arrays: Function, jaxs: str
) -> None:
    """The Hessian is where the inner solver's own derivative shows: by it, M M^T / 2 is added."""
    point = Point(np.array([0.7, -1.9]), (np.array([[1.3, 0.4], [-0.8, 2.1]]),))
    matrix = point.data[0]
    lists = point.x.tolist(), matrix.tolist()
    closed = SADDLE.exact[operator](plain())(*lists)
    if operator is Operator.HESSIAN:
        np.testing.assert_allclose(closed, 2.0 * np.eye(2) + matrix @ matrix.T / 2.0, rtol=1e-15)
    found = scalars(text(SADDLE, "scalar").build(scalar_words()))(*lists)
    np.testing.assert_allclose(found, closed, rtol=1e-13)
    found = of_arrays(text(SADDLE, "array").build(array_words()))(point.x, matrix)
    np.testing.assert_allclose(found, closed, rtol=1e-13)
    jax = pytest.importorskip("jax")
    # the array text takes seconds to compile in reverse mode; JAX reads its own
    for name in ("jax", "jax-implicit", *(["array"] if jaxs == "jacfwd" else [])):
        f = jax_text(SADDLE, name)
        found = jax.jit(getattr(jax, jaxs)(f))(point.x, matrix)
        np.testing.assert_allclose(found, closed, rtol=1e-13, err_msg=name)


@pytest.mark.parametrize("operator", SADDLE.exact)
def test_the_closed_forms_of_the_saddle_are_the_certified_results(operator: Operator) -> None:
    point = SADDLE.at(2)
    closed = SADDLE.exact[operator]
    by_text = reference(SADDLE.reference, operator, point)
    by_hand = reference(SADDLE.reference, operator, point, closed=closed)
    difference = (by_text.hi - by_hand.hi) + (by_text.lo - by_hand.lo)
    assert np.max(np.abs(difference / by_text.hi)) < 1e-28
