"""What symbolic tools need alike: a text run on symbols, terms of a directional derivative; knows no tool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from adbench.model import Form


def applied(form: Form, words: ModuleType, xs: list[Any], data: list[Any]) -> Any:
    """What a scalar text gives for symbols, or for any numbers that stand for them."""
    f = form.build(words)
    return f(*xs, *data) if form.elementwise else f(xs, *data)


def terms_along(f: Any, xs: Sequence[Any], vs: Sequence[Any]) -> Iterator[Any]:
    """The products df/dx v of an expression, of the symbols that occur in it."""
    there = f.free_symbols
    return (f.diff(x) * v for x, v in zip(xs, vs, strict=True) if x in there)
