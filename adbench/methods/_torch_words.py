"""NumPy's names, as array forms use them, in PyTorch's words; knows PyTorch and no derivative.

What takes a tensor takes a plain number too, which stays one: constants of a text (``xp.log(2.0)``) are
Python floats, of 64 bits, where ``torch.tensor(2.0)`` would have 32. Whatever makes a tensor of nothing
makes float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

from adbench.model import namespace

Function = Callable[..., Any]

# Where Python's name, PyTorch's and the forms' are one, and where PyTorch has another.
_SAME = (
    "exp", "expm1", "log", "log1p", "log2", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "erf", "erfc", "lgamma",
)  # fmt: skip
_OLDER = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2"}


def words(name: str, derivative: Function) -> ModuleType:
    """The namespace of array forms, with the elementwise ``derivative(g, t)`` of a mode."""
    import torch

    unary = {w: _either(torch.Tensor, getattr(torch, w), getattr(math, w)) for w in _SAME}
    ours = {**unary, **_pairs(torch), **_shapes(torch), **_reductions(torch), **_made(torch)}
    ours |= {old: ours[new] for old, new in _OLDER.items()}
    linalg = namespace(f"{name}.linalg", _linear(torch))
    return namespace(name, {**ours, "linalg": linalg, "derivative": derivative})


def real(t: Any) -> Any:
    """A tensor as it is, a number as a float64 tensor: PyTorch differentiates by no others."""
    import torch

    return t if isinstance(t, torch.Tensor) else torch.tensor(t, dtype=torch.float64)


def _either(tensor: type, of_tensors: Function, of_numbers: Function) -> Function:
    """A function of a tensor, and the same of a plain number."""
    return lambda x: of_tensors(x) if isinstance(x, tensor) else of_numbers(x)


def _pairs(torch: Any) -> dict[str, Function]:
    def beside(a: Any, b: Any) -> tuple[Any, Any]:
        return real(a), real(b)

    def where(condition: Any, a: Any, b: Any) -> Any:
        if isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor):
            return torch.where(condition, a, b)
        return torch.where(condition, *beside(a, b))

    return {
        "where": where,
        "atan2": lambda a, b: torch.atan2(*beside(a, b)),
        "maximum": lambda a, b: torch.maximum(*beside(a, b)),
        "minimum": lambda a, b: torch.minimum(*beside(a, b)),
        "abs": abs,
        "matmul": torch.matmul,
        "dot": torch.matmul,
        "outer": torch.outer,
    }


def _shapes(torch: Any) -> dict[str, Function]:
    def transpose(a: Any) -> Any:
        # a list: torch.compile (2.13) takes the ends of a range for axes
        return torch.permute(a, [a.ndim - 1 - i for i in range(a.ndim)])

    def take(a: Any, places: Any, axis: int | None = None) -> Any:
        if axis is None:
            return a.reshape(-1)[places]
        return a[(slice(None),) * (axis % a.ndim) + (places,)]

    return {
        "reshape": torch.reshape,
        "transpose": transpose,
        "ravel": torch.ravel,
        "take": take,
        "concatenate": lambda parts, axis=0: torch.cat([real(p) for p in parts], dim=axis),
        "stack": lambda parts, axis=0: torch.stack([real(p) for p in parts], dim=axis),
        "roll": lambda a, shift, axis=None: torch.roll(a, shift, axis),
        "diag": torch.diag,
    }


def _reductions(torch: Any) -> dict[str, Function]:
    def over(whole: Function, along: Function) -> Function:
        return lambda a, axis=None: whole(a) if axis is None else along(a, dim=axis)

    return {
        "sum": over(torch.sum, torch.sum),
        "mean": over(torch.mean, torch.mean),
        "prod": over(torch.prod, torch.prod),
        # torch.max along an axis gives the places too
        "max": over(torch.amax, torch.amax),
        "min": over(torch.amin, torch.amin),
        "any": over(torch.any, torch.any),
        "cumsum": lambda a, axis=0: torch.cumsum(a, dim=axis),
    }


def _made(torch: Any) -> dict[str, Function]:
    def array(values: Any) -> Any:
        return torch.asarray(values, dtype=torch.float64)

    return {
        "array": array,
        "asarray": array,
        "arange": torch.arange,
        "zeros": lambda shape: torch.zeros(shape, dtype=torch.float64),
        "ones": lambda shape: torch.ones(shape, dtype=torch.float64),
        "eye": lambda n: torch.eye(n, dtype=torch.float64),
        "zeros_like": torch.zeros_like,
        "ones_like": torch.ones_like,
        "full_like": torch.full_like,
    }


def _linear(torch: Any) -> dict[str, Function]:
    linalg = torch.linalg
    return {name: getattr(linalg, name) for name in ("cholesky", "solve", "inv", "det")}
