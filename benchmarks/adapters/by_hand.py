"""The gradient of `gauss_nll` as a user of each tool would write it, without adbench's adapters.

One function a method: it takes the parameters and the sample as NumPy arrays, and returns a function
and its arguments. Each call is complete when it returns, as adbench asks of its methods too. The text
of the function is written again for each vocabulary, since that is what a user has.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["BY_HAND"]

Direct = tuple[Callable[..., Any], tuple[Any, ...]]
LOG2PI = math.log(2.0 * math.pi)
EPS = float(np.finfo(np.float64).eps)


def nll(x: Any, sample: Any) -> Any:
    """In NumPy."""
    mu, s = x[0], x[1]
    d = sample - mu
    return np.sum(s + d * d / (2.0 * np.exp(2.0 * s))) + 0.5 * sample.shape[0] * LOG2PI


def steps(x: Any, exponent: float) -> Any:
    """Steps in proportion to the variables, exact as floating-point numbers."""
    size = np.abs(x)
    h = EPS**exponent * np.maximum(size, 1.0)
    return (size + h) - size


def numpy_forward(x: Any, sample: Any) -> Direct:
    """(f(x + h) - f(x)) / h."""

    def gradient(x: Any, sample: Any) -> Any:
        value, y, slopes = nll(x, sample), x.copy(), np.empty(len(x))
        h = np.copysign(steps(x, 1 / 2), x)
        for i in range(len(x)):
            y[i] = x[i] + h[i]
            slopes[i] = (nll(y, sample) - value) / h[i]
            y[i] = x[i]
        return slopes

    return gradient, (x, sample)


def numpy_central(x: Any, sample: Any) -> Direct:
    """(f(x + h) - f(x - h)) / 2h."""

    def gradient(x: Any, sample: Any) -> Any:
        y, slopes, h = x.copy(), np.empty(len(x)), steps(x, 1 / 3)
        for i in range(len(x)):
            y[i] = x[i] + h[i]
            above = nll(y, sample)
            y[i] = x[i] - h[i]
            slopes[i] = (above - nll(y, sample)) / (2.0 * h[i])
            y[i] = x[i]
        return slopes

    return gradient, (x, sample)


def numpy_fourth(x: Any, sample: Any) -> Direct:
    """The five-point formula."""

    def gradient(x: Any, sample: Any) -> Any:
        y, slopes, h = x.copy(), np.empty(len(x)), steps(x, 1 / 5) / 8.0
        for i in range(len(x)):
            y[i] = x[i] + h[i]
            near = nll(y, sample)
            y[i] = x[i] - h[i]
            near -= nll(y, sample)
            y[i] = x[i] + 2.0 * h[i]
            far = nll(y, sample)
            y[i] = x[i] - 2.0 * h[i]
            far -= nll(y, sample)
            slopes[i] = (8.0 * near - far) / (12.0 * h[i])
            y[i] = x[i]
        return slopes

    return gradient, (x, sample)


def numpy_ridders(x: Any, sample: Any) -> Direct:
    """Ridders' tableau of halved steps, after Press et al., Numerical Recipes, section 5.7."""

    def slope(x: Any, sample: Any, i: int, h: float) -> Any:
        y = x.copy()
        rows: list[list[Any]] = []
        best, error = 0.0, math.inf
        for level in range(10):
            step = h / 2.0**level
            y[i] = x[i] + step
            above = nll(y, sample)
            y[i] = x[i] - step
            row = [(above - nll(y, sample)) / (2.0 * step)]
            for j in range(level):
                old = rows[-1][j]
                finer = row[j] + (row[j] - old) / (4.0 ** (j + 1) - 1.0)
                distance = max(abs(finer - row[j]), abs(finer - old))
                if distance <= error:
                    best, error = finer, distance
                row.append(finer)
            if level and abs(row[-1] - rows[-1][-1]) >= 2.0 * error:
                break
            rows.append(row)
        return best

    def gradient(x: Any, sample: Any) -> Any:
        size = np.maximum(np.abs(x), 1.0)
        h = np.ldexp(2.0**-11, np.frexp(size)[1] - 1)
        return np.array([slope(x, sample, i, h[i]) for i in range(len(x))])

    return gradient, (x, sample)


def complex_step(x: Any, sample: Any) -> Direct:
    """Im f(x + ih) / h."""
    h = 1e-100

    def gradient(x: Any, sample: Any) -> Any:
        z, slopes = x.astype(np.complex128), np.empty(len(x))
        for i in range(len(x)):
            z[i] = complex(x[i], h)
            slopes[i] = nll(z, sample).imag / h
            z[i] = x[i]
        return slopes

    return gradient, (x, sample)


def _plain(m: Any) -> Callable[..., Any]:
    """The loop that scalar tools are given, with the functions of a module."""
    exp = m.exp

    def f(x: Any, sample: Any) -> Any:
        mu = x[0]
        s = x[1]
        scale = 1.0 / (2.0 * exp(2.0 * s))
        total = 0.0
        for i in range(len(sample)):
            d = sample[i] - mu
            total = total + (s + d * d * scale)
        return total + 0.5 * len(sample) * LOG2PI

    return f


