"""The native Numba dual: derivatives against 50-digit differences, control flow, values bit for bit."""

import math
import operator
import subprocess
import sys
import textwrap
from types import ModuleType

import mpmath
import numpy as np
import pytest

numba = pytest.importorskip("numba")

from adbench.dual import numba as dual  # noqa: E402  (needs numba)
from adbench.dual.numba.dual_type import DualType  # noqa: E402
from adbench.dual.numba.intrinsics import second_derivatives, seeder, tangents  # noqa: E402
from adbench.dual.rules import UNARY  # noqa: E402
from adbench.model import ELEMENTARY, namespace  # noqa: E402

TIGHT = 1e-12
DIGITS = 50
STEP = mpmath.mpf(10) ** -16  # truncation h^2 ~ 1e-32, rounding 1e-50 / h^2 ~ 1e-18

# `compiled` is how a text makes a helper: with Numba a function of its own, elsewhere nothing.
MATH = namespace(
    "math-for-numba",
    {**{name: getattr(math, name) for name in ELEMENTARY}, "compiled": numba.njit},
)
MPMATH = ModuleType("mpmath-words")
vars(MPMATH).update({name: getattr(mpmath, name) for name in ELEMENTARY if name != "lgamma"})
vars(MPMATH).update(pi=mpmath.pi, compiled=lambda f: f)


def digits(build, x, *data):
    """Gradient and Hessian by central differences in 50 digits: no dual number anywhere."""
    with mpmath.workdps(DIGITS):
        f = build(MPMATH)
        n = len(x)

        def at(**moves):
            y = [mpmath.mpf(float(v)) for v in x]
            for key, steps in moves.items():
                y[int(key[1:])] += steps * STEP
            return mpmath.mpf(f(y, *data))

        middle = at()
        high = [at(**{f"x{i}": 1}) for i in range(n)]
        low = [at(**{f"x{i}": -1}) for i in range(n)]
        gradient = np.array([float((high[i] - low[i]) / (2 * STEP)) for i in range(n)])
        hessian = np.empty((n, n))
        for i in range(n):
            hessian[i, i] = float((high[i] - 2 * middle + low[i]) / STEP**2)
            for j in range(i):
                corners = sum(
                    a * b * at(**{f"x{i}": a, f"x{j}": b}) for a in (1, -1) for b in (1, -1)
                )
                hessian[i, j] = hessian[j, i] = float(corners / (4 * STEP**2))
        return float(middle), gradient, hessian


# ---- texts: arithmetic, elementary functions, control flow


def arithmetic(m):
    return lambda x: (
        x[0] + x[1] * x[2] - x[0] / x[1] + 2.0 * x[2] - 3 / x[1] - x[2] / 4 - (1 - x[0])
    )


def signs(m):
    return lambda x: -x[0] * +x[1] + abs(-x[2]) * x[0]


def literal_powers(m):
    return lambda x: x[0] ** 2 + x[1] ** 3 + x[2] ** -2 + x[0] ** 7 * x[1] ** 1 + x[2] ** 0


def float_powers(m):
    return lambda x: x[0] ** 0.5 + x[1] ** -1.5 + x[2] ** 2.0 + x[0] ** 1.0


def powers_of_duals(m):
    return lambda x: x[0] ** x[1] + 2.0 ** x[2] + 3 ** x[0]


def run_time_powers(m):
    def f(x):
        total = 0.0
        for i in range(4):
            total += x[0] ** i + x[1] ** (0.5 * i)
        return total * x[2] ** len(x)

    return f


def negative_base_constant_exponent(m):
    def f(x):
        p = 2.0
        if x[1] > 100.0:
            p = x[1]
        return (-x[0]) ** p + x[2]

    return f


def exponentials(m):
    return lambda x: m.exp(x[0] * x[1]) + m.log(x[2]) * m.expm1(x[0]) - m.log1p(x[1] * x[2])


def angles(m):
    return lambda x: (
        m.sin(x[0]) * m.cos(x[1]) + m.tan(x[2]) + m.atan2(x[0], x[1]) + m.atan2(x[2], 2.0)
    )


