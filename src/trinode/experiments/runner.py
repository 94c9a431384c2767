"""Carry out what is missing of a sweep."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from trinode.errors import StoreError
from trinode.experiments.execute import MEMORY, execute
from trinode.experiments.items import Item, expand
from trinode.experiments.places import Execute, Here, Place, Shard
from trinode.experiments.progress import SILENT, bar
from trinode.experiments.store import Store
from trinode.systems.figure import Sweep


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
        Wall time.
    """

    total: int
    reused: int
    computed: int
    failed: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        text = f"{self.total} items: {self.reused} reused, {self.computed} computed in {self.seconds:.1f} s"
        return text + (f", {len(self.failed)} FAILED:\n  " + "\n  ".join(self.failed) if self.failed else "")


def run(
    sweep: Sweep,
    folder: str | Path,
    *,
    place: Place | None = None,
    shard: Shard | None = None,
    memory: int = MEMORY,
    progress: bool = False,
    execute: Execute | None = None,
) -> Summary:
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
    place : Place, optional
        Where to compute; in this process if absent.
    shard : Shard, optional
        Which part of the items; all if absent.
    memory : int
        Bytes that the scenarios of a batch may take; results do not depend on it.
    progress : bool
        Whether to show a bar on the standard error stream.
    execute : callable, optional
        How to compute one item.

    Raises
    ------
    StoreError
        Results cannot be written, or a worker process died.
    """
    began = time.perf_counter()
    store = Store(folder)
    items = (shard or Shard()).of(list(expand(sweep)))
    missing = [item for item in items if store.load(item) is None]
    found = len(items) - len(missing)
    compute = execute or partial(_execute, memory=memory)
    failed: list[str] = []
    with bar(len(items), found, sweep.system) if progress else nullcontext(SILENT) as shown:
        # another run may have finished an item in the meantime
        waiting = (item for item in missing if not store.path(item).is_file() or store.load(item) is None)
        for done in (place or Here()).work(waiting, compute, shown.begin):
            if done.arrays is None:
                _kept(store.save_failure, done.item, done.trace or done.reason)
                failed.append(f"{done.item.label}: {done.reason} (see {store.failure_path(done.item)})")
            else:
                _kept(store.save, done.item, done.arrays)
            shown.end()
    return Summary(len(items), found, len(missing) - len(failed), tuple(failed), time.perf_counter() - began)


def _execute(item: Item, memory: int) -> dict:
    return execute(item, memory)


def _kept(save, item: Item, content) -> None:
    try:
        save(item, content)
    except OSError as fault:
        raise StoreError(f"{fault}; what was finished is kept, and the same command goes on from there") from fault
