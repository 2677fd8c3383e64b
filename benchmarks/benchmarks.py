"""asv's door to adbench: reads what `adbench.timeline` measured once, times nothing itself.

asv's own `time_` benchmarks run `setup` before every timed call, which for compiled code measures
compilation and cold caches; so the engine measures each case once per environment and commit, in
worker processes of its own, and every benchmark below only looks its number up. NaN means that the
case did not run; asv shows it as "n/a".
"""

from adbench import timeline

Figures = dict[str, dict[str, float]]


class Timeline:
    """The figures of a handful of cases; less is better in all of them, as asv expects."""

    params = (timeline.cases(),)
    param_names = ("case",)

    def setup_cache(self) -> Figures:
        """Case id -> figures; asv runs it once and hands the result to every benchmark."""
        return timeline.measure()

    setup_cache.timeout = 1800

    def track_steady(self, figures: Figures, case: str) -> float:
        """Seconds per call once compiled and warm."""
        return figures[case]["steady_s"]

    track_steady.type, track_steady.unit = "time", "seconds"

    def track_first_call(self, figures: Figures, case: str) -> float:
        """Seconds of the first call: tracing, compilation and the call itself."""
        return figures[case]["first_s"]

    track_first_call.type, track_first_call.unit = "time", "seconds"

    def track_error(self, figures: Figures, case: str) -> float:
        """log2(1 + error in ulp): 0 is correctly rounded (asv misses a fall in digits)."""
        return figures[case]["log2_ulp"]

    track_error.unit = "log2(1 + ulp)"

    def track_memory(self, figures: Figures, case: str) -> float:
        """Largest resident memory of the method's process."""
        return figures[case]["peak_rss_bytes"]

    track_memory.type, track_memory.unit = "memory", "bytes"