def error_functions(m):
    return lambda x: m.erf(x[0] * x[1]) + m.erfc(x[2]) * m.sqrt(x[0])


def extrema(m):
    return lambda x: max(x[0], x[1]) * min(x[1], x[2], 5.0) + max(0.0, x[2]) + min(x[0], 0)


def accumulation(m):
    def f(x):
        total = 0
        for i in range(len(x)):
            total += (i + 1) * x[i] * x[i]
        return total

    return f


def in_place(m):
    def f(x):
        y = x[0]
        y *= x[1]
        y -= x[2]
        y /= x[0]
        y += 1
        y **= 2
        return y

    return f


def branch(m):
    def f(x):
        if x[0] > x[1]:
            y = x[0] * x[2]
        elif x[0] != 0.5:
            y = m.sin(x[1]) * x[0]
        else:
            y = 1.0
        return y * x[1]

    return f


def early_return(m):
    def f(x):
        for i in range(len(x)):
            if x[i] >= 1.25:
                return x[i] * x[0]
        return 0.0

    return f


def while_loop(m):
    def f(x):
        term = 1.0
        total = 1.0
        k = 0
        while abs(term) > 1e-40 and k < 60:
            k += 1
            term = term * x[0] * x[1] / k
            total += term
        return total * x[2]

    return f


def newton(m):
    def f(x):
        y = 1.0
        for _ in range(8):
            y = 0.5 * (y + x[0] / y)
        return y * x[1] + x[2]

    return f


def nested_loops(m):
    def f(x):
        total = 0.0
        for i in range(len(x)):
            for j in range(i):
                if i == j + 2:
                    continue
                total += x[i] * m.exp(-x[j])
        return total

    return f


def helper(m):
    @m.compiled
    def square(a):
        return a * a

    @m.compiled
    def norm(v, i):
        return square(v[i]) + square(v[i - 1])

    return lambda x: norm(x, 1) * x[2] + square(x[0])


def helper_of_tuples(m):
    @m.compiled
    def turn(a, b):
        return a * b, a + b

    def f(x):
        p, q = turn(x[0], x[1])
        r = (p, q, 2.0)
        return r[0] * r[1] * r[2] + x[2]

    return f


def inner_function(m):
    def f(x):
        def g(t):
            return t * x[1]

        return g(x[0]) + g(2.0) * x[2]

    return f


def ternary(m):
    return lambda x: (x[0] if x[1] > 1.0 else x[2]) * (2.0 if x[0] > 0.0 else x[1])


def boolean_logic(m):
    def f(x):
        y = x[0] if (x[0] > 0.0 and not x[1] < 0.0) or x[2] != 1.0 else 0.0
        return y * x[1] if x[2] else y

    return f


def iteration(m):
    def f(x):
        total = 1.0
        for v in x:
            total *= v
        for i, v in enumerate(x):
            total += i * v * v
        return total

    return f


def local_list(m):
    def f(x):
        values = [x[0], x[1] * x[2]]
        values.append(x[0] * x[0])
        total = 0.0
        for v in values:
            total += v * v
        return total + len(values)

    return f


def two_carried(m):
    def f(x):
        a, b = 0.0, 1.0
        for i in range(6):
            a, b = b, a * x[0] + b * x[i % 3]
        return b

    return f


def clipped_to_integer(m):
    return lambda x: x[0] * int(3.9) + x[1] * (1 if x[2] <= 2 else 5) + x[2] * (x[0] > 0.1)


def constant_only(m):
    return lambda x: 3.5


def plain_variable(m):
    return lambda x: x[1]


TEXTS = [
    arithmetic, signs, literal_powers, float_powers, powers_of_duals, run_time_powers,
    negative_base_constant_exponent, exponentials, angles, error_functions, extrema, accumulation,
    in_place, branch, early_return, while_loop, newton, nested_loops, helper, helper_of_tuples,
    inner_function, ternary, boolean_logic, iteration, local_list, two_carried, clipped_to_integer,
    constant_only, plain_variable,
]  # fmt: skip
POINT = np.array([0.7, 1.3, 0.9])


