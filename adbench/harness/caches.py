"""Caches of compiled code on disk: off for every worker, or in a folder that a second process finds again.

Knows variables of the environment, nothing of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from adbench.model import Method

__all__ = ["able", "off", "within"]

# Variables that name a cache of an earlier run, which would turn a compile time into the reading of a file.
FOLDERS = ("JAX_COMPILATION_CACHE_DIR", "NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")
FLAGS = "PYTENSOR_FLAGS"


def _of_jax(folder: str) -> dict[str, str]:
    """JAX's compilation cache, with everything in it: by itself it leaves out what took under a second."""
    return {
        "JAX_COMPILATION_CACHE_DIR": folder,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


# Tool -> what makes it keep all that it compiles in a folder. Numba is not among them, and why stands
# in docs/adr/0024: it never finds our functions again.
_CACHES: Mapping[str, Callable[[str], Mapping[str, str]]] = MappingProxyType(
    {
        "jax": _of_jax,
        "torch": lambda folder: {"TORCHINDUCTOR_CACHE_DIR": folder},
        "pytensor": lambda folder: {FLAGS: f"base_compiledir={folder}"},
    }
)


def able(method: Method) -> bool:
    """Whether the method compiles, and its tool can keep what it compiled on disk."""
    return method.compiles and method.tool in _CACHES


def off(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without any cache of compiled code that a user may have set."""
    left = {k: v for k, v in environment.items() if k not in FOLDERS}
    if FLAGS in left:
        left[FLAGS] = ",".join(f for f in left[FLAGS].split(",") if "compiledir" not in f)
    return left


def within(environment: Mapping[str, str], tool: str, folder: str) -> dict[str, str]:
    """The environment of a worker that keeps what a tool compiles in a folder, and finds it there.

    Raises
    ------
    KeyError
        For a tool without such a cache; ask `able` first.
    """
    found = {**environment}
    for name, value in _CACHES[tool](folder).items():
        before = found.get(name, "") if name == FLAGS else ""
        found[name] = ",".join(filter(None, [before, value]))
    return found
