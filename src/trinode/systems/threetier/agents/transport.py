"""How messages travel between the cloud and the stations: in one process, or to a process per station."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from trinode.errors import MissingExtraError, TrinodeError
from trinode.systems.threetier.agents.messages import Message
from trinode.systems.threetier.agents.station import BaseStation, StationData


class StationLost(TrinodeError):
    """A base station does not answer any more."""

    def __init__(self, station: int, reason: str):
        super().__init__(f"base station {station} is lost: {reason}")
        self.station = station


@dataclass
class Traffic:
    """Messages and bytes so far, by kind, and processor seconds by station."""

    messages: dict[str, int] = field(default_factory=dict)
    nbytes: dict[str, int] = field(default_factory=dict)
    station_seconds: list[float] = field(default_factory=list)

    def count(self, message: Message) -> None:
        """Count one message."""
        self.messages[message.kind] = self.messages.get(message.kind, 0) + 1
        self.nbytes[message.kind] = self.nbytes.get(message.kind, 0) + message.nbytes

    @property
    def total_messages(self) -> int:
        """All messages."""
        return sum(self.messages.values())

    @property
    def total_bytes(self) -> int:
        """All bytes."""
        return sum(self.nbytes.values())


@runtime_checkable
class Transport(Protocol):
    """Carries messages to stations and their answers back."""

    def open(self, stations: Sequence[StationData]) -> None:
        """Start the stations."""
        ...

    def ask(self, messages: Sequence[Message]) -> list[tuple[Message, float]]:
        """Send message l to station l, all at once; answers with processor seconds, in order.

        Raises
        ------
        StationLost
            A station does not answer.
        """
        ...

    def close(self) -> None:
        """Stop the stations."""
        ...


class InProcess:
    """All stations in this process, one after another."""

    def open(self, stations: Sequence[StationData]) -> None:
        """Start the stations."""
        self._stations = [BaseStation(data) for data in stations]

    def ask(self, messages: Sequence[Message]) -> list[tuple[Message, float]]:
        """Send message l to station l; answers in order."""
        return [station.handle(message) for station, message in zip(self._stations, messages, strict=True)]

    def close(self) -> None:
        """Stop the stations."""
        self._stations = []


class Processes:
    """Each station an actor of dask.distributed, on a worker process of its own.

    Parameters
    ----------
    client : dask.distributed.Client, optional
        Of a running cluster with at least as many workers as stations; a local one is started where absent.
    timeout_s : float
        A station that does not answer for so long is lost.
    """

    def __init__(self, client: Any = None, timeout_s: float = 60.0):
        self._client: Any = client
        self._given, self._timeout = client is not None, timeout_s
        self._actors: list[Any] = []
        self.workers: list[str] = []

    def open(self, stations: Sequence[StationData]) -> None:
        """Start the stations.

        Raises
        ------
        MissingExtraError
            dask.distributed is not installed.
        """
        try:
            from distributed import Client, LocalCluster
        except ImportError as fault:
            raise MissingExtraError("distributed", "cluster") from fault
        if not self._given:
            options: dict[str, Any] = {"dashboard_address": None}  # no dashboard
            cluster = LocalCluster(n_workers=len(stations), threads_per_worker=1, processes=True, **options)
            self._client = Client(cluster)
            self._cluster = cluster
        self._client.wait_for_workers(len(stations), timeout=self._timeout)
        self.workers = sorted(self._client.scheduler_info(n_workers=-1)["workers"])[: len(stations)]
        placed = [
            self._client.submit(BaseStation, data, actor=True, workers=[worker], allow_other_workers=False, pure=False)
            for data, worker in zip(stations, self.workers, strict=True)
        ]
        self._actors = [future.result(timeout=self._timeout) for future in placed]

    def ask(self, messages: Sequence[Message]) -> list[tuple[Message, float]]:
        """Send message l to station l, all at once; answers in order."""
        waiting = []
        for place, (actor, message) in enumerate(zip(self._actors, messages, strict=True)):
            self._check(place)
            waiting.append(actor.handle(message))
        return [self._wait(place, future) for place, future in enumerate(waiting)]

    def close(self) -> None:
        """Stop the stations, and the cluster where it was started here."""
        self._actors = []
        if not self._given and self._client is not None:
            self._client.close(timeout=10)
            self._cluster.close(timeout=10)
            self._client = None

    def _check(self, place: int) -> None:
        """An actor is never moved, so a station is gone with its worker."""
        if self.workers[place] not in self._client.scheduler_info(n_workers=-1)["workers"]:
            raise StationLost(place, "its worker left")

    def _wait(self, place: int, future: Any) -> tuple[Message, float]:
        waited, step = 0.0, 0.5
        while True:
            try:
                return future.result(timeout=step)
            except TimeoutError as fault:
                waited += step
                self._check(place)
                if waited >= self._timeout:
                    raise StationLost(place, f"no answer for {self._timeout:g} s") from fault
            except (OSError, ValueError, RuntimeError) as fault:
                self._check_gone(place, fault)

    def _check_gone(self, place: int, fault: Exception) -> None:
        """Tell a lost worker, which answers with errors of its connection, from a fault of the station's own code."""
        if isinstance(fault, OSError) or "worker" in str(fault).lower() or "actor" in str(fault).lower():
            raise StationLost(place, str(fault)) from fault
        raise fault
