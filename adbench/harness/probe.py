"""What a Python has: its version, which modules it lacks, versions of distributions. Run by that Python.

A script of its own, ``PYTHON probe.py MODULES NAMES`` (both separated by commas), in words that old
versions know too; knows nothing of adbench. Its answer is one JSON object.
"""

from __future__ import annotations

import contextlib
import json
import sys

# the folder of this script, whose names are not meant to be found
sys.path[:1] = []


def lacking(modules: list[str]) -> list[str]:
    """Those of these top-level modules that cannot be imported."""
    from importlib.util import find_spec

    return [name for name in modules if find_spec(name) is None]


def versions(names: list[str]) -> dict[str, str]:
    """Distribution -> version, of those that are installed; a module's name finds what provides it."""
    from importlib import metadata

    found = {}
    providers = metadata.packages_distributions()
    for name in names:
        for candidate in (name, *providers.get(name, ())):
            try:
                found[candidate.lower()] = metadata.version(candidate)
                break
            except metadata.PackageNotFoundError:
                continue
    return found


def main(modules: list[str], names: list[str]) -> None:
    """Answer on standard output."""
    found: dict[str, object] = {"python": list(sys.version_info[:3])}
    with contextlib.suppress(ImportError, AttributeError):  # an old Python cannot answer
        found.update(lacking=lacking(modules), versions=versions(names))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*([word for word in words.split(",") if word] for words in sys.argv[1:3]))
