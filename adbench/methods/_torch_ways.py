"""How each mode of PyTorch computes each operator; knows neither settings nor arguments nor compilation.

Every function returns plain functions of ``(x, *given, *data)``. `Mode` says which mode is which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adbench.methods._shared import parts, propagated
from adbench.methods._torch_words import real
from adbench.model import Operator, Pattern

Function = Callable[..., Any]
Plan = list[tuple[Any, Any]]

# Numbers (8 MiB, what caches hold) that the products taken together have: those of more colours follow.
TOGETHER = 2**20


@dataclass(frozen=True)
class Mode:
    """One way to use PyTorch.

    Parameters
    ----------
    ways : callable
        ``ways(f, k, pattern)``: the operators of f, elementwise of k arrays where k is not 0, with a
        sparse Jacobian where there is a pattern.
    derivative : callable
        ``derivative(g, t)``: what a text that contains a derivative gets for it.
    records : bool
        Whether x must be a tensor that records what is done with it.
    """

    ways: Callable[[Function, int, Pattern | None], Mapping[Operator, Function]]
    derivative: Function
    records: bool = False


def _derivative_reverse(g: Function, t: Any) -> Any:
    """The derivative of an elementwise g at t: one cotangent of ones."""
    from torch.func import grad

    return grad(lambda s: g(s).sum())(real(t))


def _derivative_forward(g: Function, t: Any) -> Any:
    """The derivative of an elementwise g at t: one tangent of ones."""
    import torch

    t = real(t)
    return torch.func.jvp(g, (t,), (torch.ones_like(t),))[1]


def _derivative_backward(g: Function, t: Any) -> Any:
    """The derivative of an elementwise g at t, recorded itself.

    The record starts at an alias of t, so that what else was made of t has no part in it.
    """
    import torch

    t = real(t)
    with torch.enable_grad():  # for values too, which keep no record else
        t = t.view_as(t) if t.requires_grad else t.detach().requires_grad_()
        return _of_record(torch, g(t).sum(), t, create_graph=True)


def _reverse(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    """Vector-Jacobian products of torch.func alone, also where derivatives are nested."""
    import torch
    from torch.func import grad, grad_and_value, jacrev, vjp

    gradient, together = grad(f), grad_and_value(f)

    def both(x: Any, *data: Any) -> Any:
        slopes, value = together(x, *data)
        return value, slopes

    def total(x: Any, *data: Any) -> Any:
        # Points do not mix, so the gradient of the sum holds every derivative.
        return f(x, *data).sum()

    def hvp(x: Any, v: Any, *data: Any) -> Any:
        return grad(lambda r: torch.dot(gradient(r, *data), v))(x)

    def newton(x: Any, *data: Any) -> Any:
        def summed(r: Any) -> Any:
            slopes = gradient(r, *data)
            return slopes.sum(), slopes

        diagonal, slopes = grad(summed, has_aux=True)(x)
        return slopes / diagonal

    def pulled(x: Any, *data: Any) -> Function:
        pull = vjp(lambda r: f(r, *data), x)[1]
        return lambda u: pull(u)[0]

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        # u -> J^T u is linear, so pulling v back through it gives J v: two passes, whatever n is.
        value, pull = vjp(lambda r: f(r, *data), x)
        return vjp(lambda u: pull(u)[0], torch.zeros_like(value))[1](v)[0]

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: grad(total),
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HESSIAN: jacrev(jacrev(f)),
        Operator.HVP: hvp,
        Operator.NEWTON_DIRECTION: newton,
        Operator.JACOBIAN: jacrev(f) if pattern is None else compressed(pattern, pulled, True),
        Operator.JVP: jvp,
        Operator.VJP: lambda x, u, *data: pulled(x, *data)(u),
        Operator.PROPAGATE: propagated(jacrev(f)),
    }


def _forward(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    """Jacobian-vector products of torch.func alone, one for each variable where a gradient is wanted."""
    import torch
    from torch.func import jacfwd, vmap

    def pushed(x: Any, *data: Any) -> Function:
        return lambda v: _along(f, x, v, data)[1]

    def derivative(x: Any, *data: Any) -> Any:
        # Points do not mix, so one tangent of ones for each of the k arrays gives all derivatives.
        push = pushed(x, *data)
        if k == 1:
            return push(torch.ones_like(x))
        ones = torch.zeros((k, x.shape[0]), dtype=x.dtype)
        for i, part in enumerate(parts(k, x.shape[0])):
            ones[i, part] = 1.0
        return vmap(push)(ones).ravel()

    def both(x: Any, *data: Any) -> Any:
        def twice(r: Any) -> Any:
            value = f(r, *data)
            return value, value

        gradient, value = jacfwd(twice, has_aux=True)(x)
        return value, gradient

    def newton(x: Any, *data: Any) -> Any:
        gradient, diagonal = _along(jacfwd(f), x, torch.ones_like(x), data)
        return gradient / diagonal

    def vjp(x: Any, u: Any, *data: Any) -> Any:
        # a pass a variable, as for any gradient
        return jacfwd(lambda r: torch.dot(u, f(r, *data)))(x)

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: jacfwd(f),
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HESSIAN: jacfwd(jacfwd(f)),
        Operator.HVP: lambda x, v, *data: _along(jacfwd(f), x, v, data)[1],
        Operator.NEWTON_DIRECTION: newton,
        Operator.JACOBIAN: jacfwd(f) if pattern is None else compressed(pattern, pushed, False),
        Operator.JVP: lambda x, v, *data: _along(f, x, v, data)[1],
        Operator.VJP: vjp,
        Operator.PROPAGATE: propagated(jacfwd(f)),
    }


def _mixed(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    """Second derivatives as PyTorch's manual advises: Jacobian-vector products of the gradient."""
    import torch
    from torch.func import grad, hessian

    def newton(x: Any, *data: Any) -> Any:
        gradient, diagonal = _along(grad(f), x, torch.ones_like(x), data)
        return gradient / diagonal

    return {
        Operator.HESSIAN: hessian(f),
        Operator.HVP: lambda x, v, *data: _along(grad(f), x, v, data)[1],
        Operator.NEWTON_DIRECTION: newton,
    }


