"""The result file: whole lines only, never mixed, clear about what it cannot read."""

import json
from pathlib import Path

import pytest

from adbench.harness.store import SCHEMA, Store, StoreError, discard, key_of, line_of, read
from adbench.model import Case, Measurement, Method, Operator, Outcome, Phase, Result

HEADER = {
    "kind": "run",
    "schema": SCHEMA,
    "preset": "quick",
    "limits": {"time_s": 20.0},
    "code": "abc",
    "versions": {"numpy": "2.0"},
    "machine": {
        "name": "here",
        "cpu": "one",
        "cores": 2,
        "python": "3.11",
        "os": "x",
        "load": [0.0],
    },
}
METHOD = Method("toy", "a toy", "toys", "none", ("array",), (Operator.GRADIENT,), lambda *a: None)  # type: ignore[arg-type,return-value]


def result(repeat: int = 0, outcome: Outcome = Outcome.OK) -> dict:
    case = Case("rosenbrock", 2, "gradient", "toy")
    steady = (Measurement(Phase.STEADY, (1e-6,), (1e-6,), (100,)),) if outcome.ran else ()
    found = Result(case, repeat, outcome, measurements=steady, accuracy={"kappa": float("inf")})
    return line_of(found, METHOD, "2026-01-01T00:00:00+00:00")


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.jsonl"
    with Store.open(path, HEADER) as store:
        store.append(result())
        store.append(result(1, Outcome.CRASHED))
    header, lines = read(path)
    assert header == HEADER
    assert [line["outcome"] for line in lines] == ["ok", "crashed"]
    assert {key_of(line) for line in lines} == {
        ("rosenbrock[2]/gradient/toy", 0, False),
        ("rosenbrock[2]/gradient/toy", 1, False),
    }


def test_infinity_becomes_null(tmp_path: Path) -> None:
    """NaN and infinity are not JSON; a strict reader must be able to read the file."""
    assert result()["accuracy"]["kappa"] is None


def test_a_torn_line_is_cut_off_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Store.open(path, HEADER) as store:
        store.append(result())
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind": "result", "id": "ros')
    assert len(read(path)[1]) == 1
    with Store.open(path, HEADER) as store:
        assert store.dropped_bytes == 29
        assert store.done.keys() == {("rosenbrock[2]/gradient/toy", 0, False)}
        store.append(result(1))
    assert path.read_bytes().startswith(whole)
    assert len(read(path)[1]) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no whole line"),
        (json.dumps(HEADER) + '\n{"kind": "result"}\n', "line 2 lacks id, problem"),
        ("hello\n", "line 1 is not a JSON object"),
        ('{"a": 1}\n', "describes no run"),
        ('{"kind": "run", "schema": 99}\n', "schema 99"),
        (json.dumps(HEADER) + "\nhalf{\n" + json.dumps({"kind": "result"}) + "\n", "line 2"),
    ],
)
def test_foreign_and_corrupt_files_are_named_and_left_alone(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(text)
    with pytest.raises(StoreError, match=words):
        read(path)
    if text:
        with pytest.raises(StoreError, match=words):
            Store.open(path, HEADER)
    assert path.read_text() == text


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="adbench run --out"):
        read(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"limits": {"time_s": 60.0}}, "another limits: time_s 20.0 then, 60.0 now"),
        ({"code": "def"}, "another code: abc then, def now"),
        ({"preset": "full"}, "another preset: quick then, full now"),
        ({"versions": {"numpy": "3.0"}}, "numpy 2.0 then, 3.0 now"),
        ({"machine": HEADER["machine"] | {"cpu": "two"}}, "cpu one then, two now"),
    ],
)
def test_runs_of_different_kind_never_share_a_file(
    tmp_path: Path, change: dict, words: str
) -> None:
    path = tmp_path / "results.jsonl"
    Store.open(path, HEADER).close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=words):
        Store.open(path, HEADER | change)
    assert path.read_bytes() == before


def test_another_load_is_the_same_machine(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    Store.open(path, HEADER).close()
    Store.open(path, HEADER | {"machine": HEADER["machine"] | {"load": [9.0]}}).close()


def test_a_header_that_was_cut_off_is_written_anew(tmp_path: Path) -> None:
    """A run killed during its very first line leaves nothing to lose, and can be repeated."""
    path = tmp_path / "results.jsonl"
    path.write_text('{"kind": "run", "sch')
    with Store.open(path, HEADER) as store:
        store.append(result())
    assert read(path)[0] == HEADER


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / "results.jsonl"
    with Store.open(path, HEADER), pytest.raises(StoreError, match="another run is writing"):
        Store.open(path, HEADER)
    Store.open(path, HEADER).close()


def test_a_full_disk_is_said_with_what_is_safe(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    path = tmp_path / "results.jsonl"
    with Store.open(path, HEADER) as store:
        store.file.close()
        store.file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115 - the store closes it
        with pytest.raises(StoreError, match="Finished results are kept"):
            store.append(result())
    assert read(path) == (HEADER, [])


def test_a_folder_is_no_result_file(tmp_path: Path) -> None:
    for use in (read, lambda p: Store.open(p, HEADER)):
        with pytest.raises(StoreError, match="directory"):
            use(tmp_path)


def test_only_result_files_are_begun_anew(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    with pytest.raises(StoreError, match="does not overwrite"):
        discard(thesis)
    assert thesis.exists()
    path = tmp_path / "results.jsonl"
    Store.open(path, HEADER).close()
    discard(path)
    assert not path.exists()
