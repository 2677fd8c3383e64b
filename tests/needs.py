"""What a test needs of the system beside Python."""

import os

import pytest


def needed(what: str, found: object) -> None:
    """Skip on a user's machine; continuous integration must have it."""
    if not found:
        if os.environ.get("CI"):
            pytest.fail(f"no {what} here, and CI must build the site: apt-get install {what}")
        pytest.skip(f"no {what} here: apt-get install {what}")
