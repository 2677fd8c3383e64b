"""What to use, counted from decided comparisons: groups of variables, numbers of calls, exact or approximate."""

import math

import pytest
import synthetic

from adbench.report import render, write
from adbench.report.counsel import (
    CALLS,
    STRESSES,
    by_calls,
    by_digits,
    by_sizes,
    by_stresses,
    by_variables,
)
from adbench.report.facts import gather


def facts(**more):
    (part,) = gather([synthetic.run(**{"repeats": 5, **more})]).parts
    return part


def test_wins_are_counted_by_number_of_variables_and_points_are_none():
    found = by_variables(facts())
    rows = {row for line in found for row in line["rows"]}
    assert "logistic_map[1]/derivative" not in rows
    assert "rosenbrock[10]/gradient" in next(x for x in found if x["when"] == "10")["rows"]
    decided = [d for d in facts().duels if d.row in rows]
    for line in found:
        here = [d for d in decided if d.row in line["rows"]]
        assert line["second"] == sum(d.winner == "second" for d in here)
        assert line["first"] + line["second"] + line["open"] == len(here)
    assert {x["answer"] for x in found} <= {"Numba", "mostly Numba", "depends on the problem"}


def test_nothing_is_said_where_most_is_open():
    part = facts(repeats=1)
    assert by_variables(part) == []
    page = render([synthetic.run(repeats=1)])
    assert "By the number of variables" not in page


def test_the_sides_change_with_the_number_of_calls():
    """JAX starts sooner in the model and Numba calls faster: each is named at its end."""
    part = facts(failures=False)
    found = by_calls(part)
    assert len(found) == len(CALLS)
    assert found[0]["when"] == "once"
    assert found[0]["answer"] == "JAX"
    assert found[-1]["answer"] in ("Numba", "mostly Numba")
    table = part.starts.set_index("row")
    for line, calls in zip(found, CALLS, strict=True):
        expected = 0
        for row in line["rows"]:
            x = table.loc[row]
            open_ = not math.isnan(x["calls"]) and x["calls_low"] <= calls <= x["calls_high"]
            first, second = (x[f"{s}_start_s"] + (calls - 1) * x[f"{s}_s"] for s in ("first", "second"))  # fmt: skip
            expected += not open_ and second < first
        assert line["second"] == expected


def test_exact_and_approximate_are_compared_row_by_row():
    part = facts(failures=False)
    (line,) = by_digits(part)
    table = part.summary[part.summary["operator"] != "value"]
    slower = 0
    for _, group in table.groupby("row"):
        loose = group["mode"] == "difference"
        slower += group[loose]["time_s"].min() > group[~loose]["time_s"].min()
    assert (line["of"], line["slower"]) == (len(line["rows"]), slower)
    assert float(line["exact"]) > 15.0 > 11.0 > float(line["other"])
    assert by_digits(facts(tools=["jax"])) == []


def test_the_page_says_it_with_names_of_the_pair():
    text = render([synthetic.run(repeats=5)])
    advice = text.split('id="advice"')[1].split("</section>")[0]
    assert "What should you use?" in advice
    assert "once" in advice
    assert ">JAX<" in advice
    other = render([synthetic.run(repeats=5)], "numba-dual,numba-central")
    assert "numba-dual" in other.split('id="advice"')[1].split("</section>")[0]


@pytest.mark.parametrize("tools", [["numpy"], []])
def test_without_a_pair_there_is_no_advice_about_it(tools):
    part = facts(tools=tools)
    assert by_variables(part) == []
    assert by_calls(part) == []


def test_wins_are_counted_by_what_functions_are_made_of():
    stresses = {
        "gauss_nll": {"sum-over-data", "sparse"}, "histogram_nll": {"sum-over-data", "special-functions"},
        "rosenbrock": {"many-variables"}, "elsewhere": {"branches"},
    }  # fmt: skip
    (part,) = gather([synthetic.run(repeats=5, failures=False)], stresses=stresses).parts
    found = {line["when"]: line for line in by_stresses(part)}
    sums, special, none = (STRESSES[word] for word in ("sum-over-data", "special-functions", ""))
    assert list(found) == [sums, special, none]
    problems = {when: {row.partition("[")[0] for row in x["rows"]} for when, x in found.items()}
    assert problems == {sums: {"gauss_nll", "histogram_nll"}, special: {"histogram_nll"}, none: {"rosenbrock"}}  # fmt: skip
    for line in found.values():
        here = [d for d in part.duels if d.row in line["rows"]]
        assert line["first"] == sum(d.winner == "first" for d in here)
        assert line["second"] == sum(d.winner == "second" for d in here)
        assert line["first"] + line["second"] + line["open"] == len(here)


def test_one_kind_of_function_is_no_advice():
    assert by_stresses(facts()) == []
    words = {
        name: {"branches"} for name in ("gauss_nll", "histogram_nll", "rosenbrock", "logistic_map")
    }
    (part,) = gather([synthetic.run(repeats=5)], stresses=words).parts
    assert by_stresses(part) == []


def test_the_page_says_what_functions_are_made_of(tmp_path):
    out = tmp_path / "page.html"
    words = {"gauss_nll": ["sum-over-data"], "rosenbrock": []}
    write([synthetic.run(repeats=5)], out, stresses=words)
    text = out.read_text(encoding="utf-8")
    assert "By what the function is made of" in text
    assert STRESSES["sum-over-data"] in text


def test_wins_are_counted_at_both_ends_of_the_sizes():
    part = facts(failures=False)
    small, large = by_sizes(part)
    assert {row.partition("/")[0] for row in small["rows"]} == {
        "gauss_nll[100]",
        "histogram_nll[100]",
        "rosenbrock[2]",
    }
    assert {row.partition("/")[0] for row in large["rows"]} == {
        "gauss_nll[10000]",
        "histogram_nll[1000]",
        "rosenbrock[10]",
    }
    for line in (small, large):
        here = [d for d in part.duels if d.row in line["rows"]]
        assert (line["first"], line["second"]) == tuple(
            sum(d.winner == s for d in here) for s in ("first", "second")
        )
        assert line["open"] == sum(d.winner is None for d in here)
    one = synthetic.run(repeats=5, rows=[row for row in synthetic.ROWS if row[1] in ("1", "2")])
    assert by_sizes(gather([one]).parts[0]) == []
