"""A few cases that asv times itself, for those who expect it; they agree with the engine's figures.

No `setup`: with one, asv_runner 0.3 runs it before every timed call and times single, cold calls. The
first call compiles instead, and `warmup_time` is longer than that takes: asv doubles its loop only while
it warms up, and one that ends within the compiling call would stay at one call a sample.
"""

from adbench import timeline


class _Native:
    """Steady calls by asv's own clock."""

    param_names = ("case",)
    sample_time = 0.02
    rounds = 1
    timeout = 120

    def time_call(self, case: str) -> None:
        """Calls of a derivative, prepared by the first of them."""
        timeline.prepared(case)()


def _native(name: str, methods: tuple[str, ...], warmup_s: float) -> dict[str, type]:
    """The class of some methods, unless no case is followed."""
    cases = timeline.native(methods)
    members = {
        "__doc__": _Native.__doc__,
        "__module__": __name__,
        "params": (cases,),
        "warmup_time": warmup_s,
    }
    return {name: type(name, (_Native,), members)} if cases else {}


globals().update(_native("NativeCompiled", timeline.COMPILED, 8.0))
globals().update(_native("NativeInterpreted", timeline.INTERPRETED, 1.0))
