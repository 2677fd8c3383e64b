"""``adbench show``: all that stands behind a case: formula, inputs, text, truth, method and results so far."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from adbench import registry
from adbench.cli.pages import newest
from adbench.cli.terminal import print_json, say, table
from adbench.model import Form, Method, Operator, Point, Problem, Size, UnknownNameError, size_text

__all__ = ["EXAMPLE", "show"]

EXAMPLE = "adbench show 'gauss_nll[100]/gradient/numba-dual'"
# Of an array so many numbers are shown, of a reference so many elements.
SHOWN = 6
# Columns of the results: what of the summary, as it is called.
RESULTS = (
    ("outcome", "outcome"), ("processes", "processes"), ("time_s", "time of a call"), ("slowdown", "against the best"),
    ("start_s", "first answer"), ("error_ulp", "error by norm (ulp)"), ("worst_ulp", "worst element (ulp)"),
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a part of a case id names; None for what it leaves out."""

    problem: Problem
    size: Size
    operator: Operator | None
    method: Method | None

    @property
    def id(self) -> str:
        """As it would be typed, with the size."""
        parts = [f"{self.problem.name}[{size_text(self.size)}]"]
        parts += [self.operator.value] if self.operator else []
        return "/".join([*parts, *([self.method.name] if self.method else [])])


