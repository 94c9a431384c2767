"""Carry out what is missing of a sweep."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trinode.experiments.execute import execute
from trinode.experiments.items import Item, expand
from trinode.experiments.progress import Progress, bar
from trinode.experiments.store import Store
from trinode.systems.figure import Sweep

Execute = Callable[[Item], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes
    ----------
    total, reused, computed : int
        Items of the sweep, those found in the store, those computed now.
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


def run(sweep: Sweep, folder: str | Path, *, progress: bool = False, execute: Execute = execute) -> Summary:
    """Compute every item of a sweep that its store lacks.

    Stopped at any instant, it is resumed by calling it again: finished items are kept, and no other trace
    matters. An item that fails leaves its traceback in the store, and the others go on.

    Parameters
    ----------
    sweep : Sweep
        What to compute.
    folder : path
        Where results are kept.
    progress : bool
        Whether to show a bar on the standard error stream.
    execute : callable
        How to compute one item.
    """
    began = time.perf_counter()
    store = Store(folder)
    items = list(expand(sweep))
    missing = [item for item in items if store.load(item) is None]
    with bar(len(items), len(items) - len(missing), sweep.system) if progress else nullcontext() as shown:
        failed = [f for item in missing if (f := _one(item, store, execute, shown))]
    done = len(missing) - len(failed)
    return Summary(len(items), len(items) - len(missing), done, tuple(failed), time.perf_counter() - began)


def _one(item: Item, store: Store, execute: Execute, shown: Progress | None) -> str:
    """Compute and keep one item; returns why it failed, or nothing."""
    if shown is not None:
        shown.begin(item.label)
    try:
        store.save(item, execute(item))
        return ""
    except Exception as fault:
        store.save_failure(item, traceback.format_exc())
        return f"{item.label}: {type(fault).__name__}: {fault} (see {store.failure_path(item)})"
    finally:
        if shown is not None:
            shown.end()
