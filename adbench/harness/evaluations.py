"""How often a method calls f in one call of the derivative: a count, made apart from all timing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from types import ModuleType
from typing import Any

from adbench.model import Form, Method, Operator, Point

__all__ = ["Counter", "count"]


@dataclass
class Counter:
    """Calls so far."""

    calls: int = 0

    def counted(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """A function that does what f does, and is counted."""

        @wraps(f)
        def counting(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return f(*args, **kwargs)

        return counting

    def form(self, form: Form) -> Form:
        """The form with every function that its builder returns counted; helpers inside are not.

        Its text and hash are this counter's, so it must stand for the form nowhere else.
        """

        @wraps(form.build)
        def build(m: ModuleType) -> Callable[..., Any]:
            return self.counted(form.build(m))

        return replace(form, build=build)


def count(method: Method, form: Form, operator: Operator, other: Point, point: Point) -> int | None:
    """Calls of f in one call at `point`, prepared anew at `other`; None where the tool calls f no more.

    A tool that has compiled or traced f before the call does not call it. One that hands f whole arrays
    of points calls it once for all of them.
    """
    counter = Counter()
    prepared = method.prepare(counter.form(form), operator, other)
    if prepared.compile is not None:
        prepared.compile()
    args = prepared.encode(point)
    before = counter.calls
    prepared.call(*args)
    return counter.calls - before or None
