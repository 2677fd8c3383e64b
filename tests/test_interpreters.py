"""Tools whose methods run in another Python: asked once, recorded, and refused with a sentence."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from adbench import registry
from adbench.harness import interpreters, plan
from adbench.harness.header import Settings
from adbench.harness.interpreters import ask
from adbench.harness.plan import Stage
from adbench.harness.run import Campaign, _Visit
from adbench.harness.store import load
from adbench.model import Outcome

pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes shell scripts")

METHOD = """
from adbench.model import Method, Operator, Prepared

def prepare(form, operator, point):
    from elsewhere_tool import gradient
    return Prepared(gradient, lambda p: (p.fresh()[0],), lambda r: r)

METHODS = [Method("elsewhere-hand", "a tool of another Python", "elsewhere", "manual", ("array",),
                  (Operator.GRADIENT,), prepare, requires=("elsewhere_tool",))]
"""
TOOL = """
import numpy as np

def gradient(x):
    result = np.zeros_like(x)
    a = x[1:] - x[:-1] ** 2
    result[:-1] += -400.0 * x[:-1] * a - 2.0 * (1.0 - x[:-1])
    result[1:] += 200.0 * a
    return result
"""


def script(path: Path, *lines: str) -> str:
    """An executable shell script."""
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(0o755)
    return str(path)


def distribution(folder: Path, name: str, version: str, **files: str) -> None:
    """An installed distribution: modules, and metadata beside them."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file, text in files.items():
        where = info / "entry_points.txt" if file == "entry" else folder / f"{file}.py"
        where.write_text(text)


def measured(path: Path, plugin: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = ("run", "rosenbrock[10]/gradient/elsewhere-hand", "--out", str(path), *options)
    return subprocess.run(
        [sys.executable, "-m", "adbench", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(plugin), str(Path.cwd())))},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def test_a_tool_of_another_python_is_measured_there(tmp_path: Path) -> None:
    """It is not installed here; its version and its Python's stand in the file."""
    plugin, only = tmp_path / "plugin", tmp_path / "only"
    entry = "[adbench.methods]\nelsewhere = elsewhere_method:METHODS\n"
    distribution(plugin, "elsewhere_plugin", "1.0", elsewhere_method=METHOD, entry=entry)
    distribution(only, "elsewhere", "3.1", elsewhere_tool=TOOL)
    other = script(
        tmp_path / "python", f'PYTHONPATH="$PYTHONPATH:{only}" exec "{sys.executable}" "$@"'
    )
    here = measured(tmp_path / "here.jsonl", plugin)
    assert here.returncode == 0, here.stderr
    assert [r["outcome"] for r in load(tmp_path / "here.jsonl").results] == ["unavailable"]

    there = measured(tmp_path / "there.jsonl", plugin, "--python", f"elsewhere={other}")
    assert there.returncode == 0, there.stderr
    run = load(tmp_path / "there.jsonl")
    (result,) = run.results
    assert result["outcome"] == "ok", result["message"]
    python = ".".join(map(str, sys.version_info[:3]))
    assert (result["versions"]["elsewhere"], result["versions"]["python"]) == ("3.1", python)
    found = run.header["interpreters"]["elsewhere"]
    assert (found["path"], found["python"], found["versions"]["elsewhere"]) == (
        other, python, "3.1"
    )  # fmt: skip

    again = measured(tmp_path / "there.jsonl", plugin)
    assert again.returncode == 2
    assert "was begun with another interpreters" in again.stderr


def test_a_python_is_asked_for_its_version_and_what_it_has() -> None:
    found = ask({"numpy": sys.executable})["numpy"]
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.versions["numpy"] == registry_version("numpy")
    assert found.reason_unavailable(registry.method("numpy-central")) is None


