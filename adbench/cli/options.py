"""The options of ``adbench run``: what they are called, what they take, what their help says."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Budget",
    "Cluster",
    "Device",
    "Externals",
    "Fresh",
    "InDevice",
    "InThreads",
    "InWorkers",
    "MemoryLimit",
    "OutFile",
    "Preset",
    "Pythons",
    "Seed",
    "TimeLimit",
    "WarmStart",
    "Workers",
    "pythons_of",
    "thread_count",
]  # fmt: skip


class Device(StrEnum):
    """Where JAX computes."""

    CPU = "cpu"
    GPU = "gpu"
    TPU = "tpu"


class Workers(StrEnum):
    """Which methods share a process."""

    METHOD = "method"
    ROW = "row"


Preset = Annotated[
    str,
    typer.Option(
        help="How much to measure: quick (the answer in minutes), smoke (everything once, for CI), "
        "standard (figures to cite), full (long cases too)."
    ),
]
OutFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Result file; one that exists is continued. Default: "
        "reports/DATE-MACHINE-PRESET/results.jsonl.",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Begin the result file anew.")]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Time to spend, such as 90s, 10m or 1h, instead of the preset's; it goes where the "
        "comparison is still undecided.",
    ),
]
InThreads = Annotated[
    str,
    typer.Option(
        metavar="N|default",
        help="1: every method on one core, the headline. N: on the same N cores, N threads a library. "
        "default: what each tool takes by itself. Each a result set of its own, never in one file.",
    ),
]
InWorkers = Annotated[
    Workers,
    typer.Option(
        help="method: a process for each method. row: one for all JAX and Numba methods of a row, "
        "which share its memory layout and its fate."
    ),
]
InDevice = Annotated[
    Device,
    typer.Option(help="Where JAX computes; the other tools stay on the CPU. Two result sets."),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Measure on the hosts of a Dask cluster: tcp://host:8786, or local[2] to try it.",
    ),
]
Pythons = Annotated[
    list[str] | None,
    typer.Option(
        "--python",
        metavar="TOOL=PATH",
        help="Run the methods of this tool in another Python, such as "
        "'tensorflow=/home/me/tf/bin/python'; may be repeated.",
    ),
]
Externals = Annotated[
    list[str] | None,
    typer.Option(
        "--external",
        metavar="NAME=COMMAND",
        help="A program in any language as one more method, over JSON lines on its standard input and "
        "output (docs/external.md), such as 'mytool=./mytool --fast'; repeatable. It times itself.",
    ),
]
WarmStart = Annotated[
    bool,
    typer.Option(
        "--warm-start",
        help="Time starts with an empty and with a filled cache of compiled code on disk too (JAX, "
        "PyTorch, PyTensor): two more processes a case.",
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of the random order of measurements.")]
TimeLimit = Annotated[
    float | None,
    typer.Option(help="Seconds a case may take in one process, instead of the preset's."),
]
MemoryLimit = Annotated[
    float | None, typer.Option(help="Resident GB a case may use, instead of the preset's.")
]


def thread_count(text: str) -> int | None:
    """The number of threads that ``--threads`` asks for; None for ``default``.

    Raises
    ------
    ValueError
        For another text, zero included.
    """
    if text == "default":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(
            f"--threads '{text}': give a number of cores, such as 1 or 4, or 'default' for each "
            "library's own"
        )
    return int(text)


def pythons_of(texts: Sequence[str]) -> dict[str, str]:
    """Tool -> path, of ``--python TOOL=PATH`` as often as it was given.

    Raises
    ------
    ValueError
        For a text without a tool or a path, and for a tool that is named twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        tool, _, path = text.partition("=")
        if not tool or not path:
            raise ValueError(
                f"--python '{text}': give a tool and the path of a Python, such as "
                "'tensorflow=/home/me/tf/bin/python'"
            )
        if tool in found:
            raise ValueError(f"--python names '{tool}' twice; one Python a tool")
        found[tool] = path
    return found
