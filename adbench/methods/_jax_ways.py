"""How each mode of JAX computes each operator; knows neither settings nor arguments nor compilation.

Every function takes the module jax from its caller and returns plain functions of
``(x, *given, *data)``, to be jitted as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from adbench.methods import _jax_series, _jax_sparse
from adbench.methods._shared import propagated
from adbench.model import Operator

Function = Callable[..., Any]


@dataclass(frozen=True)
class Mode:
    """One way to use JAX.

    Parameters
    ----------
    ways : callable
        ``ways(jax, f, k)``: the operators of f, elementwise of k arrays where k is not 0.
    derivative : callable
        ``derivative(jax, g, t)``: what a text that contains a derivative gets for it.
    sparse : Sparse
        How sparse Jacobians are compressed.
    """

    ways: Callable[[ModuleType, Function, int], Mapping[Operator, Function]]
    derivative: Callable[[ModuleType, Function, Any], Any]
    sparse: _jax_sparse.Sparse


def _derivative_forward(jax: ModuleType, g: Function, t: Any) -> Any:
    """The derivative of an elementwise g at t: one tangent of ones."""
    t = jax.numpy.asarray(t, dtype=float)
    return jax.jvp(g, (t,), (jax.numpy.ones_like(t),))[1]


def _derivative_reverse(jax: ModuleType, g: Function, t: Any) -> Any:
    """The derivative of an elementwise g at t: one cotangent of ones."""
    value, pull = jax.vjp(g, jax.numpy.asarray(t, dtype=float))
    return pull(jax.numpy.ones_like(value))[0]


def _forward(jax: ModuleType, f: Function, k: int) -> Mapping[Operator, Function]:
    """Jacobian-vector products alone, one for each variable where a gradient is wanted."""
    np = jax.numpy

    def derivative(x: Any, *data: Any) -> Any:
        # Points do not mix, so one tangent of ones for each of the k arrays gives all derivatives.
        ones = np.repeat(np.eye(k, dtype=x.dtype), x.shape[0] // k, axis=1)
        return jax.vmap(lambda v: _along(jax, f, x, v, data)[1])(ones).ravel()

    def both(x: Any, *data: Any) -> Any:
        def value_twice(r: Any) -> Any:
            value = f(r, *data)
            return value, value

        gradient, value = jax.jacfwd(value_twice, has_aux=True)(x)
        return value, gradient

    def newton(x: Any, *data: Any) -> Any:
        gradient, diagonal = _along(jax, jax.jacfwd(f), x, np.ones_like(x), data)
        return gradient / diagonal

    def propagate(x: Any, covariance: Any, *data: Any) -> Any:
        # J is not formed: pushing the columns of C gives J C, pushing its rows J (J C)^T.
        push = jax.vmap(jax.linearize(lambda r: f(r, *data), x)[1])
        return push(push(covariance).T)

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: jax.jacfwd(f),
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HESSIAN: jax.jacfwd(jax.jacfwd(f)),
        Operator.HVP: lambda x, v, *data: _along(jax, jax.jacfwd(f), x, v, data)[1],
        Operator.NEWTON_DIRECTION: newton,
        Operator.JACOBIAN: jax.jacfwd(f),
        Operator.JVP: lambda x, v, *data: _along(jax, f, x, v, data)[1],
        # a pass a variable, as for any gradient
        Operator.VJP: lambda x, u, *data: jax.jacfwd(lambda r: np.vdot(u, f(r, *data)))(x),
        Operator.PROPAGATE: propagate,
        Operator.TAYLOR: _jax_series.nested(jax, f),
    }


def _reverse(jax: ModuleType, f: Function, k: int) -> Mapping[Operator, Function]:
    """Vector-Jacobian products alone, also where derivatives are nested."""
    np = jax.numpy

    def total(x: Any, *data: Any) -> Any:
        # Points do not mix, so the gradient of the sum holds every derivative.
        return np.sum(f(x, *data))

    def hvp(x: Any, v: Any, *data: Any) -> Any:
        return jax.grad(lambda r: np.vdot(jax.grad(f)(r, *data), v))(x)

    def newton(x: Any, *data: Any) -> Any:
        def summed(r: Any) -> Any:
            gradient = jax.grad(f)(r, *data)
            return np.sum(gradient), gradient

        diagonal, gradient = jax.grad(summed, has_aux=True)(x)
        return gradient / diagonal

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        # u -> J^T u is linear, so pulling v back through it gives J v: two passes, whatever n is.
        value, pull = jax.vjp(lambda r: f(r, *data), x)
        return jax.vjp(lambda u: pull(u)[0], np.zeros_like(value))[1](v)[0]

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: jax.grad(total),
        Operator.GRADIENT: jax.grad(f),
        Operator.VALUE_AND_GRADIENT: jax.value_and_grad(f),
        Operator.HESSIAN: jax.jacrev(jax.jacrev(f)),
        Operator.HVP: hvp,
        Operator.NEWTON_DIRECTION: newton,
        Operator.JACOBIAN: jax.jacrev(f),
        Operator.JVP: jvp,
        Operator.VJP: lambda x, u, *data: jax.vjp(lambda r: f(r, *data), x)[1](u)[0],
        Operator.PROPAGATE: propagated(jax.jacrev(f)),
    }


def _forward_over_reverse(jax: ModuleType, f: Function, k: int) -> Mapping[Operator, Function]:
    """Second derivatives as JAX's manual advises: Jacobian-vector products of the gradient."""

    def newton(x: Any, *data: Any) -> Any:
        gradient, diagonal = _along(jax, jax.grad(f), x, jax.numpy.ones_like(x), data)
        return gradient / diagonal

    return {
        Operator.HESSIAN: jax.hessian(f),
        Operator.HVP: lambda x, v, *data: _along(jax, jax.grad(f), x, v, data)[1],
        Operator.NEWTON_DIRECTION: newton,
    }


