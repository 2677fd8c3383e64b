"""What this machine is made of, as far as the operating system says: parts of the machine record.

Every part that a system does not tell (macOS and Windows have no /proc or /sys, a container may hide
them) is None or empty, never an error and never a guess.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

__all__ = [
    "blas",
    "cache",
    "container",
    "cores_physical",
    "cpu",
    "governor",
    "gpu",
    "libc",
    "load",
    "memory_bytes",
    "virtual",
]

PROC = Path("/proc")
SYS = Path("/sys")
# A query of the operating system or a driver that takes longer than this is left unanswered.
PATIENCE_S = 10.0
# What a system that hides or lacks something raises, psutil included.
UNKNOWN = (OSError, psutil.Error, NotImplementedError, AttributeError, RuntimeError, ValueError)
# "No limit" is written as a number near 2^63 by cgroup version 1.
NO_LIMIT = 2**60


def text_of(path: Path) -> str | None:
    """What a small file of the system says, stripped; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except UNKNOWN:
        return None


@lru_cache(maxsize=1)
def cpu() -> str:
    """The processor's name; its architecture where the system gives no name."""
    named = re.search(r"^model name\s*:\s*(.+)$", text_of(PROC / "cpuinfo") or "", re.MULTILINE)
    if named:
        return named[1].strip()
    return str(_cpuinfo().get("brand_raw") or platform.processor() or platform.machine())


@lru_cache(maxsize=1)
def _cpuinfo() -> dict[str, Any]:
    """What py-cpuinfo finds; it reads files and starts programs, so only where a file did not do."""
    try:
        import cpuinfo

        return dict(cpuinfo.get_cpu_info())
    except Exception:  # it fails in as many ways as there are systems
        return {}


def cores_physical() -> int | None:
    """Cores of the whole machine, counted without hyper-threads."""
    try:
        return psutil.cpu_count(logical=False)
    except UNKNOWN:
        return None


def cache(core: int = 0, root: Path = SYS) -> dict[str, int]:
    """Bytes of each cache a core can use, by level: ``{"L1d": 49152, "L2": ...}``."""
    found = {}
    for index in sorted((root / f"devices/system/cpu/cpu{core}/cache").glob("index*")):
        level, kind, size = (text_of(index / name) for name in ("level", "type", "size"))
        number = re.fullmatch(r"(\d+)([KMG]?)", size or "")
        if level and number:
            letter = {"Data": "d", "Instruction": "i"}.get(kind or "", "")
            scale = 1024 ** " KMG".index(number[2] or " ")
            found[f"L{level}{letter}"] = int(number[1]) * scale
    return found or _cache_of_cpuinfo()


def _cache_of_cpuinfo() -> dict[str, int]:
    if (SYS / "devices").exists():  # the system has files for it, and they name no cache
        return {}
    names = {
        "L1d": "l1_data_cache_size",
        "L1i": "l1_instruction_cache_size",
        "L2": "l2_cache_size",
        "L3": "l3_cache_size",
    }
    found = {level: _cpuinfo().get(name) for level, name in names.items()}
    return {level: size for level, size in found.items() if isinstance(size, int)}


def governor(core: int = 0, root: Path = SYS) -> str | None:
    """How the system chooses the core's frequency, such as ``performance`` or ``powersave``."""
    return text_of(root / f"devices/system/cpu/cpu{core}/cpufreq/scaling_governor") or None


def memory_bytes() -> int | None:
    """Bytes of memory of the machine, whatever a container allows."""
    try:
        return int(psutil.virtual_memory().total)
    except UNKNOWN:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except UNKNOWN:
        return None


def load() -> list[float] | None:
    """Runnable processes, mean of the last 1, 5 and 15 minutes."""
    try:
        return [float(mean) for mean in psutil.getloadavg()]
    except UNKNOWN:
        return None


def libc() -> str | None:
    """The C library and its version: its exponential and logarithm are part of many a result."""
    try:
        name, version = platform.libc_ver()
    except UNKNOWN:
        return None
    return f"{name} {version}".strip() or None


def blas() -> list[dict[str, Any]]:
    """Linear algebra libraries that this process has loaded, NumPy's at least, with their threads."""
    import numpy as np
    import threadpoolctl

    np.dot(np.ones(2), np.ones(2))
    try:
        pools = threadpoolctl.threadpool_info()
    except UNKNOWN:
        return []
    return [
        {"library": p["internal_api"], "version": p["version"], "threads": p["num_threads"]}
        for p in pools
        if p["user_api"] == "blas"
    ]


def gpu() -> list[str]:
    """Names of the accelerators that NVIDIA's driver knows; empty without one."""
    said = _said("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    return [line.strip() for line in (said or "").splitlines() if line.strip()]


def _said(*words: str) -> str | None:
    """What a program of the system prints; None where it is missing, fails or does not answer."""
    if shutil.which(words[0]) is None:
        return None
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def virtual(root: Path = SYS) -> str | None:
    """The kind of virtual machine this is (``kvm``, ``vmware``, ...); None outside one or unknown."""
    said = (_said("systemd-detect-virt", "--vm") or "").strip()
    if said and said != "none":
        return said
    words = " ".join(
        text_of(root / "class/dmi/id" / name) or "" for name in ("sys_vendor", "product_name")
    ).lower()
    makers = ("kvm", "qemu", "vmware", "virtualbox", "xen", "bochs", "parallels", "bhyve")
    known = {"microsoft corporation virtual": "microsoft", "amazon ec2": "amazon"}
    known |= {maker: maker for maker in makers} | {"google compute engine": "google"}
    return next((kind for mark, kind in known.items() if mark in words), None)


def container(root: Path = SYS / "fs/cgroup", own: Path = PROC / "self/cgroup") -> dict[str, Any]:
    """Cores' worth of time and bytes that a control group allows; None where it sets no limit.

    Limits of every group from this process's own up to the root count, the tightest wins; inside a
    container the own path may not exist below `root`, and then the root is the container's group.
    Both versions of Linux' control groups are read.
    """
    times = [t for d in _groups(root, own, "cpu") if (t := _cpu_limit(d)) is not None]
    sizes = [s for d in _groups(root, own, "memory") if (s := _memory_limit(d)) is not None]
    return {"cpu_limit": min(times, default=None), "memory_limit_bytes": min(sizes, default=None)}


def _groups(root: Path, own: Path, controller: str) -> Iterator[Path]:
    """Folders of the groups that this process is in, in both versions, and of their parents."""
    for line in (text_of(own) or "0::/").splitlines():
        _, controllers, place = ([*line.split(":", 2), "", ""])[:3]
        if controllers and controller not in controllers.split(","):
            continue
        inside = Path(place.lstrip("/"))
        folders = (controllers, controller) if controllers else ("", "unified")
        for base in (root / folder for folder in folders):
            yield from (base / part for part in (inside, *inside.parents))


def _cpu_limit(group: Path) -> float | None:
    """CPU seconds a second: ``cpu.max`` (version 2) or quota over period (version 1)."""
    words = (text_of(group / "cpu.max") or "").split()
    if not words:
        files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        words = [text_of(group / name) or "" for name in files]
    try:
        quota, period = float(words[0]), float(words[1])
    except (ValueError, IndexError):  # "max", or no such file
        return None
    return quota / period if quota > 0 and period > 0 else None


def _memory_limit(group: Path) -> int | None:
    """``memory.max`` (version 2) or ``memory.limit_in_bytes`` (version 1)."""
    said = text_of(group / "memory.max") or text_of(group / "memory.limit_in_bytes") or ""
    return int(said) if said.isdecimal() and int(said) < NO_LIMIT else None
