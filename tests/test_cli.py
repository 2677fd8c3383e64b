"""The command line: what it prints, how it fails."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adbench import registry
from adbench.cli import app

runner = CliRunner()


def invoke(*words: str):
    return runner.invoke(app, list(words))


@pytest.mark.parametrize("what", ["problems", "methods", "cases"])
def test_lists_as_json_are_lists_of_named_objects(what: str) -> None:
    done = invoke("list", what, "--json")
    assert done.exit_code == 0
    listed = json.loads(done.stdout)
    assert listed
    assert all(("name" in o) or ("id" in o) for o in listed)


def test_every_method_is_listed_with_whether_it_can_run() -> None:
    listed = json.loads(invoke("list", "methods", "--json").stdout)
    assert {m["name"] for m in listed} == set(registry.methods())
    for m in listed:
        assert m["available"] == (m["reason"] is None)


def test_lists_take_filters() -> None:
    listed = json.loads(invoke("list", "methods", "numpy-*", "--json").stdout)
    assert [m["name"] for m in listed] == ["numpy-central", "numpy-forward"]
    assert "rosenbrock[10]/gradient/numpy-central" in invoke("list", "cases", "rosenbrock").stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("list", "methods", "jax-revrse"), "did you mean 'jax-reverse'"),
        (("run", "rosenbrok"), "did you mean 'rosenbrock'"),
        (("run", "--preset", "quik"), "did you mean 'quick'"),
        (("eval", "rosenbrock[10]/gradient/jax-revrse"), "did you mean 'jax-reverse'"),
        (("eval", "rosenbrok[10]/gradient/jax-reverse"), "did you mean 'rosenbrock'"),
        (("eval", "rosenbrock[10]/gradiant/jax-reverse"), "did you mean 'gradient'"),
        (("eval", "rosenbrock"), "is no case id"),
        (("report", "nowhere.jsonl"), "no result file 'nowhere.jsonl'"),
        (("run", "rosenbrock", "--time-limit", "-1"), "time limit"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest_and_exit_code_2(
    words: tuple[str, ...], hint: str
) -> None:
    done = invoke(*words)
    assert done.exit_code == 2
    assert hint in done.stderr
    assert "Traceback" not in done.output


def test_eval_prints_one_object_with_the_documented_keys() -> None:
    done = invoke("eval", "gauss_nll[100]/gradient/dual-python", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    expected = {
        "case", "outcome", "x", "result", "reference", "error_rel", "error_ulp", "versions",
    }  # fmt: skip
    assert expected <= found.keys()
    assert found["outcome"] == "ok"
    assert found["x"] == [1.2, -0.2]
    assert [float(r) for r in found["reference"]] == pytest.approx(found["result"], rel=1e-12)
    assert all(len(r.strip("-").replace(".", "")) >= 25 for r in found["reference"])


def test_eval_at_another_point(tmp_path: Path) -> None:
    """--at gives x; the reference is certified there, not at the standard point."""
    at = tmp_path / "x.json"
    at.write_text("[0.5, 2.0]")
    done = invoke("eval", "rosenbrock[2]/gradient/numpy-central", "--at", str(at), "--json")
    found = json.loads(done.stdout)
    assert found["outcome"] == "ok"
    assert [float(r) for r in found["reference"]] == [-351.0, 350.0]
    assert found["error_rel"] < 1e-7


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[1, 2, 3]", "has 2 variables"),
        ("{}", "list of finite numbers"),
        ("[1, NaN]", "finite"),
        ("[1,", "not JSON"),
        ("[1, 1e400, 2]", "finite"),
    ],
)
def test_eval_refuses_bad_points(tmp_path: Path, text: str, hint: str) -> None:
    at = tmp_path / "x.json"
    at.write_text(text)
    done = invoke("eval", "rosenbrock[2]/gradient/numpy-central", "--at", str(at))
    assert done.exit_code == 2
    assert hint in done.stderr


@pytest.mark.parametrize(
    ("case", "hint"),
    [
        ("rosenbrock[0]/gradient/numpy-central", "between 1 and ten times the largest"),
        ("rosenbrock[10x10]/gradient/numpy-central", "have 1 part"),
        ("gauss_nll[99999999999999]/gradient/numpy-central", "standard: 100, 10000"),
        ("rosenbrock[1000]/hessian/numpy-central", "up to 100 variables"),
    ],
)
def test_eval_refuses_sizes_that_a_problem_has_not(case: str, hint: str) -> None:
    done = invoke("eval", case)
    assert done.exit_code == 2
    assert hint in done.stderr


def test_eval_of_what_a_method_does_not_offer_is_an_outcome() -> None:
    done = invoke("eval", "rosenbrock[2]/hessian/complex-step", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["outcome"] == "unsupported"
    assert "does not offer hessian" in found["message"]
    assert found["result"] is None
    assert found["reference"] is None


def test_help_names_every_command() -> None:
    text = invoke("--help").stdout
    for command in ("list", "run", "report", "eval"):
        assert command in text
    assert invoke("--version").stdout.startswith("adbench ")
