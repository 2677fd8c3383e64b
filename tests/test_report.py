"""The page as text: complete, self-contained, deterministic, accessible, and deaf to hostile names."""

import base64
import copy
import gzip
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import synthetic

from adbench.analysis import Crossover, starts, tidy
from adbench.analysis.compare import LOOKS
from adbench.analysis.wording import seconds, span, times
from adbench.harness import plan
from adbench.model import Decision
from adbench.report import ReportError, facts, page, phases, render, tables, words, write

HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "{{ 1234567 * 7654321 }}' onmouseover='document.title=1",
    "<!-- --!> ]]> \u2028 \x00 ‮ &lt;b&gt;",
)
VOID = {"meta", "img", "br", "input", "line", "rect", "link"}

# Charts hold numbers with six digits.
SIX_DIGITS = 5e-6


class Page(HTMLParser):
    """Elements of a page with their attributes, texts and ancestors."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.broken = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", "up": [e["tag"] for e in self.open], **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if self.open and self.open[-1]["tag"] == tag:
            self.open.pop()
        else:
            self.broken.append(tag)

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag):
        return [e for e in self.elements if e["tag"] == tag]


def unpacked(text):
    """A chart's specification, as the page holds it."""
    return json.loads(gzip.decompress(base64.b64decode(text)))


def hostile_run():
    """A run in which every text that a user or a tool can choose attacks the page."""
    header, lines = synthetic.run()
    header["machine"].update(name=HOSTILE[0], cpu=HOSTILE[1], os=HOSTILE[2])
    header["versions"][HOSTILE[0]] = HOSTILE[1]
    header.update(preset=HOSTILE[1], commit=HOSTILE[0], started=HOSTILE[2])
    header["environment"] = {HOSTILE[0]: HOSTILE[1]}
    header["machine"].update(id=HOSTILE[0], governor=HOSTILE[1], virtual=HOSTILE[3])
    for i, line in enumerate(lines):
        bad = HOSTILE[i % len(HOSTILE)]
        line["message"] = bad
        line["machine"] = HOSTILE[0]
        line["form"] = bad
        line["problem"] += bad
        line["id"] += bad
        line["method"] += bad
        if line["tool"] not in ("jax", "numba"):
            line["tool"] += bad
        if i % 7 == 0:
            lines[i] = synthetic.fail(line, "failed", bad)
    return header, lines


def only(runs):
    """Facts of runs that are one result set."""
    (part,) = facts.gather(runs).parts
    return part


@pytest.fixture(scope="module")
def text():
    return render([synthetic.run()])


@pytest.fixture(scope="module")
def parsed(text):
    return Page(text)


def test_the_page_holds_the_question_the_answer_and_every_section(text, parsed):
    sections = [s["id"] for s in parsed.all("section")]
    assert sections == [*page.SECTIONS, "data"]
    (title,) = parsed.all("h1")
    assert title["text"] == "JAX vs Numba: which should I use, for my function, on my machine?"
    sentence = only([synthetic.run()]).verdict.sentence
    assert [p["text"] for p in parsed.all("p") if p.get("id") == "sentence"] == [sentence]
    assert not parsed.broken
    assert not parsed.open


def test_the_same_lines_give_the_same_bytes(text):
    assert render([copy.deepcopy(synthetic.run())]) == text
    assert type(text) is str


def test_the_page_stays_below_three_megabytes(text):
    assert len(text.encode()) < 3_000_000


def test_nothing_is_fetched_from_anywhere(text, parsed):
    for element in parsed.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            value = element.get(name)
            assert value is None or value.startswith(("data:", "#")) or value == "results.jsonl.gz"
    (style,) = parsed.all("style")
    assert "url(" not in style["text"]
    assert "@import" not in style["text"]
    policy = _policy(parsed)
    assert "default-src 'none'" in policy
    assert "unsafe-inline'; img" in policy  # styles only
    assert "unsafe-eval" not in policy


def _policy(parsed):
    (meta,) = [m for m in parsed.all("meta") if "http-equiv" in m]
    return meta["content"]


def test_the_policy_names_exactly_the_scripts_of_the_page(text, parsed):
    scripts = re.findall(r'<script type="module">(.*?)</script>', text, re.DOTALL)
    assert len(scripts) == 2
    allowed = set(re.findall(r"'sha256-([^']+)'", _policy(parsed)))
    found = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts}
    assert found == allowed
    kinds = {s.get("type") for s in parsed.all("script")}
    assert kinds == {"module", "application/json", "application/gzip"}


