"""Every problem: its texts agree, its inputs are the published ones, and it is worth differentiating."""

import ast
import builtins
import importlib.util
import math
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import special

from adbench import registry
from adbench.dual import numpy as dual_numpy
from adbench.dual import python as dual_python
from adbench.model import (
    CONSTANTS,
    ELEMENTARY,
    Form,
    Operator,
    Point,
    Problem,
    elsewhere,
    namespace,
    size_text,
)
from adbench.reference import traits
from adbench.reference.truth import certified

LARGEST = 300_000  # operations; a text in plain floats takes too long beyond
PROBLEMS = registry.problems()

# SHA-256 of x and data (`Point.digest`): whoever changes an input changes what a row means.
DIGESTS = {
    "ba[5x50x200]": "b08c94598c3be3c73cc56954fdde50feb1a51f9c87c90009783896b6983ee15b",
    "ba[49x7776x31843]": "723318405030c50ec06edd49dbb2451b55d94cda006e0d9a03da5379526cc323",
    "ba[171x58000x250000]": "6245902c468b3600496638f6911a38877faa73f4ee8bce03700c2350d0b19a36",
    "brusselator[8]": "a0cf382355225969c33c89bc0f637dd515f28a457492d403ed989c2209c70bdd",
    "brusselator[32]": "d872b4e231c875bd7b8a980c311d40ad8f9ec9c9592ec550f5b02afdb304929f",
    "brusselator[128]": "a13dddf7c3f07cfe4dd6d78ce2dfb8c71846dc22dd9a7801947727abfaca0d21",
    "damped_sine[1000]": "2d83ff21a8ce143c7cd28ab33cd225787eb9ebecb588ca14b1a4369f5943215c",
    "damped_sine[100000]": "cf70aef2c91223c4006e655825eb0e1ca638f6138e70d80b971317917a4610d2",
    "det[4]": "eb5df7fef59151918a24f010842efb6599181aae74da01c620d601af5c83ee53",
    "det[6]": "3bf275b4277a89b01aa3d88bd144e2793cbdb2594098ee8428669e426fbcf5fa",
    "det[8]": "770a335cbfcc89768024dd38e84a2f832ccfe44c43d993c677b96674c0c4c9ed",
    "escape[1]": "2fd73205743b6263069af4b41049b4f7c471c9b6e3f072e9ad8cdb68869666e3",
    "escape[10000]": "ee8424d57c17ec93571d65e61b775012b92fbc9b37215c784e1cce7039e2cd52",
    "escape[1000000]": "d721a2f50f620c0aadf4afa4e96b697b998f3caeb708db16fa27dc25ee29bdae",
    "gauss_nll[100]": "f0adda7b30ef0f601346f7a4322153e6c65424cc12a3474d47989865a1c1e544",
    "gauss_nll[10000]": "c9b9dd8fbdb1faf8531b928625ec830852c37b2e3a71cdb6d66fd7860629f137",
    "gauss_nll[1000000]": "a78549abfbd8d8186428c9749626f5f04ed61b46e87a11e581f404585b64504c",
    "gmm[2x5]": "a85491aec7f7eec633ed7f7d9ab2b0a4c5438dcc260d35e3b43f3c49d1463361",
    "gmm[10x5]": "93537943ccc71acd76b1a2c696a94ca4ae002f133ac649619e28df83546c0639",
    "gmm[20x10]": "33871b9bbfffbbb0157079be62cd1b8133aeff1b226ff5bc431d10a8838bffb4",
    "gmm[64x10]": "3a88b742ce3d4ab6e143f6981847fcc79bafab14af9d4babd5f8b08faf432f1e",
    "gp_nll[10]": "81e4297803768296a92a4e456c2008b54eb74e1f9543888418f69fd85f2b21ac",
    "gp_nll[100]": "45704e597b0783875af6ad7ae6660e7b1b52eb8c16c82602c516ff5dc7194e8c",
    "gp_nll[500]": "4f135af0aaf8278bf5740210bee93f186bfa049829d77969c14ba50e0c533191",
    "helmholtz[10]": "d9bfffb96abf4e8119509d13bb46617d187e251e9453cbae148604a316c7fa70",
    "helmholtz[100]": "922c7b4ca6468aa2ac9d9adced98a7a41854ac38349de6291f693ca1e41c083b",
    "helmholtz[1000]": "71e351fe78cf5181ab57a8efef9f16d3cdfb339171d3783e4209da1db984065f",
    "histogram_nll[100]": "4e6f7a79fde25f99a80ff451d18d864e05e2db7133b76b025a89cc2d1c9f8217",
    "histogram_nll[1000]": "4c2324ebc8dc0f3af2cdda33677f916943e1b5b75555663c0a8b835810f98a63",
    "histogram_nll[10000]": "73b09047dc75146a2b712f1b7cb5232e41928d5642a4276bdb024bfd17c0450c",
    "hmm_nll[2x50]": "ca4241ed72a2a85f201b815fdff7ee91393bb9902dbfd2168f8c4762bbd83a48",
    "hmm_nll[4x500]": "de87ff039671c17ced146ed531dd788a726a2cdea293f8890a43b0c90f62ba46",
    "hmm_nll[8x5000]": "ddcbe3b8a93a951ae5824021faaae62c68528f7ef392660a8d2d07fa640b7089",
    "ht[544x100]": "5a00fd7c4730eb72a1afe31e7b931e4d467cea68b809dafaf74bf871245b14be",
    "ht[10000x1000]": "f0336c2f0f7b7dbf8342bc01b815c38ef1ea5cc2b22a7367958154099dc92e34",
    "kepler[1]": "96904a460e5ce3e930b2421a4c226baf36b5cecf79cf76e62cfddf384bcf97ce",
    "kepler[1000]": "f5c8a539201d829eced5e6ee54f92b01057dc52823c231ed48dfd2faae56a76e",
    "kepler[100000]": "b2588fbf0be87ff37bac7f1b9a4fb81934c548f7a396efa1ff9fb943abb96fc5",
    "kmeans[10x1000x8]": "fa3748fc788fd700e5404d72d09c600d5668355d51cfd221f83e6e20f126db53",
    "kmeans[100x10000x16]": "7aaa449c921888dc580395a26773bb6f9aa284effd82e36f11a8e6d6fcefd2c0",
    "llsq[16]": "843bdf648f754ca49841126df3bdf154c20e025df617bf50954914a5c7ee8da0",
    "llsq[1024]": "cabf1048924267e926bb3288ccaa463bbafccc603c8580592276d9de66c410c6",
    "llsq[16384]": "ac4266891ed1af56fcd14c70eeeda00de123d341d8dfa2d27bded4963406b50a",
    "logistic[200x5]": "ad61dd99c6d542f21913f676c2e43721eb4c984c24aa3dce0499d4c8141e812e",
    "logistic[2000x50]": "aa44ae0f60a5c7923c5c2270afc7a8ad1244ecf7704c21b1598e08531f420f6b",
    "logistic[20000x500]": "ddb84999a173a0be047c9d53697603bf4f094e5875dfa9d9e6b5b51617db45aa",
    "logistic_map[1]": "8b7868bebcd88e6fc31bad9c71415008948f186e00ac94947908030459199ed2",
    "logistic_map[100000]": "d307142abe854689e2e77339946571947d12c2b45f2c5c1c53b9dc020c1e0192",
    "lotka_volterra[1000]": "b1a83dab1f483890d0c71f4dd69defed520c8d44d41252f03a683d60155e3017",
    "lotka_volterra_residuals[1000]": "b1a83dab1f483890d0c71f4dd69defed520c8d44d41252f03a683d60155e3017",
    "lse[100]": "408adfab78b0609551b4c1f24e882802420019b12dc328c03107743f26351be0",
    "lse[10000]": "c37050c4ae432fb37df6d402588fc880ed83615087e55d7f018003eaa7d631bf",
    "lse[1000000]": "1d47dd35e0611ddcad95610c7eba89b611a6498076e0347f5c64e25921bf492e",
    "lstm[2x64]": "de442f0101018445903d13fce5ef7bf4f6e1d2305787f84b3a09e16775d07c3a",
    "lstm[2x1024]": "a8f43c631ca9ca6f727e032f2c7ee8787ed74c942b7168c908a97a301a1ec42c",
    "lstm[4x4096]": "2f5aef9881bafe062875aeb22e023182acff2a879b2a8b6affa5da2af6c8fd85",
    "mlp[100x4x16]": "81c8f74bc81651c84a030a5f6b502b684deb83ca8e695fd0f8bdec31b225140a",
    "mlp[1000x32x128]": "d22d85ea2cd6db4b3e90ab98bdbc38ec58c7a6ca1a1aa37f005f3990fe51266e",
    "mlp[1000x128x512]": "61af3cfb7903e7c12bb75ddbf6f5ea0a0402e447f55f0531f78fb97aca1d3955",
    "ode[4x10]": "1c7b551584168320305816309e3f024b9e93f6ea4be267c2367bcf3df24e79fb",
    "ode[10x1000]": "a1d3e13b1a8b9a86f2cdb1a75fcbc7b28455eb1678de47838814ff711c0c76df",
    "ode[100x1000]": "073859cfac68f9b9bb32ce85ac03859795c030cf8bfd6188ccf9426cf27d5542",
    "ode_states[4x10]": "1c7b551584168320305816309e3f024b9e93f6ea4be267c2367bcf3df24e79fb",
    "ode_states[10x1000]": "a1d3e13b1a8b9a86f2cdb1a75fcbc7b28455eb1678de47838814ff711c0c76df",
    "ode_states[100x1000]": "073859cfac68f9b9bb32ce85ac03859795c030cf8bfd6188ccf9426cf27d5542",
    "particle[1]": "f3dc7847f78a0a29c225c1dc1916867658d13027a87787029406aaebeaeb12fe",
    "propagation[3]": "09af192d6d23406d471549bc46b501c3ff53f33150e816fc198b2b5a9a5e5b20",
    "propagation[8]": "921d1cc4b2f308804f7cd7ac11704b7113d92fb6f9b9dab09347526d3c742249",
    "propagation[1000]": "2d83ff21a8ce143c7cd28ab33cd225787eb9ebecb588ca14b1a4369f5943215c",
    "rosenbrock[2]": "73d4ef148c2977fd44ce7fd5313cbc6f7f197fd70f3b5de0690a1c42da13a1c2",
    "rosenbrock[10]": "7b90b46b130b7d293c80b6c4261012d21e7a100543992672cb815ea7a0833dbc",
    "rosenbrock[100]": "a3897f606cb527ede7d7aa0536196b9f5b02235cc575096fa85aa3e58db85fd2",
    "rosenbrock[1000]": "805838f3ad47652f6772e4c6503428ce1b0a5d05df081f21e5ef7309675689b8",
    "rosenbrock[10000]": "11b16c2b574ae94d0191cdce5ef098b4f8286a331c3bb4d82048b6b24d064686",
    "saddle[2]": "8f4ed12571e8b9404b92afe5f0236900f93c5bd2e2b9e8fd71071c6788a26451",
    "speelpenning[10]": "435cd9a564bed0144dfaa796ed61d69b8a2bdaed3736c07f9c4b08021d1a6037",
    "speelpenning[100]": "406adac05e203535cf4f0023e5a117418db0a23945156c471fdae4edb49168b7",
    "speelpenning[1000]": "2f1c5b8b92dd6c6273f893782e53b9ffe3583bc3ca99cb046e0e3cc0e1ab1bdf",
    "xy_errors[30]": "056a47d589448a24d99811fcace4465c923b105e36010ed3698b0be82c1a1993",
    "xy_errors[1000]": "d27f68efa7dd926c79af1cf03a127fb1e81050d6f6bc124547241aff65f42b08",
    "xy_errors[100000]": "7f9486e1139e053f7c74a968b7b9121f7a7b6a0b9d2a8f2bae77402bdc17cdc2",
}


