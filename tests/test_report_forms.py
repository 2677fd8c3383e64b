"""Any two sides, the two views of the win map, several dates on one page, and the page as Markdown and CSV."""

import csv
import re

import pytest
import synthetic
from test_report import HOSTILE, Page, hostile_run, only
from test_report_browser import acted, look
from typer.testing import CliRunner

from adbench.analysis import tidy, verdict
from adbench.analysis.means import median_of
from adbench.cli import app
from adbench.report import ReportError, facts, frames, markdown, render, winmap, write
from adbench.report.markdown import plain

PAIR = "numba-dual,jax-reverse"


def frame(**more):
    return tidy(synthetic.run(**more)[1])


def of(run, versus):
    (part,) = facts.gather([run], versus).parts
    return part


def later(run, **versions):
    """The same run a month later, with other versions."""
    header, lines = run
    header["versions"].update(versions)
    header["started"] = "2026-12-24T09:00:00+00:00"
    return header, lines


class TestPage:
    def test_the_cards_are_of_the_sides(self):
        part = of(synthetic.run(repeats=4), PAIR)
        text = render([synthetic.run(repeats=4)], PAIR)
        cards = [li["text"] for li in Page(text).all("li") if "first answer" in li["text"]]
        assert len(cards) == 1
        assert "numba-dual / jax-reverse" in cards[0]
        assert "the slower start is repaid on 7 of 7 rows" in cards[0]
        worst = part.frame.groupby("method")["error_ulp"].max()
        (error,) = [li["text"] for li in Page(text).all("li") if "largest error" in li["text"]]
        told = f"{worst['numba-dual']:.1f} / {worst['jax-reverse']:.1f} ulp"
        assert re.sub(r"\s", " ", error).startswith(told)

    def test_hostile_names_stay_texts_for_any_pair(self):
        part = only([hostile_run()])
        name = next(m for m in part.frame["method"] if HOSTILE[1] in m and "," not in m)
        text = render([hostile_run()], f"{name},jax")
        assert HOSTILE[1] not in text
        assert not Page(text).broken


class TestViews:
    def test_shared_forms_leave_own_texts_out_on_both_sides(self):
        header, lines = synthetic.run(repeats=4)
        for line in lines:
            if line["method"] in ("jax-reverse", "jax-hessian"):
                line["form"] = "jax"  # jax-forward has shared forms but on one row
        part = only([(header, lines)])
        best, shared = winmap.views(part)
        assert (best["key"], shared["key"]) == ("best", "shared")
        own = part.frame[part.frame["own_form"]]
        used = {(d.row, d.first) for d in part.shared.duels}
        assert not used & set(zip(own["row"], own["method"], strict=True))
        assert {d.first for d in part.shared.duels} == {"jax-forward", None}
        assert shared["sentence"] == verdict(part.frame[~part.frame["own_form"]]).sentence
        assert shared["sentence"] != best["sentence"] == part.verdict.sentence

    def test_both_tables_stand_in_the_page_behind_a_chooser_of_radio_buttons(self):
        parsed = Page(render([synthetic.run()]))
        buttons = [e for e in parsed.all("input") if e.get("type") == "radio"]
        assert [("checked" in b, b["name"]) for b in buttons] == [(True, "forms"), (False, "forms")]
        assert len([t for t in parsed.all("table") if t.get("class") == "map"]) == 2

    def test_without_own_forms_there_is_one_view_and_no_chooser(self):
        header, lines = synthetic.run()
        for line in lines:
            line["form"] = "array" if line["form"] == "jax" else line["form"]
        text = render([(header, lines)])
        assert text.count('class="map"') == 1
        assert 'type="radio"' not in text


