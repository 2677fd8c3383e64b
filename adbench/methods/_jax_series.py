"""Taylor coefficients along a direction by JAX: by series arithmetic, and by nested products.

Both give functions of ``(x, v, *data)`` whose result is c_0, c_1 and on (`model.TAYLOR_ORDER`). The
module jax is handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

from adbench.model import TAYLOR_ORDER

__all__ = ["jet", "nested"]

Function = Callable[..., Any]


def nested(jax: ModuleType, f: Function) -> Function:
    """Taylor coefficients by Jacobian-vector products of each other: f by a number t, to be 0."""

    def taylor(x: Any, v: Any, *data: Any) -> Any:
        def derivatives(g: Function, count: int) -> Function:
            # of order 0 to `count`, in one pass: the last by a product with the one before
            if not count:
                return lambda t: (g(t),)
            below = derivatives(g, count - 1)

            def more(t: Any) -> tuple[Any, ...]:
                found, moved = jax.jvp(below, (t,), (jax.numpy.ones_like(t),))
                return (*found, moved[-1])

            return more

        at = derivatives(lambda t: f(x + t * v, *data), TAYLOR_ORDER)
        found = at(jax.numpy.zeros((), x.dtype))
        return jax.numpy.stack([d / math.factorial(k) for k, d in enumerate(found)])

    return taylor


def jet(jax: ModuleType, f: Function) -> Function:
    """By `jax.experimental.jet`, which carries all coefficients along together.

    Raises
    ------
    NotImplementedError
        When it is traced, for an operation that jet has no rule for.
    """
    np = jax.numpy

    def taylor(x: Any, v: Any, *data: Any) -> Any:
        from jax.experimental.jet import jet as pushed

        still = np.zeros_like(x)
        line = (v, *[still] * (TAYLOR_ORDER - 1))
        try:
            value, others = pushed(lambda r: f(r, *data), (x,), (line,), factorial_scaled=False)
        except KeyError as error:
            if not hasattr(error.args[0], "bind"):  # no operation of JAX: the text's own error
                raise
            raise NotImplementedError(
                f"jax.experimental.jet has no rule for the operation '{error.args[0]}'"
            ) from error
        return np.stack([value, *others])

    return taylor
