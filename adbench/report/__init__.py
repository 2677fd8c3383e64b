"""Pages from frames: one self-contained HTML file for one machine; runs and times nothing.

``write(runs, out)`` writes the page and, beside it, the raw lines; ``render(runs)`` gives the page's
text alone; ``markdown(runs)`` the same as Markdown and ``frames(runs)`` its tables. A run is what `adbench.harness.store.read` returns: ``(header, lines)``.
"""

from adbench.report.csvs import frames
from adbench.report.facts import ReportError
from adbench.report.page import render, write
from adbench.report.text import markdown

__all__ = ["ReportError", "frames", "markdown", "render", "write"]
