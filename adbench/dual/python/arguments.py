"""What a differentiation call is about: its tag, its variables among the arguments, its results' shape."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from adbench.dual.python.functions import core
from adbench.dual.python.trees import is_branch, leaves, rebuilt

Argnums = int | tuple[int, ...]

FLOATS = frozenset((float,))

_tags = count(1)


def new_tag() -> int:
    """A tag larger than all before: of two calls under way the later one is the inner."""
    return next(_tags)


def unit(x: Any) -> Any:
    """The 1 of the number type at the core of x, so that Fractions stay exact."""
    inner = core(x)
    if inner.__class__ is float:
        return 1.0
    try:
        return type(inner)(1)
    except (TypeError, ValueError):
        return 1.0


def is_ours(x: Any, tag: int) -> bool:
    """Whether x is a dual number of the call of that tag."""
    return getattr(x, "tag", 0) == tag


def one_number(result: Any, name: str) -> Any:
    """The result of a function that is to return one number; refuses all else."""
    if is_branch(result) or result is None:
        shown = type(result).__name__
        raise TypeError(
            f"{name}: the function returned a {shown}, and one number is wanted: return a number, or "
            "use jacobian for functions that return several"
        )
    return result


class Variables:
    """The arguments of a call, and those numbers among them that are differentiated.

    Parameters
    ----------
    args : tuple
        All arguments.
    positions : tuple of int
        Which of them hold variables.
    single : bool
        Whether `argnums` was one int, so that results are not put in a tuple.
    numbers : list
        The variables, from left to right.
    flat : bool
        Whether they are one list of numbers: the common case, where no shape need be rebuilt.
    """

    __slots__ = ("args", "flat", "numbers", "positions", "single")

    def __init__(
        self,
        args: tuple[Any, ...],
        positions: tuple[int, ...],
        single: bool,
        numbers: list[Any],
        flat: bool,
    ) -> None:
        self.args = args
        self.positions = positions
        self.single = single
        self.numbers = numbers
        self.flat = flat

    @classmethod
    def of(cls, args: tuple[Any, ...], argnums: Argnums, name: str) -> "Variables":
        """Of the call ``name(f, argnums)(*args)``."""
        if (
            argnums == 0
            and args
            and args[0].__class__ is list
            and FLOATS.issuperset(map(type, args[0]))
        ):
            return cls(args, (0,), True, args[0], True)
        single = isinstance(argnums, int)
        wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for i in wanted:
            if not -len(args) <= i < len(args):
                raise TypeError(
                    f"{name}: argnums {argnums} of a call with {len(args)} arguments; "
                    "positions count from 0"
                )
        positions = tuple(i % len(args) for i in wanted)
        if len(set(positions)) != len(positions):
            raise TypeError(f"{name}: argnums {argnums} names an argument twice")
        numbers: list[Any] = []
        for i in positions:
            numbers.extend(leaves(args[i], f"{name}: argument {i}"))
        only = args[positions[0]] if single else None
        flat = only.__class__ is list and not any(map(is_branch, only))
        return cls(args, positions, single, numbers, flat)

    def arguments(self, numbers: Sequence[Any]) -> list[Any]:
        """The arguments with these in place of the variables."""
        made = list(self.args)
        if self.flat:
            made[self.positions[0]] = list(numbers)
            return made
        left = iter(numbers)
        for i in self.positions:
            made[i] = rebuilt(self.args[i], left)
        return made

    def shaped(self, row: Sequence[Any]) -> Any:
        """One value a variable, in the shape of the arguments that hold them."""
        if self.flat:
            return list(row)
        left = iter(row)
        parts = tuple(rebuilt(self.args[i], left) for i in self.positions)
        return parts[0] if self.single else parts

    def blocks(self, rows: Sequence[Sequence[Any]]) -> Any:
        """A matrix over the variables: for each pair of arguments, of the shape of one in the other."""
        if self.flat:
            return [list(row) for row in rows]
        spans = list(self._spans())
        made = tuple(
            tuple(
                rebuilt(self.args[i], (rebuilt(self.args[j], iter(r[a:b])) for r in rows[c:d]))
                for j, a, b in spans
            )
            for i, c, d in spans
        )
        return made[0][0] if self.single else made

    def _spans(self) -> Iterator[tuple[int, int, int]]:
        start = 0
        for i in self.positions:
            stop = start + len(leaves(self.args[i], "argument"))
            yield i, start, stop
            start = stop
