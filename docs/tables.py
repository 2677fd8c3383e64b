"""README's tables of problems and methods, written from the registry: `nox -s tables`.

Lists are written once, in the files of problems and methods, and generated everywhere else; a test
fails while README says something else than this module.
"""

import re
from pathlib import Path

from adbench import registry
from adbench.model import size_text

README = Path(__file__).parents[1] / "README.md"


def tables() -> dict[str, str]:
    """Name of a table -> its Markdown, plug-ins left out."""
    problems = [
        (f"`{p.name}`", p.summary, ", ".join(map(size_text, p.sizes)))
        for p in registry.problems().values()
        if _ours(p.at)
    ]
    methods = [
        (f"`{m.name}`", m.tool, m.mode, m.summary)
        for m in registry.methods().values()
        if _ours(getattr(m.prepare, "func", m.prepare))
    ]
    return {
        "problems": _markdown(("problem", "what it is", "sizes"), problems),
        "methods": _markdown(("method", "tool", "mode", "how"), methods),
    }


def rewritten(text: str) -> str:
    """The text with every table between its markers written anew."""
    for name, table in tables().items():
        begin, end = f"<!-- {name}: nox -s tables -->", f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            raise ValueError(f"README.md lacks the markers '{begin}' and '{end}'")
        pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
        text = re.sub(pattern, lambda _: f"{begin}\n\n{table}\n\n{end}", text, flags=re.DOTALL)  # noqa: B023
    return text


def _ours(function: object) -> bool:
    return str(getattr(function, "__module__", "")).startswith("adbench.")


def _markdown(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text()))