@pytest.mark.parametrize(
    ("build", "layout"),
    [pytest.param(b, "SV"[i % 2], id=b.__name__) for i, b in enumerate(TEXTS)],
)
def test_value_and_gradient_agree_with_50_digits(build, layout):
    """A text, compiled for duals, equals differences of the text in 50 digits; layouts take turns."""
    value, gradient, _ = digits(build, POINT)
    v, g = dual.value_and_grad(build(MATH), n=3, layout=layout)(POINT)
    assert v == pytest.approx(value, rel=TIGHT)
    np.testing.assert_allclose(g, gradient, rtol=TIGHT, atol=TIGHT)


@pytest.mark.parametrize("layout", ["S", "V"])
@pytest.mark.parametrize(
    "build",
    [arithmetic, literal_powers, float_powers, powers_of_duals, run_time_powers, angles],
    ids=lambda b: b.__name__,
)  # fmt: skip
def test_hessian_agrees_with_50_digits(build, layout):
    """Second-order duals are exact and symmetric in either layout."""
    _, _, expected = digits(build, POINT)
    h = dual.hessian(build(MATH), n=3, layout=layout)(POINT)
    np.testing.assert_allclose(h, expected, rtol=TIGHT, atol=TIGHT)
    np.testing.assert_array_equal(h, h.T)


# ---- every unary rule, under math's and NumPy's name

NUMPY_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
OPERATORS = {"neg": operator.neg, "pos": operator.pos}


def function_named(name, words):
    if name in OPERATORS:
        return OPERATORS[name]
    if words is mpmath:
        return getattr(mpmath, name, None)
    return getattr(words, NUMPY_NAMES.get(name, name) if words is np else name, None)


@numba.njit
def store(out, i, d):
    out[0, i] = tangents(d)[0]
    out[1, i] = second_derivatives(d)[0]


def kernel(ty, functions):
    """Ten functions at ten points, first and second derivatives: one compilation tests many rules."""
    a, b, c, d, e, p, q, r, s, t = functions
    seed = seeder(ty)

    @numba.njit
    def run(x, out):
        store(out, 0, a(seed(x[0], 0)))
        store(out, 1, b(seed(x[1], 0)))
        store(out, 2, c(seed(x[2], 0)))
        store(out, 3, d(seed(x[3], 0)))
        store(out, 4, e(seed(x[4], 0)))
        store(out, 5, p(seed(x[5], 0)))
        store(out, 6, q(seed(x[6], 0)))
        store(out, 7, r(seed(x[7], 0)))
        store(out, 8, s(seed(x[8], 0)))
        store(out, 9, t(seed(x[9], 0)))

    return run


@pytest.mark.parametrize("layout", ["S", "V"])
@pytest.mark.parametrize("words", [math, np], ids=["math", "numpy"])
def test_every_unary_rule_has_its_first_and_second_derivative(words, layout):
    """Rule by rule, f' and f'' equal 50 digits under math's and NumPy's name of the function."""
    known = [n for n in UNARY if function_named(n, words) and function_named(n, mpmath)]
    names = [n for n in known if n != "acosh"]  # not defined at these points
    assert len(names) > 20
    for some in (names[:10], names[-10:]):
        x, out = np.linspace(0.21, 0.83, 10), np.empty((2, 10))
        functions = [function_named(name, words) for name in some]
        kernel(DualType(2, 2, layout), functions)(x, out)
        first, second = derivatives_in_50_digits(some, x)
        np.testing.assert_allclose(out[0], first, rtol=TIGHT, err_msg=str(some))
        np.testing.assert_allclose(out[1], second, rtol=TIGHT, atol=1e-15, err_msg=str(some))


def derivatives_in_50_digits(names, x):
    with mpmath.workdps(DIGITS):
        points = [mpmath.mpf(float(v)) for v in x]
        functions = [function_named(name, mpmath) for name in names]
        return tuple(
            [float(mpmath.diff(f, p, order)) for f, p in zip(functions, points, strict=True)]
            for order in (1, 2)
        )


