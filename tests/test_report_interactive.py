"""What a reader does with the page, in a real browser: choose, sort, filter, open evidence; and that assistive
technology can follow.
"""

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
import synthetic
from needs import needed
from test_report import HOSTILE, hostile_run
from test_report_browser import acted, look

from adbench.analysis import summary, tidy
from adbench.report import write
from adbench.report.page import MOST_ROWS

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).parents[1]
AXE = "axe-core@4.14.1"
WAIT = "const wait = (ms) => new Promise((done) => setTimeout(done, ms)); await wait(3000);"
TELL = """
  const told = document.createElement("output");
  told.textContent = JSON.stringify(found);
  document.body.append(told);
"""


def told(page, folder, script):
    """What a script of the test's found on the page; nothing may stand on the console."""
    dom, console = look(acted(page, f"{WAIT}\n{script}\n{TELL}"), folder)
    assert console == []
    (found,) = re.findall(r"<output>(.*?)</output>", dom, re.DOTALL)
    for entity, text in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        found = found.replace(entity, text)
    return json.loads(found)


@pytest.fixture
def page(tmp_path):
    out = tmp_path / "page.html"
    write([synthetic.run(repeats=4)], out, texts={"gauss_nll-array": "def text_of_gauss(): ..."})
    return out


def test_a_cell_opens_the_evidence_of_its_case(page, tmp_path):
    found = told(page, tmp_path, """
      const cell = document.querySelector('table.heat td[data-see="gauss_nll[100]/gradient/jax-reverse"]');
      cell.dispatchEvent(new MouseEvent("click", {bubbles: true}));
      await wait(1000);
      const dialog = document.getElementById("shown");
      const found = {
        open: dialog.open, text: dialog.textContent, role: cell.getAttribute("aria-haspopup"),
        rows: dialog.querySelectorAll("tbody tr").length,
        first: [...dialog.querySelectorAll("tbody tr:first-child td")].map((td) => td.textContent),
      };
    """)  # fmt: skip
    frame = tidy(synthetic.run(repeats=4)[1])
    lines = frame[frame["id"] == "gauss_nll[100]/gradient/jax-reverse"]
    assert found["open"]
    assert found["role"] == "dialog"
    assert found["rows"] == len(lines) == 8
    head = lines[~lines["twin"]].iloc[0]
    assert f"{head['steady_s'] * 1e6:.4g}" in found["first"][2]
    assert "adbench run 'gauss_nll[100]/gradient/jax-reverse' --preset standard" in found["text"]
    assert "def text_of_gauss" in found["text"]
    assert "jax 0.10.2, commit 6abed38c0ffe" in found["text"]


def test_arrows_go_from_cell_to_cell_and_enter_opens_both_sides(page, tmp_path):
    found = told(page, tmp_path, """
      const cells = [...document.querySelector("table.map").querySelectorAll("[data-see]")];
      const stops = cells.filter((c) => c.tabIndex === 0).length;
      cells[0].focus();
      const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
      press("ArrowRight");
      const moved = document.activeElement === cells[1];
      press("ArrowDown");
      press("Enter");
      await wait(1000);
      const found = {stops, moved, titles: [...document.querySelectorAll("#shown h3")].map((h) => h.textContent)};
    """)  # fmt: skip
    assert found["stops"] == 1
    assert found["moved"]
    assert [t.rpartition("/")[0] for t in found["titles"]] == ["histogram_nll[1000]/gradient"] * 2


def test_the_heat_table_is_sorted_by_a_method_and_filtered(page, tmp_path):
    found = told(page, tmp_path, """
      const table = document.querySelector("table.heat");
      const heads = [...table.tHead.rows[0].cells];
      const column = heads.findIndex((th) => th.textContent.trim() === "dual-python");
      heads[column].querySelector("button").click();
      const slow = [...table.tBodies[0].rows].map((r) => Number.parseFloat(r.cells[column].dataset.sort));
      const [operator, size, family] = document.querySelectorAll(".choosers select");
      const set = (control, value) => { control.value = value; control.dispatchEvent(new Event("input", {bubbles: true})); };
      const shown = () => [...table.tBodies[0].rows].filter((r) => !r.hidden).map((r) => r.cells[0].textContent);
      set(operator, "hessian");
      const hessians = shown();
      set(operator, ""); set(size, "large");
      const large = shown();
      set(size, ""); set(family, "jax");
      const columns = heads.filter((th) => !th.hidden).map((th) => th.textContent.trim());
      const found = {slow, hessians, large, columns, sorted: heads[column].getAttribute("aria-sort")};
    """)  # fmt: skip
    known = [s for s in found["slow"] if s is not None]
    assert known == sorted(known)
    assert found["sorted"] == "ascending"
    assert sorted(found["hessians"]) == [
        "histogram_nll[1000]/hessian",
        "histogram_nll[100]/hessian",
    ]
    assert "gauss_nll[10000]/gradient" in found["large"]
    assert "gauss_nll[100]/gradient" not in found["large"]
    assert found["columns"][0] == "row"
    assert {c.partition("-")[0] for c in found["columns"][1:]} == {"jax"}


