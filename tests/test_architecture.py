"""Who may know whom, and who may print, start processes and read clocks: read from the source."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "adbench"

# Libraries of the default install that any method, and whoever else is named below, may build on.
NUMERIC = {"numpy", "scipy"}

# What the tool extras install: imported inside functions only, each by its own method file.
TOOLS = {
    "algopy", "autograd", "casadi", "dask", "distributed", "enzyme_ad", "findiff", "hyperjet",
    "iminuit", "jacobi", "jax", "jaxlib", "llvmlite", "mpmath", "mygrad", "num_dual", "numba",
    "numdifftools",
    "pytensor", "symengine", "sympy", "tensorflow", "torch", "uncertainties",
}  # fmt: skip

# docs/DESIGN.md, section 3: room -> (rooms, libraries) it may know beside itself and the standard
# library. The longest entry that fits a module's name counts.
ARROWS: dict[str, tuple[set[str], set[str]]] = {
    "adbench": (set(), set()),
    "adbench.__main__": ({"cli"}, set()),
    "adbench.source": (set(), {"numpy"}),
    "adbench.sparsity": (set(), NUMERIC),
    "adbench.model": ({"source", "sparsity"}, {"numpy"}),
    "adbench.registry": ({"model", "problems", "methods", "probes", "applications"}, set()),
    "adbench.problems": ({"model"}, {"numpy"}),
    "adbench.methods": ({"model", "dual"}, NUMERIC),
    "adbench.dual": (set(), NUMERIC),
    "adbench.dual.numba*": ({"dual"}, NUMERIC | {"numba", "llvmlite"}),
    "adbench.reference": ({"model"}, {"numpy", "flint", "mpmath"}),
    "adbench.harness": (
        {"model", "registry", "reference"},
        {"numpy", "psutil", "threadpoolctl", "cpuinfo"},
    ),
    "adbench.harness.cluster*": (
        {"model", "registry", "reference", "harness"},
        {"numpy", "psutil", "dask", "distributed"},
    ),
    "adbench.harness.stopwatch": ({"model"}, {"numpy"}),
    "adbench.harness.store": ({"model"}, {"numpy"}),
    "adbench.probes": ({"model", "dual"}, NUMERIC),
    "adbench.applications": ({"model"}, NUMERIC | {"iminuit"}),
    "adbench.analysis": ({"model", "harness.store"}, NUMERIC | {"pandas", "pyarrow"}),
    "adbench.report": (
        {"model", "analysis"},
        {"numpy", "pandas", "jinja2", "markupsafe", "altair", "vl_convert"},
    ),
    "adbench.timeline": ({"model", "registry", "reference.cache", "harness", "analysis"}, {"numpy", "pandas"}),
    "adbench.cli": (
        {"model", "registry", "reference", "harness", "analysis", "report"},
        {"numpy", "typer", "rich"},
    ),
    "benchmarks": ({"timeline"}, set()),
}  # fmt: skip

# Everybody imports these modules, so that what a few of their functions need waits for the call.
IN_FUNCTIONS = {"adbench.sparsity": {"scipy"}}

PROCESSES = {"subprocess", "multiprocessing", "concurrent", "pty", "asyncio"}
PROCESS_CALLS = ("os.fork", "os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.popen")
CLOCKS = (
    "time.perf_counter", "time.process_time", "time.thread_time", "time.clock_", "time.time",
    "time.monotonic", "time.localtime", "time.gmtime", "time.strftime", "timeit", "os.times",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today",
)  # fmt: skip
# The stopwatch measures. The choice of a layout only picks the faster of two compilations for a user of
# `adbench.dual` and reports no time; the benchmark's own methods choose without it, alike everywhere.
MAY_READ_CLOCKS = ("adbench.harness.stopwatch", "adbench.dual.numba.choice")
CODE_IN_STRINGS = {"eval", "exec", "compile", "__import__"}


def offences(module: str, source: str) -> list[str]:
    """One sentence for everything in the source of `module` that the house forbids it."""
    tree = ast.parse(source)
    found = [*_arrows(module, tree), *_habits(module, tree)]
    return [f"{module}, line {line}: {what}" for line, what in sorted(set(found))]


def _arrows(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    key = max((k for k in ARROWS if _inside(module, k)), key=len)
    rooms, libraries = ARROWS[key]
    rooms = {f"adbench.{r}" for r in rooms} | ({key} - {"adbench"})
    own = _own_tools(module, tree)
    on_request = key == "adbench.dual.numba*"  # nobody imports it but methods, in functions
    for line, name, nested in _imports(module, tree):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top == "__future__":
            continue
        if top == "adbench":
            # the package itself, for its version
            if name != "adbench" and not any(_inside(name, r) for r in rooms):
                yield line, f"imports {name}"
        elif top not in libraries | own:
            yield line, f"imports {name}"
        elif top in TOOLS and not (nested or on_request):
            yield line, f"imports the tool {name} outside a function"
        elif top in IN_FUNCTIONS.get(module, ()) and not nested:
            yield line, f"imports {name} outside a function"


def _imports(module: str, tree: ast.Module) -> Iterator[tuple[int, str, bool]]:
    """Line, absolute name and whether it stands in a function, of every import."""
    for node, nested in _walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, nested) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = node.module or ""
            if node.level:
                package = module.split(".")[: -node.level]
                parent = ".".join([*package, parent]).rstrip(".")
            for alias in node.names:
                # `from adbench import cli` names a module, `from adbench.model import Case` a thing
                deep = parent.partition(".")[0] == "adbench" and alias.name[0].islower()
                yield node.lineno, f"{parent}.{alias.name}" if deep else parent, nested
        elif isinstance(node, ast.Call) and _dotted(node.func).endswith("import_module"):
            for name in (a.value for a in node.args[:1] if isinstance(a, ast.Constant)):
                yield node.lineno, str(name), nested


def _habits(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    harness = _inside(module, "adbench.harness")
    cli = _inside(module, "adbench.cli")
    aliases = {}
    for line, name, _ in _imports(module, tree):
        if name.partition(".")[0] in PROCESSES and not harness:
            yield line, f"starts processes with {name}"
    for node, _ in _walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            aliases.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
        elif isinstance(node, ast.Import):
            aliases.update({a.asname: a.name for a in node.names if a.asname})
    for node, _ in _walk(tree):
        if not isinstance(node, (ast.Name, ast.Attribute)) or isinstance(node.ctx, ast.Store):
            continue  # a field may be called `compile`
        head, dot, rest = _dotted(node).partition(".")
        name = (aliases.get(head, head) + dot + rest).removeprefix("builtins.")
        if name in CODE_IN_STRINGS:
            yield node.lineno, f"makes code from text with {name}"
        if name in ("print", "sys.stdout.write", "sys.stderr.write") and not cli:
            yield node.lineno, f"prints with {name}"
        if name.startswith(PROCESS_CALLS) and not harness:
            yield node.lineno, f"starts processes with {name}"
        if name.startswith(CLOCKS) and module not in MAY_READ_CLOCKS:
            yield node.lineno, f"reads the clock {name}"


def _walk(tree: ast.AST, nested: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every node below `tree`, with whether it stands inside a function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and _dotted(node.test).endswith("TYPE_CHECKING"):
            continue  # never executed
        yield node, nested
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _walk(node, nested or function)


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _own_tools(module: str, tree: ast.Module) -> set[str]:
    """Tools that a method file may import: its namesake, and what its records `require`.

    A file ``_jax_<part>.py`` is a part of ``jax.py`` and has the same namesake. ``_sympy_numba.py`` has
    two: SymPy's manual names Numba as what compiles its code, and its record requires both.

    A problem may import, in the builder of a form named after a tool, that tool.
    """
    if _inside(module, "adbench.methods"):
        words = [
            k.value for k in ast.walk(tree) if isinstance(k, ast.keyword) and k.arg == "requires"
        ]
        texts = {c.value for w in words for c in ast.walk(w) if isinstance(c, ast.Constant)}
        name = module.rpartition(".")[2]
        part_of = {tool for tool in TOOLS if name.startswith("_") and f"_{tool}_" in f"{name}_"}
        return {name, *part_of, *map(str, texts)} & TOOLS
    if _inside(module, "adbench.problems"):
        forms = [c for c in ast.walk(tree) if isinstance(c, ast.Call) and _dotted(c.func) == "Form"]
        return {str(f.args[0].value) for f in forms if isinstance(f.args[0], ast.Constant)} & TOOLS
    return set()


def _inside(module: str, room: str) -> bool:
    if room.endswith("*"):
        return module.startswith(room[:-1])
    return module == room or module.startswith(f"{room}.")


def modules() -> list[str]:
    """Dotted names of all modules of the package and of the asv suite.

    The studies in ``benchmarks/protocol`` judge the harness from outside: they start it, load the
    machine meanwhile, and print.
    """
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    names = [".".join(f.relative_to(ROOT).with_suffix("").parts) for f in files]
    return sorted(n.removesuffix(".__init__") for n in names)


def _source(module: str) -> str:
    path = ROOT.joinpath(*module.split("."))
    package = path / "__init__.py"  # a folder without it holds data
    return (package if package.exists() else path.with_suffix(".py")).read_text()


@pytest.mark.parametrize("module", modules())
def test_every_module_keeps_to_its_room(module: str) -> None:
    assert offences(module, _source(module)) == []


STOPWATCH = "from adbench.harness.stopwatch import sample"
BAD = [
    # (module, source, what the sentence must name)
    ("adbench.methods.sneaky", STOPWATCH, "imports adbench.harness.stopwatch"),
    ("adbench.methods.sneaky", f"def prepare():\n    {STOPWATCH}", "line 2: imports adbench.harness"),
    ("adbench.methods.sneaky", "from ..harness import stopwatch", "adbench.harness.stopwatch"),
    ("adbench.methods.sneaky", "from adbench import registry", "imports adbench.registry"),
    ("adbench.methods.sneaky", "import time\nt = time.perf_counter()", "clock time.perf_counter"),
    ("adbench.methods.sneaky", "from time import process_time as p\np()", "clock time.process_time"),
    ("adbench.methods.sneaky", "import jax", "imports jax"),
    ("adbench.methods.sneaky", "import importlib as i\ni.import_module('jax')", "imports jax"),
    ("adbench.methods.jax", "import jax", "imports the tool jax outside a function"),
    ("adbench.methods.jax", "def prepare():\n    import numba", "imports numba"),
    ("adbench.methods._jax_ways", "import jax", "imports the tool jax outside a function"),
    ("adbench.methods._jax_ways", "def prepare():\n    import sympy", "imports sympy"),
    ("adbench.methods._sympy_text", "def text():\n    import numba", "imports numba"),
    ("adbench.methods._sympy_numba", "import numba", "imports the tool numba outside a function"),
    ("adbench.problems.sneaky", "def f(m):\n    from jax import lax", "imports jax"),
    ("adbench.problems.sneaky", "import scipy.special", "imports scipy.special"),
    ("adbench.model", "from adbench.registry import problems", "imports adbench.registry"),
    ("adbench.sparsity", "from adbench.model import Point", "imports adbench.model"),
    ("adbench.sparsity", "from scipy import sparse", "imports scipy outside a function"),
    ("adbench.dual.python", "from adbench.model import Point", "imports adbench.model"),
    ("adbench.dual.python", "import numba", "imports numba"),
    ("adbench.reference.judge", "from adbench.dual import rules", "imports adbench.dual.rules"),
    ("adbench.reference.judge", "import scipy", "imports scipy"),
    ("adbench.harness.stopwatch", "from adbench.harness import worker", "adbench.harness.worker"),
    ("adbench.harness.store", "import pandas", "imports pandas"),
    ("adbench.harness.worker", "import time as t\nt.monotonic_ns()", "clock time.monotonic_ns"),
    ("adbench.harness.store", "from datetime import datetime\ndatetime.now()", "reads the clock"),
    ("adbench.analysis.frame", "from adbench.harness import worker", "adbench.harness.worker"),
    ("adbench.analysis.frame", "from datetime import datetime\ndatetime.now()", "reads the clock"),
    ("adbench.analysis.frame", "import subprocess", "starts processes with subprocess"),
    ("adbench.analysis.frame", "import os\nos.system('ls')", "starts processes with os.system"),
    ("adbench.report.page", "from adbench.harness.store import read", "adbench.harness.store"),
    ("adbench.report.page", "print('hello')", "prints with print"),
    ("adbench.report.page", "exec('x = 1')", "makes code from text with exec"),
    ("adbench.harness.store.reading", "import psutil", "imports psutil"),
    ("adbench.harness.run", "print('hello')", "prints with print"),
    ("adbench.newroom", "from adbench.model import Case", "imports adbench.model"),
    ("benchmarks.benchmarks", "from adbench import harness", "imports adbench.harness"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "source", "named"), BAD)
def test_a_planted_offence_is_reported(module: str, source: str, named: str) -> None:
    assert any(named in sentence for sentence in offences(module, source))


GOOD = [
    ("adbench.methods.jax", "def prepare():\n    import jax.numpy"),
    ("adbench.methods._jax_ways", "def prepare():\n    import jax.numpy"),
    ("adbench.methods._sympy_numba", "def by_numba():\n    import numba, sympy"),
    ("adbench.methods.pair", "Method(requires=('sympy', 'numba'))\ndef p():\n    import numba, sympy"),
    ("adbench.problems.loop", "def own():\n    from jax import lax\nForm('jax', own)"),
    ("adbench.sparsity", "import numpy\ndef matrix():\n    from scipy import sparse"),
    ("adbench.dual.numba_types", "import numba\nfrom adbench.dual import rules"),
    ("adbench.harness.stopwatch", "import time, datetime\ntime.time(), datetime.datetime.now()"),
    ("adbench.harness.worker", "import time\ntime.sleep(1)"),
    ("adbench.harness.worker", "import subprocess\nfrom adbench.harness import stopwatch"),
    ("adbench.model", "import re\nre.compile('x')"),
    ("adbench.model", "class Prepared:\n    compile: int = 0"),
    ("adbench.cli", "print('hello')"),
    ("adbench.cli.lists", "print('hello')"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "source"), GOOD)
def test_what_the_house_allows_is_not_reported(module: str, source: str) -> None:
    assert offences(module, source) == []


def test_importing_every_module_imports_no_tool() -> None:
    names = [m for m in modules() if m.startswith("adbench") and not _on_request(m)]
    program = (
        "import importlib, json, sys\n"
        f"[importlib.import_module(name) for name in {names!r}]\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert TOOLS & set(json.loads(done.stdout)) == set()


def _on_request(module: str) -> bool:
    return module == "adbench.__main__" or _inside(module, "adbench.dual.numba*")


# What Numba documents for extensions, and the errors of its users.
OF_NUMBA = {
    "numba", "numba.extending", "numba.core.cgutils", "numba.core.imputils", "numba.core.typeconv",
    "numba.core.typing", "numba.core.typing.templates", "numba.core.errors",
}  # fmt: skip
NOT_OF_THESE = {"ForceLiteralArg", "fold_arguments"}


def undocumented(source: str) -> list[str]:
    """Names of Numba that a module imports beyond what is documented."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("numba"):
            continue
        for alias in node.names:
            homes = {node.module, f"{node.module}.{alias.name}"}
            if not homes & OF_NUMBA or alias.name in NOT_OF_THESE:
                found.append(f"{node.module}.{alias.name}")
    return found


def test_hooks_into_numba_are_imported_in_one_module() -> None:
    folder = ROOT / "adbench" / "dual" / "numba"
    for path in sorted(folder.glob("*.py")):
        if path.name != "internals.py":
            assert undocumented(path.read_text()) == [], path.name
    assert "numba.core.dispatcher.Dispatcher" in undocumented((folder / "internals.py").read_text())
