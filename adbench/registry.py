"""Finds problems and methods: ours by folder, others' by entry points; keeps no state to reset."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import importlib.util
import pkgutil
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from adbench import methods as methods_folder
from adbench import problems as problems_folder
from adbench.model import Method, Problem, UnknownNameError

__all__ = ["did_you_mean", "method", "methods", "problem", "problems", "reason_unavailable"]

Named = TypeVar("Named", Problem, Method)


def problems() -> Mapping[str, Problem]:
    """Every problem by name: module attribute `PROBLEM` of each file in ``problems/``, then plug-ins
    (entry points ``adbench.problems``, each a Problem).
    """
    return _problems()


def methods() -> Mapping[str, Method]:
    """Every method by name, installed or not: the list `METHODS` of each file in ``methods/``, then
    plug-ins (entry points ``adbench.methods``, each a Method or a list of them).
    """
    return _methods()


@lru_cache(maxsize=1)
def _problems() -> Mapping[str, Problem]:
    ours: list[Problem] = []
    for module in _modules(problems_folder):
        found = _offered(module, "PROBLEM")
        if found.name != module.__name__.rpartition(".")[2]:
            raise UnknownNameError(
                f"{module.__file__}: the problem's name '{found.name}' is not the file's"
            )
        ours.append(found)
    return _by_name("problem", Problem, [*ours, *_plugins("adbench.problems")])


@lru_cache(maxsize=1)
def _methods() -> Mapping[str, Method]:
    ours = [m for module in _modules(methods_folder) for m in _offered(module, "METHODS")]
    return _by_name("method", Method, [*ours, *_plugins("adbench.methods")])


def _modules(folder: Any) -> list[Any]:
    names = sorted(
        i.name for i in pkgutil.iter_modules(folder.__path__) if not i.name.startswith("_")
    )
    return [importlib.import_module(f"{folder.__name__}.{name}") for name in names]


def _offered(module: Any, name: str) -> Any:
    if not hasattr(module, name):
        raise UnknownNameError(
            f"{module.__file__} offers no {name}; see docs/adding.md, or give the file a name that "
            "begins with '_'"
        )
    return getattr(module, name)


def _plugins(group: str) -> list[Any]:
    found: list[Any] = []
    for entry in importlib.metadata.entry_points(group=group):
        try:
            value = entry.load()
            for thing in value if isinstance(value, (list, tuple)) else [value]:
                for form in getattr(thing, "forms", ()):
                    form.hash  # noqa: B018 - a form whose text cannot be hashed is refused here
        except Exception as error:
            raise UnknownNameError(
                f"plug-in '{entry.name}' ({entry.value}) of group {group} does not load: "
                f"{type(error).__name__}: {error}. Mend or uninstall "
                f"{entry.dist.name if entry.dist else 'its distribution'}."
            ) from error
        found.extend(value if isinstance(value, (list, tuple)) else [value])
    return found


def _by_name(kind: str, expected: type[Named], things: Iterable[Any]) -> dict[str, Named]:
    table: dict[str, Named] = {}
    for thing in things:
        if not isinstance(thing, expected):
            raise UnknownNameError(
                f"a plug-in offers {thing!r} as a {kind}; it must be an adbench.model.{expected.__name__}"
            )
        if thing.name in table:
            raise UnknownNameError(f"two {kind}s are named '{thing.name}'; rename one")
        table[thing.name] = thing
    return dict(sorted(table.items()))


def did_you_mean(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence for an unknown name, with the nearest known one."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    return f"no {kind} '{name}'; {hint}"


def problem(name: str) -> Problem:
    """The problem of that name; raises UnknownNameError with the nearest one."""
    table = problems()
    if name not in table:
        raise UnknownNameError(did_you_mean("problem", name, table))
    return table[name]


def method(name: str) -> Method:
    """The method of that name; raises UnknownNameError with the nearest one."""
    table = methods()
    if name not in table:
        raise UnknownNameError(did_you_mean("method", name, table))
    return table[name]


def reason_unavailable(candidate: Method) -> str | None:
    """Why the method cannot run here, with the remedy; None when it can."""
    missing = [_lacking(m) for m in candidate.requires if not _there(m)]
    if not missing:
        return None
    return f"needs {', '.join(missing)}: pip install 'autodiff-bench[{candidate.tool}]'"


def _there(module: str) -> bool:
    """Whether a module can be imported; one inside a package that is missing cannot."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _lacking(module: str) -> str:
    """The module, and which version of its package lacks it, where the package is there."""
    top, _, inside = module.partition(".")
    if not inside or not _there(top):
        return module
    try:
        version = importlib.metadata.version(top)
    except importlib.metadata.PackageNotFoundError:
        return module
    return f"{module}, which {top} {version} lacks"