def _sizes(problem: Problem) -> list[Any]:
    """Sizes at which a text in plain Python numbers takes no longer than a second or so."""
    found = []
    for size in problem.sizes:
        known = traits.traits(problem, size)
        if known is not None and known.operations <= LARGEST:
            found.append(size)
    return found or [problem.sizes[0]]


CELLS = [
    pytest.param(problem, size, id=f"{problem.name}[{size_text(size)}]")
    for problem in PROBLEMS.values()
    for size in problem.sizes
]
FIRST_CELLS = [
    pytest.param(problem, problem.sizes[0], id=problem.name) for problem in PROBLEMS.values()
]
BUILDERS = [
    pytest.param(form, id=f"{problem.name}-{form.name}")
    for problem in PROBLEMS.values()
    for form in problem.forms
    if not form.own
]


def plain() -> ModuleType:
    """The scalar vocabulary on Python floats; inside inner derivatives on our scalar duals."""
    words = {**vars(dual_python.math), "derivative": lambda g, t: dual_python.derivative(g)(t)}
    return namespace("math", {k: v for k, v in words.items() if not k.startswith("_")})


def numpy_words() -> ModuleType:
    """The array vocabulary on NumPy arrays; inner derivatives by our dual arrays."""
    words = {k: v for k, v in vars(np).items() if not k.startswith("_")}
    words |= {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2}
    words |= {"erf": special.erf, "erfc": special.erfc, "lgamma": special.gammaln}
    words["derivative"] = lambda g, t: dual_numpy.derivative(g)(t)
    return namespace("numpy", words)


