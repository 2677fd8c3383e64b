"""What a text asks of a tool is counted right, and what is shipped was counted on the present texts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from adbench import registry
from adbench.cli import app
from adbench.model import Form, Operator, Pattern, Point, Problem, size_text
from adbench.reference import traits
from adbench.reference.traits import Traits, count, words

RECOUNTED = 30_000
PROBLEMS = registry.problems()
SIZES = [
    pytest.param(problem, size, id=f"{problem.name}[{size_text(size)}]")
    for problem in PROBLEMS.values()
    for size in problem.sizes
]
KEPT = traits.shipped()
CHEAP = [
    p
    for p in SIZES
    if KEPT.get(p.values[0].name, {}).get("sizes", {}).get(size_text(p.values[1]), {}).get("operations", 0)
    <= RECOUNTED
]  # fmt: skip


def counted(build: Any, x: Any, *data: Any, outputs: int | None = None) -> Traits:
    return count(Form("scalar", build), Point(np.array(x, dtype=float), data, outputs=outputs))


# ----------------------------------------------------------------------------- small texts, by hand


def product(m: Any) -> Any:
    return lambda x: m.exp(x[0]) * x[1] + 2.0 * x[2]


def test_operations_and_the_longest_chain():
    """exp, *, *, +: of which exp, * and + need one another."""
    assert counted(product, [0.1, 0.2, 0.3]) == Traits(
        variables=3, outputs=1, points=1, operations=4, chain=3, loop=1,
        functions=("exp",), branches=False,
    )  # fmt: skip


def constants(m: Any) -> Any:
    def f(x, a):
        scale = m.exp(a[0]) * 3.0 + a[1] / a[0]
        return -x[0] * scale + abs(x[1]) ** 2.0 - +x[0]

    return f


def test_only_what_depends_on_variables_counts():
    """Not exp, *, + and / of data; -, *, abs, **, + and - of variables do, a plain plus does not."""
    found = counted(constants, [1.0, 2.0], np.array([0.5, 1.5]))
    assert (found.operations, found.chain, found.functions) == (6, 4, ("abs",))


def reflected(m: Any) -> Any:
    return lambda x: 1.0 + (2.0 - (3.0 * (4.0 / (5.0 ** x[0]))))


def test_a_number_in_front_is_an_operation_too():
    found = counted(reflected, [1.0])
    assert (found.operations, found.chain) == (5, 5)


def looped(m: Any) -> Any:
    def f(x):
        total = 0.0
        for i in range(len(x)):
            total = total + x[i] * x[i]
        return m.log(total)

    return f


@pytest.mark.parametrize("n", [1, 7, 40])
def test_loops_are_counted_by_their_most_frequent_line(n):
    """N squares, n additions one after another, a logarithm; the loop's own line sees the end too."""
    found = counted(looped, np.ones(n))
    assert (found.operations, found.chain) == (2 * n + 1, n + 2)
    assert found.loop == n + 1


def nest(m: Any) -> Any:
    def f(x):
        total = 0.0
        for _ in range(5):
            for v in range(len(x)):
                total = total + x[v]
        return total

    return f


def test_a_nest_of_loops_counts_all_its_passes():
    """5 times 3 passes, and the end of each inner loop."""
    assert counted(nest, np.ones(3)).loop == 5 * (3 + 1)


def helped(m: Any) -> Any:
    def square(v):
        return v * v

    def f(x):
        total = x[0]
        for i in range(1, 9):
            total = total + square(x[0]) * i
        return total

    return f


def test_functions_that_a_text_calls_are_followed():
    found = counted(helped, [2.0])
    assert (found.operations, found.chain, found.loop) == (24, 10, 9)


