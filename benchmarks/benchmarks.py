"""asv's door to adbench: reads what `adbench.timeline` measured once, times nothing itself.

asv's own ``time_`` benchmarks run `setup` before every timed call, which for compiled code measures
compilation and cold caches; so the engine measures each case once per environment and commit, in
worker processes of its own, and every benchmark below only looks its number up. NaN means that the
case did not run; asv shows it as "n/a". There is a class for each problem, so that a problem whose text
changes begins new curves and leaves the others alone.
"""

from typing import Any

from adbench import timeline

Figures = dict[str, dict[str, Any]]


def setup_cache() -> Figures:
    """Case id -> figures; asv runs it once and hands the result to every benchmark."""
    return timeline.measure()


setup_cache.timeout = 3600


class _Series:
    """The figures of one problem; less is better in all of them, as asv expects."""

    param_names = ("case",)
    timeout = 60

    def track_steady(self, figures: Figures, case: str) -> Any:
        """Seconds per call once compiled and warm; a sample is the lowest tenth of a process."""
        return figures[case]["steady"]

    track_steady.type, track_steady.unit = "time", "seconds"

    def track_first_call(self, figures: Figures, case: str) -> Any:
        """Seconds to the first answer: tracing, compilation and the call itself."""
        return figures[case]["first_call"]

    track_first_call.type, track_first_call.unit = "time", "seconds"

    def track_compile(self, figures: Figures, case: str) -> float:
        """Seconds of tracing and compilation alone, where the tool lets them be separated."""
        return figures[case]["compile"]

    track_compile.type, track_compile.unit = "time", "seconds"

    def track_error(self, figures: Figures, case: str) -> float:
        """log2(1 + error in ulp): 0 is correctly rounded (asv misses a fall in digits)."""
        return figures[case]["log2_ulp"]

    track_error.unit = "log2(1 + ulp)"

    def track_memory(self, figures: Figures, case: str) -> float:
        """Largest resident memory of the method's process."""
        return figures[case]["peak_bytes"]

    track_memory.type, track_memory.unit = "memory", "bytes"

    def track_cost_ratio(self, figures: Figures, case: str) -> float:
        """Time of the derivative in units of the function's own."""
        return figures[case]["cost_ratio"]

    track_cost_ratio.unit = "times f"

    def track_to_manual(self, figures: Figures, case: str) -> float:
        """Time in units of the derivative written by hand; n/a where there is none."""
        return figures[case]["to_manual"]

    track_to_manual.unit = "times by hand"


def _series(problem: str, cases: tuple[str, ...]) -> type:
    """The class of a problem."""
    name = "".join(word.capitalize() for word in problem.split("_"))
    members = {
        "__doc__": f"The figures of {problem}.",
        "__module__": __name__,
        "params": (cases,),
        "version": timeline.version(problem),
    }
    return type(name, (_Series,), members)


for _problem, _cases in timeline.series().items():
    _made = _series(_problem, _cases)
    globals()[_made.__name__] = _made
del _made, _problem, _cases
