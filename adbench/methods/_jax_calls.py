"""How a derivative written for JAX is called: jitted, compiled ahead of time, or op by op.

Knows no operator but by its result: one array, or a value and a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from adbench.methods._jax_settings import Settings, jax, sent, shapes
from adbench.methods._jax_ways import refusals
from adbench.methods._objects import code_bytes

__all__ = ["Called", "Calling", "ahead", "describe", "eager", "jitted", "waiting"]

Function = Callable[..., Any]


@dataclass(frozen=True)
class Called:
    """A derivative that can be called, not yet complete when it returns; what compiles it before, and
    what is known of the compiled program.
    """

    function: Function
    compile: Callable[[], Any]
    describe: Callable[[], Mapping[str, int]] | None = None


# ``calling(settings, way, parts)``: the derivative `way`, for arguments that look like `parts`.
Calling = Callable[[Settings, Function, tuple[Any, ...]], Called]


def jitted(settings: Settings, way: Function, parts: tuple[Any, ...]) -> Called:
    """By ``jax.jit``: traced and lowered here, compiled by `compile` or the first call."""
    function = jax().jit(way)
    lowered = _lowered(settings, function, parts)
    return Called(function, lowered.compile, partial(describe, lowered))


def ahead(settings: Settings, way: Function, parts: tuple[Any, ...]) -> Called:
    """By the object of `jax.stages.Compiled` that ``jit(f).lower(...).compile()`` returns."""
    lowered = _lowered(settings, jax().jit(way), parts)
    compiled: Function | None = None

    def compile_() -> None:
        nonlocal compiled
        compiled = lowered.compile()

    def call(*args: Any) -> Any:
        if compiled is None:
            compile_()
        return compiled(*args)  # type: ignore[misc]

    return Called(call, compile_, partial(describe, lowered))


def eager(settings: Settings, way: Function, parts: tuple[Any, ...]) -> Called:
    """Not jitted. What each operation needs is compiled when it is first met: by `compile` a whole
    call of the derivative, at the point it is prepared at.
    """

    def call(*args: Any) -> Any:
        with refusals():
            return way(*args)

    return Called(call, lambda: jax().block_until_ready(call(*sent(settings, parts))))


def _lowered(settings: Settings, function: Any, parts: tuple[Any, ...]) -> Any:
    with refusals():
        return function.lower(*shapes(settings, parts))


def waiting(function: Function, both: bool, plan: tuple[Any, ...] = ()) -> Function:
    """The function, complete when it returns, with the plan as its first arguments.

    Results are waited for by their own method: `jax.block_until_ready` would walk a tree of unknown
    shape in every call, a tenth of the shortest.

    Parameters
    ----------
    both : bool
        Whether a value and a gradient are returned, not one array.
    """
    lost = jax().errors.JaxRuntimeError

    def pair(*args: Any) -> Any:
        try:
            value, gradient = function(*args)
            value.block_until_ready()
            gradient.block_until_ready()
        except lost as error:
            raise _named(error) from error
        return value, gradient

    def one(*args: Any) -> Any:
        try:
            return function(*args).block_until_ready()
        except lost as error:
            raise _named(error) from error

    if both:
        return pair
    return partial(one, *plan) if plan else one


def _named(error: Exception) -> Exception:
    """XLA's error, or MemoryError where that is what it means."""
    said = str(error)
    return MemoryError(f"XLA: {said}") if said.startswith("RESOURCE_EXHAUSTED") else error


def describe(lowered: Any) -> dict[str, int]:
    """What XLA knows of the compiled program, and the most this process has had on the device.

    On the CPU XLA does not know the size of its machine code (it says 0): the kernels are counted in
    the serialised executable. What they call of XLA's own libraries is not among them.
    """
    compiled = lowered.compile()  # kept by JAX since compile() or the first call
    device = jax().devices()[0].memory_stats() or {}  # None where nobody counts, as on the CPU
    found = {"device_peak_bytes": device.get("peak_bytes_in_use")}
    if (memory := compiled.memory_analysis()) is not None:
        found["code_bytes"] = memory.generated_code_size_in_bytes or _kernels(compiled)
        found["temp_bytes"] = memory.temp_size_in_bytes
        found["argument_bytes"] = memory.argument_size_in_bytes
        found["output_bytes"] = memory.output_size_in_bytes
    return {name: int(size) for name, size in found.items() if size is not None}


def _kernels(compiled: Any) -> int | None:
    try:
        return code_bytes(compiled.runtime_executable().serialize())
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):
        return None  # no promise of JAX: the size is then not known
