"""``adbench list``: problems, methods and cases, whether or not they can run here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from adbench import registry
from adbench.cli.terminal import Filters, Json, print_json, say, table, user_errors
from adbench.model import Method, Problem, UnknownNameError, size_text

__all__ = ["listing"]

listing = typer.Typer(
    no_args_is_help=True,
    help="List problems, methods or cases.",
    epilog="Example: adbench list methods 'jax-*'",
)


@listing.command("problems", epilog="Example: adbench list problems 'gauss*' --json")
@user_errors
def problems(names: Filters = None, as_json: Json = False) -> None:
    """List the test functions, their sizes, operators and forms."""
    known = registry.problems()
    described = [_problem(known[n]) for n in _chosen(names, "problem", list(known))]
    if as_json:
        print_json(described)
        return
    lines = [
        (d["name"], d["summary"], " ".join(d["sizes"]), _operators(d["operators"]))
        for d in described
    ]
    table("Problems", ("problem", "what it is", "sizes", "operators beside value"), lines)
    say("forms, and what each problem stresses: adbench list problems --json")


def _operators(offered: Sequence[str]) -> str:
    """In a few words: every problem offers its value, and who offers a gradient offers both together."""
    left_out = ("value", "value_and_gradient") if "gradient" in offered else ("value",)
    return " ".join(o for o in offered if o not in left_out)


def _problem(p: Problem) -> dict[str, Any]:
    from adbench.reference import traits

    counted = {size_text(s): traits.traits(p, s) for s in p.sizes}
    return {
        "name": p.name,
        "summary": p.summary,
        "sizes": [size_text(s) for s in p.sizes],
        "operators": [o.value for o in p.operators],
        "forms": [f.name for f in p.forms],
        "stresses": sorted(traits.words(p)),
        "traits": {s: None if t is None else t.as_dict() for s, t in counted.items()},
    }


@listing.command("methods", epilog="Example: adbench list methods 'numba-*' jax-reverse")
@user_errors
def methods(names: Filters = None, as_json: Json = False) -> None:
    """List every method, installed or not, with the reason when it cannot run here."""
    known = registry.methods()
    described = [_method(known[n]) for n in _chosen(names, "method", list(known))]
    if as_json:
        print_json(described)
        return
    lines = [
        (d["name"], d["summary"], d["tool"], d["mode"], d["reason"] or "yes") for d in described
    ]
    table("Methods", ("method", "what it is", "tool", "mode", "available"), lines)


def _method(m: Method) -> dict[str, Any]:
    from adbench.harness.machine import versions_of

    reason = registry.reason_unavailable(m)
    return {
        "name": m.name,
        "summary": m.summary,
        "tool": m.tool,
        "mode": m.mode,
        "dtype": m.dtype,
        "reads": list(m.reads),
        "operators": [o.value for o in m.operators],
        "exact": not m.rtol,
        "rtol": {o.value: r for o, r in m.rtol.items()},
        "gaps": dict(m.gaps),
        "compiles": m.compiles,
        "requires": list(m.requires),
        "available": reason is None,
        "reason": reason,
        "versions": versions_of(m),
    }


@listing.command("cases", epilog="Example: adbench list cases 'rosenbrock[*]/gradient/*'")
@user_errors
def cases(
    filters: Filters = None,
    preset: Annotated[str, typer.Option(help="quick, smoke, standard or full.")] = "full",
    as_json: Json = False,
) -> None:
    """List case ids: what `run` would measure and `eval` takes."""
    from adbench.harness import plan

    found = plan.cases(filters or (), preset)
    if not as_json:
        say("\n".join(case.id for case in found))  # at once: there are thousands
        return
    described = [
        {
            "id": c.id,
            "problem": c.problem,
            "size": size_text(c.size),
            "operator": c.operator,
            "method": c.method,
        }
        for c in found
    ]
    print_json(described)


def _chosen(names: Sequence[str] | None, kind: str, known: Sequence[str]) -> list[str]:
    """Names that match any pattern; raises UnknownNameError for a pattern without a match."""
    from adbench.model import glob_match

    if not names:
        return list(known)
    found: list[str] = []
    for pattern in names:
        hits = [name for name in known if glob_match(pattern, name)]
        if not hits:
            raise UnknownNameError(registry.did_you_mean(kind, pattern, known))
        found += [h for h in hits if h not in found]
    return found
