"""What the whole suite shares: Hypothesis without deadlines, a cache of its own, a list of tools."""

import importlib.util
from collections.abc import Iterator

import hypothesis
import pytest

TOOLS = ("jax", "numba", "autograd", "sympy", "torch", "tensorflow")

# A shared machine stalls now and then, which says nothing of the code; a failure must come again.
hypothesis.settings.register_profile("adbench", deadline=None, derandomize=True)
hypothesis.settings.load_profile("adbench")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads a reference value that another version of the code left behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_report_header(config: pytest.Config) -> str:
    here = [tool for tool in TOOLS if importlib.util.find_spec(tool)]
    return f"tools: {', '.join(here) or 'none'}"
