"""One case in two runs: what its numbers say has become worse or better."""

from __future__ import annotations

from dataclasses import dataclass

from adbench.model import Decision, Outcome

__all__ = ["Change"]

# An error is a change for the worse when it grew by this factor and beyond this many ulp.
GREW = 4.0
LEAST_ULP = 100.0


@dataclass(frozen=True)
class Change:
    """One case in both runs.

    Parameters
    ----------
    case, machine : str
        Case id; machine id.
    ratio, low, high : float or None
        NEW's time divided by OLD's and its 95 % interval; None where there is none.
    p : float or None
        Of the hypothesis that the ratio lies within the margin, after Benjamini and Hochberg.
    decision : str or None
        A `model.Decision` about NEW: slower, faster, tie or undecided; None when either has no time.
    old_processes, new_processes : int
        How many fresh processes it rests on.
    old_outcome, new_outcome : str
        ``"ok"`` when it was ok in every process, else how it failed.
    old_ulp, new_ulp : float or None
        Largest error against the certified reference.
    message : str
        What NEW said when it did not run.
    same_text : bool
        Whether both measured the same function text.
    """

    case: str
    machine: str
    ratio: float | None
    low: float | None
    high: float | None
    p: float | None
    decision: str | None
    old_processes: int
    new_processes: int
    old_outcome: str
    new_outcome: str
    old_ulp: float | None
    new_ulp: float | None
    message: str
    same_text: bool

    @property
    def worse(self) -> list[str]:
        """What got worse, in words; empty for nothing."""
        found = []
        if self.old_outcome == Outcome.OK.label != self.new_outcome:
            found.append(f"was ok, now {self.new_outcome}: {self.message}".rstrip(": "))
        if _grew(self.old_ulp, self.new_ulp):
            found.append(f"error {self.old_ulp:.3g} ulp, now {self.new_ulp:.3g}")
        return [*found, "slower"] if self.decision == Decision.SLOWER.value else found

    @property
    def better(self) -> list[str]:
        """What got better, in words; empty for nothing."""
        found = []
        if self.new_outcome == Outcome.OK.label != self.old_outcome:
            found.append(f"was {self.old_outcome}, now ok")
        if _grew(self.new_ulp, self.old_ulp):
            found.append(f"error {self.old_ulp:.3g} ulp, now {self.new_ulp:.3g}")
        return [*found, "faster"] if self.decision == Decision.FASTER.value else found

    @property
    def changed(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.worse or self.better)

    @property
    def verdict(self) -> str:
        """One word or two for a table."""
        if self.worse:
            return "worse"
        return "better" if self.better else self.decision or "no times"

    @property
    def why(self) -> str:
        """What changed, in words."""
        text = [] if self.same_text else ["another function text"]
        return "; ".join([*self.worse, *self.better, *text])


def _grew(before: float | None, now: float | None) -> bool:
    return before is not None and now is not None and now > max(GREW * before, LEAST_ULP)
