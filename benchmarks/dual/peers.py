"""The other tools on the same problems, each as its manual would have it: called from Python.

JAX: 64 bit, jit, synchronous dispatch, arrays of its own as arguments; autograd and jacobi take NumPy
arrays; num-dual, fastdual and hyperjet run the scalar text.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import arrays
import functions
import numpy as np
from contender import Contender, Maker
from problems import Problem, array_arguments
from timing import calls

__all__ = ["gradients", "hessians", "one_thread"]

MANY = 40  # variables beyond which forward mode is not asked of JAX
SLOW = 2_000_000  # scalar operations a call beyond which interpreted tools are not waited for


def one_thread() -> None:
    """Before any import: one thread for everybody, JAX on the CPU."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = (
        "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    )  # fmt: skip


def gradients(p: Problem) -> dict[str, Maker]:
    """Makers of every tool's gradient."""
    return {
        "jax grad": lambda: _jax(p, "grad"),
        "jax value_and_grad": lambda: _jax(p, "value_and_grad"),
        "jax jacfwd": lambda: _jax(p, "jacfwd"),
        "autograd": lambda: _autograd(p),
        "num-dual": lambda: _num_dual(p),
        "fastdual": lambda: _fastdual(p),
        "hyperjet": lambda: _hyperjet(p),
        "jacobi": lambda: _jacobi(p),
    }


def hessians(p: Problem) -> dict[str, Maker]:
    """Makers of JAX's Hessians."""
    return {"jax hessian": lambda: _jax(p, "hessian")}


def _jax(p: Problem, mode: str) -> Contender:
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    if p.array is None:
        raise NotImplementedError("not written as whole-array code")
    if mode == "jacfwd" and p.variables > MANY:
        raise NotImplementedError(f"forward mode in {p.variables} variables")
    f = p.array(arrays.for_jax())
    made = getattr(jax, mode)(f)
    if p.many:
        made = jax.vmap(made)
    compiled = jax.jit(made)
    args = tuple(map(jax.numpy.asarray, array_arguments(p)))
    args = tuple(map(jax.block_until_ready, args))

    def result() -> Any:
        found = compiled(*args)
        found = found[1] if mode == "value_and_grad" else found
        return np.asarray(found)

    return Contender(calls(compiled, *args, after=jax.block_until_ready), result)


def _autograd(p: Problem) -> Contender:
    import autograd

    if p.array is None or p.many:
        raise NotImplementedError("a million scalar operations in Python")
    both = autograd.value_and_grad(p.array(arrays.for_autograd()))
    args = array_arguments(p)
    return Contender(calls(both, *args), lambda: both(*args)[1])


def _scalar_words(name: str, *kinds: type) -> Any:
    """Elementary functions that are methods of the tool's numbers."""

    def word(method: str) -> Callable[[Any], Any]:
        plain = getattr(math, method)

        def apply(x: Any) -> Any:
            if not isinstance(x, kinds):
                return plain(x)
            if not hasattr(x, method):
                raise NotImplementedError(f"its numbers have no {method}")
            return getattr(x, method)()

        return apply

    words = {function: word(function) for function in ("exp", "log", "log2", "erf")}
    return functions.module(name, **words, space=lambda x, n: [0.0] * n)


def _interpreted(p: Problem) -> None:
    """Refuse what would take an interpreter seconds a call."""
    work = {"escape": p.n * 60, "tangents": p.n * 100, "gmm": p.n * 100}.get(p.c_name, p.n * 10)
    if work * max(1, p.variables // 4) > SLOW or p.many:
        raise NotImplementedError("too slow to be waited for in interpreted code")


def _arguments(p: Problem) -> tuple[Any, ...]:
    return tuple(d.tolist() if isinstance(d, np.ndarray) else d for d in p.data)


def _num_dual(p: Problem) -> Contender:
    import num_dual

    _interpreted(p)
    data = _arguments(p)
    kinds = type(num_dual.Dual64.from_re(0.0)), *_kinds(num_dual.gradient, p.variables)
    f = p.build(_scalar_words("num_dual_words", *kinds))
    if not isinstance(p.x, np.ndarray):

        def derivative() -> Any:
            return num_dual.first_derivative(lambda x: f(x, *data), p.x)[1]

        return Contender(calls(derivative), derivative)
    x = p.x.tolist()

    def gradient() -> Any:
        return num_dual.gradient(lambda x: f(x, *data), x)[1]

    return Contender(calls(gradient), gradient)


def _kinds(gradient: Callable[..., Any], n: int) -> list[type]:
    """The tool's type for n variables: it has one for each of the small n."""
    found: list[type] = []

    def first(x: Any) -> Any:
        found.append(type(x[0]))
        return x[0]

    gradient(first, [0.0] * n)
    return found


def _fastdual(p: Problem) -> Contender:
    import fastdual

    _interpreted(p)
    f, data = p.build(_scalar_words("fastdual_words", fastdual.Dual)), _arguments(p)
    values = np.atleast_1d(p.x).tolist()
    one = not isinstance(p.x, np.ndarray)

    def gradient() -> Any:
        fastdual.reset()
        x = [fastdual.Dual(v) for v in values]
        y = f(x[0] if one else x, *data)
        return [y.der(seed) for seed in x]

    return Contender(calls(gradient), gradient)


def _hyperjet(p: Problem) -> Contender:
    import hyperjet

    _interpreted(p)
    x = hyperjet.variables(np.atleast_1d(p.x).tolist(), order=1)
    f, data = p.build(_scalar_words("hyperjet_words", type(x[0]))), _arguments(p)
    values = np.atleast_1d(p.x).tolist()
    one = not isinstance(p.x, np.ndarray)

    def gradient() -> Any:
        x = hyperjet.variables(values, order=1)
        return f(x[0] if one else x, *data).g

    return Contender(calls(gradient), gradient)


def _jacobi(p: Problem) -> Contender:
    from jacobi import jacobi
    from numba import njit

    if p.many or p.variables > MANY:
        raise NotImplementedError("too many evaluations")
    f = njit(error_model="numpy")(p.build(functions.for_numba()))
    x, data = p.x, p.data

    def call() -> Any:
        return jacobi(f, x, *data)[0]

    return Contender(calls(call), call, rtol=1e-5)