def registry_version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("""echo '{"python": [3, 10, 2]}'""", "that is Python 3.10.2; adbench needs 3.11 or newer"),
        ("echo hello", r"that is no Python that answers \(hello\)"),
        ("echo 'no such file' >&2; exit 3", r"no Python that answers \(no such file\)"),
        ("exit 0", r"no Python that answers \(it says nothing\)"),
        ("echo '[1, 2]'", "no Python that answers"),
    ],
)
def test_what_is_no_python_for_us_is_refused(tmp_path: Path, answer: str, words: str) -> None:
    path = script(tmp_path / "python", answer)
    with pytest.raises(ValueError, match=f"--python numpy={path}: .*{words}"):
        ask({"numpy": path})


def test_unknown_tools_and_programs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no tool 'nunpy'; did you mean 'numpy'"):
        ask({"nunpy": sys.executable})
    with pytest.raises(ValueError, match="there is no such program; give the path of a Python"):
        ask({"numpy": str(tmp_path / "nothing")})


def poor(tmp_path: Path, *lacking: str) -> str:
    """A Python that lacks modules."""
    said = {"python": [3, 12, 1], "lacking": lacking, "versions": {"numpy": "2.0"}}
    return script(tmp_path / "python", f"echo '{json.dumps(said)}'")


class Silent:
    def total(self, cells: int) -> None: ...

    def case(self, name: str) -> None: ...

    def done(self, line: dict[str, object]) -> None: ...

    def note(self, message: str) -> None: ...


def campaign(settings: Settings) -> Campaign:
    from test_run import Sink

    chosen = plan.preset("quick")
    rows = plan.rows(chosen, ("rosenbrock[2]/gradient/{numpy-central,numba-dual,jax-reverse}",))
    return Campaign(rows, chosen, Sink(), Silent(), random.Random(0), settings)


def test_what_a_python_lacks_makes_the_tool_unavailable_with_the_remedy(tmp_path: Path) -> None:
    """Whatever is installed here."""
    path = poor(tmp_path, "psutil", "threadpoolctl")
    c = campaign(Settings(pythons={"numpy": path}))
    numpy, row = registry.method("numpy-central"), c.rows[0]
    assert plan.decided(row, numpy) is None
    outcome, why = plan.decided(row, numpy, c.missing) or (None, "")
    assert outcome is Outcome.UNAVAILABLE
    assert why == f"{path} lacks psutil, threadpoolctl: {path} -m pip install psutil threadpoolctl"
    assert c.versions_of(numpy)["python"] == "3.12.1"


def test_a_missing_tool_is_named_with_its_distribution(tmp_path: Path) -> None:
    path = poor(tmp_path, "numba")
    found = ask({"numba": path})["numba"]
    why = found.reason_unavailable(registry.method("numba-dual"))
    assert why == f"{path} lacks numba: {path} -m pip install numba"


def test_only_the_tools_workers_use_the_other_python() -> None:
    """In the design with a process for a row, they do not share it."""
    c = campaign(Settings(pythons={"numba": sys.executable}, workers="row"))
    visit = _Visit(c, Stage(0, True))
    (row,) = {r.id: r for r in c.rows}.values()
    cells = {m.name: visit._cell(row, m, False) for m in row.methods}
    assert not cells["numba-dual"].shared
    assert cells["jax-reverse"].shared
    assert cells["numba-dual"].worker is not cells["jax-reverse"].worker
    there = cells["numba-dual"].worker
    assert there.python == str(Path(sys.executable).absolute())
    first = there.environment["PYTHONPATH"].split(os.pathsep)[0]
    assert [p.name for p in Path(first).iterdir()] == ["adbench"]
    assert there.environment["OMP_NUM_THREADS"] == "1"


def test_the_path_leads_to_adbench_alone() -> None:
    """The folder that holds the package may hold modules compiled for this Python."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import adbench; print(adbench.__path__[0])"],
        env=interpreters.environment() | {"PYTHONPATH": interpreters._shelf().name},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(done.stdout.strip()).resolve() == Path(interpreters.__file__).parents[1].resolve()
