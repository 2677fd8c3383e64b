"""docs/adding.md works word for word: its files make a package whose problem and method run."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from adbench import registry
from adbench.model import Operator, Outcome, Problem, elsewhere
from adbench.reference.judge import judge
from adbench.reference.truth import certified

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "adding.md").read_text()
FENCE = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files(text: str) -> dict[str, str]:
    """File name -> content, of every fenced block that names a file."""
    return {name: body for _, name, body in FENCE.findall(text) if name}


def commands(text: str) -> list[list[str]]:
    """The words of every line of every shell block."""
    blocks = [body for language, _, body in FENCE.findall(text) if language == "sh"]
    return [shlex.split(line) for body in blocks for line in body.splitlines()]


def install(folder: Path, contents: dict[str, str]) -> dict[str, str]:
    """Write a package, install it beside this environment, and give the variables that show it."""
    for name, body in contents.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    target = folder / "site"
    # The guide's `pip install .`, but into a folder of its own and without a network.
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    where = ("--target", str(target), str(folder / "source"))
    done = subprocess.run(
        [sys.executable, *pip, *where], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT)])}


def adbench(
    environment: dict[str, str], *words: str, cwd: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "adbench", *words],
        env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a process that sees the guide's package installed."""
    pytest.importorskip("hatchling")
    return install(tmp_path_factory.mktemp("guide"), files(GUIDE))


def test_the_guide_names_three_files_and_shows_every_command() -> None:
    assert list(files(GUIDE)) == [
        "pyproject.toml", "adbench_example/cauchy_nll.py", "adbench_example/five_point.py",
    ]  # fmt: skip
    assert {tuple(words[:2]) for words in commands(GUIDE) if words[0] == "adbench"} == {
        ("adbench", "list"), ("adbench", "eval"), ("adbench", "run"), ("adbench", "report"),
    }  # fmt: skip


def test_the_registry_finds_the_guides_problem_and_method(environment: dict[str, str]) -> None:
    program = (
        "from adbench import registry\n"
        "print(registry.problem('cauchy_nll').sizes, registry.method('five-point').mode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(100, 10000) difference"


def test_the_guides_commands_run_in_order(environment: dict[str, str], tmp_path: Path) -> None:
    done = {}
    for words in commands(GUIDE):
        if words[0] != "adbench":
            assert words[0] == "python"
            assert words[1:4] == ["-m", "pip", "install"] or words[1].startswith("benchmarks/")
            continue
        done[" ".join(words[1:])] = process = adbench(environment, *words[1:], cwd=tmp_path)
        assert process.returncode == 0, f"{words}: {process.stdout}{process.stderr}"
    listed = {
        kind: json.loads(done[f"list {kind} --json"].stdout) for kind in ("problems", "methods")
    }
    assert "cauchy_nll" in {row["name"] for row in listed["problems"]}
    assert "five-point" in {row["name"] for row in listed["methods"]}
    evaluated = [json.loads(p.stdout) for line, p in done.items() if line.startswith("eval")]
    assert [answer["outcome"] for answer in evaluated] == ["ok"] * 3
    page = (tmp_path / "example.html").read_text()
    assert "cauchy_nll" in page
    assert "five-point" in page


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "import numpy as np",
            "import nump as np",
            "'cauchy_nll' (adbench_example.cauchy_nll:PROBLEM) of group adbench.problems does not load: "
            "ModuleNotFoundError: No module named 'nump'. Mend or uninstall adbench-example.",
        ),
        ("PROBLEM = Problem(", "PROBLEM = dict(", "it must be an adbench.model.Problem"),
        ('name="cauchy_nll"', 'name="gauss_nll"', "two problems are named 'gauss_nll'"),
    ],
)
def test_a_broken_plugin_is_named_with_a_remedy(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    pytest.importorskip("hatchling")
    broken = {name: body.replace(old, new) for name, body in files(GUIDE).items()}
    assert broken != files(GUIDE)
    done = adbench(install(tmp_path, broken), "list", "problems", cwd=tmp_path)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Problem]:
    """The problems that the guide shows beside its package, as one module."""
    blocks = re.findall(r"^```python run\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    file = tmp_path_factory.mktemp("shown") / "shown_by_the_guide.py"
    file.write_text("\n\n".join(blocks))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {v.name: v for v in vars(module).values() if isinstance(v, Problem)}


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *(
            (n, m)
            for n in ("ricker", "interest", "logarithm")
            for m in ("dual-python", "dual-numpy", "jax-reverse")
        ),
        ("ricker", "numba-manual"),
    ],
)
def test_the_problems_that_the_guide_shows_are_right(
    shown: dict[str, Problem],
    name: str,
    method: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By every operator that they offer, against the certified truth."""
    monkeypatch.setenv("ADBENCH_CACHE", str(tmp_path))
    problem, chosen = shown[name], registry.method(method)
    form = chosen.form(problem)
    if reason := registry.reason_unavailable(chosen):
        pytest.skip(reason)
    assert form is not None
    size = problem.sizes[0]
    point = problem.at(size)
    offered = [o for o in problem.operators if o in chosen.operators]
    if form.gives is not Operator.VALUE:
        offered = [form.gives]
    assert offered
    for operator in offered:
        prepared = chosen.prepare(form, operator, elsewhere(point))
        result = prepared.decode(prepared.call(*prepared.encode(point)))
        if point.pattern is not None and operator is Operator.JACOBIAN:
            result = point.pattern.entries(result)
        verdict = judge(result, certified(problem, size, operator, point))
        assert verdict.outcome is Outcome.OK, verdict.message
