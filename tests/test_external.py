"""Programs as tools: what they may do wrong, what their numbers mean, and adbench as such a program."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from typer.testing import CliRunner

from adbench import registry
from adbench.cli import app
from adbench.harness import plan, store
from adbench.harness.external.case import measure
from adbench.harness.external.payloads import APART, TRANSLATIONS, PayloadError, of_module, refusal
from adbench.harness.external.program import Program
from adbench.harness.external.serve import Server
from adbench.harness.external.tool import External, parse
from adbench.harness.plan import Row
from adbench.harness.process import worker_environment
from adbench.model import Operator, Point, UnknownNameError
from adbench.problems import _hand
from adbench.reference.judge import judge
from adbench.reference.truth import certified

ROOT = Path(__file__).parents[1]
TOY = ROOT / "tests" / "toys" / "external_tool.py"
EXAMPLES = ROOT / "examples" / "external"
ROW = "lse[100]/gradient"
PYTHON = sys.executable
SELF = f"{PYTHON} -m adbench serve-tool"


def found(program: str) -> str:
    """The path of a program that CI must have."""
    path = shutil.which(program)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(
                f"no {program} here, and CI must run the example tools: apt-get install {program}"
            )
        pytest.skip(f"no {program} here")
    return path


# --- a run with tools that misbehave -----------------------------------------------------------------

EXPECTED = {
    "good": ("ok", ""),
    "zeros": ("wrong", "numbers are wrong"),
    "false": ("failed", "it has no result of gradient: this machine has no luck"),
    "wrong-id": ("failed", "to the message with id 2"),
    "silent": ("timed out", "within the 6 s of a case"),
    "garbage": ("failed", "it answered 'I am ready!'"),
    "endless": ("failed", "it answered 'xxxx"),
    "closes": ("crashed", "closed its output and went on running; it last printed: started"),
    "leaves": ("crashed", "ended with exit code 3; it last printed: started out of ideas"),
    "dies": ("crashed", "killed by SIGKILL"),
    "stuck": ("crashed", "killed by SIGTERM"),
    "eats": ("out of memory", "the limit is 0.5 GB"),
    "knows-nothing": ("unsupported", "knows-nothing does not know the module lse"),
}  # fmt: skip


def options(folder: Path) -> list[str]:
    commands = {how: f"{PYTHON} {TOY} {how} {folder / how}" for how in EXPECTED}
    commands["self"] = f"{SELF} numpy-central"
    return [word for n, c in commands.items() for word in ("--external", f"{n}={c}")]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """One run of all of them beside a method of ours, one killed from outside: method -> line."""
    folder = tmp_path_factory.mktemp("external")
    names = ",".join([*EXPECTED, "self", "numpy-central"])
    run = subprocess.Popen(
        [
            PYTHON, "-m", "adbench", "run", f"{ROW}/{{{names}}}", *options(folder),
            "--out", "results.jsonl", "--time-limit", "6", "--memory-limit", "0.5",
        ],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    victim = folder / "stuck"
    while run.poll() is None and not victim.exists():
        time.sleep(0.02)
    if victim.exists():
        os.kill(int(victim.read_text()), signal.SIGTERM)
    _, said = run.communicate(timeout=120)
    assert run.returncode == 0, said
    loaded = store.load(folder / "results.jsonl")
    return {line["method"]: line for line in loaded.results} | {"path": {"path": loaded.path}}


@pytest.mark.parametrize("how", EXPECTED)
def test_a_tool_costs_its_own_case_at_most(lines: dict[str, dict[str, Any]], how: str) -> None:
    outcome, words = EXPECTED[how]
    assert lines[how]["outcome"] == outcome, lines[how]["message"]
    assert words in lines[how]["message"]


ANSWERS = {
    "good": ("ok", ""),
    "nan": ("nan", "not finite"),
    "short": ("failed", "has shape (99,)"),
    "texts": ("failed", "its output of gradient: expected numbers"),
    "nothing": ("failed", "says success, but no output"),
    "second-false": ("failed", "once is enough"),
    "one-run": ("failed", "reports 1 timings named 'evaluate' where min_runs was"),
    "no-times": ("failed", "reports 0 timings"),
    "minus": ("failed", "a timing of -1 nanoseconds"),
    "coarse": ("failed", "its clock is too coarse"),
    "boasts": ("failed", "3.6e+03 s of work within"),
    "promises": ("failed", "promises rtol 2.0 of gradient"),
}


@pytest.mark.parametrize("how", ANSWERS)
def test_an_answer_that_cannot_be_is_told_so(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same program, asked in this process."""
    spec = importlib.util.spec_from_file_location("toy", TOY)
    assert spec is not None
    assert spec.loader is not None
    toy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toy)

    class Here:
        process, asked = "running", 1

        def __init__(self, *_: Any) -> None: ...

        def say(self, kind: str, limits: Any, **message: Any) -> Any:
            return toy.answer(how, {"kind": kind} | message)

    monkeypatch.setattr("adbench.harness.external.program.Conversation", Here)
    label, message = outcome(session("toy"), "lse", Operator.GRADIENT)
    assert label == ANSWERS[how][0]
    assert ANSWERS[how][1] in message