def value(problem: Problem, form: Form, point: Point) -> Any:
    """F at the point by one of the problem's texts: a number, a vector, or one number a point."""
    x, data = point.fresh()
    if form.own:
        return own_value(form, point)
    k = form.elementwise
    if form.name == "array":
        f = form.build(numpy_words())
        return np.asarray(f(*x.reshape(k, -1), *data) if k else f(x, *data))
    f = form.build(plain())
    if form.columns is not None:
        rows = zip(*(c.tolist() for c in form.columns(*data)), strict=True)
        return np.asarray(math.fsum(f(x.tolist(), *row) for row in rows))
    lists = [d.tolist() if isinstance(d, np.ndarray) else d for d in data]
    if k:
        return np.array([f(*v, *lists) for v in x.reshape(k, -1).T.tolist()])
    return np.asarray(f(x.tolist(), *lists))


def own_value(form: Form, point: Point) -> Any:
    """F by a tool's own text, run by the first method that reads it and gives values."""
    tool = form.name.partition("-")[0]
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    method = next(
        m
        for m in registry.methods().values()
        if form.name in m.reads
        and Operator.VALUE in m.operators
        and not registry.reason_unavailable(m)
    )
    prepared = method.prepare(form, Operator.VALUE, elsewhere(point))
    return prepared.decode(prepared.call(*prepared.encode(point)))


