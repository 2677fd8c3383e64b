"""C kernels: compiled by gcc with and without -ffast-math, and loops that call any kernel many times.

A *kernel* is machine code with one signature, ``double (x, out, data, n)``, whoever wrote it: gcc, or
Numba through ``numba.cfunc`` (see ``ours.py``). The loop that calls it is compiled by Numba, once for
each kernel and from the same text, so neither Python nor inlining takes part in a comparison.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FLAGS", "SIGNATURE", "Kernel", "build", "compiler", "load", "loop", "once"]

SOURCES = Path(__file__).parent / "c"
FLAGS = {
    "fast": ("-O3", "-march=native", "-ffast-math"),
    "strict": ("-O3", "-march=native"),
}
SIGNATURE = ctypes.CFUNCTYPE(
    ctypes.c_double, ctypes.c_ssize_t, ctypes.c_ssize_t, ctypes.c_ssize_t, ctypes.c_ssize_t
)  # addresses as whole numbers, which Numba's compiled code can hand on

Kernel = Any
"""A ctypes function of `SIGNATURE`."""
Floats = npt.NDArray[np.float64]


def compiler() -> str:
    """The gcc on the path and its version; RuntimeError when there is none."""
    if shutil.which("gcc") is None:
        raise RuntimeError("no gcc on the path: the C kernels need it, e.g. apt install gcc")
    told = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True)
    return told.stdout.partition("\n")[0]


def build(folder: Path) -> dict[str, Path]:
    """Compile all of ``c/`` in both ways into shared libraries in `folder`, unless they are there."""
    compiler()
    return {way: _library(folder, way) for way in FLAGS}


def _library(folder: Path, way: str) -> Path:
    library = folder / f"kernels-{way}.so"
    sources = sorted(SOURCES.glob("*.[ch]"))
    newest = max(source.stat().st_mtime for source in sources)
    if library.exists() and library.stat().st_mtime > newest:
        return library
    folder.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in (s for s in sources if s.suffix == ".c"):
        objects.append(folder / f"{source.stem}-{way}.o")
        _gcc(*FLAGS[way], "-fPIC", "-c", source, "-o", objects[-1])
    # Linked without -ffast-math: with it gcc 12 adds start-up code that turns off denormal numbers
    # for the whole process, and so for everybody else in the comparison.
    _gcc("-shared", *objects, "-o", library, "-lm")
    return library


def _gcc(*words: Any) -> None:
    done = subprocess.run(["gcc", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"gcc {' '.join(map(str, words))} failed: {done.stderr.strip()}")


def load(library: Path, name: str) -> Kernel:
    """One kernel of a library."""
    address = ctypes.cast(getattr(ctypes.CDLL(str(library)), name), ctypes.c_void_p).value
    return SIGNATURE(address)


def once(kernel: Kernel, x: Floats, results: int, data: Floats, n: int) -> tuple[float, Floats]:
    """Value and what is written to ``out`` by one call; x, data: contiguous float64."""
    out = np.full(results, np.nan)
    value = kernel(x.ctypes.data, out.ctypes.data, data.ctypes.data, n)
    return float(value), out


def loop(kernel: Kernel, x: Floats, results: int, data: Floats, n: int) -> Callable[[int], None]:
    """``run(count)``: calls the kernel that often from compiled code."""
    from numba import njit

    out = np.zeros(max(1, results))

    @njit
    def many(x, out, data, n, count):  # type: ignore[no-untyped-def]
        # The values are not added up: a sum kept across calls would be a chain of additions and
        # spills of its own, longer than the shortest kernels.
        for _ in range(count):
            kernel(x, out, data, n)

    places = (x.ctypes.data, out.ctypes.data, data.ctypes.data, n)
    many(*places, 0)
    kept = (x, out, data)  # the addresses are good for as long as the arrays live

    def run(count: int) -> None:
        assert kept
        many(*places, count)

    return run
