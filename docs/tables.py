"""The tables of README.md and docs/problem-set.md, written from the registry: `nox -s tables`.

Lists are written once, in the files of problems and methods, and generated everywhere else; a test
fails while a page says something else than this module.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from adbench import registry
from adbench.model import Method, Problem, size_text
from adbench.reference import traits

ROOT = Path(__file__).parents[1]
PAGES = {
    ROOT / "README.md": ("problems", "methods"),
    ROOT / "docs" / "problem-set.md": ("traits", "texts", "own forms", "gaps"),
}
Rows = list[tuple[str, ...]]


def rewritten(text: str, names: tuple[str, ...] = ("problems", "methods")) -> str:
    """The text with each of these tables between its markers written anew."""
    for name in names:
        begin, end = f"<!-- {name}: nox -s tables -->", f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            raise ValueError(f"the page lacks the markers '{begin}' and '{end}'")
        head, rows = TABLES[name]
        table = _markdown(head, rows())
        pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
        text = re.sub(pattern, lambda _: f"{begin}\n\n{table}\n\n{end}", text, flags=re.DOTALL)  # noqa: B023
    return text


def _ours() -> list[Problem]:
    return [p for p in registry.problems().values() if _of_this_package(p.at)]


def _our_methods() -> list[Method]:
    return [
        m
        for m in registry.methods().values()
        if _of_this_package(getattr(m.prepare, "func", m.prepare))
    ]


def _of_this_package(function: object) -> bool:
    return str(getattr(function, "__module__", "")).startswith("adbench.")


def _problems() -> Rows:
    return [(f"`{p.name}`", p.summary, _sizes(p.sizes)) for p in _ours()]


def _methods() -> Rows:
    return [(f"`{m.name}`", m.tool, m.mode, m.summary) for m in _our_methods()]


def _sizes(sizes: tuple[int | tuple[int, ...], ...]) -> str:
    return ", ".join(map(size_text, sizes))


def _traits() -> Rows:
    """What each problem asks at its first and at its last size."""
    rows = []
    for p in _ours():
        counted = [traits.traits(p, p.sizes[0]), traits.traits(p, p.sizes[-1])]
        if None in counted:
            raise ValueError(f"the traits of '{p.name}' are not counted: nox -s references")
        small, large = (t for t in counted if t is not None)
        numbers = [
            _span(getattr(small, name), getattr(large, name))
            for name in ("variables", "outputs", "operations", "chain")
        ]
        words = [w for w in sorted(traits.words(p)) if w not in SAID_ALREADY]
        functions = ", ".join(sorted({*small.functions, *large.functions})) or "arithmetic"
        rows.append((f"`{p.name}`", *numbers, functions, ", ".join(words)))
    return rows


# Words that the numbers beside them say too.
SAID_ALREADY = ("many-variables", "many-outputs", "long-chain")


def _span(small: int, large: int) -> str:
    return _rounded(small) if small == large else f"{_rounded(small)} to {_rounded(large)}"


def _rounded(n: int) -> str:
    """Whole up to a million, then in millions: 21 450, 4.8 million."""
    if n < 1_000_000:
        return f"{n:,}".replace(",", " ")
    return f"{n / 1e6:.3g} million"


def _texts() -> Rows:
    rows = []
    for p in _ours():
        operators = ", ".join(o.value for o in p.operators)
        texts = ", ".join(f.name for f in p.forms)
        checks = ", ".join(o.value for o in p.exact)
        rows.append((f"`{p.name}`", operators, texts, _truth(p), checks))
    return rows


def _truth(p: Problem) -> str:
    said = [f"the {p.reference.name} text"]
    if p.closed:
        said.append(f"closed forms at {_sizes(p.closed)}")
    if p.restrict is not None:
        said.append("large Jacobians and u J by parts")
    return "; ".join(said)


def _own_forms() -> Rows:
    return [
        (f"`{p.name}`", f"`{f.name}`", _reason(f.build)) for p in _ours() for f in p.forms if f.own
    ]


def _reason(build: object) -> str:
    """The first paragraph of a builder's docstring, as Markdown."""
    paragraph = (inspect.getdoc(build) or "").partition("\n\n")[0]
    text = " ".join(paragraph.split())
    return re.sub(r":math:`([^`]*)`", r"$\1$", text).replace("``", "`").replace("|", "\\|")


def _gaps() -> Rows:
    return [
        (f"`{m.name}`", word, sentence) for m in _our_methods() for word, sentence in m.gaps.items()
    ]


TABLES: Mapping[str, tuple[tuple[str, ...], Callable[[], Rows]]] = {
    "problems": (("problem", "what it is", "sizes"), _problems),
    "methods": (("method", "tool", "mode", "how"), _methods),
    "traits": (
        ("problem", "variables", "outputs", "operations", "longest chain", "functions", "besides"),
        _traits,
    ),
    "texts": (("problem", "operators", "texts", "certified by", "checked by hand"), _texts),
    "own forms": (("problem", "text", "why"), _own_forms),
    "gaps": (("method", "stressed by", "why not"), _gaps),
}


def _markdown(head: tuple[str, ...], rows: Rows) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    for page, names in PAGES.items():
        page.write_text(rewritten(page.read_text(), names))
