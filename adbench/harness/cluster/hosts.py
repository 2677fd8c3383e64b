"""The hosts of a Dask cluster: how to reach them, which may measure, whether they run the same code.

One measuring slot a host: two measurements at once would disturb each other. Knows nothing of rows.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from adbench.harness import features, stopwatch
from adbench.harness.cluster.visit import busy, introduce

__all__ = ["RESOURCE", "ClusterError", "Fleet", "Host", "connected"]

# What a Dask worker offers, one of it, to be measured on.
RESOURCE = "adbench"
CONNECT_S = 8.0
# How long workers may take to appear at the start, and a host to come back that was seen before:
# a nanny starts a worker anew within seconds.
APPEAR_S = 4.0
RETURN_S = 10.0
# What a worker says that cannot import what introduces it; Dask wraps errors of another machine.
FOREIGN = ("ModuleNotFoundError", "ImportError", "AttributeError")
LOCAL = {
    # nothing that the nanny sets is the user's wish, and samples of the stack, a hundred a second,
    # would be taken while blocks are measured
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.worker.profile.enabled": False,
}


class ClusterError(ValueError):
    """A cluster that cannot be used; the text says why and what to do."""


@contextmanager
def connected(address: str) -> Iterator[tuple[Any, bool]]:
    """A Dask client of the cluster, and whether several slots on one host are wanted.

    Parameters
    ----------
    address : str
        ``tcp://host:port`` of a scheduler (or ``tls://``), or ``local[N]`` for N workers on this
        machine, which end with the block.

    Raises
    ------
    ClusterError
        When the address is none, or nobody answers.
    """
    local = re.fullmatch(r"local(?:\[(\d+)\])?", address)
    if local is not None and int(local[1] or 1) > 0:
        with _local(int(local[1] or 1)) as client:
            yield client, True
    elif re.fullmatch(r"\w+://\S+:\d+", address):
        with _remote(address) as client:
            yield client, False
    else:
        raise ClusterError(
            f"'{address}' is no cluster; give a scheduler's address such as tcp://host:8786, or "
            "local[2] for two workers on this machine"
        )


@contextmanager
def _remote(address: str) -> Iterator[Any]:
    with _quiet():
        client = _client(address)
        if isinstance(client, Exception):
            raise ClusterError(
                f"no Dask scheduler answers at {address} ({_first_line(client)}); start one there with: "
                f"dask scheduler --port {address.rpartition(':')[2]}"
            )
        with client:
            yield client


def _client(address: str) -> Any:
    """A client, or why there is none.

    Connected in a thread that can be left behind: where somebody takes the connection and says
    nothing, `Client` waits for ever whatever its timeout.
    """
    from distributed import Client

    found: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def connect() -> None:
        try:
            found.put(Client(address, timeout=CONNECT_S))
        except (OSError, ValueError) as error:
            found.put(error)

    threading.Thread(target=connect, name="adbench-connect", daemon=True).start()
    try:
        return found.get(timeout=CONNECT_S + 2.0)
    except queue.Empty:
        return TimeoutError(f"connected, but no word within {CONNECT_S:g} s")


@contextmanager
def _local(count: int) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    # a worker that is killed is started anew by its nanny, which sets variables in this process, too
    before = dict(os.environ)
    try:
        with (
            _quiet(),
            dask.config.set(LOCAL),
            LocalCluster(
                n_workers=count, threads_per_worker=1, processes=True, host="127.0.0.1", memory_limit=0,
                dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False},
                resources={RESOURCE: 1}, silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, timeout=CONNECT_S) as client,
        ):  # fmt: skip
            yield client
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask's own account of lost connections stays out of the progress bar; we tell what matters."""
    import distributed  # noqa: F401 - its import sets the levels

    loggers = [logging.getLogger(f"distributed{part}") for part in ("", ".client")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@dataclass(frozen=True)
class Host:
    """A Dask worker that may measure: its address, and what it says of its machine."""

    address: str
    machine: Mapping[str, Any]
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        """The host's name."""
        return str(self.machine["name"])

    @property
    def id(self) -> str:
        """The machine's id, which its results bear."""
        return str(self.machine["id"])


@dataclass
class Fleet:
    """The measuring slots of a cluster, as they come and go.

    Parameters
    ----------
    client : distributed.Client
        Connected to the scheduler.
    code : str
        Hash of adbench's source files that every host must have.
    versions : mapping of str to str
        Versions that every host must have.
    several : bool
        Whether one host may have several slots.
    note : callable
        Gets sentences for the user.
    """

    client: Any
    code: str
    versions: Mapping[str, str]
    several: bool
    note: Callable[[str], None]
    present: set[str] = field(default_factory=set)
    slots: list[Host] = field(default_factory=list)
    known: dict[str, Host] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        """Find the slots, and check them before anything is sent.

        Raises
        ------
        ClusterError
            When there is none, or when a host runs another adbench or other tools.
        """
        began = stopwatch.monotonic()
        while not self._offering() and stopwatch.monotonic() - began < APPEAR_S:
            time.sleep(0.2)
        self.refresh()
        for sentence in self.refused.values():
            raise ClusterError(sentence)
        if not self.slots:
            raise ClusterError(self._nobody())
        one_each = {slot.id: slot.address for slot in self.slots}
        for address in one_each.values():
            for sentence in features.missing(self.known[address].machine.get("features") or {}):
                self.note(f"{self.known[address].name}: {sentence}")
        for address, sentence in self._run(busy, [*one_each.values()]).items():
            if isinstance(sentence, str):
                self.note(f"{self.known[address].name}: {sentence}")

    def _nobody(self) -> str:
        address = self.client.scheduler.address
        count = len(self.client.scheduler_info(n_workers=-1)["workers"])
        found = (
            f"none of its {count} workers offers" if count else "it has no worker, so none offers"
        )
        return (
            f"the cluster at {address} has no measuring slot: {found} the resource '{RESOURCE}'; start one "
            f"worker on each host with: dask worker {address} --nthreads 1 --resources {RESOURCE}=1"
        )

    def refresh(self) -> None:
        """Look which workers are there; new ones are asked who they are."""
        present = self._offering()
        for address in sorted(self.present - present):
            if address in self.known:
                self.note(
                    f"lost the worker {address} on {self.known[address].name}; what it was measuring "
                    "is measured again"
                )
        self.present = present
        self._meet(sorted(present - self.known.keys() - self.refused.keys()))
        before = [slot.address for slot in self.slots]
        hosts = [
            self.known[a] for a in (*before, *sorted(present)) if a in present & self.known.keys()
        ]
        slots: dict[str, Host] = {}
        for host in hosts:
            slots.setdefault(host.address if self.several else host.name, host)
        self.slots = list(slots.values())
        for slot in self.slots:
            self.seen[slot.id] = stopwatch.monotonic()

    def _offering(self) -> set[str]:
        """Addresses of the workers that offer a slot."""
        try:
            workers = self.client.scheduler_info(n_workers=-1)["workers"]
        except (OSError, KeyError):  # a client that has given its scheduler up knows no workers
            raise ClusterError(
                "lost the scheduler; finished results are in the file: start the cluster and repeat "
                "the command"
            ) from None
        return {
            a for a, about in workers.items() if about.get("resources", {}).get(RESOURCE, 0) >= 1
        }

    def _meet(self, addresses: list[str]) -> None:
        for address, about in self._run(introduce, addresses, tuple(self.versions)).items():
            sentence = self._objection(address, about)
            if sentence is not None:
                self.refused[address] = sentence
                if self.slots:
                    self.note(sentence)
                continue
            host = Host(address, about["machine"], about["environment"])
            twin = next((h for h in self.known.values() if h.name == host.name), None)
            if twin is not None and twin.address in self.present and not self.several:
                self.note(
                    f"{address} and {twin.address} are both on the host {host.name}; only one of them "
                    "measures at a time"
                )
            self.known[address] = host

    def _run(
        self, function: Callable[..., Any], addresses: list[str], *arguments: Any
    ) -> dict[str, Any]:
        """What a function gives on each worker; an exception for one that fails."""
        if not addresses:
            return {}
        return dict(self.client.run(function, *arguments, workers=addresses, on_error="return"))

    def _objection(self, address: str, about: Any) -> str | None:
        """Why a worker may not measure in this run."""
        remedy = "install the same adbench and the same tools on every host"
        here = f"adbench {self.versions['adbench']}, code {self.code}"
        if isinstance(about, Exception):
            if any(word in repr(about) for word in FOREIGN):
                return f"the worker {address} has no adbench, or an older one than {here}: {about}; {remedy}"
            return f"the worker {address} does not answer: {type(about).__name__}: {about}"
        who, there = f"{about['machine']['name']} ({address})", about["versions"]
        if (there.get("adbench"), about["code"]) != (self.versions["adbench"], self.code):
            has = f"adbench {there.get('adbench')}, code {about['code']}"
            return f"{who} has {has}; this machine has {here}: {remedy}"
        names = [n for n in {**self.versions, **there} if there.get(n) != self.versions.get(n)]
        if names:
            pairs = ", ".join(
                f"{n} {there.get(n, 'none')} instead of {self.versions.get(n, 'none')}"
                for n in sorted(names)
            )
            return f"{who} has {pairs}: {remedy}"
        return None

    def capacity(self) -> dict[str, int]:
        """Machine id -> number of slots."""
        ids = [slot.id for slot in self.slots]
        return {name: ids.count(name) for name in ids}

    def addresses(self, machine: str | None) -> list[str]:
        """Addresses of the slots on a machine, or of all."""
        return [s.address for s in self.slots if machine in (None, s.id)]

    def gone(self, machine: str) -> bool:
        """Whether a machine has no slot and is not expected back."""
        if machine in self.capacity():
            return False
        return machine not in self.seen or stopwatch.monotonic() - self.seen[machine] > RETURN_S


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
