"""The array vocabulary of tools with arrays of their own, which lack some of NumPy; knows no tool.

What a tool lacks is refused for its arrays with a sentence; of plain NumPy arrays, data and constants
among them, NumPy computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._shared import Function, cannot_nest
from adbench.model import namespace

FROM_LINALG = ("cholesky", "solve", "inv", "det", "slogdet")


def array_tool_words(
    tool: str, own: Mapping[str, Any], linalg: Mapping[str, Any], is_own: Callable[[Any], bool]
) -> ModuleType:
    """NumPy's public names and those of forms, with a tool's own functions where it has them.

    Parameters
    ----------
    tool : str
        For what is said of what it lacks.
    own, linalg : mapping
        Functions of the tool by the names that forms use.
    is_own : callable
        Whether something is an array of the tool.
    """
    from adbench.dual import elementary

    numpys = elementary.numpy_words()
    words = {
        name: _guarded(tool, name, f, is_own) if callable(f) and not isinstance(f, type) else f
        for name, f in numpys.items()
    }
    of_linalg = {
        name: _guarded(tool, f"linalg.{name}", getattr(np.linalg, name), is_own)
        for name in FROM_LINALG
    }
    module = namespace(f"{tool}.linalg", {**of_linalg, **linalg})
    return namespace(tool, {**words, **own, "linalg": module, "derivative": cannot_nest(tool)})


def _guarded(tool: str, name: str, f: Function, is_own: Callable[[Any], bool]) -> Function:
    def call(*args: Any, **options: Any) -> Any:
        inside = (e for a in args for e in (a if isinstance(a, (list, tuple)) else [a]))
        if any(map(is_own, inside)):
            raise NotImplementedError(
                f"{tool} has no {name} for its arrays, and this text needs it"
            )
        return f(*args, **options)

    return call


LACKS = (TypeError, AttributeError, IndexError)


def refused(tool: str, call: Function, errors: tuple[type[Exception], ...] = LACKS) -> Function:
    """The call, where arrays of the tool lack what a text asks of them: NotImplementedError.

    `errors` are what the tool raises then.
    """

    def run(*args: Any) -> Any:
        try:
            return call(*args)
        except NotImplementedError as error:
            if len(str(error).split()) > 4:
                raise
            raise NotImplementedError(
                f"{tool} has no rule that this text needs: {error}"
            ) from error
        except errors as error:
            said = " ".join(str(error).split())[:200]
            raise NotImplementedError(
                f"{tool}'s arrays cannot do what this text asks of them: {said}"
            ) from error

    return run
