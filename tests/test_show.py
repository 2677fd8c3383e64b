"""``adbench show``: what stands behind a case, from its beginning to the whole of it."""

import json

import pytest
import synthetic
from typer.testing import CliRunner

from adbench import cli, registry
from adbench.cli.show import parsed
from adbench.harness import store
from adbench.model import UnknownNameError
from adbench.reference.truth import certified


def shown(*words):
    done = CliRunner().invoke(cli.app, ["show", *words])
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("kepler", "kepler[1]"),
        ("gmm[10x5]", "gmm[10x5]"),
        ("gauss_nll/gradient", "gauss_nll[100]/gradient"),
        ("gauss_nll[10000]/hessian/dual-python", "gauss_nll[10000]/hessian/dual-python"),
    ],
)
def test_a_beginning_of_a_case_is_enough(text, whole):
    assert parsed(text).id == whole


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gaus_nll", "did you mean 'gauss_nll'"),
        ("gauss_nll[7]", "no standard size '7'; it has 100, 10000"),
        ("gauss_nll/jacobian", "no operator 'jacobian'; it has "),
        ("gauss_nll/gradient/jax", "no method 'jax'"),
        ("gauss_nll/gradient/jax-reverse/more", "too many parts"),
        ("gauss_nll/gradient/jax-*", "is a pattern; show takes one case"),
    ],
)
def test_what_names_no_case_is_refused_with_what_there_is(text, words):
    with pytest.raises(UnknownNameError, match=words.replace("[", r"\[")):
        parsed(text)
    done = CliRunner().invoke(cli.app, ["show", text])
    assert done.exit_code == 2
    assert "error:" in done.stderr


def test_all_of_a_case_stands_there(tmp_path):
    header, lines = synthetic.run(repeats=2)
    file = tmp_path / "results.jsonl"
    with store.Store.open(file, header) as kept:
        for line in lines:
            kept.append(line)
    case = "gauss_nll[100]/gradient/dual-python"
    found = json.loads(shown(case, "--from", str(file), "--json"))
    problem = registry.problem("gauss_nll")
    truth = certified(problem, 100, parsed(case).operator, problem.at(100))
    assert found["reference"]["value"] == list(truth.decimals())
    assert found["text"]["hash"] == registry.method("dual-python").form(problem).hash
    assert [i["shape"] for i in found["inputs"]] == [[2], [100]]
    assert "Negative log-likelihood" in found["problem"]["formula"]
    assert found["method"]["offers"] is True
    (line,) = found["results"]
    assert (line["case"], line["outcome"], line["processes"]) == (case, "ok", 1)
    assert line["time_s"] > 0
    text = shown(case, "--from", str(file))
    for words in (truth.decimals()[0], "def scalar", "in ball arithmetic", "Results in", "dual-python"):  # fmt: skip
        assert words in text


def test_without_results_it_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = shown("saddle/gradient/dual-python")
    assert "No results yet. Measure: adbench run 'saddle[2]/gradient/dual-python'" in text


def test_of_a_large_result_some_certified_numbers_are_shown():
    found = json.loads(shown("rosenbrock[10000]/gradient", "--json"))
    assert found["method"] is None
    assert found["reference"]["certified"] == 10_000
    assert len(found["reference"]["value"]) == 6
    assert found["text"]["form"] == registry.problem("rosenbrock").reference.name


def test_a_method_that_reads_no_form_or_is_not_installed_says_so(monkeypatch):
    method, problem = next(
        (m, p)
        for p in registry.problems().values()
        for m in registry.methods().values()
        if m.form(p) is None
    )
    case = f"{problem.name}/value/{method.name}"
    assert f"{method.name} reads no form of {problem.name}." in shown(case)
    monkeypatch.setattr(registry, "reason_unavailable", lambda m: f"{m.name} is away")
    found = json.loads(shown(case, "--json"))
    assert found["text"] is None
    assert found["method"]["missing"] == f"{method.name} is away"
    assert found["method"]["versions"] == {}
