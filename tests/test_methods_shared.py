"""What methods share is written once: one decoder, one vocabulary, one promise of differences."""

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import adbench.methods
from adbench.methods import _shared
from adbench.model import Form, Operator, Pattern, Point, given

FOLDER = Path(adbench.methods.__file__).parent


def definitions() -> dict[str, list[str]]:
    """Source of every function of more than a line -> the modules that define it."""
    found: dict[str, list[str]] = {}
    for path in sorted(FOLDER.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                body = "\n".join(map(ast.unparse, node.body))
                found.setdefault(body, []).append(f"{path.stem}.{node.name}")
    return found


def test_no_function_is_written_twice() -> None:
    assert [names for names in definitions().values() if len(names) > 1] == []


@pytest.mark.parametrize(
    ("result", "decoded"),
    [
        (3, 3.0),
        (np.float32(0.5), 0.5),
        ([1, 2.5], [1.0, 2.5]),
        ([[1.0, 2.0], [2.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]),
        ((1.5, [2.0, 3.0]), [1.5, 2.0, 3.0]),
        ((np.float64(1.5), np.array([2.0, 3.0])), [1.5, 2.0, 3.0]),
    ],
)
def test_results_of_any_tool_become_arrays_of_their_own(result: object, decoded: object) -> None:
    """A pair is a value and its gradient, anything else is itself."""
    ours = _shared.decode(result)
    assert ours.dtype == np.float64
    assert ours.tolist() == decoded
    assert not isinstance(result, np.ndarray) or not np.shares_memory(ours, result)


def test_every_operator_but_taylor_is_in_one_tuple() -> None:
    groups = (_shared.ELEMENTWISE, _shared.GRADIENTS, _shared.SECOND, _shared.VECTOR)
    listed = [o for group in groups for o in group]
    assert sorted(o.value for o in _shared.OPERATORS) == sorted(o.value for o in listed)
    assert set(Operator) - set(listed) == {Operator.TAYLOR}


@pytest.mark.parametrize("operator", _shared.OPERATORS)
def test_arguments_are_fresh_and_in_the_order_of_a_call(operator: Operator) -> None:
    """X, then directions or a covariance, then data; numbers stay numbers."""
    point = Point(np.ones(3), (np.arange(4), 2.5), outputs=2)
    x, *more = _shared.arrays(operator, point)
    *extra, counts, number = more
    assert x.tolist() == [1.0, 1.0, 1.0]
    assert counts.tolist() == [0, 1, 2, 3]
    assert number == 2.5
    assert len(extra) == len(given(operator, point))
    assert all(np.array_equal(a, b) for a, b in zip(extra, given(operator, point), strict=True))
    again = _shared.arrays(operator, point)
    for a, b in zip((x, *extra, counts), again, strict=False):
        assert a.flags.writeable
        assert not np.shares_memory(a, b)
    assert not np.shares_memory(x, point.x)


SPARSE = Point(np.ones(3), outputs=2, pattern=Pattern.of((2, 3), [([0, 0, 1], [0, 2, 1])]))


def test_a_sparse_jacobian_is_wrapped_with_its_pattern() -> None:
    """Its entries alone are what a call returns; the matrix does not share their memory."""
    entries = np.array([1.0, 2.0, 3.0])
    matrix = _shared.deliver(Form("array", lambda xp: xp.sin), Operator.JACOBIAN, SPARSE)(entries)
    assert matrix.toarray().tolist() == [[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]
    assert matrix.format == "csr"
    assert not np.shares_memory(matrix.data, entries)


def test_other_results_are_decoded_as_ever() -> None:
    form = Form("array", lambda xp: xp.sin)
    dense = Point(np.ones(3), outputs=2)
    assert _shared.deliver(form, Operator.JVP, SPARSE) is _shared.decode
    assert _shared.deliver(form, Operator.JACOBIAN, dense) is _shared.decode


def test_k_arrays_stand_one_after_another_in_x() -> None:
    f = _shared.joined(Form("array", lambda xp: xp.sin, elementwise=2), lambda a, b, c: a - b + c)
    assert f(np.array([1.0, 2.0, 10.0, 20.0]), 0.5).tolist() == [-8.5, -17.5]
    for once in (False, True):
        assert _shared.joined(Form("array", lambda xp: xp.sin, elementwise=once), np.sin) is np.sin
    assert [list(range(12))[part] for part in _shared.parts(3, 12)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]


def test_errors_are_propagated_by_the_jacobian() -> None:
    j, covariance = (
        np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]]),
        np.array([[2.0, 1.0], [1.0, 5.0]]),
    )
    propagate = _shared.propagated(lambda x, scale: scale * j)
    assert propagate(None, covariance, 2.0).tolist() == (4.0 * j @ covariance @ j.T).tolist()


def test_a_method_that_cannot_nest_says_so_when_asked_to() -> None:
    words = _shared.array_words("numpy", np, SimpleNamespace(erf=0, erfc=0, gammaln=0))
    with pytest.raises(NotImplementedError, match=r"^numpy cannot nest derivatives, and this"):
        words.derivative(np.sin, 1.0)
    nesting = _shared.array_words("n", np, SimpleNamespace(erf=0, erfc=0, gammaln=0), max)
    assert nesting.derivative is max


@pytest.mark.parametrize("by_rows", [False, True])
def test_compressed_products_have_every_entry_in_its_place(by_rows: bool) -> None:
    """Of a matrix of a random pattern with an empty row and an empty column, and data as a factor."""
    draw = np.random.default_rng(5)
    matrix = draw.standard_normal((9, 7)) * (draw.random((9, 7)) < 0.35)
    matrix[4], matrix[:, 2] = 0.0, 0.0
    pattern = Pattern.of((9, 7), [np.nonzero(matrix)])
    asked: list[Any] = []

    def products(x: Any, factor: float) -> Any:
        j = factor * (matrix.T if by_rows else matrix)

        def product(direction: Any) -> Any:
            asked.append(direction)
            return j @ direction

        return product

    entries = _shared.compressed(pattern, products, by_rows)(np.ones(7), 2.0)
    assert np.array_equal(pattern.matrix(entries).toarray(), 2.0 * matrix)
    seeds = pattern.row_seeds if by_rows else pattern.seeds
    assert np.array_equal(asked, seeds)


@pytest.mark.parametrize("operator", [Operator.GRADIENT, Operator.TAYLOR])
def test_a_tool_is_asked_for_what_it_offers(operator: Operator) -> None:
    ways = {Operator.GRADIENT: np.sin, Operator.VALUE: np.cos}
    if operator in ways:
        assert _shared.chosen("NumPy", ways, operator) is np.sin
        return
    with pytest.raises(
        NotImplementedError, match=r"^NumPy in this mode .* 'taylor'; it offers gradient, value$"
    ):
        _shared.chosen("NumPy", ways, operator)