def test_hostile_texts_stay_texts():
    text = render([hostile_run()])
    parsed = Page(text)
    assert not parsed.all("img")
    assert not [e for e in parsed.elements if any(k.startswith("on") for k in e)]
    assert not parsed.broken
    shown = "".join(section["text"] for section in parsed.all("section"))
    assert "{{ 1234567 * 7654321 }}" in shown  # no text is taken for a template
    assert "9449772114007" not in shown
    assert sum(s.get("type") == "module" for s in parsed.all("script")) == 2
    for script in parsed.all("script"):
        if script["type"] == "application/json":
            assert "<" not in script["text"]
            json.loads(script["text"])
    assert HOSTILE[1] in "".join(td["text"] for td in parsed.all("td"))


def test_hostile_names_of_result_sets_stay_texts():
    one = hostile_run()
    two = synthetic.elsewhere(one, HOSTILE[1], threads="default")
    parsed = Page(render([one, two]))
    assert len(parsed.all("article")) == 2
    assert not parsed.all("img")
    assert not [e for e in parsed.elements if any(k.startswith("on") for k in e)]
    assert not parsed.broken
    assert HOSTILE[1] in parsed.all("nav")[0]["text"]


def test_tables_have_captions_scopes_and_reachable_scroll_regions(parsed):
    tables = parsed.all("table")
    assert len(tables) == len(parsed.all("caption")) == 14
    assert all(th.get("scope") for th in parsed.all("th"))
    regions = [d for d in parsed.all("div") if "scroll" in d.get("class", "").split()]
    assert len(regions) == len(tables)
    assert all(r["tabindex"] == "0" and r["aria-label"] for r in regions)


def test_the_win_map_says_in_words_what_its_colours_say(parsed):
    cells = [td for td in parsed.all("td") if "jax[" not in td["text"] and td.get("title")]
    for cell in cells:
        for side, css in (("Numba", "second"), ("JAX", "first")):
            if css in cell["class"].split():
                assert side in cell["text"]
    tie = [c for c in cells if c["class"] == "tie"]  # in either view
    assert [("≈ tie" in c["text"], "interval" in c["title"]) for c in tie] == [(True, True)] * 2


def test_failures_stand_with_their_label_message_and_sentence(parsed):
    (section,) = [s for s in parsed.all("section") if s["id"] == "failures"]
    for case, (outcome, message) in synthetic.FAILURES.items():
        place = case if outcome != "unsupported" else case.split("/")[2]
        for word in (place, outcome, message):
            assert word in section["text"]
    assert "the worker process died" in section["text"]


def test_methods_of_one_process_and_own_forms_are_marked(parsed):
    rows = [r["text"] for r in parsed.all("tr")]
    assert any("dual-numpy" in r and "shown without verdict" in r for r in rows)
    assert any("jax-forward" in r and "† own form 'jax'" in r for r in rows)
    assert not any("numba-dual" in r and "without verdict" in r for r in rows)


def test_charts_hold_the_times_and_a_chooser(parsed):
    specs = {s["id"]: unpacked(s["text"]) for s in parsed.all("script") if "gzip" in s["type"]}
    assert [name for name in specs if name.startswith("spec-")] == [
        f"spec-{name}" for name in ("scaling", "breakeven", "frontier", "cost", "memory")
    ]
    (pick,) = specs["spec-scaling"]["params"]
    assert pick["bind"]["options"] == [
        "gauss_nll, gradient", "histogram_nll, gradient", "histogram_nll, hessian",
        "rosenbrock, gradient", "logistic_map, derivative",
    ]  # fmt: skip
    times = [v["y"] for v in specs["spec-scaling"]["datasets"]["points"]]
    table = only([synthetic.run()]).summary
    assert sorted(times) == pytest.approx(sorted(table["time_s"].dropna()), rel=SIX_DIGITS)


def test_labels_of_a_chart_never_overlap():
    from adbench.report.labels import _apart

    places = _apart([0.0, 0.0, 0.01, 5.0], 0.5)
    assert places == pytest.approx([-0.49 - 0.02 / 3, 0.01 / 3, 0.5 + 0.01 / 3, 5.0])
    assert _apart([1.0, 2.0, 3.0], 0.5) == [1.0, 2.0, 3.0]


