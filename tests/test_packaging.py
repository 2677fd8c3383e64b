"""What pip installs: the wheel's files, and what each extra promises."""

import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from adbench import __version__, registry

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def distributions(extra: str) -> set[str]:
    """Names of the distributions of an extra, references to other extras followed."""
    found: set[str] = set()
    for requirement in EXTRAS[extra]:
        nested = re.fullmatch(r"autodiff-bench\[([\w,-]+)\]", requirement)
        if nested:
            found |= {d for name in nested[1].split(",") for d in distributions(name)}
        else:
            found.add(re.match(r"[\w-]+", requirement)[0])  # type: ignore[index]
    return found


def test_the_default_install_has_no_tool_but_an_older_scipy() -> None:
    """The extra asks for a SciPy that has scipy.differentiate."""
    default = {re.match(r"[\w-]+", d)[0] for d in PROJECT["dependencies"]}  # type: ignore[index]
    tools = distributions("all") | distributions("torch") | distributions("tensorflow")
    assert default & tools == {"scipy"}
    assert EXTRAS["scipy"] == ["scipy>=1.15"]


def test_all_holds_every_extra_but_the_large_ones() -> None:
    light = set(EXTRAS) - {"torch", "tensorflow", "enzyme-ad", "all"}
    assert distributions("all") == set().union(*map(distributions, light))
    assert distributions("all") & {"torch", "tensorflow-cpu", "tensorflow", "enzyme-ad"} == set()


def test_core_is_the_five_headline_tools() -> None:
    compilers_of_sympy = {"cython", "setuptools"}
    tools = {"jax", "numba", "autograd", "sympy", "iminuit"}
    assert distributions("core") == tools | compilers_of_sympy


def test_torch_is_pinned_in_one_place() -> None:
    pinned = [
        path.relative_to(ROOT).as_posix()
        for path in [*ROOT.glob("*.toml"), *ROOT.glob("*.py"), *ROOT.glob("*.json"),
                     *ROOT.glob("constraints/*"), ROOT / ".ci" / "run"]
        if re.search(r"torch\s*==", path.read_text())
    ]  # fmt: skip
    assert pinned == ["constraints/dev.txt"]


def test_a_method_that_needs_a_tool_names_an_extra_that_installs_it() -> None:
    """The remedy that is printed where the tool is missing works."""
    for method in (m for m in registry.methods().values() if m.requires):
        reason = registry.reason_unavailable(replace(method, requires=("no_such_module",)))
        assert reason is not None
        named = re.search(r"pip install 'autodiff-bench\[([\w-]+)\]'", reason)
        assert named is not None, reason
        assert named[1] in EXTRAS, f"{method.name}: no extra '{named[1]}'"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    pip = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    done = subprocess.run(
        [sys.executable, *pip, "-w", str(folder), str(ROOT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "adbench").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files == {name for name in wheel.namelist() if ".dist-info/" not in name}


def test_the_wheel_says_version_command_and_licence(wheel: zipfile.ZipFile) -> None:
    info = f"autodiff_bench-{__version__}.dist-info"
    assert "adbench = adbench.cli:main" in wheel.read(f"{info}/entry_points.txt").decode()
    assert "Requires-Python: >=3.11" in wheel.read(f"{info}/METADATA").decode()
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
