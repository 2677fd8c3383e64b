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


# These measure, or start processes that are bound to one core: one after another, beside the others.
MEASURING = {
    "test_cli", "test_cluster", "test_conditions", "test_docs", "test_external", "test_harness_faults", "test_machine",
    "test_plugins", "test_rounds", "test_run", "test_stopwatch",
}  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several processes (`pytest -n 2 --dist loadgroup`) share the files; each file stays whole."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        name = item.path.stem
        item.add_marker(pytest.mark.xdist_group("measuring" if name in MEASURING else name))


def pytest_report_header(config: pytest.Config) -> str:
    here = [tool for tool in TOOLS if importlib.util.find_spec(tool)]
    return f"tools: {', '.join(here) or 'none'}"
