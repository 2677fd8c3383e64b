"""The result file: whole lines only, never mixed, clear about what it cannot read."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adbench.harness.store import (
    SCHEMA,
    Store,
    StoreError,
    discard,
    key_of,
    line_of,
    load,
    merge,
    read,
)  # fmt: skip
from adbench.model import Case, Measurement, Method, Operator, Outcome, Phase, Result

SCHEMA_FILE = Path(__file__).parents[1] / "docs" / "results.schema.json"
MACHINE = {
    "id": "0a1b2c3d", "name": "here", "cpu": "one", "cores": 2, "cores_physical": None, "cache": {},
    "governor": None, "affinity": [0, 1], "memory_bytes": 8 * 10**9, "os": "x", "python": "3.11",
    "libc": None, "load": None, "blas": [], "gpu": [],
    "container": {"cpu_limit": None, "memory_limit_bytes": None}, "virtual": None,
    "features": {"affinity": True, "cpu_clock": True, "proc": True},
}  # fmt: skip
OTHER = MACHINE | {"id": "ffffffff", "cpu": "two"}
HEADER: dict[str, Any] = {
    "kind": "run", "schema": SCHEMA, "started": "2026-01-01T00:00:00+00:00", "preset": "quick",
    "seed": 1, "machine": MACHINE, "versions": {"numpy": "2.0"}, "code": "abc",
    "threads": {"requested": 1, "observed": {}}, "device": "cpu", "environment": {}, "commit": None,
    "dirty": None, "limits": {"time_s": 20.0, "memory_bytes": 4e9},
    "protocol": {"blocks": 60, "block_s": 0.002, "workers": "method", "kernel": "feed"},
}  # fmt: skip
METHOD = Method("toy", "a toy", "toys", "none", ("array",), (Operator.GRADIENT,), lambda *a: None)  # type: ignore[arg-type,return-value]
NAME = "rosenbrock[2]/gradient/toy"
HERE = MACHINE["id"]


def result(
    repeat: int = 0, outcome: Outcome = Outcome.OK, machine: str = str(HERE), text: str = "t"
) -> dict[str, Any]:
    case = Case("rosenbrock", 2, "gradient", "toy")
    steady = (Measurement(Phase.STEADY, (1e-6,), (1e-6,), (100,)),) if outcome.ran else ()
    found = Result(
        case, repeat, outcome, form_hash=text, measurements=steady, voided=2, shared=True,
        accuracy={"kappa": float("inf")}, memory={"peak_bytes": 5, "baseline_bytes": None},
    )  # fmt: skip
    return line_of(found, METHOD, "2026-01-01T00:00:00+00:00") | {"machine": machine}


def conditions(repeat: int = 0, machine: str = str(HERE)) -> dict[str, Any]:
    return {
        "kind": "conditions", "row": "rosenbrock[2]/gradient", "repeat": repeat, "contenders": True,
        "machine": machine, "kernel": {"wall_s": [1e-5], "cpu_s": [1e-5], "loops": [200]},
        "steal": 0.0, "load": [1.0, 1.0, 1.0], "busy": None, "wall_s": 2.0,
        "spent": dict.fromkeys(("start", "prepare", "compile", "first", "measure", "judge"), 0.1),
        "finished": "2026-01-01T00:00:01+00:00",
    }  # fmt: skip


def written(path: Path, *lines: dict[str, Any], **change: Any) -> Path:
    """A result file of these lines after the header."""
    with Store.open(path, HEADER | change) as store:
        for line in lines:
            store.append(line)
    return path


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.jsonl"
    written(path, result(), result(1, Outcome.CRASHED))
    header, lines = read(path)
    assert header == HEADER
    assert [line["outcome"] for line in lines] == ["ok", "crashed"]
    assert {key_of(line) for line in lines} == {(NAME, 0, False, HERE), (NAME, 1, False, HERE)}


def test_a_line_has_what_the_measurement_learnt() -> None:
    line = result()
    assert line["memory"] == {"peak_bytes": 5, "baseline_bytes": None}
    assert (line["voided"], line["shared"]) == (2, True)
    assert line["measurements"][0]["wall_s"] == [1e-6]


def test_infinity_becomes_null() -> None:
    """NaN and infinity are not JSON; a strict reader must be able to read the file."""
    assert result()["accuracy"]["kappa"] is None


def test_a_run_holds_results_conditions_and_machines_apart(tmp_path: Path) -> None:
    described = {"kind": "machine", "machine": OTHER, "threads": {}}
    there = result(machine="ffffffff")
    path = written(
        tmp_path / "r.jsonl", result(), described, conditions(), there, {"kind": "resume"}
    )
    run = load(path)
    assert run.results == [result(), there]
    assert run.conditions == [conditions()]
    assert run.machines == {HERE: MACHINE, "ffffffff": OTHER}
    with Store.open(path, HEADER) as store:  # continued, it knows all that again
        assert store.lines == run.results
        assert store.conditions == run.conditions
        assert store.machines == run.machines
        assert store.done == {(NAME, 0, False, HERE): "t", (NAME, 0, False, "ffffffff"): "t"}


@pytest.mark.parametrize("line", [result(machine="ffffffff"), conditions(machine="ffffffff")])
def test_a_line_of_a_machine_that_nobody_described_is_refused(
    tmp_path: Path, line: dict[str, Any]
) -> None:
    path = tmp_path / "r.jsonl"
    with Store.open(path, HEADER) as store, pytest.raises(StoreError, match="machine's line first"):
        store.append(line)
    assert load(path).lines == []


def test_a_torn_line_is_cut_off_and_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path / "results.jsonl", result())
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind": "result", "id": "ros')
    assert len(read(path)[1]) == 1
    with Store.open(path, HEADER) as store:
        assert store.dropped_bytes == 29
        assert store.done.keys() == {(NAME, 0, False, HERE)}
        store.append(result(1))
    assert path.read_bytes().startswith(whole)
    assert len(read(path)[1]) == 2


FIRST = json.dumps(HEADER) + "\n"


def changed(line: dict[str, Any], **values: Any) -> str:
    """A file whose second line has other values; None leaves a field out."""
    kept = {k: v for k, v in (line | values).items() if v is not None}
    return FIRST + json.dumps(kept) + "\n" + json.dumps(result()) + "\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no whole line"),
        ("a line without an end", "describes no run"),
        (FIRST + '{"kind": "result"}\n', "line 2 lacks id, problem"),
        ("hello\n", "line 1 is not a JSON object"),
        ('{"a": 1}\n', "describes no run"),
        ('{"kind": "run"}\n', "names no schema"),
        ('{"kind": "run", "schema": 2}\n', "line 1 lacks machine"),
        ('{"kind": "run", "schema": 2, "machine": {}}\n', "line 1 lacks the machine's id"),
        ('{"kind": "run", "schema": 99}\n', "newer adbench.*pip install --upgrade"),
        ('{"kind": "run", "schema": 1}\n', "written by adbench 0.1 before.*the version that wrote"),
        ('{"kind": "run", "schema": 1, "commit": "0123456789abcdef"}\n', "commit 0123456789ab"),
        (FIRST + "half{\n" + json.dumps(result()) + "\n", "line 2 is not a JSON object"),
        (changed(result(), machine=None), "line 2 lacks machine"),
        (changed(result(), repeat="0"), "line 2: repeat is no whole number but '0'"),
        (changed(result(), repeat=True), "line 2: repeat is no whole number"),
        (changed(result(), measurements={}), "line 2: measurements is no list"),
        (changed(result(), machine="ffffffff"), "line 2: no line before it describes machine"),
        (changed(conditions(), row=None), "line 2 lacks row"),
        (changed({"kind": "machine", "machine": "there"}), "line 2: machine is no object"),
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


def test_a_compressed_file_says_how_to_unpack_it(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl.gz"
    path.write_bytes(b"\x1f\x8b\x08\n")
    with pytest.raises(StoreError, match="gunzip"):
        read(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="adbench run --out"):
        read(tmp_path / "none.jsonl")


KEPT_APART = [
    ({"limits": {"time_s": 60.0, "memory_bytes": 4e9}}, "limits: time_s 20.0 then, 60.0 now"),
    ({"code": "def"}, "code: abc then, def now"),
    ({"preset": "full"}, "preset: quick then, full now"),
    ({"versions": {"numpy": "3.0"}}, "versions: numpy 2.0 then, 3.0 now"),
    ({"threads": {"requested": "default"}}, "threads requested: 1 then, default now"),
    ({"device": "gpu"}, "device: cpu then, gpu now"),
    ({"protocol": HEADER["protocol"] | {"workers": "row"}}, "protocol workers: method then, row"),
    ({"protocol": HEADER["protocol"] | {"kernel": "new"}}, "protocol kernel: feed then, new now"),
]


@pytest.mark.parametrize(
    ("change", "words"),
    [*KEPT_APART, ({"machine": OTHER}, "another machine: cpu one then, two now")],
)
def test_runs_of_different_kind_never_share_a_file(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = written(tmp_path / "results.jsonl")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=words):
        Store.open(path, HEADER | change)
    assert path.read_bytes() == before


def test_another_load_is_the_same_machine(tmp_path: Path) -> None:
    path = written(tmp_path / "results.jsonl")
    written(path, machine=MACHINE | {"load": [9.0, 9.0, 9.0]})


def test_a_header_that_was_cut_off_is_written_anew(tmp_path: Path) -> None:
    """A run killed during its very first line leaves nothing to lose, and can be repeated."""
    path = tmp_path / "results.jsonl"
    path.write_text('{"kind": "run", "sch')
    written(path, result())
    assert read(path)[0] == HEADER


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / "results.jsonl"
    with Store.open(path, HEADER):
        for use in (lambda: Store.open(path, HEADER), lambda: discard(path)):
            with pytest.raises(StoreError, match="another run is writing"):
                use()
    Store.open(path, HEADER).close()


def test_a_full_disk_is_said_with_what_is_safe(tmp_path: Path) -> None:
    """No space at all (ENOSPC): a plain sentence, also from closing the file afterwards."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    path = tmp_path / "results.jsonl"
    with Store.open(path, HEADER) as store:
        store.file.close()
        store.file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115 - the store closes it
        with pytest.raises(StoreError, match=r"No space left.*Finished results are kept"):
            store.append(result())
        assert store.lines == []
    assert read(path) == (HEADER, [])


