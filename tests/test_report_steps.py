"""The error of differences against their step: read from a file, drawn, and listed."""

import json
import re

import pytest
import synthetic
from test_report import HOSTILE
from test_report_browser import look
from typer.testing import CliRunner

from adbench.analysis.steps import COLUMNS, read_steps
from adbench.cli import app
from adbench.report import write
from adbench.report.steps import landing_list, steps_chart

CURVES = [
    {"kind": "curve", "rule": rule, "step": 10.0**-k, "error": max(1e-16 * 10**k, 10.0 ** (-k * power))}
    for rule, power in (("forward", 1), ("central", 2)) for k in range(1, 16)
]  # fmt: skip
TOOLS = [
    {"kind": "tool", "method": "numpy-forward", "step": 1.5e-8, "error": 3e-9, "promised": 6e-5, "reason": None},
    {"kind": "tool", "method": "scipy-approx-fprime", "step": 1.5e-8, "error": 4e-9, "promised": 6e-5},
    {"kind": "tool", "method": "numpy-central", "step": 6e-6, "error": 2e-12, "promised": 1.5e-7},
    {"kind": "tool", "method": "complex-step", "step": 2.0**-200, "error": 0.0, "promised": None},
    {"kind": "tool", "method": "numdifftools-central", "step": None, "error": 1e-13, "promised": 1e-7},
    {"kind": "tool", "method": "absent", "step": None, "error": None, "reason": "not installed"},
]  # fmt: skip


def written(folder, lines):
    path = folder / "curve.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_what_has_no_number_is_left_out(tmp_path):
    lines = [*CURVES, {**CURVES[0], "step": 0.0}, {**CURVES[0], "error": None}, *TOOLS]
    frame = read_steps(written(tmp_path, lines))
    assert list(frame.columns) == COLUMNS
    assert (frame["kind"] == "curve").sum() == len(CURVES)
    assert set(frame.loc[frame["kind"] == "tool", "name"]) == {t["method"] for t in TOOLS[:-1]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# words", "holds no points"),
        ('{"kind": "run"}', "a line of kind 'run'"),
        ('{"kind": "curve", "step": 1}', "holds no points"),
        ("[1, 2]", "holds no points"),
        (json.dumps(TOOLS[0]), "holds no curve"),
        ("", "holds no curve"),
    ],
)
def test_another_file_is_named_with_the_remedy(tmp_path, text, said):
    path = tmp_path / "other.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said) as caught:
        read_steps(path)
    assert str(path) in str(caught.value)
    assert "nox -s v-curve" in str(caught.value)


def test_methods_of_one_step_share_a_name_and_the_rest_stand_in_the_list(tmp_path):
    frame = read_steps(written(tmp_path, [*CURVES, *TOOLS]))
    text = json.dumps(steps_chart(frame))
    assert "numpy-forward, scipy-approx-fprime" in text
    assert "numpy-central" in text
    assert "complex-step" not in text  # its step is far off the picture
    found = landing_list(frame)
    assert [line["method"] for line in found][:2] == ["complex-step", "numdifftools-central"]
    assert (found[0]["step"], found[0]["promised"]) == ("6.2e-61", "all digits")
    assert found[1]["step"] == "its own choice"


def test_the_command_adds_the_section(tmp_path):
    header, lines = synthetic.run()
    results = tmp_path / "results.jsonl"
    results.write_text("".join(json.dumps(x) + "\n" for x in (header, *lines)), encoding="utf-8")
    words = ["report", str(results), "--out", str(tmp_path / "page.html"), "--steps"]
    done = CliRunner().invoke(app, [*words, str(written(tmp_path, [*CURVES, *TOOLS]))])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    section = page.split('<section id="steps">')[1].split("</section>")[0]
    assert "<noscript><svg" in section
    assert "Where each of 5 methods lands" in section
    plain = tmp_path / "plain.html"
    write([(header, lines)], plain)
    assert '<section id="steps">' not in plain.read_text(encoding="utf-8")


@pytest.mark.browser
@pytest.mark.slow
def test_it_is_drawn_and_hostile_names_run_nothing(tmp_path):
    hostile = [{**CURVES[0], "rule": name} for name in HOSTILE]
    hostile += [
        {**TOOLS[0], "method": name, "step": 10.0 ** -(2 + k)} for k, name in enumerate(HOSTILE)
    ]
    out = tmp_path / "page.html"
    write([synthetic.run()], out, steps=read_steps(written(tmp_path, [*CURVES, *TOOLS, *hostile])))
    dom, console = look(out, tmp_path)
    assert console == []
    figure = re.search(r'<figure[^>]*data-chart="spec-steps"[^>]*>', dom)
    assert figure is not None
    assert "data-drawn" in figure.group(0)
    assert "JAX vs Numba" in re.search(r"<title>(.*?)</title>", dom).group(1)
