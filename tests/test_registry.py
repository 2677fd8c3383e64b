"""The registry finds what the folders hold, under unique names, and helps with a mistyped one."""

import importlib
import importlib.metadata
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import adbench
from adbench import registry
from adbench.model import Method, Problem, UnknownNameError

FOLDER = Path(adbench.__file__).parent


def files(room: str) -> set[str]:
    return {p.stem for p in (FOLDER / room).glob("*.py") if not p.stem.startswith("_")}


def test_each_file_in_problems_is_one_problem_of_its_name() -> None:
    assert files("problems") <= set(registry.problems())
    for name, problem in registry.problems().items():
        assert problem.name == name


def test_each_file_in_methods_offers_methods_named_by_their_keys() -> None:
    for stem in files("methods"):
        module = importlib.import_module(f"adbench.methods.{stem}")
        assert {m.name for m in module.METHODS} <= set(registry.methods())
    for name, method in registry.methods().items():
        assert method.name == name


def test_the_issues_methods_are_there() -> None:
    expected = {
        "autograd-reverse", "jax-forward", "jax-reverse", "jax-reverse-default", "jax-hessian",
        "sympy-numpy",
    }  # fmt: skip
    assert expected <= set(registry.methods())


def test_summaries_are_one_line() -> None:
    for summary in (
        *(p.summary for p in registry.problems().values()),
        *(m.summary for m in registry.methods().values()),
    ):
        assert summary
        assert "\n" not in summary


@pytest.mark.parametrize(
    ("kind", "typed", "meant"),
    [
        ("method", "jax-revrse", "jax-reverse"),
        ("method", "autograd", "autograd-reverse"),
        ("problem", "rosenbrok", "rosenbrock"),
        ("problem", "gaus_nll", "gauss_nll"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_nearest(kind: str, typed: str, meant: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        getattr(registry, kind)(typed)
    assert str(caught.value) == f"no {kind} '{typed}'; did you mean '{meant}'?"


def test_a_name_like_no_other_is_answered_with_all() -> None:
    with pytest.raises(UnknownNameError, match=r"known: ba, .*gauss_nll, gmm, .*histogram_nll"):
        registry.problem("zzz")


@given(
    st.text("abcdefghijklmnopqrstuvwxyz-_0123456789", max_size=30).filter(
        lambda name: name not in registry.methods()
    )
)
def test_any_unknown_name_is_named_in_the_answer(name: str) -> None:
    with pytest.raises(UnknownNameError, match=f"no method '{name}'; (did you mean|known)"):
        registry.method(name)


def test_two_things_of_one_name_are_refused() -> None:
    method = registry.method("jax-reverse")
    with pytest.raises(UnknownNameError, match="two methods are named 'jax-reverse'"):
        registry._by_name("method", Method, [method, method])


def test_a_thing_of_another_kind_is_refused() -> None:
    method = registry.method("jax-reverse")
    with pytest.raises(UnknownNameError, match=r"must be an adbench\.model\.Problem"):
        registry._by_name("problem", Problem, [method])


def test_a_missing_tool_is_explained_with_a_remedy() -> None:
    method = registry.method("jax-reverse")
    absent = type(method)(**{**vars(method), "requires": ("json", "no_such_module")})
    assert registry.reason_unavailable(absent) == (
        "needs no_such_module: pip install 'autodiff-bench[jax]'"
    )
    present = type(method)(**{**vars(method), "requires": ("json",)})
    assert registry.reason_unavailable(present) is None


def test_an_older_package_that_lacks_a_module_is_named_with_its_version() -> None:
    """What is asked of a package may be newer than the package that is there."""
    method = registry.method("scipy-differentiate")
    older = replace(method, requires=("scipy.no_such_module",))
    version = importlib.metadata.version("scipy")
    assert registry.reason_unavailable(older) == (
        f"needs scipy.no_such_module, which scipy {version} lacks: pip install 'autodiff-bench[scipy]'"
    )
    nowhere = replace(method, requires=("no_such_package.part",))
    assert str(registry.reason_unavailable(nowhere)).startswith("needs no_such_package.part: pip")


def test_listing_everything_imports_no_tool() -> None:
    """Also whether a tool is installed is found without importing it."""
    program = (
        "import json, sys\n"
        "from adbench import registry\n"
        "registry.problems()\n"
        "[registry.reason_unavailable(m) for m in registry.methods().values()]\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stdout))
    assert "adbench" in loaded
    tools = {"jax", "jaxlib", "numba", "llvmlite", "autograd", "sympy", "torch", "tensorflow"}
    assert loaded & tools == set()
