"""Carry out what is missing of sweeps."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from trinode import _flags
from trinode.errors import InputError, StoreError
from trinode.experiments.execute import MEMORY, execute
from trinode.experiments.items import Item, expand
from trinode.experiments.places import Done, Execute, Here, Place, Shard
from trinode.experiments.progress import SILENT, bar
from trinode.experiments.store import Store
from trinode.experiments.sweep import check
from trinode.systems import registry
from trinode.systems.figure import Sweep

AHEAD = 256
"""Items among which the next one is chosen."""
HOST_UNTIL = 0.8
"""Share of the items after which none is left that Python computes."""


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes
    ----------
    total, reused, computed : int
        Items of the sweep (or of the shard), those found in the store, those computed now.
    failed : tuple of str
        What failed, with where its traceback is; a later run tries these again.
    seconds : float
        Wall time; of several sweeps, since the one before was over.
    outdated : int
        Of those computed now, how many the store held of other code.
    """

    total: int
    reused: int
    computed: int
    failed: tuple[str, ...]
    seconds: float
    outdated: int = 0

    def __str__(self) -> str:
        text = f"{self.total} items: {self.reused} reused, {self.computed} computed in {self.seconds:.1f} s"
        if self.outdated:
            text += f" ({self.outdated} of them anew: the code that computes them has changed)"
        return text + (f", {len(self.failed)} FAILED:\n  " + "\n  ".join(self.failed) if self.failed else "")


def run(sweep: Sweep, folder: str | Path, **how: Any) -> Summary:
    """Compute every item of a sweep that its store lacks.

    Stopped at any instant, it is resumed by calling it again: finished items are kept, and no other trace
    matters. An item that fails leaves its traceback in the store, and the others go on. Several runs may work on one
    store at once.

    Parameters
    ----------
    sweep : Sweep
        What to compute.
    folder : path
        Where results are kept.
    **how
        See :func:`run_all`.

    Raises
    ------
    StoreError
        Results cannot be written, or a worker process died.
    """
    (summary,) = run_all([(sweep, folder)], **how)
    return summary


def run_all(
    sweeps: Sequence[tuple[Sweep, str | Path]],
    *,
    place: Place | None = None,
    shard: Shard | None = None,
    memory: int = MEMORY,
    progress: bool = False,
    execute: Execute | None = None,
) -> Iterator[Summary]:
    """Compute several sweeps, each into a folder of its own, as one: no core waits for the last item of one of them.

    Yields the summary of each, in their order, once it is over; work on the next ones goes on meanwhile. What two
    sweeps have in common is computed once.

    Parameters
    ----------
    sweeps : sequence of (Sweep, path)
        What to compute, and where results are kept.
    place : Place, optional
        Where to compute; in this process if absent.
    shard : Shard, optional
        Which part of the items of each sweep; all if absent.
    memory : int
        Bytes that the scenarios of a batch may take; results do not depend on it.
    progress : bool
        Whether to show a bar on the standard error stream.
    execute : callable, optional
        How to compute one item.

    Raises
    ------
    InputError
        A sweep names what its system does not have; nothing has run then.
    StoreError
        Results cannot be written, or a worker process died.
    """
    began = time.perf_counter()
    if registry.running():
        where = f"{registry.running()}: it is run again where its systems are needed"
        raise InputError("sweep", f"one that begins in {where}", 'sweeps under if __name__ == "__main__"')
    for sweep, _ in sweeps:
        check(sweep)
    accounts = [_Account(Store(folder), (shard or Shard()).of(list(expand(sweep)))) for sweep, folder in sweeps]
    wanted: dict[str, list[_Account]] = {}
    items: dict[str, Item] = {}
    files = [registry.carried(name) for name in dict.fromkeys(sweep.system for sweep, _ in sweeps)]
    execute = execute or partial(_execute, memory=memory, files=[one for one in files if one])
    for account in accounts:
        for item in account.missing:
            wanted.setdefault(item.key, []).append(account)
            items.setdefault(item.key, item)

    networks = Counter[str]()
    for item in items.values() if _flags.quick() else ():
        networks[item.program] += len(item.trials)

    order = _Order(items)

    def waiting() -> Iterator[Item]:
        for key, item in order:
            lacking = [account for account in wanted[key] if not account.has(item)]
            for account in wanted[key]:
                if account not in lacking:  # another run has finished it in the meantime
                    account.over.append(key)
            wanted[key] = lacking
            if not lacking:
                order.done(item)
            else:
                often = _flags.quick() and networks[item.program] >= item.repaid
                yield replace(item, often=True) if often else item

    total, found = sum(len(a.items) for a in accounts), sum(a.found for a in accounts)
    title = ", ".join(dict.fromkeys(sweep.system for sweep, _ in sweeps))
    closed = 0
    with bar(total, found, title) if progress else nullcontext(SILENT) as shown:
        for done in (place or Here()).work(waiting(), execute, shown.begin):
            order.done(done.item)
            for account in wanted[done.item.key]:
                account.settle(done)
                shown.end()
            while closed < len(accounts) - 1 and accounts[closed].closed:  # the last once the bar is gone
                yield accounts[closed].summary(began)
                closed, began = closed + 1, time.perf_counter()
    for account in accounts[closed:]:
        yield account.summary(began)
        began = time.perf_counter()


