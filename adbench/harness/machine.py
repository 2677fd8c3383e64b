"""What machine, versions, flags and threads a run had; asks the system and the installed packages."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from adbench import __version__
from adbench.harness import machine_record as record
from adbench.harness.features import features
from adbench.model import Method

__all__ = [
    "THREAD_VARIABLES",
    "code",
    "commit",
    "core_of",
    "cores_of",
    "environment",
    "identifier",
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
COMPANIONS = {
    "jax": ("jaxlib",),
    "numba": ("llvmlite",),
    "mpmath": ("gmpy2",),
    "pytensor": ("numba",),
    "tensorflow": ("tensorflow-cpu",),  # the build that is measured
}


# What makes a machine another one for a comparison of times. Load and governor change by the hour.
IDENTITY = ("name", "cpu", "cores", "memory_gib", "os", "python", "gpu", "container")
# Of the user's environment, what changes how a tool computes. Never anything else: a variable may be
# a secret.
FLAGS = (
    "XLA_", "JAX_", "NUMBA_", "OMP_", "KMP_", "OPENBLAS_", "GOTO_", "BLIS_", "MKL_", "MALLOC_",
    "TF_XLA_", "TF_ENABLE_ONEDNN", "TORCH", "PYTENSOR_FLAGS", "PYTHON_JIT", "PYTHON_GIL",
    "PYTHON_CPU_COUNT", "PYTHONMALLOC", "PYTHONOPTIMIZE", "PYTHONHASHSEED", "PYTHONDEVMODE", "PYTHONTRACEMALLOC",
)  # fmt: skip
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH", re.IGNORECASE)
FLAG_LENGTH = 200


def machine() -> dict[str, Any]:
    """The record of this machine, with the identifier that results refer to (``docs/results.md``)."""
    cores = usable_cores()
    has = features()
    found = {
        "name": platform.node(),
        "cpu": record.cpu(),
        "cores": len(cores),
        "cores_physical": record.cores_physical(),
        "cache": record.cache(cores[0]),
        "governor": record.governor(cores[0]),
        "affinity": cores if has["affinity"] else [],
        "memory_bytes": record.memory_bytes(),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libc": record.libc(),
        "load": record.load(),
        "blas": record.blas(),
        "gpu": record.gpu(),
        "container": record.container(),
        "virtual": record.virtual(),
        "features": has,
    }
    return {"id": identifier(found)} | found


def identifier(found: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that two records share when they describe the same machine.

    Memory counts in whole GiB: what the system keeps for itself changes with every start.
    """
    memory = found.get("memory_bytes")
    known = {**found, "memory_gib": None if memory is None else round(memory / 2**30)}
    identity = json.dumps([known.get(name) for name in IDENTITY], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:8]


def environment() -> dict[str, str]:
    """Variables of this process's environment that change how a tool computes, cut at 200 characters.

    Asked for in the parent, before a worker's own settings are made. Variables whose names or values
    look like credentials are left out.
    """
    return {
        name: value[:FLAG_LENGTH]
        for name, value in sorted(os.environ.items())
        if (name.startswith(FLAGS) or name in THREAD_VARIABLES)
        and not SECRET.search(name)
        and not re.search(r"//[^/\s]*@", value)
    }


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
    """Versions of the distributions one method's numbers depend on, those that are installed."""
    required = (module.partition(".")[0] for module in method.requires)
    names = {method.tool, *required, *COMPANIONS.get(method.tool, ())}
    found = {"adbench": __version__, "numpy": importlib.metadata.version("numpy")}
    for name in sorted(names):
        if (distribution := _distribution(name)) is not None:
            found.setdefault(*distribution)
    return found


@lru_cache(maxsize=1_000)
def _distribution(name: str) -> tuple[str, str] | None:
    """Name and version of the distribution of that name, or else of the one that has that module
    (TensorFlow's module comes from tensorflow-cpu, num-dual's is num_dual); None where there is none.
    """
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        if not (providers := _providers().get(name)):
            return None
        found = importlib.metadata.distribution(providers[0])
    return re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(), found.version


@lru_cache(maxsize=1)
def _providers() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()  # reads every installed package


def code(package: Path | None = None) -> str:
    """Hash of adbench's own source files: what a commit does not tell of a changed checkout.

    Of the package that runs, or of the one in the folder `package`.
    """
    root = package or Path(__file__).resolve().parents[1]
    h = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        h.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return h.hexdigest()[:16]


def commit(checkout: Path | None = None) -> tuple[str | None, bool | None]:
    """Commit of a checkout, of the one that this package runs from unless another is given, and whether
    it has changes; None outside one.
    """
    root = checkout or Path(__file__).resolve().parents[2]
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
    try:
        return sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return list(range(os.cpu_count() or 1))


def core_of(repeat: int) -> int:
    """The core all workers of a repeat share; repeats take turns, the last core first.

    The first core serves most interrupts on Linux.
    """
    cores = usable_cores()
    return cores[-1 - repeat % len(cores)]


def cores_of(repeat: int, threads: int = 1) -> tuple[int, ...]:
    """The cores all workers of a repeat share, as many as `threads`; repeats take turns (`core_of`).

    Raises
    ------
    ValueError
        When this process may not run on so many.
    """
    cores = usable_cores()
    if threads > len(cores):
        have = f"{len(cores)} core{'' if len(cores) == 1 else 's'}"
        raise ValueError(
            f"--threads {threads}: adbench may run on {have} here ({', '.join(map(str, cores))}); "
            f"ask for at most {len(cores)}, or for 'default'"
        )
    return tuple(cores[-1 - (repeat + i) % len(cores)] for i in range(threads))


def pin(*cores: int) -> bool:
    """Bind this process to these cores; False where the system offers no affinity."""
    try:
        os.sched_setaffinity(0, set(cores))
    except (AttributeError, OSError):
        return False
    return True


def short_name() -> str:
    """The machine's name as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", platform.node().lower()).strip("-") or "machine"