@pytest.mark.parametrize(
    ("build", "branches"),
    [
        (lambda m: lambda x: x[0] if x[0] > 0.5 else x[1], True),
        (lambda m: lambda x: x[0] if x[0] == x[1] else x[1], True),
        (lambda m: lambda x: x[0] if x[0] * 2.0 else x[1], True),
        (lambda m: lambda x: max(x[0], x[1]), True),
        (lambda m: lambda x: x[0] if len(x) > 1 else x[1], False),
        (lambda m: lambda x: m.sqrt(x[0] * x[1]), False),
    ],
)
def test_branches_are_those_on_values(build, branches):
    assert counted(build, [1.0, 2.0]).branches is branches


def special(m: Any) -> Any:
    return lambda x: m.erf(x[0]) + m.lgamma(x[1]) + m.atan2(x[0], x[1]) + m.erf(1.5)


def test_functions_are_named_in_order():
    found = counted(special, [1.0, 2.0])
    assert found.functions == ("atan2", "erf", "lgamma")
    assert found.operations == 6


def filled(m: Any) -> Any:
    def f(x):
        y = m.zeros(2)
        y[0] = x[0] * x[1]
        y[1] = m.sin(x[2])
        return y

    return f


def test_outputs_and_nonzeros_of_a_vector():
    pattern = Pattern.of((2, 3), [([0, 0, 1], [0, 1, 2])])
    point = Point(np.ones(3), outputs=2, pattern=pattern)
    found = count(Form("scalar", filled), point)
    assert (found.variables, found.outputs, found.nonzeros, found.operations) == (3, 2, 3, 2)
    assert counted(filled, np.ones(3), outputs=2).nonzeros is None


def of_two(m: Any) -> Any:
    def f(a, b):
        while a < 10.0:
            a = a + b
        return a

    return f


def test_points_of_an_elementwise_text_count_in_proportion():
    """64 of 128 points are run, of which each does as many additions; a chain is one point's."""
    form = Form("scalar", of_two, elementwise=2)
    found = count(form, Point(np.concatenate([np.zeros(128), np.ones(128)])))
    assert (found.variables, found.points, found.outputs) == (256, 128, 128)
    assert (found.operations, found.chain, found.branches) == (1_280, 10, True)
    assert found.loop == 11


def test_loops_of_long_texts_are_not_followed(monkeypatch):
    """It would take minutes; operations are counted all the same."""
    monkeypatch.setattr(traits, "FOLLOWED", 10)
    found = counted(looped, np.ones(40))
    assert (found.loop, found.operations) == (None, 81)


def test_counting_leaves_another_tracer_in_place():
    """A debugger's, or a measurement of coverage."""
    import sys

    before = sys.gettrace()
    counted(looped, np.ones(3))
    assert sys.gettrace() is before


# ------------------------------------------------------------------------------------------- words


def one_of(build: Any, x: Any, name: str = "mine", **options: Any) -> Problem:
    point = options.pop("point", Point(np.array(x, dtype=float)))
    forms = options.pop("forms", (Form("scalar", build),))
    return Problem(name, "test", lambda size: point, (1,), (Operator.VALUE,), forms, **options)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (one_of(product, [0.1, 0.2, 0.3]), set()),
        (one_of(special, [1.0, 2.0]), {"special-functions"}),
        (one_of(lambda m: lambda x: max(x[0], x[1]), [1.0, 2.0]), {"branches"}),
        (one_of(looped, np.ones(997)), set()),
        (one_of(looped, np.ones(998)), {"long-chain"}),
        (one_of(looped, np.ones(1_000)), {"long-chain", "many-variables"}),
    ],
)
def test_words_say_what_a_problem_stresses(problem, expected):
    assert words(problem) == expected


def test_words_of_outputs_patterns_and_forms():
    n = 1_000
    diagonal = Pattern((n, n), np.arange(n + 1), np.arange(n))

    def each(m: Any) -> Any:
        def f(x):
            y = m.zeros(len(x))
            for i in range(len(x)):
                y[i] = x[i] * x[i]
            return y

        return f

    point = Point(np.ones(n), outputs=n, pattern=diagonal)
    assert words(one_of(each, None, point=point)) == {"many-variables", "many-outputs", "sparse"}
    flat = replace(point, pattern=None)
    assert words(one_of(each, None, point=flat)) == {"many-variables", "many-outputs"}
    forms = (
        Form("scalar", product),
        Form("reference", product),
        Form("term", product, columns=lambda: ()),
    )
    assert words(one_of(product, [0.1, 0.2, 0.3], forms=forms)) == {
        "nested-derivative",
        "sum-over-data",
    }