class _Order:
    """Items in the order in which they begin: the next one that waits for no program that another one compiles.

    What Python computes stands evenly among the others, since it does one thing at a time, and none of it at the end.
    """

    def __init__(self, items: Mapping[str, Item]):
        def spread(host: bool, until: float) -> list[tuple[float, tuple[str, Item]]]:
            chosen = [pair for pair in items.items() if pair[1].host is host]
            return [(until * (n + 0.5) / len(chosen), pair) for n, pair in enumerate(chosen)]

        placed = sorted(spread(True, HOST_UNTIL) + spread(False, 1.0), key=lambda one: one[0])
        self._rest = (pair for _, pair in placed)
        self._near: list[tuple[str, Item]] = []
        self._coming: set[str] = set()
        self._there: set[str] = set()

    def __iter__(self) -> Iterator[tuple[str, Item]]:
        while True:
            self._near += islice(self._rest, AHEAD - len(self._near))
            if not self._near:
                return
            free = (n for n, (_, item) in enumerate(self._near) if self._coming.isdisjoint(item.compiled))
            key, item = self._near.pop(next(free, 0))
            self._coming |= item.compiled - self._there
            yield key, item

    def done(self, item: Item) -> None:
        """Whatever was compiled for an item is there."""
        self._there |= item.compiled
        self._coming -= self._there


class _Account:
    """How far a sweep is."""

    def __init__(self, store: Store, items: list[Item]):
        self.store, self.items = store, items
        self.missing = [item for item in items if store.load(item) is None]
        self.found = len(items) - len(self.missing)
        self.outdated = store.outdated(self.missing)
        self.over: list[str] = []
        self.failed: list[str] = []

    @property
    def closed(self) -> bool:
        return len(self.over) == len(self.missing)

    def has(self, item: Item) -> bool:
        return self.store.path(item).is_file() and self.store.load(item) is not None

    def settle(self, done: Done) -> None:
        """Keep what became of an item."""
        if done.arrays is None:
            _kept(self.store.save_failure, done.item, done.trace or done.reason)
            self.failed.append(f"{done.item.label}: {done.reason} (see {self.store.failure_path(done.item)})")
        else:
            _kept(self.store.save, done.item, done.arrays)
        self.over.append(done.item.key)

    def summary(self, began: float) -> Summary:
        """What was done, now that it is on the disk."""
        self.store.sync()
        computed = len(self.missing) - len(self.failed)
        return Summary(
            len(self.items), self.found, computed, tuple(self.failed), time.perf_counter() - began, self.outdated
        )


def _execute(item: Item, memory: int, files: Sequence[tuple[str, str]]) -> dict:
    for file, text in files:
        registry.run_file(file, text)
    return execute(item, memory)


def _kept(save, item: Item, content) -> None:
    try:
        save(item, content)
    except OSError as fault:
        raise StoreError(f"{fault}; what was finished is kept, and the same command goes on from there") from fault
