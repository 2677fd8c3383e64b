"""What the pages say is so: tables, commands, links, names of sessions and extras."""

import contextlib
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import typer.main

from adbench import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("reports/*.md")])
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def load(path: Path) -> ModuleType:
    """The module in a file outside the package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shell_lines(page: Path) -> list[str]:
    """Single commands of every shell block of a page."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).splitlines()
    return [command.strip() for line in lines for command in line.split("&&")]


def adbench_lines() -> list[str]:
    found = {line for page in PAGES for line in shell_lines(page)}
    inline = {line for page in PAGES for line in re.findall(r"`(adbench [^`]+)`", page.read_text())}
    # `adbench run ... --out FILE` in running text is a pattern, not a command
    return sorted(
        line for line in found | inline if line.startswith("adbench ") and "…" not in line
    )


def test_tables_of_the_pages_equal_the_registry() -> None:
    tables = load(ROOT / "docs" / "tables.py")
    assert {page.name for page in tables.PAGES} == {"README.md", "problem-set.md"}
    for page, names in tables.PAGES.items():
        text = page.read_text()
        assert tables.rewritten(text, names) == text, f"{page.name}: run: nox -s tables"


def test_readme_has_the_two_commands_of_one_line() -> None:
    start = "python -m venv .venv && . .venv/bin/activate && python -m pip install nox && nox -s "
    readme = (ROOT / "README.md").read_text()
    assert f"```sh\n{start}report\n```" in readme
    assert f"```sh\n{start}tests\n```" in readme


def test_there_are_commands_to_check() -> None:
    assert len(adbench_lines()) >= 8


@pytest.mark.parametrize("line", adbench_lines())
def test_every_command_parses(line: str) -> None:
    # parsing alone, nothing runs: an unknown option or a missing argument raises
    words = shlex.split(line)[1:]
    command = typer.main.get_command(cli.app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if hasattr(command, "commands"):
        assert all(word.startswith("-") for word in words), f"no command '{words}'"
    with contextlib.suppress(typer.Exit):  # --help ends the parsing
        command.make_context("adbench", words)


def test_nox_sessions_in_the_pages_exist() -> None:
    named = {s for page in PAGES for s in re.findall(r"nox -s ([a-z-]+)", page.read_text())}
    defined = (ROOT / "noxfile.py").read_text()
    functions = set(re.findall(r"^@nox\.session\ndef (\w+)", defined, re.MULTILINE))
    renamed = set(re.findall(r'^@nox\.session\(name="([\w-]+)"\)', defined, re.MULTILINE))
    assert {"report", "tests", "asv", "tables"} <= named <= functions | renamed


def test_extras_in_the_pages_exist() -> None:
    named = {
        extra
        for page in PAGES
        for group in re.findall(r"['`]\.\[([a-z,-]+)\]", page.read_text())
        for extra in group.split(",")
    }
    assert {"all", "torch"} <= named <= set(EXTRAS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_pages_named_in_the_code_exist() -> None:
    sources = [*ROOT.glob("adbench/**/*.py"), *ROOT.glob("benchmarks/*.py"), ROOT / "noxfile.py"]
    named = {n for s in sources for n in re.findall(r"docs/[\w/.-]+\.md", s.read_text())}
    assert "docs/PROBLEMS.md" in named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "docs" / "README.md").read_text()
    for record in (ROOT / "docs" / "adr").glob("*.md"):
        assert f"adr/{record.name}" in listed
