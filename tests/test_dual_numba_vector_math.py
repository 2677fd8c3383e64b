"""Vector mathematics: its errors in ulp, that it is really used, and that it stays where it was asked for."""

import ctypes
import itertools
import math
import platform
import sys

import mpmath
import numpy as np
import pytest

numba = pytest.importorskip("numba")

from llvmlite import binding  # noqa: E402  (comes with numba)

from adbench.dual import numba as dual  # noqa: E402
from adbench.dual.numba import vector_math, vector_math_ir  # noqa: E402  (needs numba)
from adbench.dual.numba.compiling import options  # noqa: E402
from adbench.dual.numba.dual_type import DualType  # noqa: E402
from adbench.dual.numba.intrinsics import seeder, tangents, value  # noqa: E402

needs_it = pytest.mark.skipif(not vector_math.available(), reason=vector_math.reason() or "-")

DIGITS = 40
TINY, HUGE = 5e-324, 1.7976931348623157e308
# Where each function is neither constant, nor out of range, nor undefined: (from, to) of numbers.
EVERYWHERE = [(-1e3, 1e3), (-2.0, 2.0)]
RANGES = {
    "acos": [(-1.0, 1.0)],
    "acosh": [(1.0, 2.0), (1.0, 1e6)],
    "asin": [(-1.0, 1.0)],
    "asinh": EVERYWHERE,
    "atan": EVERYWHERE,
    "atan2": EVERYWHERE,
    "atanh": [(-1.0, 1.0)],
    "cbrt": EVERYWHERE,
    "cos": EVERYWHERE,
    "cosh": [(-710.0, 710.0), (-2.0, 2.0)],
    "erf": [(-6.0, 6.0), (-0.5, 0.5)],
    "erfc": [(-6.0, 26.5), (-1.0, 2.0)],
    "exp": [(-708.0, 709.7), (-1.0, 1.0)],
    "exp10": [(-307.0, 308.0), (-1.0, 1.0)],
    "exp2": [(-1022.0, 1023.9), (-1.0, 1.0)],
    "expm1": [(-40.0, 709.7), (-1.0, 1.0)],
    "hypot": EVERYWHERE,
    "log": [(0.0, 1e3), (0.5, 2.0)],
    "log10": [(0.0, 1e3), (0.5, 2.0)],
    "log1p": [(-1.0, 1e3), (-0.5, 1.0)],
    "log2": [(0.0, 1e3), (0.5, 2.0)],
    "pow": [(0.0, 50.0), (0.5, 2.0)],
    "sin": EVERYWHERE,
    "sinh": [(-710.0, 710.0), (-2.0, 2.0)],
    "tan": EVERYWHERE,
    "tanh": [(-20.0, 20.0), (-1.0, 1.0)],
}
EDGES = [
    *(s * v for s in (1.0, -1.0) for v in (0.0, TINY, 2.3e-308, 1e-300, 1e-160, 1e-20, 1e-8)),
    *(
        s * v
        for s in (1.0, -1.0)
        for v in (0.5, 1.0 - 2.0**-53, 1.0, 1.0 + 2.0**-52, 1.5, 2.0, 3.0)
    ),
    *(s * v for s in (1.0, -1.0) for v in (math.pi / 2, math.pi, 22.0, 1e5, 2.0**53, 1e16, 1e22)),
    *(s * v for s in (1.0, -1.0) for v in (700.0, 709.78, 710.4, 745.1, 746.0, 1e4, 1e160, 1e300)),
    *(s * v for s in (1.0, -1.0) for v in (5.92, 6.0, 26.55, 27.3, 308.3, 1023.9, 1074.5, HUGE)),
    math.inf,
    -math.inf,
    math.nan,
]
"""Numbers at which functions change their way of computing, or end."""

WORDS = {
    "cbrt": lambda x: mpmath.sign(x) * mpmath.root(abs(x), 3),
    "exp10": lambda x: mpmath.mpf(10) ** x,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "pow": lambda x, y: x**y,
}


def vector_sets():
    """Lanes and symbols of every instruction set this processor has, used by Numba or not."""
    features = binding.get_host_cpu_features()
    return [
        (letter, lanes)
        for letter, lanes, feature in vector_math.SETS
        if not feature or features.get(feature)
    ]


