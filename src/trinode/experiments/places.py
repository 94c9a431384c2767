"""Where work items are computed: in this process, in processes of this machine, or on a dask cluster.

Every place computes the same bits: an item holds all that determines it, and whoever computes it does so on its own.
Results travel back to the process that runs the sweep, which alone writes them down.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np

from trinode import _pool, _programs
from trinode.errors import InputError, MissingExtraError, StoreError
from trinode.experiments.items import Item

Execute = Callable[[Item], Mapping[str, np.ndarray]]
Begin = Callable[[str], None]
BEGUN = 3
"""Items that have begun in a process for every core."""


class Done(NamedTuple):
    """An item that is over: its arrays, or the reason why there are none and where it arose."""

    item: Item
    arrays: Mapping[str, np.ndarray] | None
    reason: str = ""
    trace: str = ""


@runtime_checkable
class Place(Protocol):
    """Somewhere that items are computed, in any order."""

    def work(self, items: Iterable[Item], execute: Execute, begin: Begin) -> Iterator[Done]:
        """Compute items; ``begin`` is told what is being done."""
        ...


def compute(item: Item, execute: Execute) -> Done:
    """Compute one item; whatever goes wrong is in the result."""
    try:
        return Done(item, execute(item))
    except Exception as fault:
        return Done(item, None, f"{type(fault).__name__}: {fault}", traceback.format_exc())


@dataclass(frozen=True)
class Here:
    """In this process: as many items at a time as there are cores, so that one compiles while another one runs.

    More have begun, since some wait for a program that another one compiles. A single item has all cores to itself; on
    an accelerator it is one item after the other.
    """

    def work(self, items: Iterable[Item], execute: Execute, begin: Begin) -> Iterator[Done]:
        def one(item: Item) -> Done:
            begin(item.label)
            with _pool.one_of_several():
                return compute(item, execute)

        waiting = iter(items)
        count = _pool.programs() if jax.default_backend() == "cpu" else 1
        first = list(islice(waiting, 2))
        if count == 1 or len(first) < 2:
            for item in chain(first, waiting):
                begin(item.label)
                yield compute(item, execute)
            return
        _programs.take_turns(count)
        pool = ThreadPoolExecutor(BEGUN * count)
        running = {pool.submit(one, item) for item in chain(first, islice(waiting, 2 * BEGUN * count - 2))}
        try:
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    # some are in reserve, since who takes the results may be long about it
                    running |= {pool.submit(one, item) for item in islice(waiting, 1)}
                    yield future.result()
                    running.remove(future)
        except GeneratorExit:
            raise
        except BaseException:  # interrupted: what has begun is finished and kept
            begun = [future for future in running if not future.cancel()]
            yield from (future.result() for future in begun if future.exception() is None)
            raise
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Processes:
    """Processes of one thread each on this machine, through joblib (extra ``cluster``)."""

    jobs: int

    def __post_init__(self) -> None:
        if not isinstance(self.jobs, int) or isinstance(self.jobs, bool) or self.jobs < 1:
            raise InputError("jobs", self.jobs, "an integer of at least 1")

    def work(self, items: Iterable[Item], execute: Execute, begin: Begin) -> Iterator[Done]:
        try:
            from joblib import Parallel, delayed, parallel_config
            from joblib.externals.loky import get_reusable_executor
            from joblib.externals.loky.process_executor import TerminatedWorkerError
        except ImportError as fault:
            raise MissingExtraError("joblib", "cluster") from fault
        begin(f"{self.jobs} processes")
        with parallel_config("loky", n_jobs=self.jobs, inner_max_num_threads=1):
            pool: Any = Parallel(return_as="generator_unordered", pre_dispatch="2 * n_jobs")
            try:
                yield from pool(delayed(_alone)(item, execute) for item in items)
            except TerminatedWorkerError as fault:
                text = "a worker process died (out of memory?); the same command goes on from here"
                raise StoreError(text) from fault
            finally:  # joblib would keep them, and what they have compiled, for minutes
                get_reusable_executor().shutdown(kill_workers=True)


def end_processes() -> None:
    """End the processes of :class:`Processes` at once: this one ends without a word."""
    loky = sys.modules.get("joblib.externals.loky.reusable_executor")
    running = getattr(getattr(loky, "_executor", None), "_processes", None) or {}
    for pid in list(running):
        os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class Cluster:
    """A dask cluster that stands already (extra ``cluster``), by its address or scheduler file.

    Its workers need trinode; start them with one thread each. An item whose worker dies is given to another one.
    """

    address: str = ""
    scheduler_file: str = ""

    def __post_init__(self) -> None:
        if bool(self.address) == bool(self.scheduler_file):
            given = self.address or "nothing"
            raise InputError("dask", given, "the address of a scheduler or a scheduler file, one of both")

    def work(self, items: Iterable[Item], execute: Execute, begin: Begin) -> Iterator[Done]:
        try:
            from distributed import Client, as_completed
        except ImportError as fault:
            raise MissingExtraError("distributed", "cluster") from fault
        try:
            client = Client(self.address or None, scheduler_file=self.scheduler_file or None, timeout="30s")
        except (OSError, ValueError) as fault:
            named = self.address or self.scheduler_file
            raise InputError("dask", named, f"a scheduler that answers ({fault})") from fault
        with client:
            begin(f"cluster at {self.address or self.scheduler_file}")
            waiting: dict[Any, Item] = {}
            try:
                for item in items:
                    waiting[client.submit(compute, item, execute, pure=False)] = item
                for future in as_completed(list(waiting)):
                    item = waiting.pop(future)
                    fault = future.exception()  # of the cluster; those of the item itself are in its result
                    yield future.result() if fault is None else Done(item, None, f"{type(fault).__name__}: {fault}")
            finally:
                client.cancel(list(waiting))


def _alone(item: Item, execute: Execute) -> Done:
    """Compute an item in a process that has one core to itself.

    Joblib ends processes that have grown by 300 MB, with a warning. Compiled programs soon do; :mod:`.execute` lets go
    of them in time.
    """
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = sys.maxsize
    os.environ["TRINODE_CORES"] = "1"
    return compute(item, execute)


@dataclass(frozen=True)
class Shard:
    """Which part of all items a run takes: ``index`` of ``count``, from 1, for job arrays."""

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise InputError("shard", f"{self.index}/{self.count}", "i/n with i from 1 to n")

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From ``i/n``."""
        index, slash, count = text.partition("/")
        if not slash or not index.strip().isdecimal() or not count.strip().isdecimal():
            raise InputError("shard", text, "i/n with i from 1 to n, for instance 2/8")
        return cls(int(index), int(count))

    def of(self, items: list[Item]) -> list[Item]:
        """This part: neighbours, which share compiled programs."""
        first, last = ((i * len(items)) // self.count for i in (self.index - 1, self.index))
        return items[first:last]
