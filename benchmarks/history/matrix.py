"""Versions of tools against each other by asv: one environment for each, read back to be what it says.

    python benchmarks/history/matrix.py run                         # the versions of VERSIONS
    python benchmarks/history/matrix.py run jax=0.9.2 numba=0.67.0 numpy=2.3.5 -- --quick
    python benchmarks/history/matrix.py check                       # versions in the environments

`run` takes the environment of asv.conf.json and, for each version named, the same one with that version
alone changed (not every combination); it has asv run the newest commit in all of them, then checks.
`check` starts each environment's Python and compares what is installed there with what the result files
say: pip may have replaced a version, and a table of versions would then be about something else. What
stands after ``--`` goes to ``asv run``. Results join those of asv.conf.json in .asv/results, so that
`asv publish` draws all of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from asv import util

ROOT = Path(__file__).parents[2]
# A minor release before those of asv.conf.json, of each tool whose compiler is of interest.
VERSIONS = ("jax=0.9.2", "numba=0.67.0")
ASK = (
    "import importlib.metadata as m, json, sys;"
    "print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
)


def base() -> dict[str, Any]:
    """asv.conf.json, without its comments."""
    found: dict[str, Any] = util.load_json(str(ROOT / "asv.conf.json"), js_comments=True)
    return found


def with_versions(config: Mapping[str, Any], named: Sequence[str]) -> dict[str, Any]:
    """The configuration with one more environment for each ``tool=version``.

    Raises
    ------
    SystemExit
        For a tool that the configuration does not pin, and for a text that is no version.
    """
    pins = config["matrix"]["req"]
    more = []
    for text in named:
        tool, _, version = text.partition("=")
        version = version.lstrip("=")
        if not version:
            raise SystemExit(f"'{text}' names no version; write tool=version, as jax=0.9.2")
        if tool not in pins:
            raise SystemExit(f"asv.conf.json has no '{tool}'; it has {', '.join(sorted(pins))}")
        only = {name: versions[0] for name, versions in pins.items()}
        more.append({"python": python(config), "req": {**only, tool: version}})
    places = {
        key: str(ROOT / config[key])
        for key in ("repo", "benchmark_dir", "env_dir", "results_dir", "html_dir")
    }
    return {**config, **places, "include": [*config.get("include", ()), *more]}


def python(config: Mapping[str, Any]) -> str:
    """The Python of the environments: what the configuration names first, or this one."""
    named = config.get("pythons") or [f"{sys.version_info[0]}.{sys.version_info[1]}"]
    return str(named[0])


def environments(folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The Python and the exact pins of each environment that asv has built."""
    for info in sorted(folder.glob("*/asv-env-info.json")):
        asked = json.loads(info.read_text()).get("requirements", {})
        pins = {name.removeprefix("pip+"): v for name, v in asked.items() if v}
        yield info.parent / ("Scripts" if sys.platform == "win32" else "bin") / "python", pins


def differences(interpreter: Path, pins: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Of an environment, name -> (version asked for, version installed) where they differ."""
    done = subprocess.run(
        [str(interpreter), "-c", ASK, *pins], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise SystemExit(f"{interpreter} does not tell its versions: {last}")
    installed = json.loads(done.stdout)
    return {name: (v, installed[name]) for name, v in pins.items() if installed[name] != v}


def check(folder: Path) -> int:
    """Say what each environment holds; 1 when one does not hold what it says."""
    wrong, found = 0, list(environments(folder))
    if not found:
        raise SystemExit(
            f"no environment in {folder}; first: python benchmarks/history/matrix.py run"
        )
    for interpreter, pins in found:
        other = differences(interpreter, pins)
        wrong += bool(other)
        if other:
            said = "; ".join(
                f"{n} {was} asked for, {now} installed" for n, (was, now) in other.items()
            )
        else:
            said = ", ".join(f"{n} {v}" for n, v in sorted(pins.items()))
        sys.stdout.write(f"{interpreter.parents[1].name}: {said}\n")
    return int(wrong > 0)


def run(asked: argparse.Namespace) -> int:
    """Have asv run the newest commit in every environment, then check them."""
    config = with_versions(base(), asked.versions or VERSIONS)
    path = ROOT / "build" / "asv-matrix.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(config, indent=2))
    words = ["--config", str(path), "HEAD^!", *asked.rest]
    code = subprocess.run(["asv", "run", *words], cwd=ROOT, check=False).returncode
    return check(Path(config["env_dir"])) or code


def main(words: Sequence[str] | None = None) -> int:
    """The script."""
    given = list(sys.argv[1:] if words is None else words)
    cut = given.index("--") if "--" in given else len(given)
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("run", help="measure the newest commit with other versions")
    first.add_argument("versions", nargs="*", metavar="TOOL=VERSION")
    first.set_defaults(call=run)
    second = commands.add_parser("check", help="are the versions what the results say?")
    second.set_defaults(call=lambda _: check(ROOT / base()["env_dir"]))
    asked = parser.parse_args(given[:cut])
    asked.rest = given[cut + 1 :]
    return int(asked.call(asked))


if __name__ == "__main__":
    sys.exit(main())
