"""What machine, versions and threads a run had; asks the operating system and the installed packages."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from adbench import __version__
from adbench.model import Method

__all__ = [
    "THREAD_VARIABLES",
    "commit",
    "core_of",
    "machine",
    "pin",
    "short_name",
    "usable_cores",
    "versions",
    "versions_of",
]

# What each library reads to decide how many threads it starts (NPROC is what XLA's CPU
# client obeys; measured with jax 0.10.2, XLA_FLAGS do not limit it). All are set in a worker's environment before any import.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS", "NUMBA_NUM_THREADS", "NPROC",
    "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
)  # fmt: skip

# Distributions whose version decides what a result means.
REPORTED = (
    "numpy",
    "scipy",
    "jax",
    "jaxlib",
    "numba",
    "llvmlite",
    "autograd",
    "sympy",
    "python-flint",
)

# What a tool's machine code comes from.
COMPANIONS = {"jax": ("jaxlib",), "numba": ("llvmlite",)}


def machine() -> dict[str, Any]:
    """Name, processor, cores, memory, system, load and Python of this machine."""
    return {
        "name": platform.node(),
        "cpu": _cpu(),
        "cores": len(usable_cores()),
        "memory_bytes": psutil.virtual_memory().total,
        "os": f"{platform.system()} {platform.release()}",
        "load": list(psutil.getloadavg()),
        "python": platform.python_version(),
    }


@lru_cache(maxsize=1)
def _cpu() -> str:
    import cpuinfo  # its import reads files, its call runs programs: only when asked for

    return str(
        cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or platform.machine()
    )


def versions(*more: str) -> dict[str, str]:
    """Installed versions of the distributions that matter, and of `more`."""
    found = {"adbench": __version__}
    for name in (*REPORTED, *more):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def versions_of(method: Method) -> dict[str, str]:
    """Versions of the distributions one method's numbers depend on."""
    names = {method.tool, *method.requires, *COMPANIONS.get(method.tool, ())}
    found = {"adbench": __version__, "numpy": importlib.metadata.version("numpy")}
    for name in sorted(names):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def code() -> str:
    """Hash of adbench's own source files: what a commit does not tell of a changed checkout."""
    root = Path(__file__).resolve().parents[1]
    h = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        h.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return h.hexdigest()[:16]


def commit() -> tuple[str | None, bool | None]:
    """Commit of the checkout that this package runs from and whether it has changes; None outside one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None, None
    head = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "adbench")
    return head, (None if status is None else bool(status))


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def usable_cores() -> list[int]:
    """Cores this process may run on; all of them where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def core_of(repeat: int) -> int:
    """The core all workers of a repeat share; repeats take turns, the last core first.

    The first core serves most interrupts on Linux.
    """
    cores = usable_cores()
    return cores[-1 - repeat % len(cores)]


def pin(core: int) -> bool:
    """Bind this process to one core; False where the system offers no affinity."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    try:
        os.sched_setaffinity(0, {core})
    except OSError:
        return False
    return True


def short_name() -> str:
    """The machine's name as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", platform.node().lower()).strip("-") or "machine"
