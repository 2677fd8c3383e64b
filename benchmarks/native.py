"""A few cases that asv times itself, for those who expect it; they agree with the engine's figures.

No `setup`: with one, asv_runner 0.3 runs it before every timed call and times single, cold calls. The
first call compiles instead, and `warmup_time` is longer than that takes: asv doubles its loop only while
it warms up, and one that ends within the compiling call would stay at one call a sample.
"""

from adbench import timeline


class Native:
    """Steady calls by asv's own clock."""

    params = (timeline.NATIVE,)
    param_names = ("case",)
    warmup_time = 8.0
    sample_time = 0.02
    rounds = 1
    timeout = 120

    def time_call(self, case: str) -> None:
        """Calls of a derivative, prepared by the first of them."""
        timeline.prepared(case)()