def dual_python(x: Any, sample: Any) -> Direct:
    """Our duals in plain Python, on lists."""
    from adbench.dual import python

    return python.grad(_plain(python.math)), (x.tolist(), sample.tolist())


def dual_numpy(x: Any, sample: Any) -> Direct:
    """Our duals over NumPy."""
    from adbench.dual import numpy as dual

    return dual.grad(nll), (x, sample)


def autograd_reverse(x: Any, sample: Any) -> Direct:
    """``autograd.grad``."""
    import autograd

    return autograd.grad(_autograd_text()), (x, sample)


def autograd_forward(x: Any, sample: Any) -> Direct:
    """``autograd.make_jvp``, a unit vector a variable."""
    import autograd

    jvp = autograd.make_jvp(_autograd_text())

    def gradient(x: Any, sample: Any) -> Any:
        push, slopes = jvp(x, sample), np.empty(len(x))
        for i, unit in enumerate(np.eye(len(x))):
            slopes[i] = push(unit)[1]
        return slopes

    return gradient, (x, sample)


def _autograd_text() -> Callable[..., Any]:
    from autograd import numpy as anp

    def f(x: Any, sample: Any) -> Any:
        mu, s = x[0], x[1]
        d = sample - mu
        return anp.sum(s + d * d / (2.0 * anp.exp(2.0 * s))) + 0.5 * sample.shape[0] * LOG2PI

    return f


def sympy_numpy(x: Any, sample: Any) -> Direct:
    """One term differentiated, evaluated over the sample, summed."""
    import sympy

    mu, s, v = sympy.symbols("mu s v", real=True)
    term = s + (v - mu) ** 2 / (2 * sympy.exp(2 * s)) + sympy.log(2 * sympy.pi) / 2
    slopes = sympy.lambdify([mu, s, v], [term.diff(mu), term.diff(s)], "numpy", cse=True)

    def gradient(x: Any, sample: Any) -> Any:
        by_mu, by_s = slopes(x[0], x[1], sample)
        return np.array([np.sum(by_mu), np.sum(by_s)])

    return gradient, (x, sample)