def show(
    case: Annotated[
        str,
        typer.Argument(
            help="A case, 'gauss_nll[100]/gradient/jax-reverse', or its beginning: 'gauss_nll', "
            "'gauss_nll[100]', 'gauss_nll[100]/gradient'."
        ),
    ],
    results: Annotated[
        Path | None,
        typer.Option("--from", help="Result file; default: the newest under reports/, if any."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print what stands behind a case: formula, inputs, function text, certified truth, method, results."""
    asked = parsed(case)
    point = asked.problem.at(asked.size)
    described = {
        "case": asked.id,
        "problem": _problem(asked),
        "inputs": _inputs(point),
        "reference": _reference(asked, point),
        "method": _method(asked),
        "text": _text(asked),
        "results": _results(asked, results),
    }
    if as_json:
        print_json(described)
    else:
        _print(described)


def parsed(text: str) -> Asked:
    """The problem, size, operator and method that a case or its beginning names.

    Raises
    ------
    UnknownNameError
        For a name that is unknown, with the nearest, and for a pattern.
    """
    if any(c in text for c in "*?{}"):
        raise UnknownNameError(
            f"'{text}' is a pattern; show takes one case. What a pattern matches: adbench list cases '{text}'"
        )
    head, *rest = text.split("/")
    name, _, inside = head.partition("[")
    problem = registry.problem(name)
    size = _size(problem, inside.rstrip("]")) if inside else problem.sizes[0]
    if len(rest) > 2:
        raise UnknownNameError(f"'{text}' has too many parts: problem[size]/operator/method")
    operator = _operator(problem, rest[0]) if rest else None
    return Asked(problem, size, operator, registry.method(rest[1]) if len(rest) > 1 else None)


def _size(problem: Problem, text: str) -> Size:
    for size in problem.sizes:
        if size_text(size) == text:
            return size
    known = ", ".join(map(size_text, problem.sizes))
    raise UnknownNameError(f"{problem.name} has no standard size '{text}'; it has {known}")


def _operator(problem: Problem, text: str) -> Operator:
    for operator in problem.operators:
        if operator.value == text:
            return operator
    known = ", ".join(o.value for o in problem.operators)
    raise UnknownNameError(f"{problem.name} has no operator '{text}'; it has {known}")


def _problem(asked: Asked) -> dict[str, Any]:
    module = inspect.getmodule(asked.problem.at)
    return {
        "name": asked.problem.name,
        "summary": asked.problem.summary,
        "formula": inspect.cleandoc(module.__doc__) if module and module.__doc__ else "",
        "sizes": [size_text(s) for s in asked.problem.sizes],
        "operators": [o.value for o in asked.problem.operators],
        "forms": [f.name for f in asked.problem.forms],
    }


def _inputs(point: Point) -> list[dict[str, Any]]:
    """Each array: its shape, range and first numbers; a seed where directions are drawn."""
    arrays = [("x", point.x)] + [(f"data {i}", d) for i, d in enumerate(point.data)]
    found: list[dict[str, Any]] = []
    for name, array in arrays:
        if not hasattr(array, "shape") or not array.size:
            found.append({"name": name, "value": str(array)})
            continue
        flat = array.ravel()
        found.append({
            "name": name, "shape": list(array.shape), "least": float(flat.min()), "most": float(flat.max()),
            "first": [float(v) for v in flat[:SHOWN]],
        })  # fmt: skip
    return found


def _reference(asked: Asked, point: Point) -> dict[str, Any] | None:
    """The certified truth; None without an operator."""
    if asked.operator is None:
        return None
    from adbench.reference.truth import UncertifiedError, certified

    try:
        found = certified(asked.problem, asked.size, asked.operator, point)
    except UncertifiedError as error:
        return {"unknown": str(error)}
    elements = found.elements if found.elements is not None else range(len(found.hi))
    return {
        "shape": list(found.shape),
        "certified": len(found.hi),
        "elements": list(elements)[:SHOWN],
        "value": list(found.decimals()[:SHOWN]),
        "bits": found.bits,
        "kappa": found.kappa,
        "promised_ulp": found.promised_ulp,
        "from": "a closed form, checked against the text" if asked.size in asked.problem.closed else
                "the text, in ball arithmetic",
    }  # fmt: skip


def _form(asked: Asked) -> Form | None:
    """What the method reads; without a method, the text that is certified."""
    return asked.method.form(asked.problem) if asked.method else asked.problem.reference


def _method(asked: Asked) -> dict[str, Any] | None:
    if asked.method is None:
        return None
    from adbench.harness.machine import versions_of

    m, form = asked.method, _form(asked)
    missing = registry.reason_unavailable(m)
    return {
        "name": m.name,
        "summary": m.summary,
        "mode": m.mode,
        "reads": form.name if form else None,
        "offers": asked.operator is None or asked.operator in m.operators,
        "promise": "exact" if not m.rtol else "relative error, by operator",
        "versions": {} if missing else versions_of(m),
        "missing": missing or "",
        "source": inspect.getsourcefile(getattr(m.prepare, "func", m.prepare)) or "",
    }


def _text(asked: Asked) -> dict[str, str] | None:
    form = _form(asked)
    return None if form is None else {"form": form.name, "hash": form.hash, "text": form.text}


def _results(asked: Asked, path: Path | None) -> list[dict[str, Any]]:
    """Lines of the summary of a result file that belong to the case."""
    file = path or newest()
    if file is None:
        return []
    from adbench.analysis import read, sets, summary

    found = []
    for name, frame in sets(read(file)).items():
        lines = summary(frame)
        here = lines[lines["problem"] == asked.problem.name]
        here = here[here["size"] == size_text(asked.size)]
        for part, column in ((asked.operator, "operator"), (asked.method, "method")):
            if part is not None:
                wanted = part.value if isinstance(part, Operator) else part.name
                here = here[here[column] == wanted]
        for line in here.sort_values("time_s").to_dict("records"):
            kept = {key: _plain(line[key]) for key, _ in RESULTS}
            found.append({"case": f"{line['row']}/{line['method']}", "set": name, "file": str(file), **kept})  # fmt: skip
    return found


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def _print(described: Mapping[str, Any]) -> None:
    problem = described["problem"]
    say(f"{described['case']}: {problem['summary']}\n")
    say(problem["formula"] + "\n")
    table("Inputs", ("", "shape", "least", "most", "first numbers"), [_input(i) for i in described["inputs"]])  # fmt: skip
    if described["reference"]:
        table("Certified truth", ("", ""), _truth(described["reference"]))
    if described["method"]:
        lines = [(k, _words(v)) for k, v in described["method"].items() if v not in ("", {}, None)]
        table("Method", ("", ""), lines)
    if described["text"]:
        text = described["text"]
        say(f"Function text, form '{text['form']}' ({text['hash']}):\n\n{text['text']}\n")
    else:
        say(f"{described['method']['name']} reads no form of {problem['name']}.\n")
    _print_results(described)


def _print_results(described: Mapping[str, Any]) -> None:
    from adbench.analysis.wording import seconds, times, ulps

    found = described["results"]
    if not found:
        say(f"No results yet. Measure: adbench run '{described['case']}'")
        return
    how = {"time_s": seconds, "start_s": seconds, "slowdown": times, "error_ulp": ulps, "worst_ulp": ulps}  # fmt: skip
    lines = [
        (r["case"], *("" if r[k] is None else how.get(k, str)(r[k]) for k, _ in RESULTS))
        for r in found
    ]
    table(f"Results in {found[0]['file']}", ("case", *(name for _, name in RESULTS)), lines)


def _input(line: Mapping[str, Any]) -> tuple[str, ...]:
    if "value" in line:
        return line["name"], "", "", "", line["value"]
    shape = " x ".join(map(str, line["shape"]))
    first = ", ".join(f"{v:.6g}" for v in line["first"])
    return line["name"], shape, f"{line['least']:.6g}", f"{line['most']:.6g}", first


def _truth(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "unknown" in found:
        return [("none", found["unknown"])]
    shown = dict(zip(found["elements"], found["value"], strict=True))
    lines = [(f"element {k}" if found["shape"] else "value", v) for k, v in shown.items()]
    more = found["certified"] - len(shown)
    lines += [("", f"... {more} more certified numbers")] if more > 0 else []
    return [
        *lines,
        ("from", f"{found['from']}, at {found['bits']} bits"),
        ("condition number", f"{found['kappa']:.3g} (by norm)"),
        ("an exact method may be off by", f"{found['promised_ulp']:.6g} ulp, times the condition number where that exceeds 1"),
    ]  # fmt: skip


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)  # fmt: skip