def agrees(found: Any, expected: Any, weight: Any = 0.0) -> bool:
    """Whether two values are the same to 1e-12 of their size, or of what the inputs' digits decide."""
    assert found.shape == expected.shape
    return bool(np.all(np.abs(found - expected) <= 1e-12 * np.maximum(np.abs(expected), weight)))


@pytest.mark.parametrize(
    ("problem", "size", "form"),
    [
        pytest.param(problem, size, form, id=f"{problem.name}[{size_text(size)}]-{form.name}")
        for problem in PROBLEMS.values()
        for size in _sizes(problem)[:2]
        for form in problem.forms
        if form.gives is Operator.VALUE
    ],
)
def test_every_text_of_a_problem_is_the_same_function(
    problem: Problem, size: Any, form: Form
) -> None:
    """To 1e-12 times the condition number: the certified value at the problem's point, and the scalar
    text's at another one.
    """
    point = problem.at(size)
    truth = certified(problem, size, Operator.VALUE, point)
    found = value(problem, form, point)
    assert found.shape == form.shape(Operator.VALUE, point)
    assert agrees(truth.gather(found), truth.hi, truth.sensitivity)
    scalar, other = problem.form("scalar"), elsewhere(point)
    assert scalar is not None
    weight = np.max(truth.sensitivity, initial=0.0)
    assert agrees(value(problem, form, other), value(problem, scalar, other), weight)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_every_problem_has_a_scalar_text(problem: Problem) -> None:
    """It is what certifies the reference."""
    assert problem.form("scalar") is not None
    assert len({f.elementwise for f in problem.forms}) == 1
    assert problem.elementwise == (Operator.DERIVATIVE in problem.operators)
    assert Operator.VALUE in problem.operators


