"""Arguments and results as trees: numbers, or lists and tuples of them, nested; knows no dual number.

Functions to differentiate get what they were given, with duals in place of numbers, and their
derivatives come back in the same shape.
"""

from collections.abc import Iterator, Sequence
from typing import Any


def is_branch(tree: Any) -> bool:
    """Whether it is a sequence to look into (a list, tuple, range, array), and no number."""
    if isinstance(tree, (list, tuple)):
        return True
    if tree.__class__ is float or getattr(tree, "tag", None):
        return False
    if getattr(tree, "ndim", None):
        return True
    return isinstance(tree, Sequence) and not isinstance(tree, (str, bytes))


def leaves(tree: Any, what: str) -> list[Any]:
    """The numbers of the tree from left to right.

    Raises
    ------
    TypeError
        For anything that is no number, naming `what` the tree is and the place.
    """
    if not is_branch(tree):
        return [_number(tree, what)]
    found: list[Any] = []
    for i, part in enumerate(_parts(tree)):
        if part.__class__ is float:
            found.append(part)
        else:
            found.extend(leaves(part, f"{what}[{i}]"))
    return found


def rebuilt(tree: Any, numbers: Iterator[Any]) -> Any:
    """A tree of that shape, with these in place of its numbers; sequences other than tuples are lists."""
    if not is_branch(tree):
        return next(numbers)
    parts = [
        next(numbers) if part.__class__ is float else rebuilt(part, numbers)
        for part in _parts(tree)
    ]
    if not isinstance(tree, tuple):
        return parts
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)


def _parts(tree: Any) -> Sequence[Any]:
    return tree.tolist() if hasattr(tree, "tolist") else tree  # type: ignore[no-any-return]


def _number(x: Any, what: str) -> Any:
    if x.__class__ is float or getattr(x, "tag", None):
        return x
    if hasattr(x, "item"):
        return x.item()  # a NumPy scalar: slower to compute with
    if not hasattr(x, "__mul__") or isinstance(x, (str, bytes)):
        raise TypeError(
            f"{what} is {_shown(x)}, and derivatives are taken with respect to numbers, and lists and "
            "tuples of them: leave it out of argnums, or turn it into numbers"
        )
    return x


def _shown(x: Any) -> str:
    text = repr(x)
    return f"{text if len(text) < 40 else text[:37] + '...'} ({type(x).__name__})"
