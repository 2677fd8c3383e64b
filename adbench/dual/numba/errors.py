"""What cannot be compiled for duals, told in one sentence: the operation, where it is, what to write.

Numba explains itself over dozens of lines, innermost first. `explain` takes three things out of them:
the first operation that has no implementation (or what else was refused), the first place outside of
Numba and of this package, and, by the table `REMEDIES`, what to write instead. What this package itself
refuses (``refusals``) says all that is to be said.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from adbench.dual.numba.refusals import MARK

REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"^setitem\(array\(float64.*Dual|^Cannot unify array\(float64.*Dual|"
        r"^i\w+\(array\(float64.*Dual",
        "an array of floats cannot hold the result; make one with np.zeros(n) in the function "
        "that uses x, or anywhere with dtype=x.dtype, and write into that",
    ),
    (
        r"^setitem\(list\(float64|^append\(list\(float64",
        "a list of floats cannot hold the result; take np.zeros(n), or begin the list with x's own "
        "numbers, [0.0 * x[0]] * n",
    ),
    (
        r"^(inv|solve|det|slogdet|cholesky|eigh?|eigvalsh?|svd|qr|lstsq|pinv|cond|matrix_\w+|norm|"
        r"kron)\(",
        "LAPACK computes floats alone; write the elimination for a small matrix as loops, or take "
        "np.linalg in adbench.dual.numpy",
    ),
    (
        r"complex",
        "keep real and imaginary part in two numbers and write the arithmetic of the two",
    ),
    (
        r"^ExternalFunctionPointer|ctypes|CFFI",
        "foreign code computes floats alone; write its formula as an njit function, or hand its "
        "results over as data where they do not depend on x",
    ),
    (
        r"objmode|with context|pyobject|Python object",
        "Python objects carry no derivative; do this before the call and hand the result over as "
        "data",
    ),
    (r"^gamma\(", "math.exp(math.lgamma(x)) for positive x"),
    (
        r"^(float\d\d|int\d+|astype|class\(float)",
        "leave the conversion out: the number is a float64 already; int(x) makes a whole number",
    ),
    (r"^isinstance\(", "leave the question out: where f is compiled, x holds floats"),
    (
        r"jitclass|^Cannot cast Dual.* to float64",
        "what was declared to hold float64 cannot hold the result; use a tuple or a named tuple",
    ),
    (
        r"^random\.|RandomState|^(normal|uniform|exponential|poisson|gamma|beta)\(.*Dual",
        "draw standard numbers first and scale them: mean + sigma * z",
    ),
    (
        r"\bset\(|^hash\(",
        "numbers with derivatives are no keys and no elements of sets; take int(x), or a list",
    ),
    (r"yield in a closure", "write the loop: Numba compiles no generator expressions"),
    (r"helper compiled with parallel=True", ""),
    (
        r"^Unknown attribute '(real|imag|conj|conjugate)' of type (array\()?Dual",
        "leave it out: the number is real",
    ),
    (
        r"NumPy function|^Unknown attribute|^Untyped global",
        "Numba does not know it for floats either; write it out with what Numba has",
    ),
)
"""What to write instead, by a pattern of the operation; the first that fits counts."""

ANYTHING = (
    "write it with arithmetic and functions that duals have (see the documentation), or compute it "
    "outside and hand the result over as data"
)

_OURS = (str(Path(numba.__file__).parent), str(Path(__file__).parent))


def explain(error: BaseException, f: Callable[..., Any] | None = None) -> str:
    """One sentence without a line break on why f cannot be compiled for duals.

    Parameters
    ----------
    error : exception
        What Numba raised; its text is read, whatever its kind.
    f : callable, optional
        The function, to be named.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    reason = re.search(rf"{MARK}(.+)", text)
    what = reason[1] if reason else operation(text) or _silent(error)
    name = getattr(f, "__name__", "")
    named = f"'{name}'" if name.isidentifier() else "this function"
    remedy = "" if reason else remedy_for(what)
    told = f"Numba cannot compile {named} for dual numbers: it has no implementation of {what}"
    if not _is_call(what):
        told = f"Numba cannot compile {named} for dual numbers: {what}"
    return "".join([told, _place(text) or _beginning(f), f"; {remedy}" if remedy else ""])


def operation(text: str) -> str:
    """The operation that Numba's explanation names first, or the sentence it gives instead."""
    # Numba numbers its failures inside out, but names the user's call before what it consists of.
    call = re.search(r"No implementation of function (.*) found for signature:\s*>>> (.+)", text)
    if call:
        kind, called = call.groups()
        number = re.match(r"Function\((\w+)\)$", kind)
        return called.replace("<unknown function>", number[1] if number else "a function").strip()
    lines = (line.strip() for line in text.splitlines())
    skipped = ("Failed in", "During", "File", "-", ">>>")
    told = [line for line in lines if line and not line.startswith(skipped)]
    return re.sub(r", defined at .*|: \{.*", "", told[0]) if told else ""


def _silent(error: BaseException) -> str:
    """What was refused by an exception without a text."""
    frames = traceback.extract_tb(error.__traceback__)
    in_set = frames and frames[-1].filename.endswith("containers.py")
    return "set(dual numbers)" if in_set else type(error).__name__


def remedy_for(what: str) -> str:
    """What to write instead of the operation."""
    ufunc = getattr(np, what.split("(")[0], None)
    if isinstance(ufunc, np.ufunc) and what.count("array(") > ufunc.nin:
        return "leave the output argument out and assign: out[:] = np.exp(x)"
    return next((remedy for pattern, remedy in REMEDIES if re.search(pattern, what)), ANYTHING)


def _is_call(what: str) -> bool:
    return re.match(r"[\w.]+\(.*\)$", what) is not None


def _place(text: str) -> str:
    """`` (file, line n)``: the first place that Numba tells of outside of itself and of us."""
    places = re.findall(r"During: .* at (\S.*?) \((\d+)\)", text)
    places += re.findall(r'File "(.+?)", line (\d+):', text)
    for path, line in places:
        if not path.startswith(_OURS) and not re.search(r"(^|/)numba/", path):
            return f" ({Path(path).name}, line {line})"
    return ""


def _beginning(f: Any) -> str:
    code = getattr(getattr(f, "py_func", f), "__code__", None)
    return f" ({Path(code.co_filename).name}, line {code.co_firstlineno})" if code else ""