def test_tooltips_carry_intervals_and_choosers_change_every_chart(page, tmp_path):
    found = told(page, tmp_path, """
      const found = {};
      for (const name of ["scaling", "cost", "frontier"]) {
        const figure = document.querySelector(`#${name} figure`);
        const tip = () => document.getElementById("vg-tooltip-element")?.textContent ?? "";
        for (const mark of figure.querySelectorAll(".mark-symbol path")) {
          for (const kind of ["pointerover", "pointermove", "mouseover", "mousemove"]) {
            mark.dispatchEvent(new PointerEvent(kind, {bubbles: true, clientX: 1, clientY: 1}));
          }
          await wait(50);
          if (tip().includes("jax-")) break;
        }
        found[name] = {tip: tip()};
        const before = figure.querySelector("svg").textContent;
        const select = figure.querySelector("select");
        if (select.options.length > 1) {
          select.value = select.options[select.options.length - 1].value;
          select.dispatchEvent(new Event("input", {bubbles: true}));
          select.dispatchEvent(new Event("change", {bubbles: true}));
          await wait(500);
          found[name].changed = figure.querySelector("svg").textContent !== before;
        }
      }
    """)  # fmt: skip
    assert re.search(
        r"µs \([\d.]+\s?µs to [\d.]+\s?µs\)|ms \([\d.]+\s?ms to", found["scaling"]["tip"]
    )
    assert re.search(r"× \([\d.]+–[\d.]+\) at \d+ variables", found["cost"]["tip"])
    assert "digits" in found["frontier"]["tip"]
    assert found["scaling"]["changed"]
    assert found["frontier"]["changed"]


def test_the_frame_that_is_downloaded_is_the_one_of_the_raw_lines(page, tmp_path):
    found = told(page, tmp_path, """
      const bytes = Uint8Array.from(atob(document.getElementById("frame").href.split(",")[1]), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      const found = {text: await new Response(stream).text()};
    """)  # fmt: skip
    header, lines = synthetic.run(repeats=4)
    assert found["text"] == tidy(lines, header=header).to_csv(index=False)


def test_evidence_of_hostile_texts_is_text(tmp_path):
    out = tmp_path / "page.html"
    write([hostile_run()], out, texts={"x": HOSTILE[0]})
    found = told(out, tmp_path, """
      document.querySelector("table.heat td[data-see]").click();
      await wait(1000);
      const dialog = document.getElementById("shown");
      const found = {images: dialog.querySelectorAll("img, script").length, title: document.title, open: dialog.open};
    """)  # fmt: skip
    assert found["open"]
    assert found["images"] == 0
    assert found["title"].startswith("JAX vs Numba")


def test_without_scripts_pictures_stand_in_for_charts(page, tmp_path):
    text = re.sub(r"<script.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    stills = re.findall(r"<noscript>(<svg.*?</svg>)</noscript>", text, re.DOTALL)
    assert len(stills) == 5
    assert "numba-dual" in stills[0]
    assert "var(--first)" in stills[0]


def test_axe_finds_nothing_serious(page, tmp_path):
    """axe-core's rules on the whole page, and on an open dialog of evidence, in both colour schemes."""
    npm = shutil.which("npm")
    needed("npm", npm)
    folder = ROOT / "build" / "axe"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [npm, "install", "--no-save", "--silent", "--prefix", str(folder), AXE], check=True
        )
    found = told(page, tmp_path, script.read_text() + """
      for (const part of document.querySelectorAll("details")) part.open = true;
      const options = {resultTypes: ["violations"]};
      const say = (result) => result.violations.filter((v) => ["serious", "critical"].includes(v.impact))
        .map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120)).join(" | ")}`);
      const whole = say(await axe.run(document, options));
      document.querySelector("table.map [data-see]").click();
      await wait(800);
      const found = {whole, dialog: say(await axe.run(document.getElementById("shown"), options))};
    """)  # fmt: skip
    assert found == {"whole": [], "dialog": []}