@pytest.mark.parametrize(("problem", "size"), CELLS)
def test_inputs_are_the_published_ones(problem: Problem, size: Any) -> None:
    assert problem.at(size).digest() == DIGESTS[f"{problem.name}[{size_text(size)}]"]


@pytest.mark.parametrize(("problem", "size"), FIRST_CELLS)
def test_inputs_are_the_same_each_time_and_differ_by_size(problem: Problem, size: Any) -> None:
    assert problem.at(size).digest() == problem.at(size).digest()
    for other in problem.sizes[1:2]:
        assert problem.at(size).digest() != problem.at(other).digest()


LEADING = (Operator.GRADIENT, Operator.DERIVATIVE, Operator.JACOBIAN)


@pytest.mark.parametrize(
    ("problem", "size"),
    [
        pytest.param(problem, size, id=f"{problem.name}[{size_text(size)}]")
        for problem in PROBLEMS.values()
        for size in _sizes(problem)
    ],
)
def test_no_problem_is_degenerate(problem: Problem, size: Any) -> None:
    """Its derivative is not zero, not one number for all variables, and moves with its inputs."""
    point = problem.at(size)
    operator = next(o for o in LEADING if o in problem.operators)
    truth = certified(problem, size, operator, point)
    g = truth.hi
    largest = np.max(np.abs(g))
    assert largest > 1e-6
    # sparse or not, a good part of it is there: nothing has vanished by symmetry or underflow
    assert np.mean(np.abs(g) > 1e-12 * largest) > (0.02 if operator is Operator.JACOBIAN else 0.2)
    assert g.size == 1 or np.ptp(g) > 1e-6 * largest
    assert np.max(truth.sensitivity) > 1e-3 * largest


@pytest.mark.parametrize(("problem", "size"), FIRST_CELLS)
def test_every_datum_counts(problem: Problem, size: Any) -> None:
    """Moving all floats of one datum by a hundredth moves the value."""
    point, form = problem.at(size), problem.form("scalar")
    assert form is not None
    base = value(problem, form, point)
    for k, datum in enumerate(point.data):
        if not (isinstance(datum, np.ndarray) and datum.dtype.kind == "f" and datum.size):
            continue
        moved = list(point.data)
        moved[k] = datum * 1.01
        there = value(problem, form, replace(point, data=tuple(moved)))
        assert np.max(np.abs(there - base)) > 1e-8 * np.max(np.abs(base)), k


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
    helpers = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    if form.name == "array":  # its helpers compute tables of indices from sizes, which NumPy may do
        kept = [n for n in tree.body if n is builder or not isinstance(n, ast.FunctionDef)]
        tree = ast.Module(kept, [])
    given = builder.args.args[0].arg
    words = {*ELEMENTARY, *CONSTANTS, "derivative", "zeros"}

    if form.name == "array":
        words |= {w for w in vars(np) if not w.startswith("_")}
    shapes = {"shape", "T", "ndim"} if form.name in ("array", "term") else set()
    shapes |= {"cholesky", "solve"} if form.name == "array" else set()
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
    bound |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)} | BUILTINS | helpers
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
BUILTINS = {"len", "range", "sum", "abs", "min", "max", "zip", "enumerate", "Any", "tuple", "int"}


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
