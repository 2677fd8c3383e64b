"""The page of many made-up rows: seconds to build it, memory, and its size.

    python benchmarks/report/size.py 5000 20000

The goals are a page of 5 000 rows under 3 MB, and one of 20 000 rows built in 10 s and 1 GB. Each number of
rows has a process of its own, so that its peak of memory is its own; reading a file is not in the time.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))


def one(rows: int) -> None:
    """Build the page of so many rows and print the figures."""
    import synthetic

    from adbench.report import write

    run = synthetic.many(rows)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "index.html"
        began = time.perf_counter()
        write([run], out)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        size = out.stat().st_size / 1e6
    told = f"{seconds:.1f} s, {peak:.2f} GiB at most, a page of {size:.2f} MB"
    sys.stdout.write(f"{rows} rows: {told}\n")


def main() -> int:
    """Each number of rows in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="+", type=int, help="numbers of rows, such as 5000 20000")
    asked = parser.parse_args().rows
    if len(asked) == 1:
        one(asked[0])
        return 0
    return max(subprocess.call([sys.executable, __file__, str(rows)]) for rows in asked)


if __name__ == "__main__":
    raise SystemExit(main())
