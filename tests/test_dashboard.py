"""The dashboard: asv's site made of results that `adbench run` could have written, offline."""

import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import asv_history
import pytest
from needs import needed
from test_docs import load

pytest.importorskip("asv", reason="asv is not installed: pip install -e '.[asv]'")
ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks" / "dashboard"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def build() -> ModuleType:
    return load(FOLDER / "build.py")


@pytest.fixture(scope="module")
def check() -> ModuleType:
    return load(FOLDER / "check.py")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose second half is slow in JAX and lossy in autograd, measured."""
    folder = tmp_path_factory.mktemp("history")
    commits = asv_history.repository(folder, 8)
    asv_history.measured(folder, commits, slow_from=4, lossy_from=5)
    return folder


@pytest.fixture(scope="module")
def site(build: ModuleType, history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    needed("npm", shutil.which("npm"))
    reports = tmp_path_factory.mktemp("reports")
    for name in ("2026-01-02-old", "2026-02-03-new"):
        (reports / name).mkdir()
        (reports / name / "index.html").write_text(f"<title>{name}</title>")
    work = ROOT / "build" / "dashboard"  # npm fetches once a checkout
    words = [
        "--config",
        str(history / "asv.conf.json"),
        "--reports",
        str(reports),
        "--work",
        str(work),
    ]
    assert build.main(words) == 0
    first = (history / ".asv/html/index.html").read_text()
    assert build.main(words) == 0
    assert (history / ".asv/html/index.html").read_text() == first
    return history / ".asv" / "html"


def test_planted_changes_are_found_at_their_commits_and_nowhere_else(site: Path) -> None:
    found = json.loads((site / "regressions.json").read_text())["regressions"]
    steps = {(name, jump[1]) for name, *_, jumps in found for jump in jumps}
    slow = {name for name, revision in steps if revision == 4}
    lossy = {name for name, revision in steps if revision == 5}
    assert len(slow) + len(lossy) == len(steps)
    assert all("/jax-" in name for name in slow)
    assert {name.split("(")[0].rpartition(".")[2] for name in slow} == {"steady", "first_call"}
    assert all(".error(" in name and "/autograd-reverse" in name for name in lossy)
    # every JAX case and every autograd case: two methods on 7 rows, one on the 2 Hessians; 9 rows
    assert sum(".steady(" in name for name in slow) == 16
    assert len(lossy) == 9


def test_the_page_loads_nothing_from_elsewhere_and_links_the_newest_report(
    build: ModuleType, site: Path
) -> None:
    page = (site / "index.html").read_text()
    assert build.ELSEWHERE.search(page) is None
    assert page.count('src="vendor/') + page.count('href="vendor/') == len(build.ASSETS)
    assert "integrity=" not in page
    assert 'href="report/index.html" title="2026-02-03-new"' in page
    assert (site / "report" / "index.html").read_text() == "<title>2026-02-03-new</title>"


def test_pages_show_their_content_in_a_browser_and_ask_nobody(
    check: ModuleType, site: Path
) -> None:
    browser = check.chromium()
    needed("chromium", browser)
    pages = {page.name: page for page in check.pages(site)}
    assert pages["grid"].drawings == check.AT_ONCE
    assert len(pages["regressions"].texts) == 20
    for name in ("grid", "graph", "regressions"):
        seen = check.look(browser, f"{(site / 'index.html').as_uri()}#{pages[name].address}")
        assert check.complaints(pages[name], seen, "") == []
    with check.served(site) as home:
        seen = check.look(browser, f"{home}index.html#{pages['graph'].address}")
        assert seen.asked  # its own files, over the network of this machine
        assert check.complaints(pages["graph"], seen, home) == []
        assert check.complaints(pages["graph"], seen, "http://127.0.0.1:1/")


def test_a_page_that_asks_elsewhere_or_shows_nothing_is_found(
    check: ModuleType, tmp_path: Path
) -> None:
    browser = check.chromium()
    needed("chromium", browser)
    page = tmp_path / "index.html"
    page.write_text(
        "<script src='http://127.0.0.1:9/jquery.js'></script><script>nothing()</script>"
    )
    expected = check.Page("grid", "/", ("adbench",), 1)
    found = check.complaints(expected, check.look(browser, page.as_uri()), "")
    assert any("asks http://127.0.0.1:9/jquery.js" in text for text in found)
    assert any("console: " in text and "nothing is not defined" in text for text in found)
    assert "grid: does not show adbench" in found
    assert "grid: 0 drawings, 1 expected" in found


def words_of(history: Path, tmp_path: Path) -> list[str]:
    return ["--config", str(history / "asv.conf.json"), "--work", str(tmp_path / "work")]


def test_without_results_it_says_how_to_measure(
    build: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asv_history.repository(tmp_path, 1)
    assert build.main(words_of(tmp_path, tmp_path)) == 2
    assert "measure first, with: nox -s asv" in capsys.readouterr().err


def test_without_npm_it_says_what_to_install(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build.shutil, "which", lambda _name: None)
    with pytest.raises(build.BuildError, match=r"npm is missing.*apt-get install npm"):
        build.fetched(tmp_path)


def test_a_page_of_another_asv_is_refused(build: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text('<script src="https://cdn.example/vue.js"></script>')
    with pytest.raises(build.BuildError, match=r"vue\.js, which this script does not know"):
        build.rewrite(tmp_path, tmp_path, None)


def test_a_file_that_is_not_what_asv_names_is_refused(build: ModuleType, tmp_path: Path) -> None:
    asset = next(a for a in build.ASSETS if a.same)
    (tmp_path / asset.file).parent.mkdir(parents=True)
    (tmp_path / asset.file).write_text("another")
    tag = f'<script src="https://cdn.example{asset.url}" integrity="sha256-AAAA="></script>'
    (tmp_path / "index.html").write_text(tag)
    with pytest.raises(build.BuildError, match="is not the file whose hash asv's page names"):
        build.rewrite(tmp_path, tmp_path, None)


def test_asv_compares_two_commits_of_such_results(history: Path) -> None:
    commits = asv_history.git(history, "log", "--format=%H").split()
    done = subprocess.run(
        ["asv", "compare", "--machine", "workbench", "--only-changed", "--split", commits[-1], commits[0]],
        cwd=history, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "adbench.gauss_nll.array.steady('gauss_nll[100]/gradient/jax-reverse')" in done.stdout
    assert "numba-dual" not in done.stdout