def test_points_of_a_batch_are_neither_variables_nor_outputs():
    form = Form("scalar", lambda m: lambda x: m.sin(x), elementwise=1)
    assert words(one_of(None, None, forms=(form,), point=Point(np.ones(5_000)))) == set()


def test_words_of_known_problems():
    """As everybody knows them."""
    assert words(PROBLEMS["rosenbrock"]) == {"many-variables", "long-chain"}
    assert "special-functions" in words(PROBLEMS["histogram_nll"])
    assert {"branches", "nested-derivative"} <= words(PROBLEMS["particle"])
    assert {"sparse", "many-variables", "many-outputs"} <= words(PROBLEMS["ba"])
    assert {"branches"} <= words(PROBLEMS["kepler"])
    assert "many-variables" not in words(PROBLEMS["damped_sine"])


# ----------------------------------------------------------------------------------- what is shipped


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_shipped_traits_are_those_of_the_present_text(problem):
    """Of every size, and of no other; else: nox -s references."""
    kept = KEPT[problem.name]
    assert kept["text"] == problem.reference.hash
    assert set(kept["sizes"]) == {size_text(s) for s in problem.sizes}
    for size in problem.sizes:
        assert traits.traits(problem, size) is not None


def test_no_traits_of_a_problem_that_is_gone_are_shipped():
    assert set(KEPT) == set(PROBLEMS)


@pytest.mark.parametrize(("problem", "size"), CHEAP)
def test_shipped_traits_are_counted_again_alike(problem, size):
    """At every size that is cheap; plain values, so that JSON has kept all of it."""
    found = count(problem.reference, problem.at(size))
    assert traits.traits(problem, size) == found
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()


@pytest.mark.parametrize(("problem", "size"), SIZES)
def test_shipped_numbers_are_those_of_the_point(problem, size):
    """Variables, outputs, points and non-zeros, also where counting again takes too long."""
    kept, point = traits.traits(problem, size), problem.at(size)
    k = problem.reference.elementwise
    points = len(point.x) // k if k else 1
    assert (kept.variables, kept.points) == (len(point.x), points)
    assert kept.outputs == (point.outputs or points)
    assert kept.nonzeros == (None if point.pattern is None else point.pattern.nnz)
    assert kept.operations >= kept.chain >= 1


def test_larger_sizes_ask_for_more():
    """Operations grow with the size, in every problem."""
    for problem in PROBLEMS.values():
        found = [traits.traits(problem, s).operations for s in problem.sizes]
        assert found == sorted(set(found)), problem.name


def test_traits_of_a_changed_text_are_not_taken():
    """None, rather than what was true of another text; words then count anew."""
    changed = replace(PROBLEMS["rosenbrock"], forms=(Form("scalar", special),))
    assert traits.traits(changed, 2) is None
    assert "special-functions" in words(changed)


def test_list_problems_as_json_shows_everything():
    """Sizes, operators, forms, what is stressed, and traits by size."""
    done = CliRunner().invoke(app, ["list", "problems", "--json"])
    assert done.exit_code == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(PROBLEMS) <= set(rows)
    for name, problem in PROBLEMS.items():
        row = rows[name]
        assert row["summary"] == problem.summary
        assert row["sizes"] == [size_text(s) for s in problem.sizes]
        assert row["operators"] == [o.value for o in problem.operators]
        assert row["forms"] == [f.name for f in problem.forms]
        assert row["stresses"] == sorted(words(problem))
        assert list(row["traits"]) == row["sizes"]
        for size in problem.sizes:
            kept = traits.traits(problem, size)
            assert kept is not None
            assert row["traits"][size_text(size)] == kept.as_dict()
