"""Tables of a survey: worst errors by problem, outcomes by method, failures, agreement of forms."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from adbench import registry
from adbench.model import Case, Outcome, size_text
from adbench.reference import traits
from adbench.reference.record import LEAST_ULP

__all__ = ["document", "failures", "read", "table"]

Line = Mapping[str, Any]
EXPLAINED_ULP = 1000.0  # from here on an error is explained
AGREE = 1e-12
TOLD = ("wrong", "nan", "failed", "crashed", "out of memory", "timed out")


def read(path: Path) -> dict[str, Line]:
    """The lines of a file by case id, the last line of each; a torn last line is left out."""
    opened = gzip.open if path.suffix == ".gz" else open
    found: dict[str, Line] = {}
    with opened(path, "rt", encoding="utf-8") as file:
        for text in file:
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue
            found[line["id"]] = line
    return found


def document(lines: Mapping[str, Line]) -> str:
    """Everything, as Markdown."""
    exact = [x for x in lines.values() if _is_exact(x)]
    unwell = [x for x in lines.values() if x["outcome"] in TOLD]
    parts = [
        ("Worst errors of exact methods", WORST, _worst(exact)),
        (f"Above {EXPLAINED_ULP:g} ulp", ABOVE, _above(exact)),
        ("Outcomes", OUTCOMES, _outcomes(lines.values())),
        ("What did not end well", FAILED, failures(unwell)),
        ("Agreement of forms", FORMS, _forms(lines.values())),
    ]
    texts = [f"## {title}\n\n{words}\n\n{table(rows)}\n" for title, words, rows in parts]
    return f"# The problems, surveyed\n\n{len(lines)} cases.\n\n" + "\n".join(texts)


def _is_exact(line: Line) -> bool:
    """Whether the method promises exactness, and to the digits of a float64."""
    method = registry.methods().get(_case(line).method)
    return (
        line["rtol"] is None
        and "accuracy" in line
        and (method is None or method.dtype == "float64")
    )


WORST = (
    "Over all sizes and operators surveyed, norm-wise: the Euclidean norm of the error in ulp of the "
    "result's norm; kappa is the reference's condition number by norms at that case. The last column is "
    "the worst single element in ulp of max(size, sensitivity), of which exact methods promise 100, or "
    "half the longest chain of operations in the text if that is more. "
    "Hessians and other operators of a large kappa can hide a worse error per kappa elsewhere: the "
    "column after kappa is the worst over all cases."
)
ABOVE = (
    "Rows of which some exact method is further off, with the worst method: explained by conditioning when "
    f"the error is at most {LEAST_ULP:g} ulp times max(1, kappa), and by the chain, the longest of operations "
    "each needing the one before, when it is at most half an ulp a link times max(1, kappa)."
)
OUTCOMES = "Cases by method."
FAILED = "Sentences of the judge, of the limits and of the tools; the same sentence once a method."
FORMS = (
    "The value of f by each form against the certified one: the worst element's error relative to "
    "max(size, sensitivity), in units of 1e-12, over all methods that read the form. At most 1 is agreement."
)


def table(rows: list[list[str]]) -> str:
    """A Markdown table of a head and its rows."""
    if len(rows) < 2:
        return "None."
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)


def _case(line: Line) -> Case:
    return Case.parse(line["id"])


def _by(lines: Iterable[Line], key: Callable[[Line], Any]) -> dict[Any, list[Line]]:
    groups: dict[Any, list[Line]] = defaultdict(list)
    for line in lines:
        groups[key(line)].append(line)
    return {k: groups[k] for k in sorted(groups)}


def _ulp(line: Line) -> float:
    return float(line["accuracy"]["error_ulp"])


def _per_kappa(line: Line) -> float:
    return _ulp(line) / max(1.0, float(line["accuracy"]["kappa"]))


def _worst(exact: list[Line]) -> list[list[str]]:
    rows = [["problem", "sizes", "cases", "worst ulp", "case", "kappa", "per kappa, worst of all",
             "worst element"]]  # fmt: skip
    for name, lines in _by(exact, lambda x: _case(x).problem).items():
        worst = max(lines, key=_ulp)
        sizes = sorted({_case(x).size for x in lines})
        rows.append([
            name, " ".join(map(size_text, sizes)), str(len(lines)), f"{_ulp(worst):.3g}",
            f"`{worst['id']}`", f"{worst['accuracy']['kappa']:.3g}",
            f"{max(map(_per_kappa, lines)):.3g}", f"{max(x['worst_scaled'] for x in lines):.3g}",
        ])  # fmt: skip
    return rows


def _above(exact: list[Line]) -> list[list[str]]:
    rows = [["row", "worst ulp", "method", "methods above", "kappa", "ulp / kappa", "chain",
             "explanation"]]  # fmt: skip
    for name, lines in _by(exact, lambda x: _case(x).row).items():
        above = [x for x in lines if _ulp(x) > EXPLAINED_ULP]
        if not above:
            continue
        worst = max(above, key=_ulp)
        case = _case(worst)
        chain = traits.of(registry.problem(case.problem), case.size).chain
        rows.append([
            f"`{name}`", f"{_ulp(worst):.3g}", _case(worst).method, f"{len(above)} of {len(lines)}",
            f"{worst['accuracy']['kappa']:.3g}", f"{_per_kappa(worst):.3g}",
            str(chain), _explanation(max(map(_per_kappa, above)), chain),
        ])  # fmt: skip
    return rows


def _explanation(per_kappa: float, chain: int) -> str:
    if per_kappa <= LEAST_ULP:
        return "conditioning"
    return "conditioning and the chain" if per_kappa <= chain / 2 else "unexplained"


def _outcomes(lines: Iterable[Line]) -> list[list[str]]:
    groups = _by(lines, lambda x: _case(x).method)
    counts = {name: Counter(x["outcome"] for x in found) for name, found in groups.items()}
    seen = [o.label for o in Outcome if any(c[o.label] for c in counts.values())]
    rows = [[name, *(str(c[o] or "") for o in seen)] for name, c in counts.items()]
    total = [str(sum(c[o] for c in counts.values())) for o in seen]
    return [["method", *seen], *rows, ["all", *total]]


def failures(lines: list[Line]) -> list[list[str]]:
    """Cases that did not end well, those of one method with the same sentence together."""
    rows = [["outcome", "method", "promise", "cases", "sentence (of the first)"]]

    def alike(line: Line) -> tuple[int, str, str, str]:
        case = _case(line)
        # the judge's sentences differ in their numbers only
        own = case.problem if line["outcome"] in ("wrong", "nan") else line["message"]
        return TOLD.index(line["outcome"]), line["outcome"], case.method, own

    for (_, outcome, method, _), found in _by(lines, alike).items():
        promise = "exact" if found[0]["rtol"] is None else f"{found[0]['rtol']:.2g}"
        names = ", ".join(f"`{_case(x).row}`" for x in found)
        rows.append([outcome, method, promise, names, found[0]["message"]])
    return rows


def _forms(lines: Iterable[Line]) -> list[list[str]]:
    values = [x for x in lines if _case(x).operator == "value" and "worst_scaled" in x]
    forms = sorted({x["form"] for x in values}, key=lambda f: (f not in ("scalar", "array"), f))
    rows = [["problem", *forms]]
    for (name, size), found in _by(values, lambda x: (_case(x).problem, _case(x).size)).items():
        by_form = _by(found, lambda x: x["form"])
        cells = [_agreement(by_form[f]) if f in by_form else "" for f in forms]
        rows.append([f"{name}[{size_text(size)}]", *cells])
    return rows


def _agreement(lines: list[Line]) -> str:
    worst = max(lines, key=lambda x: x["worst_scaled"])
    share = worst["worst_scaled"] * 2.0**-52 / AGREE
    return f"{share:.2g}" + ("" if share <= 1.0 else f" **{_case(worst).method}**")
