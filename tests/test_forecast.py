"""How long a run will take: from the tables of costs, and better from what was seen."""

import dataclasses
import math

import pytest

from adbench import registry
from adbench.harness import costs, plan
from adbench.harness import forecast as forecasting
from adbench.harness.forecast import Forecast, Learnt, Seen, forecast, learn
from adbench.model import Operator

SMOKE, QUICK, STANDARD = (plan.preset(name) for name in ("smoke", "quick", "standard"))
FREE = dataclasses.replace(QUICK, budget_s=None)
# Rows that run everywhere: the methods of NumPy and our own duals.
BASE = ["rosenbrock/gradient/{numpy-*,complex-step,dual-*}"]


def lines(once_s: float, call_s: float, wall_s: float = 1.0) -> list[dict]:
    """A result of every case of the base rows, at that cost, with the conditions of each row."""
    found = []
    for row in plan.rows(FREE, BASE):
        for m in row.methods:
            singles = [("prepare", once_s / 2), ("first", once_s / 2)]
            found.append(
                {
                    "kind": "result", "id": row.case(m).id, "method": m.name, "tool": m.tool,
                    "repeat": 0, "twin": False, "outcome": "ok",
                    "measurements": [
                        *({"phase": p, "wall_s": [s], "loops": [1]} for p, s in singles),
                        {"phase": "steady", "wall_s": [2 * call_s, call_s], "loops": [1, 1]},
                    ],
                }
            )  # fmt: skip
        found.append(
            {
                "kind": "conditions", "row": row.id, "repeat": 0, "wall_s": wall_s, "busy": 0.0,
                "kernel": {"wall_s": [1e-4], "loops": [20]}, "spent": {"start": 0.2, "judge": 0.1},
            }
        )  # fmt: skip
    return found


def test_a_forecast_is_a_range_around_what_is_likely() -> None:
    """The limits are a factor 1.5 away: what the issue promises."""
    found = forecast(plan.rows(FREE, BASE), FREE)
    assert 0.0 < found.low_s < found.likely_s < found.high_s
    assert found.high_s / found.likely_s == pytest.approx(1.5)
    assert found.likely_s / found.low_s == pytest.approx(1.5)


def test_no_rows_take_no_time_to_measure() -> None:
    assert forecast([], STANDARD).likely_s < 10.0


def test_more_rows_take_longer() -> None:
    rows = plan.rows(STANDARD, BASE)
    times = [forecast(rows[:count], STANDARD).likely_s for count in range(len(rows) + 1)]
    assert times == sorted(times)
    assert times[-1] > times[0] + 1.0


def test_more_processes_and_longer_warm_up_take_longer() -> None:
    rows = plan.rows(FREE, BASE)
    base = forecast(rows, FREE).likely_s
    for more in ({"other_repeats": 3}, {"other_blocks": 60}, {"warm_s": 1.0}, {"values": 0}):
        other = forecast(rows, dataclasses.replace(FREE, **more)).likely_s
        assert (other > base) == ("values" not in more), more


def test_a_machine_twice_as_fast_takes_less_than_the_same() -> None:
    """Blocks last as long on every machine; imports, compilation and references do not."""
    rows = plan.rows(FREE, BASE)
    one, two = forecast(rows, FREE).likely_s, forecast(rows, FREE, speed=2.0).likely_s
    assert one / 2 < two < one


def test_other_processes_make_a_run_longer() -> None:
    """As busy as it was when costs were learnt: as long; a machine all of whose cores are busy: twice."""
    rows = plan.rows(FREE, BASE)
    quiet = forecast(rows, FREE).likely_s
    assert forecast(rows, FREE, busy=1.0).likely_s == pytest.approx(2 * quiet)
    learnt = Learnt(busy=1.0)
    assert forecast(rows, FREE, learnt, busy=1.0).likely_s == pytest.approx(quiet)
    assert forecast(rows, FREE, learnt).likely_s < quiet


