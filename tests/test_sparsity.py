"""Patterns of sparse Jacobians: colours, compressed products and the way back, what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from adbench.sparsity import Pattern

SIDES = st.integers(0, 9)
MASKS = st.tuples(SIDES, SIDES).flatmap(lambda shape: arrays.arrays(np.bool_, shape))


def of(mask: Any) -> Pattern:
    i, j = np.nonzero(mask)
    return Pattern.of(mask.shape, [(i, j)])


def rows_of(shape: tuple[int, int], rows: Any, columns: Any) -> Pattern:
    return Pattern(shape, rows, columns)


def one_after_another(mask: Any) -> list[int]:
    """First-fit colours of the columns, by asking each earlier column."""
    colours: list[int] = []
    for j in range(mask.shape[1]):
        rivals = {colours[k] for k in range(j) if np.any(mask[:, k] & mask[:, j])}
        colours.append(min(set(range(j + 1)) - rivals))
    return colours


@given(MASKS)
def test_colours_are_the_greedy_ones(mask: Any) -> None:
    """In the order of the columns, and of the rows; all methods of a row get the same."""
    pattern = of(mask)
    assert pattern.column_colours.tolist() == one_after_another(mask)
    assert pattern.row_colours.tolist() == one_after_another(mask.T)


@given(MASKS)
def test_no_two_columns_of_a_colour_share_a_row(mask: Any) -> None:
    pattern = of(mask)
    for seed in pattern.seeds:
        assert np.all(mask.astype(int) @ seed <= 1)
    for seed in pattern.row_seeds:
        assert np.all(seed @ mask.astype(int) <= 1)
    assert np.array_equal(pattern.seeds.sum(axis=0), np.ones(mask.shape[1]))
    assert np.array_equal(pattern.row_seeds.sum(axis=0), np.ones(mask.shape[0]))


def numbers(mask: Any) -> Any:
    """A matrix with a different number at each place of the mask."""
    return np.where(mask, np.arange(1.0, mask.size + 1.0).reshape(mask.shape), 0.0)


@given(MASKS)
def test_compressed_products_give_every_entry(mask: Any) -> None:
    """J times the seeds, and the row seeds times J: each entry comes back, in the pattern's order."""
    pattern, dense = of(mask), numbers(mask)
    expected = dense[mask]
    assert np.array_equal(pattern.from_columns(pattern.seeds @ dense.T), expected)
    assert np.array_equal(pattern.from_rows(pattern.row_seeds @ dense), expected)


@given(MASKS)
def test_matrices_and_entries_are_each_others_inverse(mask: Any) -> None:
    pattern, dense = of(mask), numbers(mask)
    matrix = pattern.matrix(dense[mask])
    assert np.array_equal(matrix.toarray(), dense)
    assert np.array_equal(pattern.entries(matrix), dense[mask])
    assert np.array_equal(pattern.entries(sparse.csc_matrix(dense)), dense[mask])
    assert np.array_equal(pattern.transposed.matrix(dense.T[mask.T]).toarray(), dense.T)
    assert (pattern.nnz, len(pattern.row_of)) == (mask.sum(), mask.sum())


@given(MASKS, st.randoms(use_true_random=False))
def test_a_pattern_does_not_depend_on_the_order_of_its_entries(mask: Any, random: Any) -> None:
    """Nor on doubles: shape and places alone make it, and its digest."""
    pairs = list(zip(*np.nonzero(mask), strict=True))
    more = pairs + pairs[:3]
    random.shuffle(more)
    pattern = Pattern.of(mask.shape, [([i], [j]) for i, j in more])
    assert np.array_equal(pattern.rows, of(mask).rows)
    assert np.array_equal(pattern.columns, of(mask).columns)
    assert pattern.digest() == of(mask).digest()


def test_digests_tell_patterns_apart() -> None:
    """By shape, by where rows begin and by columns."""
    patterns = [
        rows_of((2, 3), [0, 1, 2], [0, 1]),
        rows_of((2, 4), [0, 1, 2], [0, 1]),
        rows_of((2, 3), [0, 2, 2], [0, 1]),
        rows_of((2, 3), [0, 1, 2], [0, 2]),
    ]
    assert len({p.digest() for p in patterns}) == len(patterns)


def test_missing_entries_of_a_matrix_are_zero() -> None:
    pattern = rows_of((2, 3), [0, 2, 3], [0, 2, 1])
    found = pattern.entries(sparse.csr_matrix(([5.0], ([0], [2])), shape=(2, 3)))
    assert found.tolist() == [0.0, 5.0, 0.0]


def test_doubled_entries_of_a_matrix_are_added() -> None:
    pattern = rows_of((1, 2), [0, 2], [0, 1])
    places: Any = ([0, 0, 0], [1, 1, 0])
    twice = sparse.coo_matrix((np.array([1.0, 2.0, 4.0]), places), shape=(1, 2))
    assert pattern.entries(twice).tolist() == [4.0, 3.0]


def test_a_zero_outside_the_pattern_is_no_entry() -> None:
    """Methods may deliver structural zeros of their own; anything else there is an error."""
    pattern = rows_of((1, 2), [0, 1], [0])
    zero = sparse.csr_matrix(([7.0, 0.0], [0, 1], [0, 2]), shape=(1, 2))
    assert pattern.entries(zero).tolist() == [7.0]
    for outside in (1e-300, np.nan):
        entries = sparse.csr_matrix(([7.0, outside], [0, 1], [0, 2]), shape=(1, 2))
        with pytest.raises(ValueError, match="outside the structural pattern"):
            pattern.entries(entries)


def test_a_matrix_of_another_shape_is_refused() -> None:
    pattern = rows_of((1, 2), [0, 1], [0])
    with pytest.raises(ValueError, match=r"has shape \(2, 1\), its pattern \(1, 2\)"):
        pattern.entries(sparse.csr_matrix((2, 1)))


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([0, 1], [0], "needs 3 ascending row starts"),
        ([0, 2, 1], [0], "needs 3 ascending row starts"),
        ([0, 1, 3], [0, 1], "needs 3 ascending row starts"),
        ([1, 1, 2], [0, 1], "needs 3 ascending row starts"),
        ([0, 1, 2], [0, 3], "column index outside"),
        ([0, 1, 2], [-1, 0], "column index outside"),
        ([0, 2, 2], [1, 0], "ascend within each row"),
        ([0, 0, 2], [1, 1], "ascend within each row"),
    ],
)
def test_what_is_no_pattern_is_refused(rows: Any, columns: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rows_of((2, 3), rows, columns)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([([0], [3])], "index outside it"),
        ([([2], [0])], "index outside it"),
        ([([-1], [0])], "index outside it"),
        ([([0, 1], [0])], "one row index and one column index"),
    ],
)
def test_entries_outside_the_shape_are_refused(entries: Any, message: str) -> None:
    """A column too far to the right would otherwise count as one of the next row."""
    with pytest.raises(ValueError, match=message):
        Pattern.of((2, 3), entries)


def test_indices_cannot_be_changed() -> None:
    """Colours are computed once: they must go on belonging to the indices."""
    rows = np.array([0, 1, 2])
    pattern = rows_of((2, 3), rows, [0, 1])
    rows[1] = 0
    assert pattern.rows.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        pattern.columns[0] = 2


def test_what_is_computed_once_cannot_be_changed() -> None:
    """All methods of a row get the same arrays: none can spoil them for the next."""
    pattern = rows_of((2, 3), [0, 1, 2], [0, 1])
    for name in ("row_of", "column_colours", "row_colours", "seeds", "row_seeds"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(pattern, name)[0] = 1