def _reverse_over_forward(jax: ModuleType, f: Function, k: int) -> Mapping[Operator, Function]:
    """Second derivatives by gradients of a Jacobian-vector product."""
    np = jax.numpy

    def along(x: Any, v: Any, data: tuple[Any, ...]) -> Any:
        return _along(jax, f, x, v, data)[1]

    def newton(x: Any, *data: Any) -> Any:
        # the product with ones is the sum of the gradient, which comes from elsewhere
        ones = np.ones_like(x)
        return jax.grad(f)(x, *data) / jax.grad(lambda r: along(r, ones, data))(x)

    return {
        Operator.HESSIAN: jax.jacrev(jax.jacfwd(f)),
        Operator.HVP: lambda x, v, *data: jax.grad(lambda r: along(r, v, data))(x),
        Operator.NEWTON_DIRECTION: newton,
    }


def _mapped(jax: ModuleType, f: Function, k: int) -> Mapping[Operator, Function]:
    """Of k > 0: values and gradients of a function of k numbers, mapped over points; else as reverse."""
    if not k:
        return _reverse(jax, f, 0)

    def over(g: Function, x: Any, data: tuple[Any, ...]) -> Any:
        axes = (0,) * k + (None,) * len(data)
        return jax.vmap(g, in_axes=axes)(*x.reshape(k, -1), *data)

    def derivative(x: Any, *data: Any) -> Any:
        return jax.numpy.concatenate(over(jax.grad(f, argnums=tuple(range(k))), x, data))

    return {
        Operator.VALUE: lambda x, *data: over(f, x, data),
        Operator.DERIVATIVE: derivative,
    }


def _along(jax: ModuleType, f: Function, x: Any, v: Any, data: tuple[Any, ...]) -> Any:
    """F at x, and its derivative along v."""
    return jax.jvp(lambda r: f(r, *data), (x,), (v,))


@contextmanager
def refusals() -> Iterator[None]:
    """What JAX says it cannot differentiate, as NotImplementedError; other errors as they are."""
    try:
        yield
    except (TypeError, ValueError) as error:
        said = str(error)
        if said.startswith("Reverse-mode differentiation does not work for lax.while_loop"):
            raise NotImplementedError(
                "JAX has no reverse mode through a lax.while_loop, whose number of passes nobody "
                "knows before it has run"
            ) from error
        if said.startswith("can't apply forward-mode") and "custom_vjp" in said:
            raise NotImplementedError(
                "JAX has no forward mode through a function with a custom_vjp rule"
            ) from error
        from jax.errors import ConcretizationTypeError

        if isinstance(error, ConcretizationTypeError):
            raise NotImplementedError(
                "JAX traces a text once for all numbers: it cannot follow a Python branch or loop "
                "that depends on a value"
            ) from error
        raise


FORWARD = Mode(_forward, _derivative_forward, _jax_sparse.FORWARD)
REVERSE = Mode(_reverse, _derivative_reverse, _jax_sparse.REVERSE)
MIXED = Mode(_forward_over_reverse, _derivative_reverse, _jax_sparse.REVERSE)
REVERSE_OVER_FORWARD = Mode(_reverse_over_forward, _derivative_forward, _jax_sparse.REVERSE)
JET = Mode(
    lambda jax, f, k: {Operator.TAYLOR: _jax_series.jet(jax, f)},
    _derivative_forward,
    _jax_sparse.FORWARD,
)
MAPPED = Mode(_mapped, _derivative_reverse, _jax_sparse.REVERSE)
