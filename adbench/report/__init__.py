"""Pages from frames: one self-contained HTML file for one machine; runs and times nothing.

``write(runs, out)`` writes the page and, beside it, the raw lines; ``render(runs)`` gives the page's
text alone. A run is what `adbench.harness.store.read` returns: ``(header, lines)``.
"""

from adbench.report.facts import ReportError
from adbench.report.page import render, write

__all__ = ["ReportError", "render", "write"]