def loop_code(letter, lanes, function):
    """LLVM text: ``all_exp_b(out, n, x[, y])`` puts the vector function of n numbers in `out`."""
    many = range(function.arguments)
    kind = f"<{lanes} x double>"
    symbol = f"_ZGV{letter}N{lanes}{'v' * function.arguments}_{function.name}"
    loads = "\n".join(
        f"  %p{j} = getelementptr double, ptr %x{j}, i64 %i\n  %v{j} = load {kind}, ptr %p{j}, align 8"
        for j in many
    )
    return f"""
declare {kind} @{symbol}({", ".join([kind] * function.arguments)})
define void @all_{function.name}_{letter}(ptr %out, i64 %n{"".join(f", ptr %x{j}" for j in many)}) {{
  br label %loop
loop:
  %i = phi i64 [ 0, %0 ], [ %next, %loop ]
{loads}
  %y = call {kind} @{symbol}({", ".join(f"{kind} %v{j}" for j in many)})
  %q = getelementptr double, ptr %out, i64 %i
  store {kind} %y, ptr %q, align 8
  %next = add i64 %i, {lanes}
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}}
"""


@pytest.fixture(scope="module")
def by_vectors():
    """``f(letter, name, *arrays)``: the vector function itself, without Numba."""
    found = vector_math.compiler.registered()
    text = "".join(
        loop_code(letter, lanes, f) for (letter, lanes) in vector_sets() for f in found.values()
    )
    machine = binding.Target.from_default_triple().create_target_machine(
        opt=1,
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        jit=True,
        reloc="static",
        codemodel="jitdefault",
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(text), machine)
    engine.finalize_object()

    def call(letter, name, *arrays):
        size = -(-arrays[0].size // 8) * 8
        padded = [np.resize(a, size) for a in arrays]
        out = np.empty(size)
        kinds = [ctypes.c_void_p, ctypes.c_int64] + [ctypes.c_void_p] * len(arrays)
        function = ctypes.CFUNCTYPE(None, *kinds)(
            engine.get_function_address(f"all_{name}_{letter}")
        )
        function(out.ctypes.data, size, *(a.ctypes.data for a in padded))
        return out[: arrays[0].size]

    return call


def one_by_one(name):
    """The C library's function of single numbers."""
    arguments = 2 if name in vector_math.OF_TWO_NUMBERS else 1
    function = getattr(ctypes.CDLL("libm.so.6"), name)
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * arguments
    return function


def ulps(got, exact):
    """Distance in units of the last place of the correctly rounded number."""
    rounded = float(exact)
    if math.isinf(rounded) or math.isinf(got):  # beyond the largest double: as if they went on
        return 0.0 if got == rounded else float(abs(abs(exact) - HUGE) / mpmath.mpf(2) ** 971)
    return float(abs(got - exact) / math.ulp(rounded))


def points(name, count):
    """Numbers in the function's range: dense, and spread over magnitudes."""
    random = np.random.default_rng(7)
    arguments = 2 if name in vector_math.OF_TWO_NUMBERS else 1
    ranges = RANGES[name]
    dense = [
        np.concatenate([random.uniform(a, b, count // len(ranges)) for a, b in ranges])
        for _ in range(arguments)
    ]
    low, high = min(a for a, _ in ranges), max(b for _, b in ranges)
    sign = random.choice([-1.0, 1.0], count)
    spread = [sign * 10.0 ** random.uniform(-300, 2.5, count) for _ in range(arguments)]
    return [
        np.concatenate([d, s[(s > low) & (s < high)] if arguments == 1 else np.abs(s)])
        for d, s in zip(dense, spread, strict=True)
    ]


def exactly(name, *numbers):
    with mpmath.workdps(DIGITS):
        function = WORDS.get(name) or getattr(mpmath, name)
        return function(*map(mpmath.mpf, numbers))


def hard_points(name):
    """Arguments at which the result is tiny beside them, or huge."""
    random = np.random.default_rng(11)
    if name in ("sin", "cos", "tan"):
        return [np.concatenate([np.arange(-60, 60), np.arange(300, 30000, 997)]) * math.pi / 2]
    if name in ("log", "log2", "log10", "acosh"):
        return [1.0 + np.arange(0 if name == "acosh" else -60, 60) * 2.0**-50]
    if name == "exp":
        return [np.linspace(-745.0, -708.0, 60)]
    if name == "erfc":
        return [np.linspace(26.5, 27.2, 60)]
    if name == "pow":
        base = np.exp(random.uniform(-600.0, 600.0, 100))
        return [base, random.uniform(-740.0, 709.0, 100) / np.log(base)]
    return None


@needs_it
@pytest.mark.parametrize("name", sorted(vector_math.LARGEST_ERROR))
def test_every_vector_function_keeps_its_stated_error(by_vectors, name):
    bound = vector_math.functions().get(name)
    if bound is None:
        pytest.skip(f"this glibc has no vector {name}")
    assert bound <= 4
    for arrays in filter(None, [points(name, 300), hard_points(name)]):
        exact = [exactly(name, *map(float, numbers)) for numbers in zip(*arrays, strict=True)]
        for letter, _ in vector_sets():
            got = by_vectors(letter, name, *arrays)
            errors = [ulps(float(g), e) for g, e in zip(got, exact, strict=True)]
            worst = int(np.argmax(errors))
            assert errors[worst] <= bound, (letter, [a[worst] for a in arrays], got[worst])


@needs_it
@pytest.mark.parametrize("name", sorted(vector_math.LARGEST_ERROR))
def test_singular_points_give_what_the_c_library_gives(by_vectors, name):
    if name not in vector_math.functions():
        pytest.skip(f"this glibc has no vector {name}")
    pairs = name in vector_math.OF_TWO_NUMBERS
    numbers = list(itertools.product(EDGES, repeat=2)) if pairs else [(v,) for v in EDGES]
    arrays = [np.array(a) for a in zip(*numbers, strict=True)]
    wanted = [one_by_one(name)(*v) for v in numbers]
    for letter, _ in vector_sets():
        got = by_vectors(letter, name, *arrays)
        for point, g, w in zip(numbers, got, wanted, strict=True):
            if math.isnan(w) or math.isinf(w) or w == 0:
                same = (
                    math.isnan(g)
                    if math.isnan(w)
                    else (g, math.copysign(1, g)) == (w, math.copysign(1, w))
                )
            else:
                same = abs(g - w) <= 5 * math.ulp(w)
            assert same, (letter, point, g, w)


def unary_sums(x, out):
    for i in range(x.size):
        v = x[i]
        out[i] = (
            math.exp(v) + math.expm1(v) + math.log(v) + math.log1p(v) + math.log2(v)
            + math.log10(v) + math.sin(v) + math.cos(v) + math.tan(v) + math.asin(v)
            + math.acos(v) + math.atan(v) + math.sinh(v) + math.cosh(v) + math.tanh(v)
            + math.asinh(v) + math.acosh(1.0 + v) + math.atanh(v) + math.erf(v) + math.erfc(v)
            + np.exp2(v)
        )  # fmt: skip


def binary_sums(x, out):
    for i in range(x.size):
        out[i] = x[i] ** (0.1 + x[i]) + math.atan2(x[i], 0.3) + math.hypot(x[i], 0.2)


UNARY_NAMES = "exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh"
UNARY_NAMES = set((UNARY_NAMES + " acosh atanh erf erfc exp2").split())
BETWEEN = np.linspace(0.01, 0.99, 1003)


def vectorised(f, **options):
    return numba.njit(**options, **vector_math.njit_options())(f)


@needs_it
@pytest.mark.parametrize(
    ("f", "names"), [(unary_sums, UNARY_NAMES), (binary_sums, {"pow", "atan2", "hypot"})]
)
def test_loops_call_the_vector_functions_they_can(f, names):
    fast = vectorised(f, error_model="numpy")
    got, plain = np.empty(1003), np.empty(1003)
    fast(BETWEEN, got)
    numba.njit(f, error_model="numpy")(BETWEEN, plain)
    assert vector_math.used(fast) == names & set(vector_math.functions())
    np.testing.assert_allclose(got, plain, rtol=1e-14, atol=1e-14)
    assert (got != plain).any()  # what the test of leaks below relies on


def make_shared():
    """A helper of its own, and a function that uses it both in its loop and beside it."""

    @numba.njit(error_model="numpy")
    def helper(v):
        return math.exp(v)

    @numba.njit(error_model="numpy")
    def looping(x, out):
        for i in range(x.size):
            out[i] = helper(x[i])

    def f(x, out):
        looping(x[: x.size // 2], out[: x.size // 2])
        for i in range(x.size // 2, x.size):
            out[i] = helper(x[i])

    return looping, f


WIDE = np.linspace(-20.0, 20.0, 4000)
ONE_BY_ONE = np.array([math.exp(v) for v in WIDE])


def applied(f):
    out = np.empty(WIDE.size)
    f(WIDE, out)
    return out


@needs_it
@pytest.mark.parametrize("vector_first", [True, False])
def test_a_helper_shared_with_plain_code_keeps_its_bits(vector_first):
    looping, f = make_shared()
    plain, fast = numba.njit(error_model="numpy")(f), vectorised(f, error_model="numpy")
    order = [fast, plain, looping] if vector_first else [looping, plain, fast]
    results = {g: applied(g) for g in order}
    np.testing.assert_array_equal(results[plain], ONE_BY_ONE)
    np.testing.assert_array_equal(results[looping], ONE_BY_ONE)
    np.testing.assert_array_equal(applied(plain), ONE_BY_ONE)
    assert vector_math.used(fast) == {"exp"}
    assert not vector_math.used(plain)
    halves = (results[fast] != ONE_BY_ONE).reshape(2, -1).any(axis=1)
    assert halves.all()  # the helper's own loop was vectorised too
    np.testing.assert_allclose(results[fast], ONE_BY_ONE, rtol=4 * 2.0**-52)


@needs_it
def test_plain_code_around_a_vector_function_keeps_its_bits():
    looping, f = make_shared()
    fast = vectorised(f, error_model="numpy")

    @numba.njit(error_model="numpy")
    def around(x, out):
        fast(x, out)
        looping(x, out)

    np.testing.assert_array_equal(applied(around), ONE_BY_ONE)
    assert vector_math.used(fast) == {"exp"}


@needs_it
def test_a_call_under_a_condition_is_vectorised():
    def f(x, out):
        for i in range(x.size):
            out[i] = 0.0
            if x[i] > 0.0:
                out[i] = math.erf(x[i])

    fast = vectorised(f, error_model="numpy")
    np.testing.assert_allclose(
        applied(fast), [math.erf(v) if v > 0 else 0.0 for v in WIDE], rtol=4 * 2.0**-52
    )
    assert vector_math.used(fast) == {"erf"}


@needs_it
def test_array_expressions_and_prange_are_vectorised():
    def f(x, out):
        y = np.exp(x) * 2.0
        for i in numba.prange(x.size):
            out[i] = y[i] + math.log(2.0 + x[i] * x[i])

    fast = vectorised(f, error_model="numpy", parallel=True)
    wanted = 2 * ONE_BY_ONE + np.log(2 + WIDE * WIDE)
    np.testing.assert_allclose(applied(fast), wanted, rtol=1e-14)
    assert vector_math.used(fast) == {"exp", "log"}


def log_likelihood(mu, x):
    s = 0.0
    for i in range(x.size):
        s += math.log(1.0 + math.erf(x[i] - mu)) + math.exp(-x[i] * mu)
    return s


@needs_it
@pytest.mark.parametrize("order", [1, 2])
def test_duals_use_vector_functions_and_agree_with_plain_duals(order):
    seed = seeder(DualType(1, order))
    found = []
    for extra in ({}, vector_math.njit_options()):
        f = numba.njit(**options(False), **extra)(log_likelihood)

        @numba.njit(**options(False), **extra)
        def derivative(mu, x, f=f):
            y = f(seed(mu, 0), x)
            return value(y), tangents(y)[0]

        found.append((derivative(0.3, BETWEEN), vector_math.used(derivative)))
    (plain, nothing), (fast, names) = found
    np.testing.assert_allclose(fast, plain, rtol=1e-13)
    assert not nothing
    assert names == {"exp", "log", "erf"}


@needs_it
def test_drivers_take_vector_math_on_request():
    args = (0.3, BETWEEN)
    plain, fast = (dual.value_and_grad(log_likelihood, vector_math=v) for v in (False, True))
    np.testing.assert_allclose(fast(*args), plain(*args), rtol=1e-13)
    assert fast(*args) != plain(*args)


@needs_it
def test_code_with_vector_math_is_never_cached_on_disk():
    with pytest.raises(RuntimeError, match="cannot be cached on disk"):
        numba.njit(cache=True, **vector_math.njit_options())(binary_sums)(BETWEEN, np.empty(1003))


@pytest.fixture
def elsewhere(monkeypatch):
    """Another machine, for as long as the test runs."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    vector_math.reason.cache_clear()
    yield
    monkeypatch.undo()
    vector_math.reason.cache_clear()


@pytest.mark.usefixtures("elsewhere")
def test_other_platforms_are_named_with_the_way_out():
    assert not vector_math.available()
    assert vector_math.functions() == {}
    with pytest.raises(vector_math.VectorMathError, match=r"arm64 darwin\. Leave vector_math at"):
        vector_math.njit_options()
    with pytest.raises(vector_math.VectorMathError, match="arm64 darwin"):
        dual.grad(log_likelihood, vector_math=True)


@pytest.fixture
def known():
    one = [vector_math_ir.VectorFunction(n, 1, ((4, f"_ZGVdN4v_{n}"),)) for n in ("exp", "erf")]
    two = vector_math_ir.VectorFunction("pow", 2, ((4, "_ZGVdN4vv_pow"),))
    return {f.name: f for f in (*one, two)}


def module(body, head="define linkonce_odr double @f(double %x)"):
    declared = "".join(
        f"declare {line}\n"
        for line in (
            "double @llvm.exp.f64(double)",
            "<4 x double> @llvm.exp.v4f64(<4 x double>)",
            "double @erf(double)",
            "double @llvm.pow.f64(double, double)",
            "double @gamma(double)",
        )
    )
    return f"{declared}{head} {{\n{body}\n  ret double %x\n}}\n"


@pytest.mark.parametrize(
    ("call", "callee"),
    [
        ("call double @erf(double %x)", "double @adbench_vector_erf(double %x)"),
        ("tail call nsz contract double @llvm.exp.f64(double noundef %x), !tbaa !1", "nsz contract double @adbench_vector_exp(double noundef %x)"),
        ("call <4 x double> @llvm.exp.v4f64(<4 x double> zeroinitializer)", "<4 x double> @_ZGVdN4v_exp(<4 x double> zeroinitializer)"),
        ("call double @llvm.pow.f64(double %x, double 0.3)", "double @adbench_vector_pow(double %x, double 0.3)"),
    ],
)  # fmt: skip
def test_calls_of_known_functions_are_rewritten(known, call, callee):
    new = vector_math_ir.vectorisable(module(f"  %y = {call}"), known)
    assert callee in new
    assert ("!tbaa !1" in new) == ("!tbaa" in call)
    assert 'define internal double @f(double %x) "stackrealign"' in new
    if "!" not in call:
        binding.parse_assembly(new).verify()


@pytest.mark.parametrize(
    "call",
    [
        "call double @gamma(double %x)",
        "call double @llvm.pow.f64(double %x, double 2.000000e+00)",
        "call double @llvm.pow.f64(double %x, double 5.000000e-01)",
        "musttail call double @erf(double %x)",
        "call float @erf(float %z)",
    ],
)
def test_other_calls_are_left_alone(known, call):
    text = module(f"  %y = {call}")
    assert vector_math_ir.vectorisable(text, known) is text


def test_callers_become_private_and_others_stay_shared(known):
    text = module("  %y = call double @erf(double %x)") + (
        "define linkonce_odr double @g(double %x) local_unnamed_addr #0 {\n"
        "  %y = call double @f(double %x)\n  ret double %y\n}\n"
        "define linkonce_odr double @h(double %x) {\n  ret double %x\n}\n"
        "define double @top(double %x) {\n  %y = call double @g(double %x)\n  ret double %y\n}\n"
        "attributes #0 = { nounwind }\n"
    )
    new = vector_math_ir.vectorisable(text, known)
    assert 'define internal double @g(double %x) local_unnamed_addr "stackrealign" #0 {' in new
    assert "define linkonce_odr double @h(double %x) {" in new
    assert 'define double @top(double %x) "stackrealign" {' in new
    binding.parse_assembly(new).verify()
