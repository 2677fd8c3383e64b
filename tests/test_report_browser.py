"""The page in a real browser, from file:// and without a network: charts, chooser, sorting, safety."""

import os
import re
import shutil
import subprocess

import pytest
import synthetic
from test_report import HOSTILE, hostile_run

from adbench.report import write

pytestmark = [pytest.mark.browser, pytest.mark.slow]
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--virtual-time-budget=10000", "--window-size=1280,2000",
)  # fmt: skip


def look(page, folder):
    """DOM of a page after its scripts ran, and what it wrote to the console."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium here, and CI must look at the page: apt-get install chromium")
        pytest.skip("no chromium here: apt-get install chromium")
    command = [browser, *OPTIONS, f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout, re.findall(r"^.*CONSOLE.*$", done.stderr, re.MULTILINE)


def acted(page, script):
    """The page with its security policy taken out and a script of the test's added at the end."""
    text = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text(encoding="utf-8"), count=1)
    before, _, after = text.rpartition("</body>")
    page.write_text(f"{before}<script type='module'>{script}</script></body>{after}")
    return page


@pytest.fixture
def page(tmp_path):
    write([synthetic.run()], tmp_path / "page.html")
    return tmp_path / "page.html"


def test_charts_are_drawn_with_choosers_and_without_a_word_on_the_console(page, tmp_path):
    dom, console = look(page, tmp_path)
    assert console == []
    figures = re.findall(r"<figure.*?</figure>", dom, re.DOTALL)
    assert len(figures) == 5
    for figure in figures:
        assert "data-drawn" in figure
        assert "<svg" in figure
        assert "<select" in figure
        assert 'stroke="var(--first)"' in figure  # colours follow the scheme
    assert "numba-dual" in figures[0]
    assert '<input type="search"' in dom


def test_parts_of_two_machines_each_draw_their_own_charts(tmp_path):
    other = synthetic.elsewhere(synthetic.run(seed=2), "aa00bb11", cpu="Intel Xeon 8488C")
    write([synthetic.run(), other], tmp_path / "page.html")
    dom, console = look(tmp_path / "page.html", tmp_path)
    assert console == []
    parts = re.findall(r"<article.*?</article>", dom, re.DOTALL)
    assert len(parts) == 2
    for number, part in enumerate(parts, start=1):
        assert part.count("data-drawn") == 5
        assert part.count("<select") == 8
        assert f'data-chart="spec-scaling-{number}"' in part


def test_hostile_texts_run_nothing(tmp_path):
    write([hostile_run()], tmp_path / "page.html")
    dom, console = look(tmp_path / "page.html", tmp_path)
    assert console == []
    assert "<title>JAX vs Numba" in dom
    dom = re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL)
    assert "<img" not in dom
    assert dom.count("data-drawn") == 5
    assert "owned" in HOSTILE[1]
    assert "owned" in dom  # shown, not run


def test_choosing_sorting_and_filtering_work(page, tmp_path):
    script = """
      await new Promise((done) => setTimeout(done, 3000));
      const select = document.querySelector("#scaling select");
      select.value = "rosenbrock, gradient";
      select.dispatchEvent(new Event("input", {bubbles: true}));
      select.dispatchEvent(new Event("change", {bubbles: true}));
      const table = document.querySelector("#methods table[data-sortable]");
      const header = table.tHead.rows[0].cells[2];
      header.querySelector("button").click();
      const box = document.querySelector("#methods details input");
      box.value = "rosenbrock jax";
      box.dispatchEvent(new Event("input"));
      await new Promise((done) => setTimeout(done, 1000));
      const rows = [...table.tBodies[0].rows];
      const times = rows.map((row) => Number(row.cells[2].dataset.sort));
      const report = document.createElement("output");
      report.textContent = JSON.stringify({
        sorted: times.every((t, i) => i === 0 || times[i - 1] <= t),
        aria: header.getAttribute("aria-sort"),
        shown: rows.filter((row) => !row.hidden).length,
        chart: document.querySelector("#scaling svg").textContent.includes("10k"),
      });
      document.body.append(report);
    """
    dom, console = look(acted(page, script), tmp_path)
    assert console == []
    (found,) = re.findall(r"<output>(.*?)</output>", dom)
    assert found == '{"sorted":true,"aria":"ascending","shown":3,"chart":false}'


def test_the_page_reads_without_scripts(page, tmp_path):
    text = re.sub(r"<script.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    page.write_text(text)
    dom, console = look(page, tmp_path)
    assert console == []
    assert "Numba is 4.2× faster" in dom
    assert 'class="map"' in dom
