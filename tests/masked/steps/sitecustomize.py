"""The time of day jumps by an hour, back and forth, at every look; monotonic clocks are right.

Compiled modules ask the C library and see nothing of it; the one reader of clocks in adbench does.
"""

import datetime
import importlib.util
import sys
import time

_now = time.time_ns
_looks = 0


def time_ns():
    global _looks
    _looks += 1
    return _now() + (-1) ** _looks * 3600 * 10**9


class _SteppingDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time_ns() * 1e-9, tz)


class _AfterImport:
    """Gives the stopwatch this datetime; a datetime of ours for all would break compiled modules."""

    def find_spec(self, name, path=None, target=None):
        if name != "adbench.harness.stopwatch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_replace(module):
            execute(module)
            assert module.datetime is datetime.datetime
            module.datetime = _SteppingDatetime

        spec.loader.exec_module = execute_and_replace
        return spec


time.time_ns = time_ns
time.time = lambda: time_ns() * 1e-9
sys.meta_path.insert(0, _AfterImport())
