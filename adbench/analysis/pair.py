"""The two sides of a comparison: which methods may stand for each, and what each is called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from adbench.model import glob_match

__all__ = ["JAX_NUMBA", "Pair", "Side", "parse"]

# Tools as their makers write them; the others as their distributions are called.
WRITTEN = {
    "autograd": "Autograd", "casadi": "CasADi", "jax": "JAX", "numba": "Numba", "numpy": "NumPy", "pytensor": "PyTensor",
    "scipy": "SciPy", "symengine": "SymEngine", "sympy": "SymPy", "tensorflow": "TensorFlow", "torch": "PyTorch",
}  # fmt: skip
# One between two sides, not one between alternatives in braces.
COMMA = re.compile(r",(?![^{]*\})")


@dataclass(frozen=True)
class Side:
    """One side: the best of these methods stands for it on each row.

    Parameters
    ----------
    name : str
        As text calls it.
    tools, methods : tuple of str
        All methods of these tools, and these methods.
    """

    name: str
    tools: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()

    def tried(self, rows: pd.DataFrame) -> pd.Series[bool]:
        """Which rows of a tidy frame are this side's."""
        return rows["tool"].isin(self.tools) | rows["method"].isin(self.methods)

    def able(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of the methods that may stand for the side.

        A derivative written by hand is no tool's, whatever compiles it: it is the limit that methods are
        compared with. And a method that computes in fewer digits than float64 is faster for that alone.
        Either stands for a side that names it.
        """
        usual = (rows["mode"] != "manual") & (rows["dtype"] == "float64")
        named = rows["method"].isin(self.methods)
        return rows[(rows["tool"].isin(self.tools) & usual) | named]


@dataclass(frozen=True)
class Pair:
    """Two sides.

    Parameters
    ----------
    first, second : Side
        Ratios are the first's time divided by the second's.
    fixed : tuple of str, optional
        A method of each side that nobody chose by its times, compared beside the best.
    """

    first: Side
    second: Side
    fixed: tuple[str, str] | None = None

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both, in order."""
        return self.first, self.second

    @property
    def title(self) -> str:
        """``JAX vs Numba``."""
        return f"{self.first.name} vs {self.second.name}"

    @property
    def names(self) -> dict[str, str]:
        """``first`` and ``second``, as a winner is told, to what text calls them."""
        return {"first": self.first.name, "second": self.second.name}

    def tried(self, rows: pd.DataFrame) -> pd.Series[bool]:
        """Which rows of a tidy frame are of either side."""
        return self.first.tried(rows) | self.second.tried(rows)


JAX_NUMBA = Pair(
    Side("JAX", tools=("jax",)),
    Side("Numba", tools=("numba",)),
    fixed=("jax-reverse", "numba-dual"),
)


def parse(text: str, frame: pd.DataFrame) -> Pair:
    """The pair that a text such as ``torch-compile,jax-reverse`` names.

    Each side is a tool, a method, a pattern of methods (``*``, ``?`` and ``{a,b}``), or several of these
    joined by ``+``. ``jax,numba`` is `JAX_NUMBA`.

    Raises
    ------
    ValueError
        When there are not two sides, a name is not in the frame, or a method is on both sides.
    """
    words = [part.strip() for part in COMMA.split(text)]
    if len(words) != 2 or not all(words):
        raise ValueError(
            f"'{text}' does not name two sides: write two tools or methods with a comma between, "
            "as torch-compile,jax-reverse"
        )
    if words == ["jax", "numba"]:
        return JAX_NUMBA
    first, second = (_side(word, frame) for word in words)
    shared = set(frame.loc[first.tried(frame) & second.tried(frame), "method"])
    if shared:
        raise ValueError(
            f"'{text}': {', '.join(sorted(shared))} would be on both sides; name methods, not the tool"
        )
    return Pair(first, second)


def _side(text: str, frame: pd.DataFrame) -> Side:
    known, methods = sorted(set(frame["tool"])), sorted(set(frame["method"]))
    tools, chosen, names = [], [], []
    for word in filter(None, text.split("+")):
        if word in known:
            tools.append(word)
            names.append(WRITTEN.get(word, word))
            continue
        found = [m for m in methods if glob_match(word, m)]
        if not found:
            raise ValueError(
                f"'{word}' is neither a tool nor a method of this run; it has the tools "
                f"{_listed(known)} and the methods {_listed(methods)}"
            )
        chosen += found
        names.append(word)
    return Side(" + ".join(names), tuple(tools), tuple(dict.fromkeys(chosen)))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "(none)"
