"""An external tool at work on one module: started, told which one, asked for functions, its times read.

Knows the messages' meaning; `conversation` knows how they travel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adbench.harness import stopwatch
from adbench.harness.external.conversation import Conversation
from adbench.harness.external.tool import External
from adbench.harness.process import Failure, Limits
from adbench.model import Outcome

__all__ = ["Answer", "Program"]

# A tool's clock may have steps of its own, but it cannot see more time than passed here.
CLOCK_S, CLOCK = 1e-3, 1.05


@dataclass(frozen=True)
class Answer:
    """What came back for one evaluation.

    Parameters
    ----------
    output : object
        JSON.
    runs_s, prepare_s : tuple of float
        Seconds of each run and of preparations, as the tool reports them.
    wall_s : float
        From message to answer, by our clock.
    """

    output: Any
    runs_s: tuple[float, ...]
    prepare_s: tuple[float, ...]
    wall_s: float


@dataclass(eq=False)
class Program:
    """The process of an external tool, a fresh one for each module.

    `calls_itself` and `promises` are what it said at the start: its own name, and the relative errors
    of functions that are not exact.
    """

    tool: External
    cores: Sequence[int] | None
    environment: Mapping[str, str]
    module: str = ""
    conversation: Conversation | None = None
    started: stopwatch.Sample | None = None
    calls_itself: str = ""
    promises: Mapping[str, Any] = field(default_factory=dict)
    unknown: dict[str, Failure] = field(default_factory=dict)

    def load(self, module: str, limits: Limits) -> None:
        """Have the program running with the module defined.

        Raises
        ------
        Failure
            Unsupported where it does not know the module, each time without asking again; else as
            `Conversation.say`.
        """
        if module in self.unknown:
            raise self.unknown[module]
        running = self.conversation is not None and self.conversation.process is not None
        if running and self.module == module:
            return
        self.end()
        self.conversation = Conversation(self.tool.words, self.cores, self.environment)
        self.module = module
        _, self.started = stopwatch.timed(self._start, module, limits)

    def _start(self, module: str, limits: Limits) -> None:
        assert self.conversation is not None
        began = stopwatch.monotonic()
        answer = self.conversation.say("start", limits, eval=module)
        self.calls_itself = str(answer.get("tool") or "")[:80]
        config = answer.get("config")
        rtol = config.get("rtol") if isinstance(config, Mapping) else None
        self.promises = rtol if isinstance(rtol, Mapping) else {}
        left = replace(limits, time_s=max(limits.time_s - (stopwatch.monotonic() - began), 0.0))
        answer = self.conversation.say("define", left, module=module)
        if answer.get("success") is not True:
            said = _said(answer)
            self.unknown[module] = Failure(
                Outcome.UNSUPPORTED, f"{self.tool.name} does not know the module {module}{said}"
            )
            raise self.unknown[module]

    def promise(self, function: str) -> float | None:
        """The relative error that it promises of a function; None: exact.

        Raises
        ------
        Failure
            For a promise that is no number between 0 and 1.
        """
        found = self.promises.get(function)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, float) or not 0.0 < found < 1.0:
            raise Failure(
                Outcome.FAILED,
                f"it promises rtol {found!r} of {function}; expected a number between 0 and 1",
            )
        return found

    def evaluate(
        self, function: str, payload: Mapping[str, Any], runs: int, description: str, limits: Limits
    ) -> Answer:
        """The answer to an evaluation of at least `runs` runs.

        Raises
        ------
        Failure
            As `Conversation.say`, and failed for success false and for times that cannot be.
        """
        assert self.conversation is not None
        asked = {
            "module": self.module,
            "function": function,
            "input": {**payload, "min_runs": runs, "min_seconds": 0},
            "description": description,
        }

        def say() -> dict[str, Any]:
            assert self.conversation is not None
            return self.conversation.say("evaluate", limits, **asked)

        answer, sample = stopwatch.timed(say)
        if answer.get("success") is not True:
            raise Failure(Outcome.FAILED, f"it has no result of {function}{_said(answer)}")
        if "output" not in answer:
            raise Failure(Outcome.FAILED, f"its answer for {function} says success, but no output")
        runs_s, prepare_s = _timings(answer.get("timings"))
        _check(runs_s, prepare_s, runs, sample.wall_s)
        return Answer(answer["output"], runs_s, prepare_s, sample.wall_s)

    def verdict(self, valid: bool, message: str, limits: Limits) -> None:
        """Tell it what the judge says of its last evaluation."""
        assert self.conversation is not None
        error = {} if valid else {"error": message}
        of = self.conversation.asked - 1
        self.conversation.say("analysis", limits, of=of, valid=valid, **error)

    def end(self) -> None:
        """End the process."""
        if self.conversation is not None:
            self.conversation.end()
        self.conversation = None


def _said(answer: Mapping[str, Any]) -> str:
    error = " ".join(str(answer.get("error") or "").split())[:600]
    return f": {error}" if error else ""


def _timings(timings: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Seconds of the entries 'evaluate' and 'prepare'; other names are the tool's own matter."""
    found: dict[str, list[float]] = {"evaluate": [], "prepare": []}
    for entry in timings if isinstance(timings, list) else ():
        name, took = (
            (entry.get("name"), entry.get("nanoseconds"))
            if isinstance(entry, Mapping)
            else (None, None)
        )
        if name not in found:
            continue
        if isinstance(took, bool) or not isinstance(took, (int, float)) or not took >= 0:
            raise Failure(Outcome.FAILED, f"it reports a timing of {took!r} nanoseconds")
        found[name].append(took * 1e-9)
    return tuple(found["evaluate"]), tuple(found["prepare"])


def _check(
    runs_s: tuple[float, ...], prepare_s: tuple[float, ...], runs: int, wall_s: float
) -> None:
    if len(runs_s) < runs:
        raise Failure(
            Outcome.FAILED,
            f"it reports {len(runs_s)} timings named 'evaluate' where min_runs was {runs}; "
            "expected one for each run",
        )
    total = math.fsum(runs_s) + math.fsum(prepare_s)
    if total > CLOCK * wall_s + CLOCK_S:
        raise Failure(
            Outcome.FAILED,
            f"it reports {total:.3g} s of work within the {wall_s:.3g} s between question and answer",
        )
