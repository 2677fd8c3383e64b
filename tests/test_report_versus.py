"""Any two sides: which methods stand for them, what the page says of them, what is refused."""

import re

import pytest
import synthetic
from typer.testing import CliRunner

from adbench import cli
from adbench.analysis import JAX_NUMBA, Pair, Side, duels, parse, tidy, verdict
from adbench.harness import store
from adbench.report import ReportError, render
from adbench.report.facts import gather


@pytest.fixture(scope="module")
def frame():
    return tidy(synthetic.run(repeats=4)[1])


def test_the_usual_pair_is_that_of_the_title(frame):
    assert parse("jax,numba", frame) is JAX_NUMBA
    assert duels(frame) == duels(frame, JAX_NUMBA)


def test_alternatives_in_braces_are_of_one_side(frame):
    pair = parse("jax-{forward,reverse},{numba-dual,dual-*}", frame)
    assert pair.first.methods == ("jax-forward", "jax-reverse")
    assert pair.second.methods == ("dual-numpy", "dual-python", "numba-dual")
    with pytest.raises(ValueError, match="braces do not match"):
        parse("jax-{forward,numba-dual", frame)


def test_tools_methods_patterns_and_sums_make_sides(frame):
    pair = parse("jax, numba-*", frame)
    assert pair.first == Side("JAX", tools=("jax",))
    assert pair.second.methods == ("numba-central", "numba-dual")
    assert pair.title == "JAX vs numba-*"
    pair = parse("autograd+sympy-numpy,dual", frame)
    assert pair.first == Side("Autograd + sympy-numpy", ("autograd",), ("sympy-numpy",))
    tried = frame[pair.tried(frame)]
    assert set(tried["method"]) == {"autograd-reverse", "sympy-numpy", "dual-python", "dual-numpy"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jax", "does not name two sides"),
        ("jax,", "does not name two sides"),
        ("jax,numba,torch", "does not name two sides"),
        ("torch-compile,jax", "'torch-compile' is neither a tool nor a method of this run; it has the tools autograd, "),
        ("jax,jax-reverse", "jax-reverse would be on both sides; name methods, not the tool"),
    ],
)  # fmt: skip
def test_what_names_no_pair_is_refused(frame, text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        parse(text, frame)


def test_ratios_are_the_first_side_s_time_by_the_second_s(frame):
    there, back = (verdict(frame, parse(t, frame)) for t in ("jax-reverse,numba-dual", "numba-dual,jax-reverse"))  # fmt: skip
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert (there.first_wins, there.second_wins) == (back.second_wins, back.first_wins)
    assert there.pair is None
    assert there.pair_sentence == ""
    assert "numba-dual is" in there.sentence
    assert "JAX" not in there.sentence


def test_a_method_written_by_hand_or_in_fewer_digits_stands_for_a_side_that_names_it(frame):
    by_hand = frame.assign(mode=frame["mode"].where(frame["method"] != "numba-dual", "manual"))
    tool = Pair(Side("Numba", ("numba",)), Side("JAX", ("jax",)))
    named = Pair(Side("numba-dual", methods=("numba-dual",)), Side("JAX", ("jax",)))
    assert {d.first for d in duels(by_hand, tool)} == {"numba-central"}
    assert {d.first for d in duels(by_hand, named)} == {"numba-dual"}


def test_the_page_speaks_of_the_pair_alone():
    text = render([synthetic.run(repeats=4)], "sympy,autograd-reverse")
    assert "<title>SymPy vs autograd-reverse: which should I use" in text
    body = re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL)
    start = body.split('id="method"')[0]
    assert "JAX" not in start.split('id="methods"')[0]
    assert "SymPy faster" in body
    assert "to the first answer, SymPy / autograd-reverse" in body
    assert "<b>SymPy against autograd-reverse.</b>" in body
    with pytest.raises(ReportError, match="neither a tool nor a method"):
        gather([synthetic.run()], "sympy,torch")


def test_a_hostile_name_of_a_side_is_text():
    header, lines = synthetic.run()
    bad = "<img src=x>"
    for line in lines:
        if line["method"] == "sympy-numpy":
            line["tool"] = line["method"] = bad
    text = render([(header, lines)], f"{bad},jax")
    assert bad not in text
    assert "&lt;img src=x&gt; vs JAX" in text


def test_the_command_takes_a_pair(tmp_path):
    header, lines = synthetic.run()
    path = tmp_path / "results.jsonl"
    with store.Store.open(path, header) as file:
        for line in lines:
            file.append(line)
    done = CliRunner().invoke(cli.app, ["report", str(path), "--versus", "jax-reverse,autograd"])
    assert done.exit_code == 0, done.stderr
    assert "jax-reverse was" in done.stdout
    assert "jax-reverse vs Autograd" in (tmp_path / "index.html").read_text()
    done = CliRunner().invoke(cli.app, ["report", str(path), "--versus", "jax"])
    assert done.exit_code == 2
    assert "does not name two sides" in done.stderr
