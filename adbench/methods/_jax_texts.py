"""Which function of a form JAX is given, in which words, and what it takes; knows no operator's way.

A text of arrays is taken whole; one for a single point, or for a single datum of a sum, is mapped over
all of them by `jax.vmap`; one of points that know nothing of each other may have them in rows, so that
they can be cut among devices.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from adbench.methods._jax_settings import jax
from adbench.methods._jax_ways import Mode
from adbench.methods._shared import array_words, joined
from adbench.model import ELEMENTARY, Form, Operator, Point, given, namespace

__all__ = ["Text", "in_rows", "joined_parts", "mapped", "rows_of_parts", "whole"]

Function = Callable[..., Any]
# ``text(form, mode)``: a function of ``(x, *data)``, in the words of a mode.
Text = Callable[[Form, Mode], Function]


def _array_words(mode: Mode) -> ModuleType:
    from jax import numpy as jnp
    from jax.scipy import special

    return array_words("jax.numpy", jnp, special, partial(mode.derivative, jax()))


def whole(form: Form, mode: Mode) -> Function:
    """The text for whole arrays."""
    return joined(form, form.build(_array_words(mode)))


def in_rows(form: Form, mode: Mode) -> Function:
    """The text for whole arrays of an elementwise form, as a function of the rows of x.

    Raises
    ------
    NotImplementedError
        Of any other form: its result is one for all points.
    """
    _only_elementwise(form, "cut among devices")
    f = form.build(_array_words(mode))
    return lambda x, *data: f(*(x[i] for i in range(int(form.elementwise))), *data)


def mapped(form: Form, mode: Mode) -> Function:
    """The text for one point as it is; of one for a datum, the sum over all data, mapped.

    Raises
    ------
    NotImplementedError
        Of a function that is neither elementwise nor a sum over data.
    """
    if form.columns is not None:
        term, module = form.build(_scalar_words(mode)), jax()

        def total(x: Any, *columns: Any) -> Any:
            return module.numpy.sum(module.vmap(partial(term, x))(*columns))

        return total
    _only_elementwise(form, "mapped over, nor a sum of terms")
    return form.build(_scalar_words(mode) if form.name == "scalar" else _array_words(mode))


def _scalar_words(mode: Mode) -> ModuleType:
    """The scalar vocabulary by JAX; lists of zeros stay lists, which are filled."""
    words = _array_words(mode)
    members = {word: getattr(words, word) for word in (*ELEMENTARY, "derivative")}
    return namespace("jax.numpy", members)


def _only_elementwise(form: Form, wish: str) -> None:
    if not form.elementwise:
        raise NotImplementedError(
            f"the function is not one of a few numbers at each of many points, which could be {wish}"
        )


def joined_parts(form: Form, operator: Operator, point: Point) -> tuple[Any, ...]:
    """What a call takes, as NumPy arrays and plain numbers: of a sum over data, their columns."""
    data = point.data if form.columns is None else form.columns(*point.data)
    return (point.x, *given(operator, point), *data)


def rows_of_parts(form: Form, operator: Operator, point: Point) -> tuple[Any, ...]:
    """The same, with x in rows, one for each number of a point."""
    x, *others = joined_parts(form, operator, point)
    return (x.reshape(max(1, int(form.elementwise)), -1), *others)