def test_cells_and_cards_are_what_the_raw_lines_say(tmp_path):
    """Ten cells of the heat table and the factors of the cards, computed here from the samples alone."""
    header, lines = synthetic.run(repeats=4)
    out = tmp_path / "page.html"
    write([(header, lines)], out)
    found = told(out, tmp_path, """
      const found = {
        cells: Object.fromEntries([...document.querySelectorAll("table.heat td[data-see]")].map((c) => [c.dataset.see, c.dataset.sort])),
        cards: [...document.querySelectorAll(".cards li")].map((c) => c.textContent),
      };
    """)  # fmt: skip
    times = raw_times(lines)
    table = summary(tidy(lines, header=header)).set_index(["row", "method"])
    chosen = sorted(case for case, shown in found["cells"].items() if shown)[::7][:10]
    assert len(chosen) == 10
    for case in chosen:
        row = case.rpartition("/")[0]
        best = min(t for other, t in times.items() if other.rpartition("/")[0] == row)
        assert float(found["cells"][case]) == pytest.approx(times[case] / best, rel=1e-5)
    errors = {
        tool: max(
            line["accuracy"]["error_ulp"] for line in lines
            if line["method"] in methods and line["outcome"] == "ok"
        )
        for tool, methods in (("jax", chosen_of(table, "jax")), ("numba", chosen_of(table, "numba")))
    }  # fmt: skip
    card = next(c for c in found["cards"] if "largest error" in c)
    assert f"{errors['jax']:.1f} / {errors['numba']:.1f}" in card


def test_each_card_is_what_the_raw_lines_say(tmp_path):
    """Overall, smallest and largest sizes, crossover and start: from the samples by formulas written here."""
    import numpy as np

    def faster_when_large(tool, problem, size):
        return 0.1 if tool == "jax" and int(size) >= 1000 else 1.0

    run = synthetic.run(repeats=4, failures=False, speed=faster_when_large)
    out = tmp_path / "page.html"
    write([run], out)
    found = told(out, tmp_path, r"""
      const found = [...document.querySelectorAll(".cards li")].map((c) => c.textContent.replace(/\s+/g, " ").trim());
    """)  # fmt: skip
    cards = {word: next(c for c in found if word in c)
             for word in ("overall", "smallest", "largest sizes", "takes over", "first answer")}  # fmt: skip
    logs, starts, rows = {}, {"jax": [], "numba": []}, {}
    for row in {line["id"].rpartition("/")[0] for line in run[1]}:
        sides = {tool: by_process(run[1], row, tool) for tool in ("jax", "numba")}
        best = {tool: min(each, key=lambda m, e=each: e[m][0][0]) for tool, each in sides.items()}
        jax, numba = (sides[tool][best[tool]] for tool in ("jax", "numba"))
        logs[row] = float(np.mean([np.log(jax[k][0] / numba[k][0]) for k in jax if k > 0]))
        for tool, each in (("jax", jax), ("numba", numba)):
            starts[tool].append(float(np.median([start for _, start in each.values()])))
        problem, size, operator = re.match(r"(.*)\[(.*)\]/(.*)", row).groups()
        rows.setdefault((problem, operator), []).append((int(size), logs[row]))
    by_problem = {}
    for (problem, _), sizes in rows.items():
        by_problem.setdefault(problem, []).extend(d for _, d in sizes)
    mean = float(np.mean([np.mean(d) for d in by_problem.values()]))
    assert shown_ratio(cards["overall"]) == pytest.approx(np.exp(mean), rel=0.02)
    several = [sorted(sizes) for sizes in rows.values() if len(sizes) > 1]
    for word, end in (("smallest", 0), ("largest sizes", -1)):
        here = [sizes[end][1] for sizes in several]
        numba_wins, jax_wins = sum(d > 0.06 for d in here), sum(d < -0.06 for d in here)
        if numba_wins and jax_wins:
            more = ("JAX", jax_wins) if jax_wins > numba_wins else ("Numba", numba_wins)
            told_so = (
                f"{jax_wins} to {numba_wins}"
                if jax_wins == numba_wins
                else f"{more[0]} in {more[1]} of {len(here)}"
            )
        else:
            told_so = f"Numba wins {numba_wins}, JAX {jax_wins} of {len(here)}"
        assert told_so in cards[word]
    crossings = [
        np.exp(np.log(n) - d * (np.log(m) - np.log(n)) / (e - d))
        for sizes in several for (n, d), (m, e) in pairwise(sizes) if d * e < 0
    ]  # fmt: skip
    size = float(re.search(r"size ≈ ([\d ]+)", cards["takes over"]).group(1).replace(" ", ""))
    assert size == pytest.approx(np.median(crossings), rel=0.06)
    jax_s, numba_s = (float(np.median(starts[tool])) for tool in ("jax", "numba"))
    first, second = re.match(r"([\d.]+ m?s) / ([\d.]+ m?s)", cards["first answer"]).groups()
    assert [in_seconds(first), in_seconds(second)] == pytest.approx([jax_s, numba_s], rel=0.01)