def _backward(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    """The record that PyTorch keeps of tensors with ``requires_grad``, read backwards."""
    import torch

    def value(x: Any, *data: Any) -> Any:
        with torch.no_grad():
            return f(x, *data)

    def both(x: Any, *data: Any) -> Any:
        y = f(x, *data)
        return y.detach(), _of_record(torch, y, x)

    def gradient(x: Any, *data: Any) -> Any:
        return _of_record(torch, f(x, *data), x, create_graph=True)

    def hvp(x: Any, v: Any, *data: Any) -> Any:
        return _of_record(torch, gradient(x, *data), x, v)

    def newton(x: Any, *data: Any) -> Any:
        slopes = gradient(x, *data)
        return slopes.detach() / _of_record(torch, slopes, x, torch.ones_like(x))

    def rows(y: Any, x: Any) -> Any:
        return _of_record(torch, y, x, torch.eye(len(y), dtype=x.dtype), is_grads_batched=True)

    def jacobian(x: Any, *data: Any) -> Any:
        return rows(f(x, *data), x)

    def pulled(x: Any, *data: Any) -> Function:
        y = f(x, *data)
        return lambda u: _of_record(torch, y, x, u, is_grads_batched=True, retain_graph=True)

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        # u -> J^T u is linear, so pulling v back through it gives J v: two passes, whatever n is.
        y = f(x, *data)
        u = torch.zeros_like(y, requires_grad=True)
        return _of_record(torch, _of_record(torch, y, x, u, create_graph=True), u, v)

    sparse = None if pattern is None else compressed(pattern, pulled, True, batched=True)
    return {
        Operator.VALUE: value,
        Operator.DERIVATIVE: lambda x, *data: _of_record(torch, f(x, *data).sum(), x),
        Operator.GRADIENT: lambda x, *data: _of_record(torch, f(x, *data), x),
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HESSIAN: lambda x, *data: rows(gradient(x, *data), x),
        Operator.HVP: hvp,
        Operator.NEWTON_DIRECTION: newton,
        Operator.JACOBIAN: jacobian if sparse is None else sparse,
        Operator.JVP: jvp,
        Operator.VJP: lambda x, u, *data: _of_record(torch, f(x, *data), x, u),
        Operator.PROPAGATE: propagated(jacobian),
    }


def _of_record(torch: Any, y: Any, x: Any, u: Any = None, **options: Any) -> Any:
    """``u^T dy/dx``; zeros where nothing of x went into y."""
    return torch.autograd.grad(y, x, u, materialize_grads=True, **options)[0]


def _along(f: Function, x: Any, v: Any, data: tuple[Any, ...]) -> Any:
    """F at x, and its derivative along v."""
    from torch.func import jvp

    return jvp(lambda r: f(r, *data), (x,), (v,))


def compressed(
    pattern: Pattern, products: Function, by_rows: bool, batched: bool = False
) -> Function:
    """The entries of a sparse Jacobian in the order of the pattern, shape (nnz,), from one product a
    colour, as many together as `TOGETHER` allows.

    Parameters
    ----------
    pattern : Pattern
    products : callable
        ``products(x, *data)`` gives the function from a direction to its product with J at x.
    by_rows : bool
        Whether directions are sums of unit vectors of rows, as reverse mode wants, or of columns.
    batched : bool
        Whether that function takes several directions itself, instead of by ``torch.func.vmap``.
    """
    import torch

    plan, back = _plan(pattern, by_rows)
    colours = torch.tensor(pattern.row_colours if by_rows else pattern.column_colours)

    def jacobian(x: Any, *data: Any) -> Any:
        product = products(x, *data)
        several = product if batched else torch.func.vmap(product)
        found = [several((colours == c).to(x.dtype)).ravel()[places] for c, places in plan]
        return torch.cat(found)[back]

    return jacobian


def _plan(pattern: Pattern, by_rows: bool) -> tuple[Plan, Any]:
    """Colours taken together, shape (c, 1), with the places of their entries in the products; and
    where each entry of the pattern stands among all of them.
    """
    import torch

    m, n = pattern.shape
    if by_rows:
        colour, other, length = pattern.row_colours[pattern.row_of], pattern.columns, n
    else:
        colour, other, length = pattern.column_colours[pattern.columns], pattern.row_of, m
    count, most = int(colour.max(initial=0)) + 1, max(1, TOGETHER // length)
    order = np.argsort(colour, kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    plan = []
    for start in range(0, count, most):
        stop = min(start + most, count)
        entries = order[(colour[order] >= start) & (colour[order] < stop)]
        places = (colour[entries] - start) * length + other[entries]
        plan.append((torch.arange(start, stop)[:, None], torch.tensor(places)))
    return plan, torch.tensor(back)


REVERSE = Mode(_reverse, _derivative_reverse)
FORWARD = Mode(_forward, _derivative_forward)
MIXED = Mode(_mixed, _derivative_reverse)
BACKWARD = Mode(_backward, _derivative_backward, records=True)
