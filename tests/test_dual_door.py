"""The front door of duals chooses a variant by the arguments, and its page does what it says."""

import contextlib
import importlib.util
import io
import re
import runpy
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from adbench import dual
from adbench.dual import numpy as arrays
from adbench.dual import python as scalars

PAGE = Path(__file__).parents[1] / "docs" / "dual.md"
OPERATORS = (
    "grad", "value_and_grad", "jacobian", "hessian", "derivative", "jvp", "vjp", "hvp", "taylor",
)  # fmt: skip


def product(x, y=2.0):
    return x[0] * x[1] * y


# ---- the choice


@pytest.mark.parametrize("x", [[3.0, 4.0], (3.0, 4.0), [Fraction(3), Fraction(4)]])
def test_numbers_are_differentiated_by_scalar_duals(x):
    kinds = []
    gradient = dual.grad(lambda x: kinds.append(type(x[0])) or product(x))(x)
    assert type(gradient) is type(x)
    assert list(gradient) == [8, 6]
    assert issubclass(kinds[0], scalars.Dual)


@pytest.mark.parametrize("nest", [lambda x: x, lambda x: (x,), lambda x: [[x], 1.0]])
def test_an_array_anywhere_among_the_arguments_takes_array_duals(nest):
    x = np.array([3.0, 4.0])
    inside = nest(x)

    def f(data):
        while not hasattr(data, "ndim"):
            data = data[0]
        return product(data)

    gradient = dual.grad(f)(inside)
    while not hasattr(gradient, "ndim"):
        gradient = gradient[0]
    np.testing.assert_array_equal(gradient, [8.0, 6.0])


def test_an_array_that_is_a_constant_takes_array_duals_too():
    assert dual.grad(lambda a, x: a * np.sum(x))(2.0, np.array([3.0, 4.0])) == 7.0


def test_numbers_of_numpy_are_numbers():
    assert dual.derivative(lambda x: dual.math.exp(x) * x)(np.float64(0.0)) == 1.0


ARGUMENTS = {
    "grad": (([3.0, 4.0],), [8.0, 6.0]),
    "value_and_grad": (([3.0, 4.0],), (24.0, [8.0, 6.0])),
    "jacobian": (([3.0, 4.0],), [8.0, 6.0]),
    "hessian": (([3.0, 4.0],), [[0.0, 2.0], [2.0, 0.0]]),
    "jvp": ((([3.0, 4.0],), ([1.0, 2.0],)), (24.0, 20.0)),
    "vjp": ((([3.0, 4.0],), 0.5), (24.0, ([4.0, 3.0],))),
    "hvp": ((([3.0, 4.0],), [1.0, 2.0]), [4.0, 2.0]),
}


def with_arrays(x):
    """The arguments with arrays for lists."""
    if isinstance(x, tuple):
        return tuple(map(with_arrays, x))
    return np.array(x) if isinstance(x, list) else x


def flat(x):
    return np.concatenate([flat(part) for part in x]) if isinstance(x, tuple) else np.ravel(x)


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("kind", ["numbers", "arrays"])
def test_every_operator_gives_what_its_variant_gives(name, kind):
    args, expected = ARGUMENTS[name]
    args = with_arrays(args) if kind == "arrays" else args
    variant = arrays if kind == "arrays" else scalars
    found = getattr(dual, name)(product)(*args)
    np.testing.assert_array_equal(flat(found), flat(with_arrays(expected)))
    assert type(found) is type(getattr(variant, name)(product)(*args))


def test_derivative_and_taylor():
    assert dual.derivative(lambda x, n: x**n)(2.0, 3) == 12.0
    np.testing.assert_array_equal(
        dual.derivative(lambda x: x * x)(np.array([1.0, 2.0])), [2.0, 4.0]
    )
    assert dual.taylor(lambda n, x: x**n, 3, argnums=1)(3, 2.0) == [8.0, 12.0, 6.0, 1.0]


def test_several_argnums_give_a_tuple():
    assert dual.grad(lambda a, b, c: a * b * c, argnums=(0, 2))(2.0, 3.0, 4.0) == (12.0, 6.0)
    (block,) = dual.hessian(lambda a, b: a * b * b, argnums=(1,))(2.0, 3.0)
    assert block == (4.0,)


def test_calls_of_the_door_nest():
    assert dual.grad(lambda x: x * dual.grad(lambda y: x * y)(2.0))(3.0) == 6.0


def test_every_variant_has_the_operators_of_the_door():
    assert set(OPERATORS) <= set(dual.__all__)
    assert set(OPERATORS) <= set(scalars.__all__)
    assert set(OPERATORS) - {"taylor"} <= set(vars(arrays))


def test_numba_has_the_operators_of_the_door():
    numba = pytest.importorskip("adbench.dual.numba")
    assert set(OPERATORS) - {"taylor"} <= set(numba.__all__)


def test_what_is_not_there_is_named():
    with pytest.raises(AttributeError, match=r"adbench\.dual.*'gradient'"):
        _ = dual.gradient


def test_importing_the_door_imports_no_variant():
    code = (
        "import sys, adbench.dual; "
        "sys.exit(any(f'adbench.dual.{v}' in sys.modules for v in ('python', 'numpy', 'numba')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- the page


def blocks():
    """Python blocks of the page: what they need, their text and, if the page tells, their output."""
    found = re.findall(
        r"^```python(.*)\n((?:.*\n)*?)```\n(?:\n```text\n((?:.*\n)*?)```\n)?",
        PAGE.read_text(),
        re.MULTILINE,
    )
    return [(re.findall(r"needs-(\w+)", needs), code, output) for needs, code, output in found]


def differences(script, *, numba):
    """Where the page's blocks, run in order as one program, print something else than it tells."""
    chosen = [
        (code, output)
        for needs, code, output in blocks()
        if (numba or not needs) and all(map(importlib.util.find_spec, needs))
    ]
    script.write_text("print('\\f', end='')\n".join(code for code, _ in chosen))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(str(script))
    outputs = printed.getvalue().split("\f")
    assert len(outputs) == len(chosen)
    return [(c, o, p) for (c, o), p in zip(chosen, outputs, strict=True) if o != p]


def test_the_page_has_blocks_with_output():
    assert len(blocks()) >= 12
    assert sum(bool(output) for _, _, output in blocks()) >= 10


def test_the_page_does_what_it_says_without_numba(tmp_path):
    assert differences(tmp_path / "page.py", numba=False) == []


def test_the_page_does_what_it_says_with_numba(tmp_path):
    pytest.importorskip("numba")
    assert differences(tmp_path / "page.py", numba=True) == []


def test_the_page_names_every_operator():
    text = PAGE.read_text()
    assert [name for name in OPERATORS if f"`{name}(f" not in text] == []