@pytest.mark.parametrize(
    "key", [np.add, np.subtract, np.multiply, np.true_divide, np.power, np.arctan2, np.hypot, pow]
)
def test_numpy_names_of_binary_operations(key):
    """A ufunc of two dual scalars is the operator it stands for."""
    words = {
        np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul,
        np.true_divide: operator.truediv, np.power: operator.pow, np.arctan2: mpmath.atan2,
        np.hypot: mpmath.hypot, pow: operator.pow,
    }  # fmt: skip
    _, expected, _ = digits(lambda m: lambda x: words[key](x[0], x[1]), [0.7, 1.3])
    g = dual.grad(lambda x: key(x[0], x[1]), n=2, layout="S")(np.array([0.7, 1.3]))
    np.testing.assert_allclose(g, expected, rtol=TIGHT)


def test_maximum_and_minimum_choose_the_tangents_of_the_winner():
    g = dual.grad(lambda x: np.maximum(x[0], x[1]) + 3.0 * np.minimum(x[0], 2.0))
    np.testing.assert_array_equal(g(np.array([1.0, 4.0])), [3.0, 1.0])
    np.testing.assert_array_equal(g(np.array([5.0, 4.0])), [1.0, 0.0])


def test_functions_of_the_value_alone():
    """isnan, floor, ceil and int see the value; they are constant between their jumps."""

    def f(x):
        if math.isnan(x[0]) or np.isinf(x[1]) or not math.isfinite(x[0]):
            return x[0]
        return x[math.floor(x[0])] * math.ceil(x[1]) + int(x[0]) * x[0]

    np.testing.assert_array_equal(dual.grad(f)(np.array([1.5, 2.5])), [1.0, 3.0])


def test_exponents_zero_and_one_known_at_run_time_have_flat_slopes_at_zero():
    """0 * pow(0, -1) would be NaN; x**0 has slope 0 and x**1 slope 1 and curvature 0, at 0 too."""

    def f(x, p):
        return x[0] ** p

    zero = np.array([0.0])
    slope, curvature = dual.grad(f), dual.hessian(f)
    for exponent in (0.0, 1.0, 0, 1):
        assert slope(zero, exponent) == float(exponent)
        assert curvature(zero, exponent) == 0.0


# ---- drivers


@pytest.mark.parametrize("layout", ["S", "V"])
@pytest.mark.parametrize("n", [1, 5, 16, 17, 24])
def test_every_number_of_variables_has_a_gradient(n, layout):
    """One pass or many, full chunks or not: every element arrives in its place."""

    def f(x, weights):
        total = 0.0
        for i in range(len(x)):
            total += weights[i] * x[i] * x[i] * x[(i + 1) % len(x)]
        return total

    x, w = np.linspace(0.5, 2.0, n), np.arange(1.0, n + 1.0)
    i = np.arange(n)
    expected = 2 * w * x * x[(i + 1) % n] + w[i - 1] * x[i - 1] ** 2
    v, g = dual.value_and_grad(f, n=n, layout=layout)(x, w)
    np.testing.assert_allclose(g, expected, rtol=1e-14)
    assert v == pytest.approx(np.sum(w * x * x * x[(i + 1) % n]), rel=1e-14)


@pytest.mark.parametrize("n", [1, 3, 11, 17, 22])
def test_every_number_of_variables_has_a_hessian(n):
    """One pass or pairs of blocks, whole blocks or not: every second derivative in its place."""

    def f(x):
        total = 0.0
        for i in range(len(x)):
            for j in range(len(x)):
                total += (1.0 + i + 0.5 * j) * x[i] * x[i] * x[j]
        return total

    x = np.linspace(0.5, 2.0, n)
    c = 1.0 + np.arange(n)[:, None] + 0.5 * np.arange(n)[None, :]
    expected = 2 * (c * x[:, None] + (c * x[:, None]).T) + np.diag(2 * c @ x)
    np.testing.assert_allclose(dual.hessian(f, layout="V")(x), expected, rtol=1e-13)


def test_derivative_at_a_line_of_points():
    points = np.linspace(0.1, 2.0, 7)
    d = dual.derivative(lambda r, a: math.exp(a * r) * r)
    np.testing.assert_allclose(
        d(points, 0.5), np.exp(0.5 * points) * (1 + 0.5 * points), rtol=1e-14
    )


