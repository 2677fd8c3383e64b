"""asv's site, made to work offline: `asv publish`, then every file that it loads from elsewhere beside it.

asv 0.6's pages load ten files from three content delivery networks and show an error page without
them. They come through npm instead, at the versions of `package-lock.json`, whose hashes npm checks;
where npm has the very file that asv names, its hash is checked against asv's own as well. A copy of the
newest report is put beside the history, with a link. Running it again makes the same site.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RAW_NAME = "results.jsonl.gz"  # what a report links to, beside it
ELSEWHERE = re.compile(r"<(script|link|img)\b[^>]*?(?:src|href)=\"(https?:)?//[^>]*>")
TAG = re.compile(
    r"<(?:script|link)\b[^>]*?(?:src|href)=\"(?P<url>https://[^\"]+)\"[^>]*>(?:</script>)?"
)


class BuildError(Exception):
    """What keeps the site from being built; its text says what to do."""


@dataclass(frozen=True)
class Asset:
    """A file that asv's page loads from elsewhere.

    Parameters
    ----------
    url : str
        How its address ends on asv's page.
    file : str
        The same below ``node_modules``.
    same : bool
        Whether it is byte for byte what asv names, so that asv's own hash holds for it. npm has flot
        as it was written where asv names it minified, and stupidtable as 1.1.3 where asv names 1.0.1.
    """

    url: str
    file: str
    same: bool


ASSETS = (
    Asset("/jquery-3.3.1.min.js", "jquery/dist/jquery.min.js", True),
    Asset("/flot/0.8.3/jquery.flot.min.js", "flot/jquery.flot.js", False),
    Asset("/flot/0.8.3/jquery.flot.time.min.js", "flot/jquery.flot.time.js", False),
    Asset("/flot/0.8.3/jquery.flot.selection.min.js", "flot/jquery.flot.selection.js", False),
    Asset("/flot/0.8.3/jquery.flot.categories.min.js", "flot/jquery.flot.categories.js", False),
    Asset("/flot-orderbars@1.0.0/js/jquery.flot.orderBars.js", "flot-orderbars/js/jquery.flot.orderBars.js", True),
    Asset("/stupidtable/1.0.1/stupidtable.min.js", "stupid-table-plugin/stupidtable.min.js", False),
    Asset("/blueimp-md5/2.19.0/js/md5.min.js", "blueimp-md5/js/md5.min.js", True),
    Asset("/bootstrap@3.1.1/dist/js/bootstrap.min.js", "bootstrap/dist/js/bootstrap.min.js", True),
    Asset("/bootstrap@3.1.1/dist/css/bootstrap.min.css", "bootstrap/dist/css/bootstrap.min.css", True),
)  # fmt: skip


def build(config: Path, reports: Path, work: Path) -> Path:
    """Publish the results that `config` names and make the site whole; returns its folder.

    Parameters
    ----------
    config : Path
        asv's configuration; its folders are taken from where it stands.
    reports : Path
        Folder of published reports, ``<date>-<machine>/index.html``; need not exist.
    work : Path
        Where npm's files are kept between builds.

    Raises
    ------
    BuildError
        When there are no results, npm is missing, or asv's page is not the one this knows.
    """
    results, site = folders(config)
    check_results(results)
    asv = [sys.executable, "-m", "asv", "publish", "--no-pull", "--config", config.name]
    if subprocess.run(asv, cwd=config.parent, check=False).returncode:
        raise BuildError("asv publish failed; its message stands above")
    modules = fetched(work)
    vendored(site, modules)
    report = with_report(site, reports)
    rewrite(site, modules, report)
    write_data(site)
    return site


def folders(config: Path) -> tuple[Path, Path]:
    """The folders of asv's results and of the site."""
    try:
        from asv.config import Config
        from asv.util import UserError
    except ImportError:
        raise BuildError("asv is not installed here; use: nox -s dashboard") from None
    try:
        known = Config.load(str(config))
    except UserError as error:
        raise BuildError(f"{config}: {error}") from None
    here = config.resolve().parent
    return here / known.results_dir, here / known.html_dir


def check_results(results: Path) -> None:
    """There is something to publish."""
    known = (results / "benchmarks.json").exists()
    if not known or not any(results.glob("*/*-*.json")):
        raise BuildError(
            f"no results in {results}; measure first, with: nox -s asv, or write those of "
            "`adbench run` there with: adbench export results.jsonl --to-asv .asv/results"
        )