def test_idle_cores_are_filled_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two cores in use by others leaves one for the measurement; of a single core it is all."""
    rows = plan.rows(FREE, BASE)
    quiet = forecast(rows, FREE).likely_s
    for cores, busy, slower in ((2, 0.5, 1.0), (1, 0.5, 1.5), (4, 0.9, 1.6)):
        monkeypatch.setattr(forecasting, "usable_cores", lambda n=cores: list(range(n)))
        assert forecast(rows, FREE, busy=busy).likely_s == pytest.approx(slower * quiet)


def test_what_a_file_has_is_not_measured_again() -> None:
    rows = plan.rows(FREE, BASE)
    repeats = range(FREE.other_repeats)
    done = {(row.case(m).id, r, False) for row in rows for m in row.methods for r in repeats}
    judged = Learnt(judged=[row.id for row in rows])
    assert forecast(rows, FREE, judged, done=done).likely_s == forecast([], FREE).likely_s


def test_a_budget_is_the_limit() -> None:
    """Nothing new is begun after the budget, so a run hardly takes longer."""
    rows = plan.rows(STANDARD, BASE)
    tight = dataclasses.replace(STANDARD, budget_s=5.0)
    found = forecast(rows, tight)
    assert found.low_s <= found.likely_s <= found.high_s <= 10.0
    loose = dataclasses.replace(STANDARD, budget_s=1e6)
    assert forecast(rows, loose) == forecast(rows, STANDARD)


def test_costs_that_were_seen_replace_the_tables() -> None:
    """A case that compiles for five seconds here makes the forecast longer by about that."""
    rows = plan.rows(FREE, BASE)
    cheap, dear = (learn(lines(once, 1e-5, once + 1.0)) for once in (0.01, 5.0))
    cells = sum(len(row.methods) for row in rows)
    low = forecast(rows, FREE, dataclasses.replace(cheap, scale=1.0))
    high = forecast(rows, FREE, dataclasses.replace(dear, scale=1.0))
    assert high.likely_s - low.likely_s == pytest.approx(4.99 * cells, rel=0.01)
    assert high.high_s / high.likely_s < 1.5


def test_learning_reads_the_fastest_block_and_the_first_call() -> None:
    learnt = learn(lines(0.4, 1e-3))
    assert learnt.cases["rosenbrock[2]/gradient/numpy-central"] == Seen(0.4, 1e-3)
    assert "rosenbrock[2]/gradient" in learnt.judged


def test_visits_that_took_longer_than_their_cases_scale_the_forecast() -> None:
    """A loaded machine, or one of slow pipes: measured beside predicted, within reason."""
    slow, fast = learn(lines(0.1, 1e-5, 1e4)), learn(lines(0.1, 1e-5, 1e-3))
    assert slow.scale == 2.0
    assert fast.scale == 0.7
    assert learn([]).scale == 1.0


def test_a_case_that_timed_out_is_not_begun_again() -> None:
    """Its size is known to be too large; the smallest size, which nothing warns of, takes its limit."""
    rows = plan.rows(FREE, ["rosenbrock/gradient/numpy-central"])
    never = Seen(math.inf, math.inf)
    ids = [row.case(row.methods[0]).id for row in rows]
    none = forecast(rows, FREE, Learnt({i: Seen(0.0, 0.0) for i in ids})).likely_s
    large = forecast(rows, FREE, Learnt({ids[0]: Seen(0.0, 0.0), ids[1]: never})).likely_s
    small = forecast(rows, FREE, Learnt({ids[0]: never, ids[1]: Seen(0.0, 0.0)})).likely_s
    assert large <= none
    assert small - none == pytest.approx(FREE.limits.time_s, abs=1.0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "about 1 s"), (45.0, "about 45 s"), (89.0, "about 89 s"), (300.0, "about 5 min"),
        (750.0, "about 12 min"), (3600.0, "about 60 min"), (10000.0, "about 2.8 h"),
    ],
)  # fmt: skip
def test_the_sentence_is_in_units_people_use(seconds: float, words: str) -> None:
    sentence = Forecast(seconds / 1.5, seconds, seconds * 1.5).sentence
    assert sentence.startswith("this run will take ")
    assert words in sentence


@pytest.mark.parametrize("m", registry.methods().values(), ids=lambda m: m.name)
def test_every_method_has_a_cost(m) -> None:
    """More numbers never cost less; no tool is free."""
    for operator in m.operators:
        small, large = (
            costs.call_s(m, operator, costs.Work(n, 12.0, 2, 2, 1)) for n in (10.0, 1e6)
        )
        assert 0.0 < small <= large
    first, second = (costs.once_s(m.name, m.tool, o) for o in (Operator.VALUE, Operator.HESSIAN))
    assert 0.0 < first <= second
    assert costs.start_s(m.tool) < 5.0


def test_the_package_has_no_tool_without_an_entry() -> None:
    """A new contender without costs of its own would be forecast as a light one."""
    assert set(plan.CONTENDERS) <= costs.ONCE_S.keys() & costs.IMPORT_S.keys()