class TestDates:
    def test_other_versions_on_one_machine_are_parts_named_by_date(self):
        old, new = synthetic.run(seed=1), later(synthetic.run(seed=2), jax="0.11.0")
        book = facts.gather([new, old])
        assert [p.label.rpartition(", ")[2] for p in book.parts] == [
            "run of 2026-12-24 09:00 UTC",
            "run of 2026-11-23 12:00 UTC",
        ]
        assert [len(p.frame) for p in book.parts] == [len(new[1]), len(old[1])]
        assert book.parts[1].verdict == only([old]).verdict  # nothing pooled
        ((first, second),) = book.neighbours
        assert (first.label, second.label) == (book.parts[1].label, book.parts[0].label)

    @pytest.mark.parametrize(
        ("part", "key", "value"),
        [
            ("versions", "jax", "0.1"),
            ("environment", "XLA_FLAGS", "--x"),
            ("protocol", "workers", "row"),
            ("machine", "python", "3.12.1"),
        ],
    )
    def test_what_makes_two_runs_no_repeats_sets_them_apart(self, part, key, value):
        one, two = synthetic.run(repeats=1), synthetic.run(repeats=1)
        two[0][part][key] = value
        labels = [p.label for p in facts.gather([one, two]).parts]
        assert len(set(labels)) == 2  # two of one date are told apart all the same

    def test_another_function_text_sets_runs_apart(self):
        one, two = synthetic.run(repeats=1), synthetic.run(repeats=1)
        two[1][0]["form_hash"] = "another"
        assert len(facts.gather([one, two]).parts) == 2

    def test_a_third_run_joins_the_date_that_it_repeats(self):
        old, new = synthetic.run(seed=1), later(synthetic.run(seed=2), jax="0.11.0")
        book = facts.gather([old, new, synthetic.run(seed=3)])
        assert [len(p.runs) for p in book.parts] == [2, 1]

    def test_the_answers_stand_side_by_side_and_what_changed_below(self):
        slow = synthetic.run(
            repeats=4, seed=2, speed=lambda tool, *_: 1.6 if tool == "jax" else 1.0
        )
        text = render([synthetic.run(repeats=4), later(slow, jax="0.11.0")])
        parsed = Page(text)
        (table,) = re.findall(
            r"<table class=\"list\">\s*<caption>The answers side.*?</table>", text, re.DOTALL
        )
        assert table.count("<tr>") == 3
        assert "jax 0.10.2 → 0.11.0" in text
        changed = re.search(r'<section id="changed-1">(.*?)</section>', text, re.DOTALL)[1]
        assert "gauss_nll[100]/gradient/jax-reverse" in changed
        assert "gauss_nll[100]/gradient/numba-dual" not in changed
        assert "never compared" not in text
        assert not parsed.broken

    def test_where_no_comparison_is_allowed_its_reason_stands(self):
        two = later(synthetic.run(repeats=1))
        two[0]["protocol"]["workers"] = "row"
        text = render([synthetic.run(repeats=1), two])
        assert "No comparison of single cases" in text
        assert "workers method and row" in text


class TestOtherForms:
    def test_markdown_holds_the_answer_and_every_comparison(self):
        run = synthetic.run(repeats=4)
        text = markdown([run], PAIR)
        part = of(run, PAIR)
        assert text == markdown([synthetic.run(repeats=4)], PAIR)
        assert text.startswith("# numba-dual vs jax-reverse: which")
        assert f"**{part.verdict.sentence}**" in text
        for duel in part.duels:
            if duel.comparison:
                assert f"| {plain(duel.row)} |" in text
        heads = [line for line in text.splitlines() if line.startswith("| ---")]
        assert len(heads) >= 6
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1

    def test_hostile_texts_stay_texts_in_markdown(self):
        text = markdown([hostile_run()])
        assert "<script" not in text.replace("\\<script", "")
        assert "<img" not in text.replace("\\<img", "")

    def test_the_csv_tables_hold_the_numbers_of_the_page(self, tmp_path):
        run = synthetic.run(repeats=4)
        tables = frames([run], PAIR)
        part = of(run, PAIR)
        found = tables["comparisons"].query("forms == 'best'").set_index("row")["ratio"].dropna()
        assert found.to_dict() == {d.row: d.comparison.ratio for d in part.duels if d.comparison}
        assert tables["answers"]["sentence"][0] == part.verdict.sentence
        assert set(tables["answers"]["first_side"]) == {"numba-dual"}

    def test_the_command_writes_all_of_them(self, tmp_path):
        import json

        header, lines = synthetic.run(repeats=2)
        file = tmp_path / "r.jsonl"
        file.write_text("".join(json.dumps(x) + "\n" for x in (header, *lines)))
        asked = ["report", str(file), "--versus", PAIR, "--out", str(tmp_path / "p.html")]
        asked += ["--markdown", str(tmp_path / "md" / "r.md"), "--csv", str(tmp_path / "csv")]
        done = CliRunner().invoke(app, asked)
        assert done.exit_code == 0, done.output
        assert (tmp_path / "md" / "r.md").read_text().startswith("# numba-dual vs jax-reverse")
        with (tmp_path / "csv" / "comparisons.csv").open() as stream:
            assert {line["first_side"] for line in csv.DictReader(stream)} == {"numba-dual"}
        wrong = CliRunner().invoke(app, ["report", str(file), "--versus", "torch,jax"])
        assert wrong.exit_code == 2


