"""JSON Lines on disk: one line a result, written and synced as it comes; never a torn line lost or kept.

The first line describes the run, each later one a result, the conditions it was measured under or
another machine (see ``docs/results.md``). Knows files and the nouns, nothing of tools, clocks or
processes.
"""

from adbench.harness.store.lines import SCHEMA, Key, StoreError, digest, key_of, line_of
from adbench.harness.store.merging import merge
from adbench.harness.store.reading import Run, load, read
from adbench.harness.store.threads import cores_used, excess, pool_threads
from adbench.harness.store.writing import Store, discard

__all__ = [
    "SCHEMA",
    "Key",
    "Run",
    "Store",
    "StoreError",
    "cores_used",
    "digest",
    "discard",
    "excess",
    "key_of",
    "line_of",
    "load",
    "merge",
    "pool_threads",
    "read",
]