def test_results_are_fresh_arrays_that_the_caller_may_keep():
    g = dual.grad(lambda x: x[0] * x[1], layout="S")
    first = g(np.array([2.0, 3.0]))
    g(np.array([7.0, 8.0]))
    np.testing.assert_array_equal(first, [3.0, 2.0])


def test_strided_and_integer_x_are_read_as_numpy_would():
    g = dual.grad(lambda x: x[0] * x[1], layout="S")
    np.testing.assert_array_equal(g(np.array([2.0, 0.0, 3.0])[::2]), [3.0, 2.0])
    np.testing.assert_array_equal(g(np.array([2, 3])), [3.0, 2.0])


def test_x_of_another_length_is_refused():
    """The stack has room for n duals; a longer x must not write beyond it."""
    with pytest.raises(ValueError, match="another size"):
        dual.grad(lambda x: x[0], n=2)(np.ones(3))


def test_a_dispatcher_is_differentiated_by_its_text():
    g = dual.grad(numba.njit("f8(f8[:])")(lambda x: x[0] * x[0]))
    assert g(np.array([3.0])) == 6.0


def test_layout_is_chosen_by_the_number_of_tangents():
    assert [dual.default_layout(k) for k in (1, 3, 4, 16)] == ["S", "S", "V", "V"]


def test_the_suited_layout_is_scalar_where_llvm_works_across_data():
    """A loop with a call in it is not vectorised across data, so its tangents are."""

    def plain(x, data):
        total = 0.0
        for v in data:
            total += (v - x[0]) * (v - x[0]) * x[1]
        return total

    def calls(x, data):
        total = 0.0
        for v in data:
            total += math.erf((v - x[0]) * x[1])
        return total

    data = np.linspace(0.0, 1.0, 9)
    assert [dual.suited_layout(f, 2, np.ones(2), data) for f in (plain, calls)] == ["S", "V"]
    assert dual.suited_layout(calls, 1, np.ones(1), data) == "S"
    assert dual.suited_layout(plain, 4, np.ones(4), data) == "V"
    # a sum that keeps its order is not worked on across data
    assert dual.suited_layout(plain, 2, np.ones(2), data, strict=True) == "V"


@pytest.mark.parametrize(("k", "order", "layout"), [(2, 1, "T"), (0, 1, "S"), (2, 3, "S")])
def test_a_type_that_makes_no_sense_is_refused(k, order, layout):
    with pytest.raises(ValueError, match=r"layout|order"):
        dual.DualType(k, order, layout)


def test_no_variables_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        dual.grad(lambda x: 1.0, n=0)
    with pytest.raises(ValueError, match="at least 1"):
        dual.hessian(lambda x: 1.0, n=0)


# ---- values, flags, neighbours


def long_sum(x, data):
    scale = 1.0 / (2.0 * math.exp(2.0 * x[1]))
    total = 0.0
    for i in range(len(data)):
        d = data[i] - x[0]
        total += x[1] + d * d * scale - math.log(1.0 + d * d) / 3.0 + (d + 2.0) ** 3 + abs(d) ** 0.5
        total -= max(d, 0.25) * math.tanh(d * x[2]) + math.erf(d) + 2.0**d
    return total


@pytest.mark.parametrize("layout", ["S", "V"])
def test_strict_value_is_bit_for_bit_that_of_the_float_code(layout):
    """Every operation's value is what Numba compiles for floats, when LLVM may not reorder."""
    data = np.random.default_rng(5).normal(size=1001)
    x = np.array([0.3, 0.1, 0.7])
    expected = dual.primal(long_sum, strict=True)(x, data)
    value, _ = dual.value_and_grad(long_sum, n=3, layout=layout, strict=True)(x, data)
    assert value == expected


def test_relaxed_and_strict_code_differ_in_their_flags():
    """The flags reach LLVM, and strict ones too; else the test above would prove nothing."""

    def total(x, data):
        y = 0.0
        for v in data:
            y += v * x[0]
        return y

    assert "reassoc" in llvm(dual.primal(total), POINT, POINT)
    assert "reassoc" not in llvm(dual.primal(total, strict=True), POINT, POINT)
    for strict in (False, True):
        relaxed = "reassoc" in llvm(
            dual.grad(total, n=1, layout="S", strict=strict), np.ones(1), POINT
        )
        assert relaxed is not strict


