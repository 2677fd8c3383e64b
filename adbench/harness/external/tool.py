"""An external tool: its name and command as the user gives them, and the method that stands for it."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from adbench import registry
from adbench.harness.external.payloads import TRANSLATIONS
from adbench.model import Method, Operator, Problem, UnknownNameError

__all__ = ["External", "parse"]

FORM = "external"
# Files among a command's words are known by their contents up to this size, larger ones by name.
LARGEST_BYTES = 2**26


@dataclass(frozen=True)
class External:
    """A program under a name.

    Parameters
    ----------
    name : str
        Its name as a method, and as a tool of its own.
    words : tuple of str
        Program and arguments.
    """

    name: str
    words: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command in one line."""
        return shlex.join(self.words)

    @cached_property
    def method(self) -> Method:
        """What stands for it where runs speak of methods; it prepares nothing itself."""
        offered = {o for t in TRANSLATIONS.values() for o in t.functions}
        return Method(
            name=self.name,
            summary=f"external program: {self.command}",
            tool=self.name,
            mode="external",
            reads=(FORM,),
            operators=tuple(o for o in Operator if o in offered),
            prepare=_refuse,
        )

    @cached_property
    def _hash(self) -> bytes:
        program, *arguments = self.words
        h = hashlib.sha256()
        for word, path in ((program, shutil.which(program)), *((w, w) for w in arguments)):
            h.update(_content(path) or word.encode() + b"\0")
        return h.digest()

    def text_hash(self, problem: Problem) -> str:
        """First 16 hex digits of the hash of the command, its files by content, and of the text that
        certifies the truth: another program, or another truth, is measured again.
        """
        both = self._hash + problem.reference.hash.encode()
        return hashlib.sha256(both).hexdigest()[:16]


def _content(path: str | None) -> bytes | None:
    with suppress(OSError, ValueError):  # most words are no paths at all
        file = Path(path or "")
        if file.is_file() and file.stat().st_size <= LARGEST_BYTES:
            return hashlib.sha256(file.read_bytes()).digest()
    return None


def _refuse(form: Any, operator: Any, point: Any) -> Any:
    raise NotImplementedError("an external tool is driven over its own protocol, not by a worker")


def parse(texts: Iterable[str]) -> list[External]:
    """The tools of ``name=command ...`` texts.

    Raises
    ------
    UnknownNameError
        For a text without a name or a command, a name that is no name or is taken, and a program that
        is not found.
    """
    found: list[External] = []
    for text in texts:
        name, equals, command = text.partition("=")
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise UnknownNameError(f"--external '{text}': {error}") from None
        if not equals or not name or not words:
            raise UnknownNameError(
                f"--external '{text}': give a name and a command, such as 'mytool=./mytool --fast'"
            )
        found.append(_checked(External(name, words), found))
    return found


def _checked(tool: External, before: Iterable[External]) -> External:
    methods = registry.methods().values()
    if any(tool.name in (m.name, m.tool) for m in methods):
        raise UnknownNameError(
            f"--external '{tool.name}=...': '{tool.name}' is the name of a method or tool here; "
            "give another one"
        )
    if any(tool.name == other.name for other in before):
        raise UnknownNameError(f"--external '{tool.name}=...' is given twice; rename one")
    try:
        tool.method  # noqa: B018 - the record checks the name
    except ValueError as error:
        raise UnknownNameError(f"--external: {error}") from None
    if shutil.which(tool.words[0]) is None:
        raise UnknownNameError(
            f"--external '{tool.name}=...': no program '{tool.words[0]}'; give one on the PATH, or "
            "its path, and see that it may be executed"
        )
    return tool