def test_the_frame_is_embedded_whole(parsed):
    (link,) = [a for a in parsed.all("a") if "download" in a]
    packed = base64.b64decode(link["href"].removeprefix("data:application/gzip;base64,"))
    found = pd.read_csv(io.BytesIO(gzip.decompress(packed)))
    expected = tidy(synthetic.run()[1])
    assert found["steady_s"].tolist() == pytest.approx(
        expected["steady_s"].tolist(), rel=1e-15, nan_ok=True
    )
    assert list(found.columns) == list(expected.columns)


def test_raw_lines_lie_beside_the_page_with_their_hash_on_it(tmp_path):
    run = synthetic.run()
    out = tmp_path / "new" / "page.html"
    said = write([run], out)
    packed = (out.parent / "results.jsonl.gz").read_bytes()
    lines = [json.loads(x) for x in gzip.decompress(packed).splitlines()]
    assert lines == [run[0], *run[1]]
    text = out.read_text(encoding="utf-8")
    assert hashlib.sha256(packed).hexdigest() in text
    assert packed[4:8] == bytes(4)  # no time in the header
    (verdict,) = said.values()
    assert verdict.sentence in text
    assert sorted(p.name for p in out.parent.iterdir()) == ["page.html", "results.jsonl.gz"]


@pytest.mark.parametrize(
    ("more", "absent"),
    [
        ({"tools": ["numpy"], "failures": False}, {"win-map", "start-up", "cost", "failures"}),
        ({"tools": []}, {*page.SECTIONS} - {"answer", "method"}),
        ({"repeats": 1, "twins": False}, set()),
        ({"tools": ["jax", "numba"], "repeats": 2}, set()),
    ],
)
def test_sections_without_data_are_absent(more, absent):
    parsed = Page(render([synthetic.run(**more)]))
    assert {s["id"] for s in parsed.all("section")} == {*page.SECTIONS, "data"} - absent
    assert not parsed.broken


def test_a_page_of_failures_only_still_tells_them():
    header, lines = synthetic.run(failures=False)
    text = render([(header, [synthetic.fail(x, "timed out", "took long") for x in lines])])
    assert "JAX gave no answer (timed out) and Numba gave no answer (timed out)" in text
    assert "took long" in text


def test_two_runs_of_one_machine_are_pooled():
    one, two = synthetic.run(seed=1), synthetic.run(seed=2)
    found = facts.gather([one, two])
    assert len(found.frame) == len(one[1]) + len(two[1])
    assert found.frame["repeat"].max() == 5
    assert "6" in render([one, two])


@pytest.mark.parametrize(
    ("part", "key", "value", "said"),
    [
        ("machine", "cpu", "another", "described in two ways .cpu"),
    ],
)
def test_runs_that_describe_one_machine_in_two_ways_are_refused(part, key, value, said):
    one, two = synthetic.run(repeats=1), synthetic.run(repeats=1)
    two[0][part][key] = value
    with pytest.raises(ReportError, match=f"{said}.*report (them|the runs) separately"):
        facts.gather([one, two])


def test_no_run_is_refused_with_the_remedy():
    with pytest.raises(ReportError, match="adbench run"):
        render([])


def test_a_sparse_header_makes_a_page_without_the_missing_facts():
    _, lines = synthetic.run(repeats=1)
    parsed = Page(render([({"kind": "run"}, lines)]))
    assert [d["text"] for d in parsed.all("dt")] == ["times", "noise"]


def test_a_run_on_several_threads_is_told_by_the_wall_clock():
    header, lines = synthetic.run()
    header["threads"]["requested"] = 2
    assert set(only([(header, lines)]).frame["clock"]) == {"wall", ""}


def test_a_noisy_machine_is_told_so():
    text = render([synthetic.run(noise=0.1)])
    assert "close other programs and run again" in text
    assert "No ties are called" in text


def section(text, name):
    bare = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    (found,) = [s["text"] for s in Page(bare).all("section") if s["id"] == name]
    return re.sub(r"\s+", " ", found)


def test_relaxed_arithmetic_of_numba_is_stated_with_what_it_brings_here():
    header, lines = synthetic.run()
    plain = section(render([(header, lines)]), "method")
    assert "LLVM may reorder sums and fuse" in plain
    assert "XLA on the CPU keeps the order of sums" in plain
    assert "No method of strict order ran beside them here" in plain
    slower = [strict(x, 4.0) for x in lines if x["method"] == "numba-dual" and not x["twin"]]
    told = section(render([(header, [*lines, *slower])]), "method")
    assert "numba-dual-strict keeps strict order" in told
    assert "cost up to 4.0× the time" in told
    assert "relaxed" not in section(render([synthetic.run(tools=["jax"])]), "method")


