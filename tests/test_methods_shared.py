"""What methods share is written once: one decoder, one vocabulary, one promise of differences."""

import ast
from pathlib import Path

import numpy as np
import pytest

import adbench.methods
from adbench.methods import _shared

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