@pytest.mark.browser
@pytest.mark.slow
def test_the_views_change_without_a_script_of_the_page(tmp_path):
    write([synthetic.run()], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))
    script = """
      const shown = () => [...document.querySelectorAll("#win-map .view")]
        .map((view) => getComputedStyle(view).display !== "none");
      const before = shown();
      const second = document.querySelector("#win-map .to-shared");
      second.focus();
      second.click();
      const report = document.createElement("output");
      report.textContent = JSON.stringify([before, shown(), document.activeElement === second]);
      document.body.append(report);
    """
    dom, console = look(acted(tmp_path / "page.html", script), tmp_path)
    assert console == []
    assert "<output>[[true,false],[false,true],true]</output>" in dom


class TestMedian:
    def test_few_numbers_have_no_interval(self):
        assert median_of([4.0]) == (4.0, 4.0, 4.0, 0.0)
        assert median_of([1.0, 4.0]) == (2.0, 1.0, 4.0, 0.0)
        assert median_of([5, 1, 3, 2, 4])[3] == 0.0  # 93.75 %

    def test_order_statistics_cover_what_the_binomial_says(self):
        # of 10 numbers the second and ninth: 1 - 2 (1 + 10) / 1024
        assert median_of(list(range(1, 11)))[1:] == (2, 9, pytest.approx(0.979, abs=5e-4))
        # of 6 the ends: 1 - 2 / 64
        assert median_of(list(range(1, 7)))[1:] == (1, 6, pytest.approx(0.969, abs=5e-4))


def test_runs_of_two_hardwares_under_one_name_are_still_refused():
    one, two = synthetic.run(repeats=1), synthetic.run(repeats=1)
    two[0]["machine"]["cores"] = 64
    with pytest.raises(ReportError, match="described in two ways"):
        facts.gather([one, two])


def test_a_page_of_5000_rows_is_below_three_megabytes(tmp_path):
    """What a full run of this suite has; the seconds of 20 000 are measured by benchmarks/report/size.py."""
    out = tmp_path / "index.html"
    write([synthetic.many(5000)], out)
    assert out.stat().st_size < 3e6


@pytest.mark.parametrize("address", ["https://example.org/asv?a=1&b=2", "../html/index.html"])
def test_the_page_links_to_the_history(tmp_path, address):
    out = tmp_path / "index.html"
    write([synthetic.run()], out, history=address)
    (link,) = [
        a for a in Page(out.read_text(encoding="utf-8")).all("a") if a["text"] == "The history"
    ]
    assert link["href"] == address


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "two words", " https://a"]
)
def test_a_history_that_a_browser_would_run_is_refused(tmp_path, address):
    with pytest.raises(ReportError, match="no address that a page may link to"):
        write([synthetic.run()], tmp_path / "index.html", history=address)
    assert not (tmp_path / "index.html").exists()