def sympy_numba(x: Any, sample: Any) -> Direct:
    """The differentiated term compiled, and a compiled loop over the sample."""
    import numba
    import sympy

    mu, s, v = sympy.symbols("mu s v", real=True)
    term = s + (v - mu) ** 2 / (2 * sympy.exp(2 * s)) + sympy.log(2 * sympy.pi) / 2
    compiled = numba.njit(error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
    slopes = compiled(sympy.lambdify([mu, s, v], (term.diff(mu), term.diff(s)), "math", cse=True))

    @compiled
    def gradient(x, sample):  # type: ignore[no-untyped-def]
        by_mu = by_s = 0.0
        for value in sample:
            one, other = slopes(x[0], x[1], value)
            by_mu += one
            by_s += other
        return np.array((by_mu, by_s))

    return gradient, (x, sample)


def _jax(transform: str, async_dispatch: bool, x: Any, sample: Any, x64: bool = True) -> Direct:
    import jax

    jitted = jax.jit(getattr(jax, transform)(_jax_nll(async_dispatch, x64)))

    def gradient(x: Any, sample: Any) -> Any:
        return jitted(x, sample).block_until_ready()

    return gradient, (jax.numpy.array(x), jax.numpy.array(sample))


def _jax_nll(async_dispatch: bool = False, x64: bool = True) -> Callable[[Any, Any], Any]:
    import jax

    jax.config.update("jax_enable_x64", x64)
    if not async_dispatch:
        jax.config.update("jax_cpu_enable_async_dispatch", False)
    jnp = jax.numpy

    def f(x: Any, sample: Any) -> Any:
        mu, s = x[0], x[1]
        d = sample - mu
        return jnp.sum(s + d * d / (2.0 * jnp.exp(2.0 * s))) + 0.5 * sample.shape[0] * LOG2PI

    return f


def jax_aot(x: Any, sample: Any) -> Direct:
    """``jit(grad).lower(...).compile()``."""
    import jax

    slopes = jax.jit(jax.grad(_jax_nll()))
    args = (jax.numpy.array(x), jax.numpy.array(sample))
    compiled = slopes.lower(*args).compile()

    def gradient(x: Any, sample: Any) -> Any:
        return compiled(x, sample).block_until_ready()

    return gradient, args


def jax_eager(x: Any, sample: Any) -> Direct:
    """``grad`` alone."""
    import jax

    slopes = jax.grad(_jax_nll())

    def gradient(x: Any, sample: Any) -> Any:
        return slopes(x, sample).block_until_ready()

    return gradient, (jax.numpy.array(x), jax.numpy.array(sample))


def jax_float32(x: Any, sample: Any) -> Direct:
    """``jit(grad)`` as JAX computes unless told otherwise."""
    return _jax("grad", False, x, sample, x64=False)


def jax_vmap(x: Any, sample: Any) -> Direct:
    """``jit(grad)`` of the sum of a mapped term."""
    import jax

    _jax_nll()
    jnp = jax.numpy

    def term(x: Any, v: Any) -> Any:
        mu, s = x[0], x[1]
        return s + (v - mu) ** 2 / (2.0 * jnp.exp(2.0 * s)) + 0.5 * LOG2PI

    def f(x: Any, sample: Any) -> Any:
        return jnp.sum(jax.vmap(term, (None, 0))(x, sample))

    jitted = jax.jit(jax.grad(f))

    def gradient(x: Any, sample: Any) -> Any:
        return jitted(x, sample).block_until_ready()

    return gradient, (jnp.array(x), jnp.array(sample))


def jax_reverse(x: Any, sample: Any) -> Direct:
    """``jit(grad)``."""
    return _jax("grad", False, x, sample)


def jax_reverse_default(x: Any, sample: Any) -> Direct:
    """``jit(grad)`` with JAX's own settings but for x64."""
    return _jax("grad", True, x, sample)


def jax_forward(x: Any, sample: Any) -> Direct:
    """``jit(jacfwd)``."""
    return _jax("jacfwd", False, x, sample)


def _layout(f: Any, x: Any, sample: Any, strict: bool) -> Any:
    from adbench.dual import numba as dual

    return dual.suited_layout(f, len(x), x, sample, strict=strict)


def numba_dual(x: Any, sample: Any, strict: bool = False) -> Direct:
    """Our duals in Numba."""
    from adbench.dual import numba as dual

    f = _plain(math)
    layout = _layout(f, x, sample, strict)
    return dual.grad(f, n=len(x), layout=layout, strict=strict), (x, sample)


def numba_dual_strict(x: Any, sample: Any) -> Direct:
    """The same in IEEE arithmetic."""
    return numba_dual(x, sample, strict=True)


def numba_tape(x: Any, sample: Any) -> Direct:
    """Our tape in Numba."""
    from adbench.dual import numba as dual

    return dual.tape_grad(_plain(math)), (x, sample)


# What LLVM may do where adbench's methods allow it: contract and reorder, as far as NaN and infinity
# keep their meaning.
RELAXED = {"contract", "reassoc", "nsz", "arcp"}


def numba_central(x: Any, sample: Any) -> Direct:
    """Central differences in one compiled function."""
    import numba

    compiled = numba.njit(error_model="numpy", fastmath=RELAXED)
    f = compiled(_plain(math))
    third = EPS ** (1 / 3)

    @compiled
    def gradient(x, sample):  # type: ignore[no-untyped-def]
        y, slopes = x.copy(), np.empty(x.size)
        for i in range(x.size):
            size = abs(x[i])
            h = (size + third * max(size, 1.0)) - size
            y[i] = x[i] + h
            above = f(y, sample)
            y[i] = x[i] - h
            slopes[i] = (above - f(y, sample)) / (2.0 * h)
            y[i] = x[i]
        return slopes

    return gradient, (x, sample)


def numba_complex(x: Any, sample: Any) -> Direct:
    """The complex step in one compiled function."""
    import numba

    compiled = numba.njit(error_model="numpy")
    f = compiled(_plain(cmath))
    step = 1e-100

    @compiled
    def gradient(x, sample):  # type: ignore[no-untyped-def]
        z, slopes = x.astype(np.complex128), np.empty(x.size)
        for i in range(x.size):
            z[i] = complex(x[i], step)
            slopes[i] = f(z, sample).imag / step
            z[i] = x[i]
        return slopes

    return gradient, (x, sample)


def numba_manual(x: Any, sample: Any) -> Direct:
    """The gradient derived by hand."""
    import numba

    @numba.njit(error_model="numpy", fastmath=RELAXED)
    def gradient(x, sample):  # type: ignore[no-untyped-def]
        mu, s = x[0], x[1]
        first, second = 0.0, 0.0
        for i in range(len(sample)):
            d = sample[i] - mu
            first += d
            second += d * d
        inverse = math.exp(-2.0 * s)
        slopes = np.empty(2)
        slopes[0] = -first * inverse
        slopes[1] = len(sample) - second * inverse
        return slopes

    return gradient, (x, sample)


_WRITTEN = (
    numpy_forward, numpy_central, numpy_fourth, numpy_ridders, complex_step, dual_python, dual_numpy,
    autograd_reverse, autograd_forward, sympy_numpy, sympy_numba,
    jax_reverse, jax_reverse_default, jax_forward, jax_aot, jax_eager, jax_float32, jax_vmap,
    numba_dual, numba_dual_strict, numba_tape, numba_central, numba_complex, numba_manual,
)  # fmt: skip
BY_HAND: Mapping[str, Callable[[Any, Any], Direct]] = {
    function.__name__.replace("_", "-"): function for function in _WRITTEN
}
"""Method name -> what makes the function and its arguments."""