def fetched(work: Path) -> Path:
    """The folder ``node_modules`` with the packages of the lock file; fetched once a version."""
    lock = (HERE / "package-lock.json").read_bytes()
    modules, kept = work / "node_modules", work / "package-lock.json"
    whole = all((modules / asset.file).exists() for asset in ASSETS)
    if whole and kept.exists() and kept.read_bytes() == lock:
        return modules
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError(
            "npm is missing, and the site's scripts come through it; install Node.js, for instance "
            "with: apt-get install npm"
        )
    work.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, work / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    if subprocess.run(command, cwd=work, check=False).returncode:
        kept.unlink()
        raise BuildError("npm could not fetch the site's scripts; its message stands above")
    return modules


def vendored(site: Path, modules: Path) -> None:
    """Copy the scripts and styles into the site, and the fonts that bootstrap's style names."""
    for asset in ASSETS:
        target = site / "vendor" / asset.file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / asset.file, target)
    fonts = "bootstrap/dist/fonts"
    shutil.copytree(modules / fonts, site / "vendor" / fonts, dirs_exist_ok=True)
    shutil.copyfile(HERE / "folder.js", site / "folder.js")


def with_report(site: Path, reports: Path) -> str | None:
    """Copy the newest report into the site; returns its name."""
    pages = sorted(reports.glob("[0-9]*-*/index.html"), key=lambda page: page.parent.name)
    if not pages:
        return None
    newest = pages[-1].parent
    target = site / "report"
    target.mkdir(exist_ok=True)
    for name in ("index.html", RAW_NAME):
        if (newest / name).exists():
            shutil.copyfile(newest / name, target / name)
    return newest.name


def rewrite(site: Path, modules: Path, report: str | None) -> None:
    """Let the page load what stands beside it, and link to the report.

    The attributes `integrity` and `crossorigin` go: hashes were checked here, and a browser refuses
    both for files in a folder.
    """
    page = site / "index.html"
    text = TAG.sub(lambda tag: _local(tag, modules), page.read_text(encoding="utf-8"))
    text = _once(text, '<script language="javascript" type="text/javascript" src="jquery.flot.axislabels.js">',
                 '<script src="folder.js"></script>\n    ')  # fmt: skip
    if report is not None:
        link = f'<li><a href="report/index.html" title="{report}">Newest report</a></li>\n\t'
        text = _once(text, '<li id="nav-li-graphdisplay">', link)
    left = ELSEWHERE.search(text)
    if left:
        raise BuildError(f"asv's page still loads {left.group(0)}; extend ASSETS in {__file__}")
    page.write_text(text, encoding="utf-8")


def _local(tag: re.Match[str], modules: Path) -> str:
    """The tag that loads our copy."""
    url = tag["url"]
    asset = next((a for a in ASSETS if url.endswith(a.url)), None)
    if asset is None:
        raise BuildError(
            f"asv's page loads {url}, which this script does not know: it was written for asv 0.6.6. "
            f"Name the file in ASSETS of {__file__}, or install asv 0.6.6"
        )
    if asset.same:
        _check_hash(tag.group(0), modules / asset.file)
    if asset.file.endswith(".css"):
        return f'<link rel="stylesheet" href="vendor/{asset.file}">'
    return f'<script src="vendor/{asset.file}" onerror="js_load_failure()"></script>'


def _check_hash(tag: str, file: Path) -> None:
    """The file is what asv's own tag promises."""
    promised = re.search(r'integrity="(sha\d+)-([^"]+)"', tag)
    if promised is None:
        raise BuildError(f"asv's page promises no hash for {file.name}: {tag}")
    found = base64.b64encode(hashlib.new(promised[1], file.read_bytes()).digest()).decode()
    if found != promised[2]:
        raise BuildError(f"{file} is not the file whose hash asv's page names: {promised[0]}")


def _once(text: str, before: str, added: str) -> str:
    """The text with `added` put before a mark that must be there."""
    if text.count(before) != 1:
        raise BuildError(
            f"asv's page has no '{before}' in one place: this script was written for asv 0.6.6"
        )
    return text.replace(before, added + before)


def write_data(site: Path) -> None:
    """All of the site's JSON as one script, for a page opened from a folder (see ``folder.js``)."""
    files = sorted(path for path in site.rglob("*.json") if "vendor" not in path.parts)
    data = {path.relative_to(site).as_posix(): json.loads(path.read_text()) for path in files}
    script = f"window.folderData = {json.dumps(data, separators=(',', ':'))};\n"
    (site / "folder-data.js").write_text(script, encoding="utf-8")


def main(words: Sequence[str] | None = None) -> int:
    """Build the site and say where it is; 2 when it cannot be built."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=ROOT / "asv.conf.json")
    parser.add_argument("--reports", type=Path, default=ROOT / "reports")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "dashboard", help="npm's files"
    )
    given = parser.parse_args(words)
    try:
        site = build(given.config, given.reports, given.work)
    except BuildError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{site / 'index.html'}: open it, no network and no server needed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