FILLS = """
import json, resource, signal, sys
from pathlib import Path
from adbench.harness.store import Store, StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
header, line = map(json.loads, sys.stdin.read().splitlines())
with Store.open(Path(sys.argv[1]), header) as store:
    store.append(line)
    room = Path(sys.argv[1]).stat().st_size + 100  # the next line fits in part only
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        store.append({**line, "repeat": 1})
    except StoreError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    store.append({**line, "repeat": 2})
"""


def test_a_line_that_fits_in_part_leaves_no_part(tmp_path: Path) -> None:
    """A file that may not grow (EFBIG): what was written of the line is taken back; later lines fit."""
    pytest.importorskip("resource")
    path = tmp_path / "results.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FILLS, str(path)],
        input=f"{json.dumps(HEADER)}\n{json.dumps(result())}", text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "File too large. Finished results are kept" in done.stdout
    assert [line["repeat"] for line in read(path)[1]] == [0, 2]


def test_a_folder_is_no_result_file(tmp_path: Path) -> None:
    uses: list[Callable[[Path], Any]] = [read, lambda p: Store.open(p, HEADER), discard]
    for use in uses:
        with pytest.raises(StoreError, match="directory"):
            use(tmp_path)


READ_ONLY = """
import json, os, sys
from pathlib import Path
from adbench.harness.store import Store
if os.getuid() == 0:
    os.setuid(65534)  # root may write anywhere
Store.open(Path(sys.argv[1]), json.loads(sys.stdin.read()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    target = Path("/") / "adbench-test" / "results.jsonl"
    if os.access("/", os.W_OK) and os.getuid() != 0:
        pytest.skip("this user may write everywhere")
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(target)],
        input=json.dumps(HEADER), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert f"cannot write '{target}': Permission denied" in done.stderr
    assert "give another --out" in done.stderr
    assert not target.parent.exists()


def test_only_result_files_are_begun_anew(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    with pytest.raises(StoreError, match="does not overwrite"):
        discard(thesis)
    assert thesis.exists()
    for header in (FIRST, '{"kind": "run", "schema": 1}\n'):
        path = tmp_path / "results.jsonl"
        path.write_text(header)
        discard(path)
        assert not path.exists()
        discard(path)  # what is not there needs no discarding


# Merging


def later(day: int) -> dict[str, Any]:
    return {"started": f"2026-01-0{day}T00:00:00+00:00"}


def test_a_merge_numbers_the_processes_of_a_machine_on(tmp_path: Path) -> None:
    """Every process keeps its own conditions; another machine keeps its own numbers."""
    a = written(tmp_path / "a", result(0), conditions(0), result(1), conditions(1))
    b = written(tmp_path / "b", result(0), conditions(0), **later(2))
    c = written(
        tmp_path / "c", result(0, machine="ffffffff"), machine=OTHER, **later(3)
    )  # fmt: skip
    run = merge([a, b, c], tmp_path / "all")
    assert [(x["repeat"], x["machine"]) for x in run.results] == [
        (0, HERE), (1, HERE), (2, HERE), (0, "ffffffff"),
    ]  # fmt: skip
    assert [x["repeat"] for x in run.conditions] == [0, 1, 2]
    assert list(run.machines) == [HERE, "ffffffff"]
    assert [origin["started"][:10] for origin in run.header["merged"]] == [
        "2026-01-01", "2026-01-02", "2026-01-03",
    ]  # fmt: skip
    for path, count in ((a, 2), (b, 1), (c, 1)):
        assert len(load(path).results) == count


def test_a_case_measured_again_is_merged_once(tmp_path: Path) -> None:
    a = written(tmp_path / "a", result(text="old"), result(text="new"))
    b = written(tmp_path / "b", result(text="new"), **later(2))
    run = merge([a, b], tmp_path / "c")
    assert [(x["repeat"], x["form_hash"]) for x in run.results] == [(0, "new"), (1, "new")]


@pytest.mark.parametrize(("change", "words"), KEPT_APART)
def test_a_merge_refuses_what_cannot_share_a_file(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    a = written(tmp_path / "a", result())
    b = written(tmp_path / "b", result(), **(later(2) | change))
    with pytest.raises(StoreError, match=words):
        merge([a, b], tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_merge_counts_no_process_twice(tmp_path: Path) -> None:
    a = written(tmp_path / "a", result())
    b = written(tmp_path / "b", result(), **later(2))
    merge([a, b], tmp_path / "c")
    for twice in ([a, a], [tmp_path / "c", b]):
        with pytest.raises(StoreError, match="would count twice"):
            merge(twice, tmp_path / "d")
    with pytest.raises(StoreError, match="two or more"):
        merge([a], tmp_path / "d")


def test_a_merge_refuses_two_texts_of_a_case(tmp_path: Path) -> None:
    a = written(tmp_path / "a", result(text="one"))
    b = written(tmp_path / "b", result(text="two"), **later(2))
    with pytest.raises(StoreError, match="different function texts"):
        merge([a, b], tmp_path / "c")


def test_a_merge_overwrites_only_results_and_only_when_forced(tmp_path: Path) -> None:
    a = written(tmp_path / "a", result())
    b = written(tmp_path / "b", result(), **later(2))
    before = a.read_bytes()
    with pytest.raises(StoreError, match="exists; give another --out"):
        merge([a, b], a)
    assert a.read_bytes() == before
    merge([a, b], a, force=True)
    assert len(load(a).results) == 2
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    with pytest.raises(StoreError, match="no adbench result file"):
        merge([a, written(tmp_path / "e", **later(5))], thesis, force=True)
    assert thesis.read_text() == "years of work"
    assert {p.name for p in tmp_path.iterdir()} == {"a", "b", "e", "thesis.txt"}


# The JSON Schema


@pytest.fixture(scope="module")
def valid() -> Callable[[Any], bool]:
    """Whether a line agrees with docs/results.schema.json."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid  # type: ignore[no-any-return]


