"""The site that build.py made, looked at in headless Chromium: complete, silent, and asking nobody.

Grid, list, a graph and the regressions are opened as files in a folder and from a web server on this
machine. A page passes when it shows its content, writes nothing to the console, and requests nothing
from another machine.
"""

import argparse
import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).parents[2]
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--virtual-time-budget=10000", "--window-size=1400,1000",
)  # fmt: skip
# asv draws those of the grid that are in sight, and more as the reader scrolls.
AT_ONCE = 24
# What the browser asks for on its own account has this in place of the page that asked.
NOBODY = "not an origin"


@dataclass(frozen=True)
class Page:
    """A page of the site and what it must show.

    Parameters
    ----------
    name, address : str
        For messages and pictures; what follows ``index.html#``.
    texts : tuple of str
        Must stand in it.
    drawings : int
        How many canvases it must hold at least.
    """

    name: str
    address: str
    texts: tuple[str, ...]
    drawings: int = 0


@dataclass(frozen=True)
class Look:
    """What the browser made of a page: its elements, console lines, and addresses it asked."""

    dom: str
    console: tuple[str, ...]
    asked: tuple[str, ...]


def chromium() -> str | None:
    """The browser's command, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for found in map(shutil.which, names) if found), None)


def look(browser: str, url: str, picture: Path | None = None) -> Look:
    """Open one page, wait until its scripts are done, and take a picture of it if asked to."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "net.json"
        command = [browser, *OPTIONS, f"--user-data-dir={folder}/profile"]
        if picture is not None:
            picture.parent.mkdir(parents=True, exist_ok=True)
            shot = [*command, f"--screenshot={picture.resolve()}", url]
            subprocess.run(shot, capture_output=True, timeout=180, check=True)
        seen = subprocess.run(
            [*command, f"--log-net-log={log}", "--dump-dom", url],
            capture_output=True, text=True, timeout=180, check=True,
        )  # fmt: skip
        asked = tuple(sorted(_asked(json.loads(log.read_text()))))
    return Look(seen.stdout, tuple(re.findall(r"^.*CONSOLE.*$", seen.stderr, re.MULTILINE)), asked)


def _asked(log: dict[str, Any]) -> set[str]:
    """Addresses that a page, not the browser itself, asked for over a network."""
    requests = [event.get("params") or {} for event in log["events"]]
    return {
        r["url"]
        for r in requests
        if r.get("initiator", NOBODY) != NOBODY and re.match(r"(https?|wss?)://", r.get("url", ""))
    }


def pages(site: Path) -> list[Page]:
    """The pages to look at, and what asv's own files say that they must show."""
    index = json.loads((site / "index.json").read_text())
    found = json.loads((site / "regressions.json").read_text())["regressions"]
    names = sorted(index["benchmarks"])
    titles = tuple(name.partition(".")[2] for name in names)
    graph = next((name.partition("(")[0] for name, *_ in found), names[0])
    table = tuple(name for name, *_ in found[:20]) or ("Feed (Atom)",)
    return [
        Page("grid", "/", titles, min(AT_ONCE, sum(_drawn(site, n) for n in names))),
        Page("list", "/summarylist", titles),
        Page("graph", quote(graph), (graph, 'tickLabel"'), 2),
        Page("regressions", "/regressions", table),
    ]


def _drawn(site: Path, benchmark: str) -> bool:
    """Whether the grid draws a benchmark: there is a number in its summary."""
    path = site / "graphs" / "summary" / f"{benchmark}.json"
    points = json.loads(path.read_text()) if path.exists() else []
    return any(value is not None and value == value for _, value in points)


def complaints(page: Page, seen: Look, home: str) -> list[str]:
    """What is wrong with a page, a sentence each; `home` is where its own files come from."""
    text = seen.dom.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
    missing = [want for want in page.texts if want not in text]
    drawn = seen.dom.count("<canvas")
    foreign = [url for url in seen.asked if not (home and url.startswith(home))]
    found = [f"{page.name}: asks {url}" for url in foreign]
    found += [f"{page.name}: console: {line}" for line in seen.console]
    found += [f"{page.name}: does not show {', '.join(missing[:3])}"] if missing else []
    if drawn < page.drawings:
        found.append(f"{page.name}: {drawn} drawings, {page.drawings} expected")
    return found


@contextlib.contextmanager
def served(site: Path) -> Iterator[str]:
    """The site from a web server that only this machine reaches; gives its address."""
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing: requests are the browser's affair."""


def check(browser: str, site: Path, pictures: Path | None = None) -> list[str]:
    """All complaints about a site, from its folder and from a server."""
    found = []
    for page in pages(site):
        picture = None if pictures is None else pictures / f"{page.name}.png"
        seen = look(browser, f"{(site / 'index.html').as_uri()}#{page.address}", picture)
        found += [f"from the folder: {text}" for text in complaints(page, seen, "")]
    with served(site) as home:
        for page in pages(site):
            seen = look(browser, f"{home}index.html#{page.address}")
            found += [f"from a server: {text}" for text in complaints(page, seen, home)]
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Check a site; 1 with complaints. Without a browser nothing is checked, which CI must not accept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, nargs="?", default=ROOT / ".asv" / "html")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of every page")
    given = parser.parse_args(words)
    browser = chromium()
    if browser is None:
        sys.stdout.write("not checked: no chromium here (apt-get install chromium)\n")
        return 1 if os.environ.get("CI") else 0
    if not (given.site / "index.json").exists():
        sys.stderr.write(f"error: no site in {given.site}; make one with: nox -s dashboard\n")
        return 2
    found = check(browser, given.site.resolve(), given.pictures)
    sys.stdout.write("".join(f"{text}\n" for text in found))
    if not found:
        sys.stdout.write(
            "grid, list, graph and regressions: complete, silent, nothing asked elsewhere\n"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
