"""How types are refused while Numba infers them, so that the reason is found again in what Numba tells."""

from __future__ import annotations

from numba.core.errors import TypingError

MARK = "dual numbers: "  # before every reason, in the many lines that Numba makes of it


def refusal(reason: str) -> TypingError:
    """The error to raise; the reason is one line, and says what was expected."""
    return TypingError(MARK + reason)
