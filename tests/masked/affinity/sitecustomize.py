"""No process can be bound to a core, as on macOS."""

import os

for name in ("sched_setaffinity", "sched_getaffinity"):
    if hasattr(os, name):
        delattr(os, name)