LINES = [
    HEADER,
    {"kind": "machine", "machine": OTHER, "threads": {}},
    result(),
    result(1, Outcome.TIMED_OUT),
    conditions(),
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["kind"])
def test_every_kind_of_line_agrees_with_the_schema(
    valid: Callable[[Any], bool], line: dict[str, Any]
) -> None:
    assert valid(json.loads(json.dumps(line)))


def test_a_merged_header_agrees_with_the_schema(
    valid: Callable[[Any], bool], tmp_path: Path
) -> None:
    a, b = written(tmp_path / "a"), written(tmp_path / "b", **later(2))
    assert valid(merge([a, b], tmp_path / "c").header)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["kind"])
def test_a_line_without_one_of_its_fields_does_not(
    valid: Callable[[Any], bool], line: dict[str, Any]
) -> None:
    optional = {"machine": {"threads"}, "result": {"dtype"}}  # of which older files have none
    for key in line.keys() - optional.get(line["kind"], set()):
        assert not valid({k: v for k, v in line.items() if k != key}), key


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (HEADER, {"schema": 1}),
        (HEADER, {"threads": {"requested": 0, "observed": {}}}),
        (HEADER, {"threads": {"requested": "2", "observed": {}}}),
        (HEADER, {"machine": {**MACHINE, "features": {}}}),
        (HEADER, {"kind": "journey"}),
        (HEADER, {"interpreters": {"torch": "/usr/bin/python3"}}),
        (result(), {"repeat": "0"}),
        (result(), {"repeat": -1}),
        (result(), {"outcome": "fine"}),
        (result(), {"id": "rosenbrock"}),
        (result(), {"memory": {"peak_bytes": "5"}}),
        (result(), {"measurements": []}),
        (result(), {"measurements": [{"phase": "steady", "wall_s": [], "cpu_s": [], "loops": []}]}),
        (result(), {"outcome": "failed"}),
        (conditions(), {"steal": 2.0}),
        (conditions(), {"kernel": {"wall_s": [1.0]}}),
    ],
)
def test_a_wrong_value_does_not(
    valid: Callable[[Any], bool], line: dict[str, Any], change: dict[str, Any]
) -> None:
    """An ok without a steady time is wrong, and so is a failure with one."""
    assert valid(line)
    assert not valid(line | change)