def strict(line, factor):
    """The same line of a method of strict order, so many times slower."""
    moved = copy.deepcopy(line)
    moved["method"] += "-strict"
    moved["id"] += "-strict"
    for measured in moved["measurements"]:
        if measured["phase"] == "steady":
            measured["cpu_s"] = [t * factor for t in measured["cpu_s"]]
    return moved


def test_the_method_text_claims_no_interval_that_was_not_made():
    pooled, single, held_one = (
        section(render([synthetic.run(**more)]), "method")
        for more in ({}, {"repeats": 1}, {"repeats": 2, "tools": ["jax", "numba"]})
    )
    moderated = "averaged with the spread of all rows"
    assert moderated in pooled
    assert (
        "interval Student's t at 99 % with fewer than 5 of them and at 97.5 % from there" in pooled
    )
    assert "looked at after 3, 5 and 8 later processes" in pooled
    assert "Its 95 % interval is Student's t over the problems' mean log ratios" in pooled
    assert "bootstrap" not in pooled
    assert "The choice is made on the first process" in held_one
    for text in (single, held_one):  # a single process to take the ratio from
        assert moderated not in text
        assert "Student's t at" not in text
        assert "One process gives a ratio and no interval" in text
        assert "Benjamini" not in text
    header, lines = synthetic.run()
    few = [x for x in lines if x["problem"] == "gauss_nll"]  # 2 rows: not enough to pool
    few_text = section(render([(header, few)]), "method")
    assert moderated not in few_text
    assert "Student's t at 99 %" in few_text
    assert "It has no interval here, which needs three problems" in few_text


def test_tools_that_never_met_in_a_process_are_told_how_to_meet():
    apart = [synthetic.run(tools=["jax"]), synthetic.run(tools=["numba"])]
    text = render(apart)
    assert "Measure both in one run" in section(text, "answer")
    board = section(text, "win-map")
    assert "not compared" in board
    assert "measure both in one run" in board
    assert "only" not in board.split("not compared")[1]
    (title, *_) = [td["title"] for td in Page(text).all("td") if "not compared" in td["text"]]
    assert "both gave a right answer, but in no common process" in title


def test_errors_by_norm_and_of_the_worst_element_stand_side_by_side(text, parsed):
    (card,) = [li["text"] for li in parsed.all("li") if "largest error by norm" in li["text"]]
    assert "1.3 / 1.2 ulp" in card
    assert "worst element 2.6 / 2.4 ulp" in card
    heads = [th["text"] for th in parsed.all("th")]
    assert {"error by norm (ulp)", "worst element (ulp)"} <= set(heads)
    titles = [td.get("title", "") for td in parsed.all("td")]
    assert any("error by norm 1.2 ulp, worst element 2.4 ulp" in t for t in titles)
    assert "error explained by condition" not in text


def test_an_error_that_only_the_condition_allows_is_said_to_be_so():
    header, lines = synthetic.run(failures=False)
    for line in lines:
        if line["id"] == "rosenbrock[2]/gradient/autograd-reverse":
            line["accuracy"].update(worst_ulp=900.0, worst_rel=1.5e-13, kappa=40.0)
    rows = [r["text"] for r in Page(render([(header, lines)])).all("tr")]
    (told,) = [r for r in rows if "error explained by condition (kappa by norm 40)" in r]
    assert "autograd-reverse" in told


def test_a_method_that_failed_in_some_processes_is_marked():
    header, lines = synthetic.run(failures=False)
    case = "rosenbrock[2]/gradient/jax-forward"
    clean = section(render([(header, lines)]), "methods")
    assert "‡" not in clean
    lost = [
        synthetic.fail(x, "crashed", "signal 11") if x["id"] == case and x["repeat"] == 1 else x
        for x in lines
    ]
    parsed = Page(render([(header, lost)]))
    (cell,) = [td for td in parsed.all("td") if "‡" in td["text"] and td.get("title")]
    assert "‡ crashed in 1 of 3 processes" in cell["title"]
    assert any("‡ failed in some of its processes" in c["text"] for c in parsed.all("caption"))


