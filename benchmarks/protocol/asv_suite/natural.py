"""As asv's manual has it: `setup` prepares, a ``time_`` method calls; every setting at its default."""

from typing import Any

from .prepared import ROWS, prepared


class Natural:
    """One parameter, the row."""

    params = (ROWS,)
    param_names = ("row",)

    def setup(self, row: str) -> None:
        """Prepare and compile; asv does it again before every timed call."""
        self.call, self.args = prepared(row)

    def time_call(self, row: str) -> Any:
        """One call."""
        return self.call(*self.args)