def by_process(lines, row, tool):
    """Exact method -> process -> its lowest tenth in CPU seconds, and wall seconds to the first answer."""
    import numpy as np

    found = {}
    for line in lines:
        usual = line["tool"] == tool and line["mode"] != "difference" and not line["twin"]
        if line["id"].rpartition("/")[0] == row and usual and line["outcome"] == "ok":
            phases = {m["phase"]: m for m in line["measurements"]}
            start = sum(
                sum(phases[p]["wall_s"]) for p in ("prepare", "compile", "first") if p in phases
            )
            steady = float(np.quantile(phases["steady"]["cpu_s"], 0.1))
            found.setdefault(line["method"], {})[line["repeat"]] = (steady, start)
    return found


def shown_ratio(card):
    """JAX's time in units of Numba's, from a card's head such as ``Numba 3.2× ...``."""
    name, factor = re.match(r"(JAX|Numba) ([\d.]+)×", card).groups()
    return float(factor) if name == "Numba" else 1 / float(factor)


def in_seconds(text):
    number, unit = text.split()
    return float(number) * {"s": 1.0, "ms": 1e-3}[unit]


def raw_times(lines):
    """Case -> geometric mean over processes of the mean of the lowest tenth's quantile, by hand."""
    import numpy as np

    by_case = {}
    for line in lines:
        if line["outcome"] == "ok" and not line["twin"]:
            steady = next(m for m in line["measurements"] if m["phase"] == "steady")
            by_case.setdefault(line["id"], []).append(np.quantile(steady["cpu_s"], 0.1))
    return {case: float(np.exp(np.mean(np.log(t)))) for case, t in by_case.items()}


def chosen_of(table, tool):
    """The methods that may stand for a tool."""
    exact = table[(table["tool"] == tool) & (table["mode"] != "difference")]
    return set(exact.index.get_level_values("method"))


def test_a_long_list_unfolds_when_it_is_opened(tmp_path):
    """It is packed until then; afterwards it sorts, filters and opens evidence as any other."""
    run = synthetic.many(2 * MOST_ROWS, repeats=1)
    page = tmp_path / "page.html"
    write([run], page)
    assert page.read_text().count("<tbody data-rows=") == 2
    found = told(page, tmp_path, """
      const lists = [...document.querySelectorAll("table[data-filter]")].filter((t) => t.tBodies[0].rows.length === 0);
      const list = lists[0], before = list.tBodies[0].rows.length;
      list.closest("details").open = true;
      await wait(1500);
      const rows = [...list.tBodies[0].rows];
      const box = list.closest("details").querySelector("input.filter");
      box.value = "logistic_map_0 numba-dual";
      box.dispatchEvent(new Event("input"));
      const left = rows.filter((r) => !r.hidden).map((r) => r.textContent);
      list.tHead.rows[0].cells[2].querySelector("button").click();
      const times = [...list.tBodies[0].rows].map((r) => Number(r.cells[2].dataset.sort));
      const head = rows[0].querySelector("th");
      const found = {
        before, lists: lists.length, rows: rows.length, left, sorted: times.every((t, i) => i === 0 || times[i - 1] <= t),
        stop: head.tabIndex, role: head.getAttribute("role"),
      };
    """)  # fmt: skip
    timed = summary(tidy(run[1], header=run[0]))["time_s"].notna().sum()
    assert timed > MOST_ROWS
    assert (found["lists"], found["before"], found["rows"]) == (2, 0, timed)
    assert len(found["left"]) == 1
    assert found["sorted"]
    assert (found["stop"], found["role"]) == (0, "rowheader")
