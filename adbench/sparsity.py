"""Where a sparse Jacobian may be non-zero, and which of its columns can share one direction.

Knows NumPy, and SciPy where a matrix is handed over. No method and no problem is known here: all
methods of a row get the same pattern and the same colours, so that none is faster by a better colouring.

Two columns may share a direction when no row holds both: one Jacobian-vector product with the sum of
their unit vectors then gives the entries of both (Curtis, Powell and Reid, IMA Journal of Applied
Mathematics 13, 1974, 117). The same of rows, for vector-Jacobian products.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Pattern"]

Indices = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pattern:
    """The structural non-zeros of an (m, n) matrix, row by row, columns ascending within a row (CSR).

    Parameters
    ----------
    shape : tuple of int
        (m, n).
    rows : array of int, shape (m + 1,)
        Row i has the entries ``rows[i]:rows[i + 1]``.
    columns : array of int, shape (nnz,)
        The column of each entry.

    Raises
    ------
    ValueError
        When the indices are no such pattern.
    """

    shape: tuple[int, int]
    rows: Indices
    columns: Indices

    def __post_init__(self) -> None:
        m, n = self.shape
        for name in ("rows", "columns"):
            array = np.array(getattr(self, name), dtype=np.intp)
            object.__setattr__(self, name, _frozen(array))
        rows, columns = self.rows, self.columns
        counted = rows.shape == (m + 1,) and rows[0] == 0 and rows[-1] == len(columns)
        if not counted or np.any(np.diff(rows) < 0):
            raise ValueError(f"a pattern of {m} rows needs {m + 1} ascending row starts")
        if columns.size and not 0 <= int(columns.min()) <= int(columns.max()) < n:
            raise ValueError(f"a pattern of {n} columns has a column index outside them")
        inside = np.diff(columns) > 0
        inside[rows[1:-1][(rows[1:-1] > 0) & (rows[1:-1] < len(columns))] - 1] = True
        if not np.all(inside):
            raise ValueError("columns must ascend within each row of a pattern, each once")

    @classmethod
    def of(
        cls, shape: tuple[int, int], entries: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]]
    ) -> Pattern:
        """The pattern with all these (row indices, column indices); doubles count once.

        Raises
        ------
        ValueError
            When the indices of a pair differ in number, or lie outside the shape.
        """
        m, n = shape
        pairs = [(_indices(a), _indices(b)) for a, b in entries]
        if any(len(a) != len(b) for a, b in pairs):
            raise ValueError("each entry of a pattern has one row index and one column index")
        none = np.zeros(0, dtype=np.int64)
        i = np.concatenate([none, *(a for a, _ in pairs)])
        j = np.concatenate([none, *(b for _, b in pairs)])
        if np.any((i < 0) | (i >= m) | (j < 0) | (j >= n)):
            raise ValueError(f"a pattern of shape {shape} has an index outside it")
        flat = np.sort(i * n + j)
        flat = flat[np.diff(flat, prepend=-1) > 0]
        i, j = np.divmod(flat, max(n, 1))
        starts = np.concatenate([[0], np.cumsum(np.bincount(i, minlength=m))])
        return cls(shape, starts, j)

    @property
    def nnz(self) -> int:
        """Number of structural non-zeros."""
        return len(self.columns)

    @cached_property
    def row_of(self) -> Indices:
        """The row of each entry, shape (nnz,)."""
        return _frozen(np.repeat(np.arange(self.shape[0]), np.diff(self.rows)))

    @cached_property
    def transposed(self) -> Pattern:
        """The pattern of the transpose."""
        order = self._by_column
        counts = np.bincount(self.columns, minlength=self.shape[1])
        starts = np.concatenate([[0], np.cumsum(counts)])
        return Pattern((self.shape[1], self.shape[0]), starts, self.row_of[order])

    @cached_property
    def _by_column(self) -> Indices:
        return _frozen(np.argsort(self.columns, kind="stable"))

    @cached_property
    def column_colours(self) -> Indices:
        """A colour for each column, shape (n,): columns of one colour share no row.

        Greedy in the order of the columns: each gets the first colour that no earlier column of its
        rows has. Columns without entries have colour 0.
        """
        return _frozen(_greedy(self.transposed))

    @cached_property
    def row_colours(self) -> Indices:
        """A colour for each row, shape (m,): rows of one colour share no column."""
        return self.transposed.column_colours

    @cached_property
    def seeds(self) -> Floats:
        """Directions for compressed Jacobian-vector products, shape (colours, n): 0 and 1."""
        return _unit_sums(self.column_colours)

    @cached_property
    def row_seeds(self) -> Floats:
        """Directions for compressed vector-Jacobian products, shape (colours, m): 0 and 1."""
        return _unit_sums(self.row_colours)

    def from_columns(self, products: npt.ArrayLike) -> Floats:
        """The entries, shape (nnz,), from J times each of `seeds`: shape (colours, m)."""
        found: Floats = np.asarray(products)[self.column_colours[self.columns], self.row_of]
        return found

    def from_rows(self, products: npt.ArrayLike) -> Floats:
        """The entries, shape (nnz,), from each of `row_seeds` times J: shape (colours, n)."""
        found: Floats = np.asarray(products)[self.row_colours[self.row_of], self.columns]
        return found

    def matrix(self, entries: npt.ArrayLike) -> Any:
        """``scipy.sparse.csr_matrix`` of these entries, in the order of the pattern."""
        from scipy import sparse

        return sparse.csr_matrix((np.asarray(entries), self.columns, self.rows), shape=self.shape)

    def entries(self, matrix: Any) -> Floats:
        """The entries of a SciPy matrix at the pattern's places, shape (nnz,); 0 where it has none.

        Raises
        ------
        ValueError
            When the matrix has another shape, or an entry other than 0 outside the pattern.
        """
        if matrix.shape != self.shape:
            raise ValueError(f"the matrix has shape {matrix.shape}, its pattern {self.shape}")
        csr = matrix.tocsr()
        if np.array_equal(csr.indptr, self.rows) and np.array_equal(csr.indices, self.columns):
            return np.array(csr.data, dtype=np.float64)
        coo = csr.tocoo()
        flat = self.row_of * self.shape[1] + self.columns
        places = np.searchsorted(flat, coo.row.astype(np.int64) * self.shape[1] + coo.col)
        inside = places < len(flat)
        inside[inside] = (
            flat[places[inside]] == (coo.row.astype(np.int64) * self.shape[1] + coo.col)[inside]
        )
        if np.any(coo.data[~inside] != 0.0):
            raise ValueError(
                "the matrix has entries outside the structural pattern of the Jacobian"
            )
        found = np.zeros(self.nnz)
        np.add.at(found, places[inside], coo.data[inside])
        return found

    def digest(self) -> str:
        """SHA-256 of shape and indices."""
        h = hashlib.sha256(repr(self.shape).encode())
        for part in (self.rows, self.columns):
            h.update(part.astype("<i8").tobytes())
        return h.hexdigest()


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same array, read-only: a pattern is shared by all points and methods of a row."""
    array.setflags(write=False)
    return array


def _indices(a: npt.ArrayLike) -> Indices:
    return np.ravel(np.asarray(a, dtype=np.int64))


def _unit_sums(colours: Indices) -> Floats:
    seeds = np.zeros((int(colours.max(initial=0)) + 1, len(colours)))
    seeds[colours, np.arange(len(colours))] = 1.0
    return _frozen(seeds)


def _greedy(transposed: Pattern) -> Indices:
    """First-fit colours of the columns, whose rows `transposed` holds, one column after another.

    Each row keeps the colours that it has as the bits of one Python int: two passes over the entries of
    a column find its colour and tell its rows, however many colours there are.
    """
    n, m = transposed.shape
    colours = np.zeros(n, dtype=np.intp)
    taken = [0] * m
    starts = transposed.rows.tolist()
    for j in range(n):
        mine = transposed.columns[starts[j] : starts[j + 1]].tolist()
        used = 0
        for i in mine:
            used |= taken[i]
        free = ~used & (used + 1)  # the lowest bit that is not set
        for i in mine:
            taken[i] |= free
        colours[j] = free.bit_length() - 1
    return colours
