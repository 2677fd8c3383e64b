"""The text of an LLVM module in which calls of elementary functions become calls LLVM can vectorise.

LLVM's loop vectoriser takes a vector function in place of a scalar one when the call carries the
attribute ``vector-function-abi-variant``, which names the vector functions (LLVM Language Reference,
"Call Site Attributes"; their names follow the x86-64 vector function ABI that glibc implements).
Calls of ``exp`` or ``llvm.exp.f64`` are turned into such calls of a private alias of the scalar
function. An alias, because LLVM knows ``exp`` by its name and would make the intrinsic of it again.

Only text goes in and comes out: nothing here knows Numba.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALIAS = "adbench_vector_"
PURE = "nocallback nofree nosync nounwind willreturn memory(none)"

# A call of a function of doubles, or of an intrinsic of vectors of doubles, on one line.
_CALL = re.compile(
    r"(?P<head>\s*%.+? = (?:(?:tail|notail) )?call (?:\w+(?:\([^()]*\))? )*?)"
    r"(?P<type>double|<(?P<lanes>\d+) x double>) "
    r"@(?P<intrinsic>llvm\.)?(?P<name>\w+)(?P<suffix>\.f64|\.v\d+f64)?"
    r"\((?P<args>(?:[^()]|\([^()]*\))*)\)(?P<rest>.*)"
)
_GLOBAL = re.compile(r'@("[^"]+"|[\w.$-]+)')
_DEFINED = re.compile(r'define [^@]*@("[^"]+"|[\w.$-]+)\(')


@dataclass(frozen=True)
class VectorFunction:
    """An elementary function of doubles and the symbols that compute it for several at once.

    Parameters
    ----------
    name : str
        In C: ``exp``.
    arguments : int
        How many doubles it takes.
    variants : tuple of (int, str)
        Number of lanes and symbol of each vector function.
    """

    name: str
    arguments: int
    variants: tuple[tuple[int, str], ...]

    @property
    def alias(self) -> str:
        """The private name that calls of the scalar function get."""
        return ALIAS + self.name

    @property
    def declarations(self) -> dict[str, str]:
        """LLVM declarations by symbol: the alias, which may be computed ahead, and the variants."""
        lines = {
            self.alias: f"declare double @{self.alias}({self._many('double')}) {PURE} speculatable"
        }
        for lanes, symbol in self.variants:
            vector = f"<{lanes} x double>"
            lines[symbol] = f"declare {vector} @{symbol}({self._many(vector)}) {PURE}"
        return lines

    @property
    def call_attributes(self) -> str:
        """What a call of the alias carries."""
        shape = "v" * self.arguments
        names = ",".join(
            f"_ZGV_LLVM_N{lanes}{shape}_{self.alias}({symbol})" for lanes, symbol in self.variants
        )
        return f'"vector-function-abi-variant"="{names}" {PURE}'

    def _many(self, type_: str) -> str:
        return ", ".join([type_] * self.arguments)


def vectorisable(text: str, functions: Mapping[str, VectorFunction]) -> str:
    """The module with every call of `functions` made vectorisable; `text` itself if there is none.

    Functions that came with linked libraries and contain such a call, or lead to one, become private
    to the module: their names belong to code that was compiled without vector mathematics. All that
    lead to one align their stack to vector registers, which calls make them spill.
    """
    lines = text.splitlines()
    used: set[str] = set()
    bodies: dict[str, tuple[int, set[str]]] = {}  # by name: line of the head, globals referred to
    names: set[str] = set()
    for number, line in enumerate(lines):
        if line.startswith("define "):
            defined = _DEFINED.match(line)
            names = set()
            if defined:
                bodies[defined[1]] = number, names
        elif "@" in line and " call " in line:
            lines[number] = line = _call(line, functions, used)
            names.update(_GLOBAL.findall(line))
        elif "@" in line:
            names.update(_GLOBAL.findall(line))
    marked = {symbol for f in functions.values() for symbol in f.declarations}
    touched = _leading_to({name: refers for name, (_, refers) in bodies.items()}, marked)
    if not touched:
        return text
    for name in touched:
        number = bodies[name][0]
        lines[number] = _head(lines[number])
    lines += _missing_declarations(text, (functions[name] for name in sorted(used)))
    return "\n".join(lines) + "\n"


def keeper(functions: Iterable[VectorFunction]) -> str:
    """A module that, linked into another, keeps its unused declarations of vector functions."""
    kept = {s: d for f in functions for s, d in f.declarations.items() if s != f.alias}
    pointers = ", ".join(f"ptr @{symbol}" for symbol in kept)
    used = f"@llvm.compiler.used = appending global [{len(kept)} x ptr] [{pointers}]"
    return "\n".join([f'{used}, section "llvm.metadata"', *kept.values()]) + "\n"


def aliases(text: str) -> set[str]:
    """Names of the functions whose aliases the module calls."""
    return set(re.findall(rf" call [^@]*@{ALIAS}(\w+)\(", text))


def vector_calls(text: str) -> set[str]:
    """Names of the functions that the module calls for several numbers at once."""
    return set(re.findall(r" call [^@]*@_ZGV[a-z]N\d+v+_(\w+)\(", text))


def _call(line: str, functions: Mapping[str, VectorFunction], used: set[str]) -> str:
    found = _CALL.fullmatch(line)
    function = functions.get(found["name"]) if found else None
    if found is None or function is None or bool(found["intrinsic"]) != bool(found["suffix"]):
        return line
    _, comma, metadata = found["rest"].partition(", !")
    if found["lanes"]:
        symbol = dict(function.variants).get(int(found["lanes"]))
        callee, attributes = symbol, PURE
    else:
        plain = function.name == "pow" and _becomes_arithmetic(found["args"])
        callee, attributes = None if plain else function.alias, function.call_attributes
    if callee is None:
        return line
    used.add(function.name)
    new = f"{found['head']}{found['type']} @{callee}({found['args']}) {attributes}"
    return new + comma + metadata


def _becomes_arithmetic(args: str) -> bool:
    """Whether LLVM knows better than a call: powers with a whole or half exponent."""
    try:
        exponent = float(args.rpartition(" ")[2])
    except ValueError:  # a variable, or a number in hexadecimal digits
        return False
    return (2 * exponent).is_integer()


def _leading_to(refers: Mapping[str, set[str]], marked: set[str]) -> set[str]:
    """Those that refer to a marked name, directly or through others."""
    leading: set[str] = set()
    pending = True
    while pending:
        new = {name for name, to in refers.items() if not to.isdisjoint(marked)} - leading
        leading |= new
        marked = new
        pending = bool(new)
    return leading


def _head(line: str) -> str:
    """The first line of a definition, private if it was shared, with its stack aligned."""
    line = re.sub(r"^define linkonce_odr ", "define internal ", line)
    if '"stackrealign"' in line:
        return line
    start = line.index("(", line.index("@"))
    depth, end = 0, start
    for end in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[end], 0)
        if depth == 0:
            break
    address = re.match(r" (?:local_)?unnamed_addr(?: addrspace\(\d+\))?", line[end + 1 :])
    end += 1 + (address.end() if address else 0)
    return f'{line[:end]} "stackrealign"{line[end:]}'


def _missing_declarations(text: str, functions: Iterable[VectorFunction]) -> list[str]:
    present = set(re.findall(r"^declare [^@]*@([\w.]+)\(", text, re.MULTILINE))
    lines = {s: d for f in functions for s, d in f.declarations.items()}
    return [line for symbol, line in lines.items() if symbol not in present]
