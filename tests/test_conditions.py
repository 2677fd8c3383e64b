"""How disturbed the machine is: from counters that are given, and from this machine's own."""

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adbench.harness import conditions
from adbench.harness.conditions import Busy, Watch, busy_now

CPU = {"user": 0.0, "nice": 0.0, "system": 0.0, "idle": 0.0, "iowait": 0.0, "steal": 0.0}


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the counters of a system of our own, at two seconds later every time."""
    clock = iter(range(0, 10**6, 2))
    monkeypatch.setattr(conditions.stopwatch, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(conditions, "load", lambda: [1.0, 2.0, 3.0])

    def set_to(own_s: float, **times: float) -> None:
        monkeypatch.setattr(psutil, "cpu_times", lambda: SimpleNamespace(**times))
        monkeypatch.setattr(conditions, "_own_s", lambda: own_s)

    return set_to


def test_foreign_time_is_what_is_used_and_not_ours(system: Callable[..., None]) -> None:
    """Of 4 core-seconds 2.5 are used, 1 of them ours, 0.4 stolen."""
    system(10.0, **CPU)
    watch = Watch()
    system(11.0, **CPU | {"user": 2.0, "system": 0.5, "idle": 1.1, "steal": 0.4})
    seen = watch.read()
    assert seen["busy"] == pytest.approx(1.5 / 4)
    assert seen["steal"] == pytest.approx(0.1)
    assert seen["wall_s"] == 2.0
    assert seen["load"] == [1.0, 2.0, 3.0]


def test_a_system_without_steal_says_null(system: Callable[..., None]) -> None:
    """Windows and macOS count user, system and idle."""
    system(0.0, user=0.0, system=0.0, idle=0.0)
    watch = Watch()
    system(0.0, user=1.0, system=1.0, idle=2.0)
    assert watch.read()["steal"] is None
    assert watch.read()["busy"] == pytest.approx(0.5)


@given(st.tuples(*[st.floats(0.0, 1e6)] * 5))
def test_shares_are_shares(times: tuple[float, ...]) -> None:
    """Whatever the counters do, a share lies between 0 and 1, or is not known."""
    used, idle, stolen, own, _ = times
    before = conditions._Counters(0.0, 0.0, 0.0, 0.0)
    after = conditions._Counters(used + idle + stolen, used, stolen, own)
    for share in conditions._shares(before, after):
        assert share is None or 0.0 <= share <= 1.0


def test_counters_that_stand_still_say_nothing(system: Callable[..., None]) -> None:
    """A container that shows zeros does not mean a quiet machine."""
    system(0.0, **CPU)
    seen = Watch().read()
    assert (seen["steal"], seen["busy"]) == (None, None)


def test_hidden_counters_are_null(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden() -> None:
        raise PermissionError("/proc/stat")

    monkeypatch.setattr(psutil, "cpu_times", hidden)
    seen = busy_now(0.12)
    assert (seen.share, seen.steal) == (None, None)


def test_our_own_children_are_not_foreign() -> None:
    """CPU seconds of a child count as ours while it lives and after it has ended."""
    if not hasattr(psutil.cpu_times(), "iowait"):
        pytest.skip("only Linux adds an ended child's time to its parent's")
    before = conditions._own_s()
    program = "import sys; sum(range(20_000_000)); print('done', flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    alive = conditions._own_s()
    child.communicate()
    ended = conditions._own_s()
    assert alive - before > 0.05
    assert ended >= alive


QUIET = Busy(4, 0.3, 0.0, 2.0)


def test_a_quiet_machine_gets_no_sentence() -> None:
    assert QUIET.sentence is None
    assert Busy(4, None, None, None).sentence is None


def test_a_busy_machine_is_said_so() -> None:
    """How much others use, what that does to the result, and what to do."""
    sentence = Busy(2, 0.95, 0.0, 6.1).sentence
    assert sentence == (
        "this machine is busy: other processes use 1.9 of 2 cores (load 6.1); times will vary more, "
        "and more comparisons stay undecided; close other programs, or measure later"
    )


@pytest.mark.parametrize(
    ("busy", "words"),
    [
        (Busy(2, None, None, 4.5), "4.5 processes want to run on 2 cores"),
        (Busy(2, 0.1, 0.2, 0.5), "its host gives 20% of its time to other machines"),
        (Busy(2, 0.6, None, None), "other processes use 1.2 of 2 cores"),
    ],
)
def test_each_sign_alone_is_enough(busy: Busy, words: str) -> None:
    assert words in (busy.sentence or "")


def test_this_machine_can_be_watched() -> None:
    seen = busy_now(0.2)
    assert seen.cores >= 1
    assert seen.share is None or 0.0 <= seen.share <= 1.0
