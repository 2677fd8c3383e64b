"""The process CPU clock steps once in 15.6 ms, as on Windows."""

import time
from types import SimpleNamespace

STEP_NS = 15_625_000
_process_time_ns = time.process_time_ns
_get_clock_info = time.get_clock_info


def process_time_ns():
    return _process_time_ns() // STEP_NS * STEP_NS


def get_clock_info(name):
    info = _get_clock_info(name)
    if name != "process_time":
        return info
    return SimpleNamespace(**{**vars(info), "resolution": STEP_NS * 1e-9})


time.process_time_ns = process_time_ns
time.process_time = lambda: process_time_ns() * 1e-9
time.get_clock_info = get_clock_info