def test_a_line_says_that_the_program_timed_itself(lines: dict[str, dict[str, Any]]) -> None:
    """Its runs in blocks on its clock, a round trip on ours, no CPU clock; name and command of it."""
    line = lines["good"]
    phases = {m["phase"]: m for m in line["measurements"]}
    assert {"import", "first", "steady", "round trip"} == phases.keys()
    assert (line["mode"], line["form"], line["tool"]) == ("external", "external", "good")
    assert len(phases["steady"]["wall_s"]) == plan.preset("quick").other_blocks
    assert all(s == 0.0 for m in phases.values() for s in m["cpu_s"])
    assert min(phases["round trip"]["wall_s"]) > min(phases["steady"]["wall_s"])
    assert line["versions"]["good"] == "toy good"
    assert str(TOY) in line["command"]


def test_lines_keep_to_the_schema(lines: dict[str, dict[str, Any]]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs" / "results.schema.json").read_text())
    for text in lines["path"]["path"].read_text().splitlines():
        jsonschema.validate(json.loads(text), schema)


def test_adbench_as_its_own_tool_gives_the_same_numbers(lines: dict[str, dict[str, Any]]) -> None:
    """And says what a method of differences promises, or it would be judged as an exact one."""
    assert lines["self"]["outcome"] == "ok", lines["self"]["message"]
    assert lines["self"]["accuracy"] == lines["numpy-central"]["accuracy"]
    assert lines["self"]["accuracy"]["error_ulp"] > 1000


def test_a_rerun_has_nothing_to_do_until_a_program_changes(
    lines: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    path = lines["path"]["path"]
    words = [
        f"{ROW}/{{good,zeros}}",
        "--out",
        str(path),
        "--time-limit",
        "6",
        "--memory-limit",
        "0.5",
    ]
    same = f"good={PYTHON} {TOY} good {path.parent / 'good'}"
    other = f"zeros={PYTHON} {TOY} good"
    again = CliRunner().invoke(app, ["run", *words, "--external", same, "--external", other])
    assert "1 new results (1 ok), 1 were there already" in again.output, again.output


def test_pages_tables_and_comparisons_take_such_lines(
    lines: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    path = str(lines["path"]["path"])
    for words in (
        ["report", path, "--out", str(tmp_path / "page.html")],
        ["export", path, "--out", str(tmp_path / "table.csv")],
        ["compare", path, path],
    ):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    page = (tmp_path / "page.html").read_text()
    assert "a program of its own, timed by itself" in page
    assert "the program was killed by SIGTERM" in page


def test_being_asked_to_stop_ends_the_program_too(tmp_path: Path) -> None:
    pid_file = tmp_path / "stuck"
    run = subprocess.Popen(
        [
            PYTHON, "-m", "adbench", "run", f"{ROW}/stuck", "--out", str(tmp_path / "r.jsonl"),
            "--external", f"stuck={PYTHON} {TOY} stuck {pid_file}",
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        # a test suite started in the background inherits a deaf SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )  # fmt: skip
    while run.poll() is None and not pid_file.exists():
        time.sleep(0.02)
    pid = int(pid_file.read_text())
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert "Continue with:" in said
    assert "--external" in said
    assert not psutil.pid_exists(pid)


# --- the examples ------------------------------------------------------------------------------------


def session(*words: str) -> Program:
    return Program(External("example", words), None, worker_environment())


def outcome(program: Program, problem: str, operator: Operator) -> tuple[str, str]:
    """How a case of a problem's first size ends."""
    known = registry.problem(problem)
    row = Row(known, known.sizes[0], operator, (program.tool.method,))
    smoke = replace(plan.preset("smoke"), other_blocks=3)
    done = measure(row, program, smoke, 0, known.at(known.sizes[0]))
    return done.outcome.label, done.message


@pytest.fixture(scope="module")
def forward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The example in C++, compiled."""
    program = tmp_path_factory.mktemp("forward") / "forward"
    words = [found("g++"), "-O2", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-o", str(program)]
    subprocess.run([*words, str(EXAMPLES / "forward.cpp")], check=True, timeout=120)
    running = session(str(program))
    yield running
    running.end()


@pytest.fixture(scope="module")
def tape() -> Iterator[Program]:
    """The example in JavaScript."""
    running = session(found("node"), str(EXAMPLES / "tape.js"))
    yield running
    running.end()


BOTH = (Operator.VALUE, Operator.GRADIENT)


@pytest.mark.parametrize("problem", ["lse", "llsq", "det"])
@pytest.mark.parametrize("operator", BOTH, ids=lambda o: o.value)
def test_the_example_in_cpp_is_right(forward: Program, problem: str, operator: Operator) -> None:
    assert outcome(forward, problem, operator) == ("ok", "")


@pytest.mark.parametrize(
    ("problem", "operator"),
    [
        *((p, o) for p in ("lse", "llsq") for o in BOTH),
        ("kmeans", Operator.VALUE),
        ("kmeans", Operator.NEWTON_DIRECTION),
    ],
)
def test_the_example_in_javascript_is_right(
    tape: Program, problem: str, operator: Operator
) -> None:
    assert outcome(tape, problem, operator) == ("ok", "")


def test_the_examples_answer_what_they_do_not_know(forward: Program, tape: Program) -> None:
    for program in (forward, tape):
        label, message = outcome(program, "lstm", Operator.GRADIENT)
        assert (label, message) == ("unsupported", "example does not know the module lstm")


HELLO = [
    ({"kind": "start", "eval": "hello"}, None),
    ({"kind": "define", "module": "hello"}, None),
    ({"kind": "evaluate", "module": "hello", "function": "square", "input": 3.5}, 12.25),
    ({"kind": "evaluate", "module": "hello", "function": "double", "input": 3.5}, 7.0),
    ({"kind": "dance"}, None),
]


@pytest.mark.parametrize("which", ["forward", "tape", "self"])
def test_examples_and_adbench_say_hello_and_survive_garbage(
    which: str, request: pytest.FixtureRequest
) -> None:
    if which == "self":
        words = (PYTHON, "-m", "adbench", "serve-tool", "dual-python")
    else:
        words = request.getfixturevalue(which).tool.words
    messages = [json.dumps({"id": i} | m) for i, (m, _) in enumerate(HELLO)]
    text = "\n".join(["garbage {", *messages, '{"no": "id"}', ""])
    done = subprocess.run(
        words, input=text, capture_output=True, text=True, timeout=60, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(HELLO) + 2
    assert answers[0]["success"] is False
    assert answers[0]["error"]
    for i, (_, output) in enumerate(HELLO):
        assert answers[1 + i]["id"] == i
        assert answers[1 + i].get("output") == output


# --- what numbers mean -------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", TRANSLATIONS)
def test_a_point_survives_the_way_through_json(problem: str) -> None:
    known, at = (
        TRANSLATIONS[problem],
        registry.problem(problem).at(registry.problem(problem).sizes[0]),
    )
    back = known.point(json.loads(json.dumps(known.payload(at), allow_nan=False)))
    assert back.digest() == at.digest()
    assert (back.outputs, back.pattern is None) == (at.outputs, at.pattern is None)


CASES = [(name, o) for name, t in TRANSLATIONS.items() for o in t.functions]


def asked(module: str, function: str, payload: Any, **more: Any) -> dict[str, Any]:
    message = {"id": 7, "kind": "evaluate", "module": module, "function": function}
    return message | {"input": payload | more if isinstance(payload, dict) else payload}


@pytest.mark.parametrize(("problem", "operator"), CASES)
def test_what_a_method_answers_over_the_protocol_is_judged_right(
    problem: str, operator: Operator
) -> None:
    """A derivative of ours out through the protocol and in again agrees with the certified truth."""
    known, ours = TRANSLATIONS[problem], registry.problem(problem)
    at = ours.at(ours.sizes[0])
    message = asked(known.module, known.functions[operator], known.payload(at))
    answer = json.loads(json.dumps(serve("dual-numpy", message)))
    assert answer["success"], answer
    result = known.result(operator, answer["output"], at)
    truth = certified(ours, ours.sizes[0], operator, at)
    verdict = judge(result, truth)
    assert verdict.outcome.label == "ok", verdict.message


# The protocol's own meanings, written from its payloads alone: the other side of every translation.


def gmm_objective(p: dict[str, Any]) -> float:
    d, total = p["d"], 0.0
    x, alpha, mu, q = (np.array(p[name]) for name in ("x", "alpha", "mu", "q"))
    phi = np.exp(alpha) / np.sum(np.exp(alpha))
    density = 0.0
    for k in range(p["k"]):
        factor = np.diag(np.exp(q[k]))
        places = [(row, column) for column in range(d) for row in range(column + 1, d)]
        for (row, column), value in zip(places, p["l"][k], strict=True):
            factor[row, column] = value
        y = (x - mu[k]) @ factor.T
        normal = np.linalg.det(factor) / (2.0 * math.pi) ** (d / 2)
        density = density + phi[k] * normal * np.exp(-0.5 * np.sum(y * y, axis=1))
        # a Wishart density with d + 1 degrees of freedom, less its determinant's power of 0
        gamma = d * (d - 1) / 4 * math.log(math.pi)
        gamma += sum(math.lgamma((d + 1 - j) / 2) for j in range(d))
        total += -0.5 * np.sum(factor * factor) - d * (d + 1) / 2 * math.log(2.0) - gamma
    return float(np.sum(np.log(density)) + total)


def ba_objective(p: dict[str, Any]) -> list[float]:
    r, centre, (f, u, v, k1, k2) = np.split(np.array(p["cam"]), [3, 6])
    angle = np.linalg.norm(r)
    axis, y = r / angle, np.array(p["x"]) - centre
    z = y * math.cos(angle) + np.cross(axis, y) * math.sin(angle)
    z = z + axis * (axis @ y) * (1.0 - math.cos(angle))
    seen = z[:2] / z[2]
    rho = seen @ seen
    seen = f * seen * (1.0 + k1 * rho + k2 * rho * rho) + np.array([u, v])
    return [*(p["w"] * (seen - np.array(p["feat"]))), 1.0 - p["w"] ** 2]


def ht_objective(p: dict[str, Any], us: Any, theta: Any) -> Any:
    model = p["data"]["model"]
    angles = np.zeros((22, 3))
    for finger in range(5):
        a, b, c, d = theta[6 + 4 * finger : 10 + 4 * finger]
        angles[2 + 4 * finger], angles[3 + 4 * finger, 0], angles[4 + 4 * finger, 0] = (
            (a, 0, b),
            c,
            d,
        )
    absolute: list[Any] = []
    for i, parent in enumerate(model["parents"]):
        (cx, _, cz), (sx, _, sz) = np.cos(angles[i]), np.sin(angles[i])
        turn = np.eye(4)
        turn[:3, :3] = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ np.array(
            [[1, 0, 0], [0, cx, -sx], [0, sx, cx]]
        )
        local = np.array(model["base_relatives"][i]) @ turn
        absolute.append(local if parent < 0 else absolute[parent] @ local)
    skin = np.array(absolute) @ np.array(model["inverse_base_absolutes"])
    moved = np.einsum("vb,bij,vj->vi", model["weights"], skin, model["base_positions"])[:, :3]
    r = theta[:3]
    angle = np.linalg.norm(r)
    cross = np.array([[0, -r[2], r[1]], [r[2], 0, -r[0]], [-r[1], r[0], 0]]) / angle
    turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    vertices = moved @ turn.T + theta[3:6]
    its = p["data"]["correspondences"]
    if len(us):
        corners = vertices[np.array(model["triangles"])[its]]
        shares = np.column_stack([us, 1.0 - np.sum(us, axis=1)])
        seen = np.sum(corners * shares[:, :, None], axis=1)
    else:
        seen = vertices[its]
    return (np.array(p["data"]["points"]) - seen).ravel()


def value(problem: str, at: Point) -> Any:
    form = registry.problem(problem).form("array")
    assert form is not None
    prepared = registry.method("numpy-central").prepare(form, Operator.VALUE, at)
    return prepared.decode(prepared.call(*prepared.encode(at)))


def through_json(payload: Any) -> Any:
    return json.loads(json.dumps(payload))


def test_gmm_means_the_same() -> None:
    at = registry.problem("gmm").at((2, 5))
    theirs = gmm_objective(through_json(TRANSLATIONS["gmm"].payload(at)))
    assert theirs == pytest.approx(value("gmm", at), rel=1e-12)


def test_kmeans_llsq_lse_and_det_mean_the_same() -> None:
    at = registry.problem("kmeans").at((10, 1_000, 8))
    p = through_json(TRANSLATIONS["kmeans"].payload(at))
    away = np.array(p["points"])[:, None] - np.array(p["centroids"])
    cost = np.sum(np.min(np.sum(away * away, axis=2), axis=1))
    assert cost == pytest.approx(value("kmeans", at), rel=1e-12)
    at = registry.problem("llsq").at(16)
    p = through_json(TRANSLATIONS["llsq"].payload(at))
    t = -1.0 + np.arange(p["n"]) * 2.0 / (p["n"] - 1)
    half = 0.5 * np.sum((np.sign(t) - np.polyval(p["x"][::-1], t)) ** 2)
    assert half == pytest.approx(value("llsq", at), rel=1e-12)
    at = registry.problem("lse").at(100)
    p = through_json(TRANSLATIONS["lse"].payload(at))
    assert np.log(np.sum(np.exp(p["x"]))) == pytest.approx(value("lse", at), rel=1e-12)
    at = registry.problem("det").at(4)
    p = through_json(TRANSLATIONS["det"].payload(at))
    determinant = np.linalg.det(np.array(p["A"]).reshape(p["ell"], p["ell"]))
    assert determinant == pytest.approx(value("det", at), rel=1e-9)


def test_ba_means_the_same_and_is_the_same_for_all_observations() -> None:
    at = registry.problem("ba").at((5, 50, 200))
    known = TRANSLATIONS["ba"]
    theirs = ba_objective(through_json(known.payload(at)))
    ours = value("ba", at)
    said = known.output(Operator.VALUE, ours, at)
    assert [*said["reproj_error"]["elements"], said["w_err"]["element"]] == pytest.approx(
        theirs, rel=1e-9
    )
    assert np.array_equal(known.result(Operator.VALUE, said, at), ours)
    said["w_err"]["repeated"] = 7
    with pytest.raises(PayloadError, match="expected 200"):
        known.result(Operator.VALUE, said, at)
    at = replace(at, x=at.x + np.arange(len(at.x)))
    with pytest.raises(PayloadError, match="replicated"):
        known.payload(at)


@pytest.mark.parametrize("complicated", [False, True])
def test_ht_means_the_same_and_its_jacobian_has_us_first(complicated: bool) -> None:
    at, known = _hand.hand(44, 6, complicated), TRANSLATIONS["ht"]
    p = through_json(known.payload(at))
    us, theta = np.array(p["us"]), np.array(p["theta"])
    assert len(us) == (6 if complicated else 0)
    assert ht_objective(p, us, theta) == pytest.approx(value("ht", at), abs=1e-12)
    message = asked("ht", "jacobian", p)
    answer = Server(registry.method("dual-numpy")).answer(json.dumps(message))
    assert answer["success"], answer
    theirs, h = np.array(answer["output"]), 1e-6
    columns = []
    for j in range(2 if complicated else 0):  # one column each for u1 and u2 of all points
        step = np.zeros_like(us)
        step[:, j] = h
        both = (ht_objective(p, us + step, theta), ht_objective(p, us - step, theta))
        columns.append((both[0] - both[1]) / (2 * h))
    for j in range(26):
        step = np.zeros(26)
        step[j] = h
        both = (ht_objective(p, us, theta + step), ht_objective(p, us, theta - step))
        columns.append((both[0] - both[1]) / (2 * h))
    assert theirs == pytest.approx(np.column_stack(columns), abs=1e-8)
    back = known.point(p)
    assert back.digest() == at.digest()


def test_every_problem_is_translated_or_refused_with_a_reason() -> None:
    """A definition that is another one is never judged; ode, particle and saddle are such."""
    for problem in registry.problems().values():
        for operator in problem.operators:
            known = TRANSLATIONS.get(problem.name)
            offered = known is not None and operator in known.functions
            assert (refusal(problem.name, operator) is None) == offered
    assert set(APART) == {"ode", "particle", "saddle"}
    assert "31 entries" in str(refusal("ba", Operator.JACOBIAN))
    assert "last state" in str(refusal("ode_states", Operator.JACOBIAN))
    assert "has objective and jacobian" in str(refusal("gmm", Operator.VALUE_AND_GRADIENT))
    modules = {t.module for t in TRANSLATIONS.values()}
    assert modules == {"gmm", "lstm", "llsq", "lse", "det", "kmeans", "ode", "ba", "ht"}
    assert of_module("saddle") is None


# --- adbench as a tool -------------------------------------------------------------------------------


def serve(method: str, message: Any) -> dict[str, Any]:
    return Server(registry.method(method)).answer(json.dumps(message))


def test_it_repeats_as_often_and_as_long_as_asked() -> None:
    server = Server(registry.method("dual-python"))
    few = server.answer(
        json.dumps(asked("lse", "gradient", {"x": [1.0, 2.0]}, min_runs=5, min_seconds=0))
    )
    names = [t["name"] for t in few["timings"]]
    assert names == ["prepare"] + ["evaluate"] * 5
    long = server.answer(
        json.dumps(asked("lse", "gradient", {"x": [1.0, 2.0]}, min_runs=1, min_seconds=0.02))
    )
    assert sum(t["nanoseconds"] for t in long["timings"]) >= 20_000_000
    assert {t["name"] for t in long["timings"]} == {"evaluate"}  # the same input: prepared already
    other = server.answer(
        json.dumps(asked("lse", "gradient", {"x": [3.0]}, min_runs=1, min_seconds=0))
    )
    assert other["output"] == [1.0]
    assert other["timings"][0]["name"] == "prepare"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (asked("lse", "gradient", {"x": ["one"]}), "expected numbers"),
        (asked("lse", "hessian", {"x": [1.0]}), "no function 'hessian' of module 'lse'"),
        (asked("lse", "gradient", {}), "KeyError: 'x'"),
        (asked("moon", "gradient", {}), "no function 'gradient' of module 'moon'"),
        (asked("det", "primal", {"A": [1.0], "ell": 2}), "A has 1 numbers, expected 4"),
        (asked("det", "primal", {"A": [1.0], "ell": 12}), "from 1 to 9"),
        (asked("ode", "gradient", {"x": [1.0], "s": 10}), "no function 'gradient' of module 'ode'"),
        (asked("kmeans", "dir", {"points": [[1.0]], "centroids": [[1.0]]}), "newton_direction"),
        (
            {"id": 1, "kind": "define", "module": "saddle"},
            "no module 'saddle'; there are hello, gmm",
        ),
    ],
)
def test_what_it_cannot_do_is_a_sentence(message: dict[str, Any], words: str) -> None:
    answer = serve("numpy-central", message)
    assert answer["success"] is False
    assert words in answer["error"]


def test_a_result_that_json_cannot_say_is_no_success() -> None:
    answer = serve("dual-python", asked("det", "primal", {"A": [1e300, 0, 0, 1e300], "ell": 2}))
    assert answer["success"] is False
    assert "NaN or infinity" in answer["error"]


def test_it_says_what_it_does_not_mean() -> None:
    at = registry.problem("gmm").at((2, 5))
    payload = TRANSLATIONS["gmm"].payload(at) | {"m": 1}
    assert "m = 0 and gamma = 1" in serve("dual-numpy", asked("gmm", "objective", payload))["error"]
    payload = TRANSLATIONS["ht"].payload(registry.problem("ht").at((544, 100)))
    payload["data"]["model"]["weights"][0] = [1.0 / 22] * 22
    assert "two bones" in serve("dual-numpy", asked("ht", "objective", payload))["error"]


def test_it_promises_what_its_method_promises() -> None:
    config = serve("numpy-central", {"id": 0, "kind": "start", "eval": "lse"})["config"]
    assert 0.0 < config["rtol"]["gradient"] < 1e-3
    assert "config" not in serve("dual-python", {"id": 0, "kind": "start", "eval": "lse"})


# --- names and commands ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["foo"], "give a name and a command, such as"),
        (["=ls"], "give a name and a command"),
        (["foo="], "give a name and a command"),
        (["foo='ls"], "No closing quotation"),
        (["Foo=ls"], "use lower-case letters"),
        (["numpy-central=ls"], "is the name of a method or tool here"),
        (["jax=ls"], "is the name of a method or tool here"),
        (["foo=ls", "foo=cat"], "given twice"),
        (["foo=no-such-program --fast"], "no program 'no-such-program'"),
    ],
)
def test_a_tool_that_cannot_be_is_refused_with_the_remedy(texts: list[str], words: str) -> None:
    with pytest.raises(UnknownNameError, match=words.replace("(", r"\(")):
        parse(texts)


def test_a_cluster_runs_no_external_tools() -> None:
    pytest.importorskip("distributed")
    words = ["run", "lse", "--external", f"foo={PYTHON}", "--cluster", "local[2]"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "leave out --cluster" in done.output


def test_another_program_under_a_name_is_another_text(tmp_path: Path) -> None:
    """Known by its files' contents, not by where they lie."""
    problem = registry.problem("lse")
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.py").write_text("1")
    first, second = (External("foo", (PYTHON, str(tmp_path / n))) for n in ("a.py", "b.py"))
    assert first.text_hash(problem) == second.text_hash(problem)
    (tmp_path / "b.py").write_text("2")
    assert External("foo", second.words).text_hash(problem) != first.text_hash(problem)
    assert first.text_hash(registry.problem("det")) != first.text_hash(problem)


def test_a_program_that_times_itself_is_no_measure_for_the_others() -> None:
    from handmade import line

    from adbench.analysis import summary, tidy, verdict

    ours = [line("jax-reverse", 2e-6, r) for r in range(4)] + [
        line("numba-dual", 4e-6, r) for r in range(4)
    ]
    theirs = [line("fast", 1e-6, mode="external", form="external")]
    table = summary(tidy([*ours, *theirs])).set_index("method")
    assert table["slowdown"].to_dict() == pytest.approx(
        {"jax-reverse": 1.0, "numba-dual": 2.0, "fast": 0.5}
    )
    assert verdict(tidy([*ours, *theirs])).sentence == verdict(tidy(ours)).sentence
    alone = summary(tidy(theirs)).set_index("method")
    assert alone["slowdown"].to_dict() == {"fast": 1.0}
