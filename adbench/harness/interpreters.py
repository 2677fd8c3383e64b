"""Other Pythons in which a tool's methods run: what they are, what they lack, how adbench gets there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from adbench import __version__
from adbench.harness.machine import COMPANIONS
from adbench.model import Method
from adbench.registry import did_you_mean, methods

__all__ = ["Interpreter", "ask", "environment"]

# What the worker itself imports, and the forms of problems.
NEEDED = ("numpy", "scipy", "psutil", "threadpoolctl")
OLDEST = (3, 11)
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Interpreter:
    """A Python as it answered.

    Parameters
    ----------
    path : str
        The program.
    python : str
        Its version.
    lacking : tuple of str
        Modules that were asked for and are not there.
    versions : mapping of str to str
        Of the distributions that were asked for.
    """

    path: str
    python: str
    lacking: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def reason_unavailable(self, method: Method) -> str | None:
        """Why the method cannot run there, with the remedy; None when it can."""
        ours = [name for name in NEEDED if name in self.lacking]
        if ours:
            return (
                f"{self.path} lacks {', '.join(ours)}: {self.path} -m pip install {' '.join(ours)}"
            )
        missing = [name for name in method.requires if name in self.lacking]
        if missing:
            return (
                f"{self.path} lacks {', '.join(missing)}: {self.path} -m pip install {method.tool}"
            )
        return None

    def versions_of(self, method: Method) -> dict[str, str]:
        """Versions that the method's numbers depend on, this Python's among them."""
        return {"adbench": __version__, "python": self.python, **self.versions}

    def as_dict(self) -> dict[str, Any]:
        """For the first line of a result file."""
        return {"path": self.path, "python": self.python, "versions": dict(self.versions)}


def ask(paths: Mapping[str, str]) -> dict[str, Interpreter]:
    """Tool -> its interpreter; each is asked once in the life of this process.

    Raises
    ------
    ValueError
        For an unknown tool, and for a program that is missing, no Python or too old a one.
    """
    return {tool: _asked(tool, path) for tool, path in sorted(paths.items())}


@lru_cache(maxsize=100)
def _asked(tool: str, path: str) -> Interpreter:
    what = f"--python {tool}={path}"
    own = [m for m in methods().values() if m.tool == tool]
    if not own:
        raise ValueError(did_you_mean("tool", tool, {m.tool for m in methods().values()}))
    program = shutil.which(path)
    if program is None:
        raise ValueError(f"{what}: there is no such program; give the path of a Python")
    modules = (*NEEDED, *dict.fromkeys(name for m in own for name in m.requires))
    names = ("numpy", tool, *modules[len(NEEDED) :], *COMPANIONS.get(tool, ()))
    said = _said(what, program, modules, names)
    version = ".".join(map(str, said["python"]))
    if tuple(said["python"]) < OLDEST:
        least = ".".join(map(str, OLDEST))
        raise ValueError(f"{what}: that is Python {version}; adbench needs {least} or newer")
    # a virtual environment is known by the link to its Python, which must not be resolved
    return Interpreter(
        str(Path(program).absolute()), version, tuple(said["lacking"]), said["versions"]
    )  # fmt: skip


def _said(
    what: str, program: str, modules: tuple[str, ...], names: tuple[str, ...]
) -> dict[str, Any]:
    """What the probe answers there."""
    probe = Path(__file__).with_name("probe.py")
    try:
        done = subprocess.run(
            [program, str(probe), ",".join(modules), ",".join(names)],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environment(),
        )  # fmt: skip
        said = json.loads(done.stdout)
        if isinstance(said, dict) and "python" in said:
            return said
        heard = done.stdout
    except (OSError, subprocess.SubprocessError) as error:
        heard = str(error)
    except ValueError:
        heard = done.stderr.strip() or done.stdout
    told = " ".join(heard.split())[-200:]
    raise ValueError(f"{what}: that is no Python that answers ({told or 'it says nothing'})")


def environment() -> dict[str, str]:
    """The environment of this process with adbench, and nothing else of its Python, on the path."""
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(_path())}
    found.pop("PYTHONHOME", None)
    return found


def _path() -> list[str]:
    return [part for part in (_shelf().name, os.environ.get("PYTHONPATH")) if part]


@lru_cache(maxsize=1)
def _shelf() -> tempfile.TemporaryDirectory[str]:
    """A folder that holds the package alone, until this process ends.

    The folder that the package is in may be this Python's own, with modules compiled for it.
    """
    shelf = tempfile.TemporaryDirectory(prefix="adbench-path-")
    package = Path(__file__).resolve().parents[1]
    place = Path(shelf.name) / package.name
    try:
        place.symlink_to(package, target_is_directory=True)
    except OSError:  # Windows, without the right to make links
        shutil.copytree(package, place)
    return shelf
