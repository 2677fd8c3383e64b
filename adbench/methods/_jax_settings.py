"""What holds for a whole process of JAX, and what JAX is handed; knows no operator and no mode."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["Settings", "begin", "configure", "jax", "sent", "shapes"]


@dataclass(frozen=True)
class Settings:
    """What a method sets for its process.

    Parameters
    ----------
    async_dispatch : bool or None
        Whether a call is handed to another thread; None leaves that as JAX ships it.
    x64 : bool
        Whether JAX computes in float64, or, as it does by itself, in float32.
    devices : bool
        Whether every core that the process may use is a device of its own.
    """

    async_dispatch: bool | None = False
    x64: bool = True
    devices: bool = False

    @property
    def own(self) -> bool:
        """Whether a process with these settings is of no use to methods with the usual ones."""
        return self != Settings()


def jax() -> ModuleType:
    """The module jax, typed as any module: JAX annotates only part of what is used here."""
    import jax as found

    module: ModuleType = found
    return module


def configure(settings: Settings) -> None:
    """Set what holds for the process, before the first array is made."""
    config = jax().config
    _precision(settings)
    if settings.async_dispatch is not None:
        config.update("jax_cpu_enable_async_dispatch", settings.async_dispatch)
    if settings.devices:
        # once somebody else has started the backend, its devices are what there is
        with suppress(RuntimeError):
            config.update("jax_num_cpu_devices", _cores())


def _precision(settings: Settings) -> None:
    config = jax().config
    if config.jax_enable_x64 != settings.x64:
        config.update("jax_enable_x64", settings.x64)


def _cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


INSTALLS = {"tpu": "for a TPU install jax[tpu]", "cuda": "for a GPU install jax[cuda13]"}


def begin() -> None:
    """Start the backend; raises RuntimeError with the remedy where JAX has none for what is asked."""
    try:
        jax().devices()
    except (RuntimeError, AssertionError) as error:
        platform = os.environ.get("JAX_PLATFORMS") or "any"
        remedy = INSTALLS.get(platform.split(",")[0], INSTALLS["cuda"])
        raise RuntimeError(
            f"JAX finds no device for platform '{platform}' ({error or 'no backend'}): "
            f"{remedy}, or measure on the CPU"
        ) from None


def shapes(settings: Settings, parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """What arguments look like, without their numbers; plain numbers stay plain."""
    struct = jax().ShapeDtypeStruct

    def shape(a: Any) -> Any:
        if not isinstance(a, np.ndarray):
            return a
        return struct(a.shape, _dtype(settings, a), sharding=_sharding(settings, parts, a))

    return tuple(map(shape, parts))


def sent(settings: Settings, parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments as JAX arrays; plain numbers stay plain.

    Of the same dtypes, or, without x64, of half the bits. Who sends says which: another method of the
    process may have switched x64 since.
    """
    _precision(settings)
    module = jax()

    def array(a: Any) -> Any:
        if not isinstance(a, np.ndarray):
            return a
        # A copy: on the CPU, JAX may otherwise share the NumPy buffer.
        copy = module.numpy.array(a.astype(_dtype(settings, a), copy=False), copy=True)
        sharding = _sharding(settings, parts, a)
        if sharding is not None:
            copy = module.device_put(copy, sharding)
        return copy.block_until_ready()

    return tuple(map(array, parts))


HALVES = {"float64": "float32", "int64": "int32", "uint64": "uint32"}


def _dtype(settings: Settings, a: Any) -> np.dtype[Any]:
    name = str(a.dtype)
    return np.dtype(name if settings.x64 else HALVES.get(name, name))


def _sharding(settings: Settings, parts: tuple[Any, ...], a: Any) -> Any:
    """How an array lies on several devices: cut along its points if it has one number for each.

    Shares must be equal: of the devices, as many take part as divide the number of points.
    """
    if not settings.devices:
        return None
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    points = parts[0].shape[-1]
    devices = jax().devices()
    count = max(d for d in range(1, len(devices) + 1) if points % d == 0)
    mesh = Mesh(np.array(devices[:count]), ("points",))
    if not a.ndim or a.shape[-1] != points:
        return NamedSharding(mesh, PartitionSpec())
    return NamedSharding(mesh, PartitionSpec(*[None] * (a.ndim - 1), "points"))
