"""asv at its best: prepared when the module is imported, so that no `setup` spoils its batching."""

from collections.abc import Callable
from typing import Any

from .prepared import ROWS, prepared


def _timed(name: str, row: str) -> Callable[[], Any]:
    call, args = prepared(row)

    def time_call() -> Any:
        return call(*args)

    time_call.__name__ = name  # what asv calls it
    return time_call


for _number, _row in enumerate(ROWS):
    _name = f"time_row_{_number}"
    globals()[_name] = _timed(_name, _row)