def test_duals_realign_the_stack_and_float_code_does_not():
    """Vectors spilled to a misaligned stack cost up to 1.6 times as much in an unlucky process."""
    assert '"stackrealign"' in llvm(dual.grad(long_sum, n=3, layout="V"), POINT, POINT)
    assert '"stackrealign"' not in llvm(dual.primal(long_sum), POINT, POINT)


def test_layout_v_emits_vectors_of_a_power_of_two_lanes():
    code = llvm(dual.grad(lambda x: x[0] * x[1] / x[2], n=3, layout="V"), POINT)
    assert "<4 x double>" in code
    assert "<3 x double>" not in code


def llvm(dispatcher, *args):
    dual.compile_for(dispatcher, *args)
    return next(iter(dispatcher.inspect_llvm().values()))


def test_different_duals_do_not_mix():
    """Confusing two perturbations is a type error, not a wrong number."""
    one, two = seeder(DualType(1)), seeder(DualType(2))

    @numba.njit
    def f(v):
        return tangents(one(v, 0) * two(v, 0))

    with pytest.raises(numba.TypingError, match=r"Dual\[1,1,S\].*Dual\[2,1,S\]"):
        f(1.0)


@pytest.mark.parametrize(
    ("f", "names"),
    [
        (lambda x: math.gamma(x[0]), r"gamma\(Dual"),
        (lambda x: (x[0], x[0]), "returns one number"),
        (lambda x: x[0].conjugate(), "conjugate"),
        (lambda x: complex(x[0]).real, "complex"),
    ],
)
def test_an_unsupported_operation_is_named(f, names):
    """The error says in one line what Numba refused, and keeps Numba's own as its cause."""
    with pytest.raises(dual.UnsupportedFunctionError, match=names) as caught:
        dual.compile_for(dual.grad(f), np.ones(1))
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_float_array_does_not_swallow_a_dual():
    """Storing a dual as a float would lose the derivative without a word."""

    def f(x, y):
        y[0] = x[0]
        return y[0]

    with pytest.raises(dual.UnsupportedFunctionError, match="Dual"):
        dual.grad(f, layout="V")(np.ones(1), np.ones(1))


def test_compiling_before_the_first_call_serves_that_call():
    data = np.ones(4)
    g = dual.compile_for(dual.grad(long_sum), POINT, data)
    before = list(g.signatures)
    g(POINT, data)
    assert g.signatures == before


ORDINARY = """
    import math, operator, sys
    import numba, numpy as np

    def programme():
        def scalars(a, b, n):
            c = max(a, b) + min(a, 2) + abs(-a) ** 2 + a ** b + a ** n + np.exp(b) + math.erf(a)
            s = 0
            s += c
            return s / b - (a > b) + float(int(a)) + np.maximum(a, b) + (not a) + bool(b)
        def arrays(x):
            y = np.exp(x) * 2.0 + x ** 2
            return x.sum(), y.mean(), np.sum(y), x.max(), np.dot(x, y), (x > 1.0).sum(), x[0] + y[-1]
        def integers(i, j):
            return i + j, i * j, i / j, i ** 2, max(i, j), i // j, i % j, -i, i == j
        return [(scalars, (1.5, 2.5, 3)), (arrays, (np.linspace(0.5, 2.0, 9),)), (integers, (7, 3))]

    def run():
        results = []
        for f, args in programme():
            d = numba.njit(f)
            results.append((d(*args), d.nopython_signatures[0].return_type))
        return results

    before = run()
    import adbench.dual.numba
    from adbench.dual.numba import grad
    grad(lambda x: x[0] * math.exp(x[1]))(np.ones(2))
    assert run() == before, (before, run())
    assert {type(t).__name__ for _, t in before} == {"Float", "Tuple"}, before
"""


def test_ordinary_numba_code_computes_as_before():
    """Results and inferred types of float, integer and array code are the same after the import."""
    subprocess.run([sys.executable, "-c", textwrap.dedent(ORDINARY)], check=True, timeout=120)
