"""Sparse Jacobians by JAX: one product a colour of the pattern, and the entries picked out of them.

Knows JAX as a module handed in. The colours and places of the entries are arguments of the compiled
function, which its caller keeps: they would swell a program that held them as constants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from adbench.model import Pattern

Function = Callable[..., Any]
Products = Callable[[Any], Any]
Modes = Callable[[ModuleType, Function, Any], Products]

# Numbers (8 MiB, what caches hold) that the products of all colours have together; of more, one product
# is taken after another, which is then as fast or faster, and needs no memory.
TOGETHER = 2**20
# Entries that one product gives in a piece: the pieces of a colour are of one size for the compiler.
PIECE = 2**12


@dataclass(frozen=True)
class Sparse:
    """How a mode multiplies by J at x (``products(jax, f, x)``: from a direction to a product), and
    whether its directions are sums of unit vectors of rows, as reverse mode wants, or of columns.
    """

    products: Modes
    by_rows: bool


def pushed(jax: ModuleType, f: Function, x: Any) -> Products:
    """Products J v."""
    product: Products = jax.linearize(f, x)[1]
    return product


def pulled(jax: ModuleType, f: Function, x: Any) -> Products:
    """Products u^T J."""
    pull = jax.vjp(f, x)[1]
    return lambda u: pull(u)[0]


FORWARD, REVERSE = Sparse(pushed, by_rows=False), Sparse(pulled, by_rows=True)


def compressed(
    jax: ModuleType, f: Function, pattern: Pattern, sparse: Sparse
) -> tuple[Function, tuple[npt.NDArray[Any], ...]]:
    """The entries of a sparse Jacobian in the order of the pattern, shape (nnz,).

    Returns
    -------
    tuple
        ``jacobian(*plan, x, *data)``, and the plan: arrays that depend on the pattern alone.
    """
    m, n = pattern.shape
    if sparse.by_rows:
        colours, own, other, length = pattern.row_colours, pattern.row_of, pattern.columns, n
    else:
        colours, own, other, length = pattern.column_colours, pattern.columns, pattern.row_of, m
    count = int(colours.max(initial=0)) + 1
    if count * length <= TOGETHER:
        places = colours[own] * length + other
        return _together(jax, f, sparse, count), (_short(colours), _short(places))
    order = np.argsort(colours[own], kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(colours[own], minlength=count))])
    back = np.empty(len(order), dtype=np.intp)
    back[order] = np.arange(len(order))
    taken = np.concatenate([other[order], np.zeros(PIECE, dtype=np.intp)])
    return _apart(jax, f, sparse, count), tuple(map(_short, (colours, starts, taken, back)))


def _short(indices: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """Indices as 32-bit numbers, of which half as many bytes are read: none is near 2^31 here."""
    return indices.astype(np.int32)


def _together(jax: ModuleType, f: Function, sparse: Sparse, count: int) -> Function:
    """All products at once, then all entries."""

    def jacobian(colours: Any, places: Any, x: Any, *data: Any) -> Any:
        product = sparse.products(jax, lambda r: f(r, *data), x)
        seeds = colours == jax.numpy.arange(count)[:, None]
        products = jax.vmap(product)(seeds.astype(x.dtype))
        return _at(products.ravel(), places)

    return jacobian


def _apart(jax: ModuleType, f: Function, sparse: Sparse, count: int) -> Function:
    """One product after another, each gone when its entries are taken: memory of the entries alone.

    Entries are written colour by colour, piece by piece; what a piece writes beyond its colour is
    overwritten by the next.
    """
    lax = jax.lax

    def jacobian(colours: Any, starts: Any, taken: Any, back: Any, x: Any, *data: Any) -> Any:
        product = sparse.products(jax, lambda r: f(r, *data), x)

        def colour(c: Any, found: Any) -> Any:
            one = product((colours == c).astype(x.dtype))

            def piece(i: Any, found: Any) -> Any:
                start = starts[c] + i * PIECE
                places = lax.dynamic_slice(taken, (start,), (PIECE,))
                return lax.dynamic_update_slice(found, _at(one, places), (start,))

            pieces = (starts[c + 1] - starts[c] + PIECE - 1) // PIECE
            return lax.fori_loop(0, pieces, piece, found)

        found = jax.numpy.zeros(taken.shape[0], x.dtype)
        return _at(lax.fori_loop(0, count, colour, found), back)

    return jacobian


def _at(numbers: Any, places: Any) -> Any:
    """The numbers at these places, which all exist."""
    return numbers.at[places].get(mode="promise_in_bounds")