@pytest.mark.parametrize(
    "started", ["2026-11-23T14:00:00+02:00", "2026-11-23T12:00:00", "2026-11-23T12:00:00Z"]
)
def test_the_date_is_in_utc_wherever_the_run_and_the_page_were_made(started, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    header, lines = synthetic.run(repeats=1)
    header["started"] = started
    assert "2026-11-23 12:00 UTC" in section(render([(header, lines)]), "answer")


def test_break_even_of_the_table_is_where_the_lines_of_the_chart_cross():
    from adbench.report.curves import _totals

    found = only([synthetic.run()])
    lines = {(x["row"], x["method"]): x for x in found.summary.to_dict("records")}
    table = starts(found.frame, found.duels)
    (line, *_) = table[table["calls"].notna()].to_dict("records")
    a, b = (lines[line["row"], line[side]] for side in ("first", "second"))
    (a0, *_), (b0, *_) = _totals(a, found), _totals(b, found)  # totals of one call: the starts
    further = line["calls"] - 1
    assert a0["y"] + further * a["time_s"] == pytest.approx(b0["y"] + further * b["time_s"])


def test_the_page_says_which_clock_and_block_its_times_are_from(text):
    told = "blocks, CPU clock"
    for name in ("answer", "win-map", "scaling", "start-up", "methods"):
        assert told in section(text, name)
    header, lines = synthetic.run()
    header["threads"]["requested"] = 2
    wall = render([(header, lines)])
    assert told not in wall
    assert "blocks, wall clock" in wall


def test_what_is_not_offered_is_folded_with_its_count(parsed):
    folded = [d["text"] for d in parsed.all("details") if "unrolls into" in d["text"]]
    assert len(folded) == 1
    assert "1 case for 1 reason" in folded[0]


def with_conditions(one, **about):
    """A run with the conditions lines of its rows."""
    header, lines = one
    extra = synthetic.conditions(lines)
    for line in extra:
        line.update(about)
    return header, [*lines, *extra]


def machines():
    """Two machines, of which JAX is fast on the second."""
    slow = synthetic.run(repeats=4, speed=lambda tool, *_: 100.0 if tool == "numba" else 1.0)
    other = synthetic.elsewhere(slow, "aa00bb11", cpu="Intel Xeon 8488C")
    return synthetic.run(repeats=4), other


def inside(parsed, tag, part):
    """Elements within the part of that number, found by their place in the page."""
    start, *later = [i for i, e in enumerate(parsed.elements) if e["tag"] == "article"][part - 1 :]
    ends = [i for i, e in enumerate(parsed.elements) if e.get("id") == "data"]
    stop = min([*later, *ends])
    return [e for e in parsed.elements[start:stop] if e["tag"] == tag]


@pytest.fixture(scope="module")
def two():
    return render(list(machines()))


def test_two_machines_are_two_parts_of_one_page_with_a_sentence_each_at_the_top(two):
    parsed = Page(two)
    said = [part.verdict.sentence for part in facts.gather(list(machines())).parts]
    assert "Numba is" in said[0]
    assert "JAX is" in said[1]
    (nav,) = parsed.all("nav")
    entries = [li["text"] for li in parsed.all("li") if "nav" in li["up"]]
    names = [
        "AMD EPYC 9R14 (machine 3f2a91bc), one core",
        "Intel Xeon 8488C (machine aa00bb11), one core",
    ]
    assert entries == [f"{name}: {sentence}" for name, sentence in zip(names, said, strict=True)]
    assert "never compared" in nav["text"]
    assert [h["text"] for h in parsed.all("h2") if h.get("class") == "set"] == names
    targets = [a["href"] for a in parsed.all("a") if a.get("href", "").startswith("#")]
    ids = [e["id"] for e in parsed.elements if "id" in e]
    assert {t.removeprefix("#") for t in targets} == {"set-1", "set-2"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert not parsed.broken
    for number, sentence in enumerate(said, start=1):
        texts = [p["text"] for p in inside(parsed, "p", number)]
        assert sentence in texts
        assert said[2 - number] not in texts
        sections = [s["id"] for s in inside(parsed, "section", number)]
        assert sections == [f"{name}-{number}" for name in page.SECTIONS]


def test_no_chart_holds_times_of_two_machines(two):
    parsed = Page(two)
    whole = facts.gather(list(machines()))
    for number, part in enumerate(whole.parts, start=1):
        (spec,) = [s for s in parsed.all("script") if s.get("id") == f"spec-scaling-{number}"]
        values = unpacked(spec["text"])["datasets"]["points"]
        times = sorted(part.summary["time_s"].dropna())
        assert sorted(v["y"] for v in values) == pytest.approx(times, rel=SIX_DIGITS)
        drawn = [f["data-chart"] for f in inside(parsed, "figure", number)]
        assert drawn[:2] == [f"spec-scaling-{number}", f"spec-breakeven-{number}"]
        assert len(drawn) == len(set(drawn)) == 5
    assert set(whole.parts[0].frame["set"]) & set(whole.parts[1].frame["set"]) == set()


def test_one_result_set_has_no_chrome_of_several(parsed):
    assert not parsed.all("nav")
    assert not parsed.all("article")
    assert not [e for e in parsed.elements if "-1" in e.get("id", "")]
    assert {h["text"] for h in parsed.all("h2")} >= {"Who wins where", "Data"}


def test_one_core_default_threads_and_a_gpu_of_one_machine_are_told_apart():
    one = synthetic.run(repeats=2)
    default = synthetic.elsewhere(one, synthetic.MACHINE["id"], threads="default")
    gpu = copy.deepcopy(one)
    gpu[0]["device"] = "gpu"
    parts = facts.gather([one, default, gpu]).parts
    assert [p.label for p in parts] == [
        "AMD EPYC 9R14, one core, CPU", "AMD EPYC 9R14, default threads, CPU", "AMD EPYC 9R14, one core, GPU"
    ]  # fmt: skip
    assert [set(p.frame["clock"]) - {""} for p in parts] == [{"cpu"}, {"wall"}, {"wall"}]
    text = render([one, default])
    assert "as many as each library takes (openblas 1)" in section(text, "answer-2")
    assert "on the same core" in section(text, "method-1")
    assert "on the same core" not in section(text, "method-2")


def test_two_machines_of_one_file_become_two_parts():
    header, lines = synthetic.run(repeats=2)
    machine = {**synthetic.MACHINE, "id": "aa00bb11", "cpu": "Intel Xeon 8488C"}
    more = [{"kind": "machine", "machine": machine, "threads": {"requested": 1, "observed": {}}}]
    more += [{**line, "machine": "aa00bb11"} for line in lines]
    labels = [p.label for p in facts.gather([(header, [*lines, *more])]).parts]
    assert labels == [
        "AMD EPYC 9R14 (machine 3f2a91bc), one core",
        "Intel Xeon 8488C (machine aa00bb11), one core",
    ]


def test_nothing_is_provisional_any_more(text):
    assert "provisional" not in text.lower().partition("<script")[0]


def test_the_method_text_states_the_protocol_as_it_was(text):
    header, lines = synthetic.run(repeats=4)
    for i, line in enumerate(lines):
        line["voided"] = 2 if i < 5 else 0
    told = section(render([(header, lines)]), "method")
    assert "12 blocks of about 2 ms" in told
    assert "measured again: here 10 of them" in told
    assert "a longer one is made as a proof" in told
    assert "up to 4 fresh ones" in told
    assert "differences below 5 % are not resolved on this machine" in told
    assert "No verdict had to be withdrawn" in told
    assert "Each method has a worker process of its own" in told
    shared = section(render([(header, [{**x, "shared": True} for x in lines])]), "method")
    assert "The compared methods of a row share a process" in shared
    assert "The machine meanwhile" not in told  # this run wrote no conditions


def test_withdrawn_verdicts_are_counted_and_marked(monkeypatch):
    kept = only([synthetic.run(repeats=4)])
    duel = next(d for d in kept.duels if d.winner)
    undecided = replace(duel.comparison, decision=Decision.UNDECIDED)
    gone = replace(duel, comparison=undecided, withdrawn=True)
    shown = [gone if d is duel else d for d in kept.duels]
    monkeypatch.setattr(facts, "duels", lambda *_: tuple(shown))
    verdict = replace(kept.verdict, withdrawn=1)
    monkeypatch.setattr(facts, "verdict", lambda *_: verdict)
    text = render([synthetic.run(repeats=4)])
    assert "1 verdict was withdrawn for that, and counts as undecided" in section(text, "method")
    cell, *_ = [td for td in Page(text).all("td") if "withdrawn" in td["text"] and "title" in td]
    assert "undecided, withdrawn" in cell["title"]
    assert "(99 %), withdrawn" in cell["text"]


def test_the_machine_during_the_run_is_told():
    text = render([with_conditions(synthetic.run())])
    told, top = section(text, "method"), section(text, "answer")
    assert "70 % of the time went into preparing, compiling and measuring" in told
    assert "reference kernel, took part in every round" in told
    for shown in (told, top):
        assert "other programs used 3 % of all cores" in shown
        assert "0.2 % of the CPU time went to other virtual machines" in shown
        assert "load 0.4" in shown
    assert "The machine was busy" not in text


@pytest.mark.parametrize("about", [{"busy": 0.8}, {"steal": 0.2}, {"load": [9.0, 9.0, 9.0]}])
def test_a_busy_machine_is_said_so_on_top_of_the_page(about):
    text = render([with_conditions(synthetic.run(repeats=1), **about)])
    assert "The machine was busy in 100 % of the run" in section(text, "answer")
    (note,) = [p for p in Page(text).all("p") if "busy" in p.get("class", "")]
    assert text.index("The machine was busy") < text.index('id="sentence"')
    assert "run again" in note["text"]


def test_what_the_system_lacks_widens_the_margin_and_is_said():
    header, lines = synthetic.run(repeats=4)
    header["machine"]["features"] = {"affinity": False, "cpu_clock": True, "proc": False}
    text = render([(header, lines)])
    told = section(text, "method")
    assert "does not offer binding a process to a core and /proc" in told
    assert "2 times as wide" in told
    assert "differences below 10 % are not resolved" in told
    assert "differences below 10 % are not resolved" in section(text, "answer")
    assert "not pinned" in section(text, "answer")
    assert "within ±10 %" in section(text, "win-map")
    assert "What this system lacks" not in section(render([synthetic.run()]), "method")


def test_the_fixed_pair_stands_beside_the_headline_and_each_row(text, parsed):
    sentence = only([synthetic.run()]).verdict.pair_sentence
    (beside,) = [p["text"] for p in parsed.all("p") if p.get("class") == "beside"]
    assert beside == sentence
    assert "jax-reverse" in beside
    assert "jax-reverse / numba-dual" in [th["text"] for th in parsed.all("th")]
    pair = only([synthetic.run()]).fixed["gauss_nll[100]/gradient"].comparison
    (row,) = [
        r["text"]
        for r in parsed.all("tr")
        if "gauss_nll[100]/gradient" in r["text"] and "(99 %)" in r["text"]
    ]
    assert f"{times(pair.ratio)}{span(pair.low, pair.high)} (99 %)" in row
    without = render([synthetic.run(tools=["numba"])])
    assert 'class="beside"' not in without


def test_every_interval_is_named_by_what_it_covers():
    late = Page(render([synthetic.run(repeats=6)]))  # five later processes
    cells = [
        td["text"] for td in late.all("td") if td.get("title", "").startswith("gauss_nll[100]/grad")
    ]
    assert "(97.5 %)" in cells[0]
    titles = [td["title"] for td in late.all("td") if "time of" in td.get("title", "")]
    assert titles
    assert all("97.5 % interval" in t and "over 5 processes" in t for t in titles)
    (card,) = [li["text"] for li in late.all("li") if "faster overall" in li["text"]]
    assert "95 % interval over 4 problems (Student's t)" in card


def crossing(tool, problem, size):
    return 6.0 if tool == "numba" and size in ("1000", "10000") else 1.0


def test_crossovers_and_break_evens_have_intervals():
    run = synthetic.run(repeats=4, speed=crossing)
    text, found = render([run]), only([run])
    where = section(text, "scaling")
    for c in found.crossovers:
        told = f"{words.rounded(c.size)}{words.ends(c)}99 %"
        assert re.sub(r"\s", " ", told) in where
    assert len(found.crossovers) == 3
    table = starts(found.frame, found.duels)
    line = table[table["calls"].notna()].iloc[0]
    low, high = (words.rounded(line[key]) for key in ("calls_low", "calls_high"))
    assert re.sub(r"\s", " ", f"95 % interval: {low} to {high}") in section(text, "start-up")


def test_an_open_end_of_an_interval_is_said_to_be_open():
    open_low = Crossover("p", "gradient", 500.0, None, 800.0, (100, 1000), "first", "second", 0.99)
    assert words.ends(open_low) == "100 or less to 800"
    line = {"calls": 9.0, "calls_low": 4.0, "calls_high": float("inf")}
    assert tables._calls_interval(line) == "95 % interval: 4 without an upper end"


def test_phases_stand_side_by_side_and_empty_ones_are_left_out(text, parsed):
    heads = [th["text"] for th in parsed.all("th")]
    shown = [head for _, head, _ in phases.COLUMNS]
    unknown = {"peak on device", "calls of f", "cold start", "warm start"}
    assert [h for h in heads if h in shown] == [h for h in shown if h not in unknown]
    (table,) = [t["text"] for t in parsed.all("table") if "phases" in t.get("class", "")]
    assert "No phase is averaged into another" in table
    assert "compiled kernels only, of Numba the whole function with its wrappers" in re.sub(
        r"\s+", " ", table
    )
    rows = [
        r["text"]
        for r in parsed.all("tr")
        if "gauss_nll[100]/gradientjax-reverse" in r["text"].replace("\n", "")
    ]
    (row,) = [r for r in rows if "KiB" in r]
    table = only([synthetic.run()]).summary.set_index(["row", "method"])
    line = table.loc[("gauss_nll[100]/gradient", "jax-reverse")]
    for value in (
        "300 ms",
        seconds(line["prepare_s"]),
        "120 ms",
        "60.0 ms",
        seconds(line["round_trip_s"]),
        "2.5×",
        "977 KiB",
        "1.6 KiB",
        "5.9 KiB",
    ):
        assert value.replace("\u202f", " ") in row.replace("\u202f", " ")
    plain = Page(render([synthetic.run(tools=["numpy"], failures=False)]))
    assert not {"compile", "scratch (XLA)", "code"} & {th["text"] for th in plain.all("th")}


def test_memory_is_in_units_a_reader_knows():
    told = [
        words.memory(b).replace("\u202f", " ") for b in (0.0, 512.0, 2048.0, 3.5 * 2**20, 2.0**31)
    ]
    assert told == ["0 B", "512 B", "2.0 KiB", "3.5 MiB", "2.0 GiB"]


ROOT = Path(__file__).parents[1]


def test_the_readme_states_relaxed_arithmetic_and_the_presets_as_they_are():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "relaxed arithmetic" in readme
    assert "`numba-dual-strict`" in readme
    for preset in plan.PRESETS.values():
        (line,) = re.findall(rf"^\| `{preset.name}` .*$", readme, re.MULTILINE)
        # one process to choose on and three to the first look; more only where that left it open
        first = min(preset.repeats, 1 + LOOKS[0])
        more = f", then up to {preset.repeats} where undecided" if preset.repeats > first else ""
        assert f"| {first}{more} / {preset.other_repeats} |" in line
        assert f"| {preset.limits.time_s:.0f} s |" in line


def test_the_guide_to_the_page_uses_its_words_as_the_analysis_does():
    guide = re.sub(r"\s+", " ", (ROOT / "reports" / "README.md").read_text(encoding="utf-8"))
    for said in (
        "interval is over problems",
        "ulp) of the norm of the certified answer",
        "**tie** where the whole interval lies within it",
        "interval crosses the edge of the margin",
    ):
        assert said in guide


def test_cores_used_stand_beside_those_asked_for(text, parsed):
    """A method that used more than it was given is named in the table and at the top."""
    assert "none more than asked" in section(text, "answer")
    (folded,) = [
        d["text"] for d in parsed.all("details") if "CPU seconds a wall second" in d["text"]
    ]
    assert "some more than were asked for" not in folded
    header, lines = synthetic.run()
    for line in lines:
        if line["method"] == "jax-forward":
            for m in line["measurements"]:
                m["cpu_s"] = [1.9 * s for s in m["wall_s"]]
    page = render([(header, lines)])
    said = "jax-forward used 1.9 cores where 1 was asked"
    assert said in section(page, "answer")
    assert said in section(page, "methods")
    assert "some more than were asked for" in section(page, "methods")
    header["threads"]["requested"] = 2
    two = render([(header, lines)])
    assert said not in two
    assert "2 threads on 2 pinned cores" in section(two, "answer")


def test_calls_of_f_stand_among_the_phases_where_they_were_counted(text):
    assert "Calls of f" not in section(text, "methods")
    header, lines = synthetic.run()
    for line in lines:
        if line["method"] == "numpy-central" and line["problem"] == "rosenbrock":
            line["evaluations"] = 2 * line["n"]
    found = phases.phase_table(only([(header, lines)]))
    place = found["heads"].index("calls of f")
    known = {(x["row"], x["method"]): x["cells"][place]["text"] for x in found["lines"]}
    assert known["rosenbrock[10]/gradient", "numpy-central"] == "20"
    assert known["rosenbrock[10]/gradient", "jax-reverse"] == ""
    assert "Calls of f" in section(render([(header, lines)]), "methods")


def test_words_of_a_mark_stand_where_there_is_room():
    """Left of a place far to the right, where the names of the lines stand; right of any other."""
    from adbench.report.charts import _late

    assert not _late(10.0, [1.0, 1e6])
    assert _late(3e5, [1.0, 1e6])
    assert not _late(5.0, [5.0])
    assert not _late(5.0, [])
