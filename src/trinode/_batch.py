"""Batches of scenarios: one compiled program over equal parts, on all cores.

The parts have a fixed size, whatever the batch and the machine, so that one compilation serves all batches
and a result depends neither on how many scenarios were solved with it nor on how many cores did the work. Parts of one
are solved by the very program that serves a scenario alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import fields, replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from trinode import _pool, _runtime  # noqa: F401  (double precision before the first array)
from trinode.errors import InputError
from trinode.systems.network import Scenario

Tree = TypeVar("Tree")

ACCELERATOR_PART = 256
"""Scenarios per part on an accelerator."""


def stack(trees: Sequence[Tree]) -> Tree:
    """Join scenarios, or solutions, of equal shapes into one with a leading axis.

    Parameters
    ----------
    trees : sequence of Scenario or Solution
        Static fields become large enough for all of them.

    Returns
    -------
    Scenario or Solution

    Raises
    ------
    InputError
        There is none, or their shapes differ.
    """
    trees = list(trees)
    if not trees:
        raise InputError("stack", "an empty list", "at least one scenario or solution")
    trees = [trees[0], *(_as_large(tree, trees[0]) for tree in trees[1:])]
    first = jax.tree.structure(trees[0])
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(trees[0])]
    for index, tree in enumerate(trees):
        if jax.tree.structure(tree) != first or [np.shape(leaf) for leaf in jax.tree.leaves(tree)] != shapes:
            raise InputError("stack", f"entry {index} of another kind or shape", "entries of equal kinds and shapes")
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack([np.asarray(leaf) for leaf in leaves])), *trees)


def _as_large(tree: Tree, other: Tree) -> Tree:
    """A network whose static fields are another's; who takes a stack makes them enough for all of it."""
    if type(tree) is not type(other) or not isinstance(tree, Scenario):
        return tree
    static = {f.name: getattr(other, f.name) for f in fields(tree) if f.metadata.get("static")}
    return replace(tree, **static) if static else tree


def unstack(tree: Tree) -> list[Tree]:
    """Take a stacked scenario or solution apart.

    Parameters
    ----------
    tree : Scenario or Solution
        With a leading axis.

    Returns
    -------
    list
    """
    whole = jax.tree.map(np.asarray, tree)
    return [jax.tree.map(lambda leaf, i=i: jnp.asarray(leaf[i]), whole) for i in range(length(tree))]


def length(tree: Any) -> int:
    """Number of entries of a stacked pytree.

    Raises
    ------
    InputError
        Its arrays have no common leading axis.
    """
    lengths = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(tree)}
    if len(lengths) != 1 or () in lengths:
        raise InputError("batch", "arrays without a common leading axis", "a stacked pytree (see trinode.stack)")
    return lengths.pop()[0]


def map_parts(one: Callable[..., Any], many: Callable[..., Any], batch: tuple[Any, ...], part: int) -> Any:
    """Apply a compiled program to the entries of a batch of any length, in parts of a fixed size.

    Parameters
    ----------
    one : callable
        ``one(*entry)``, for parts of a single entry.
    many : callable
        ``many(*entries)``, the same for stacked ones. Both may be called from several threads at once.
    batch : tuple of pytrees
        Stacked along the leading axis.
    part : int
        Entries per part on a CPU.
    """
    count = length(batch)
    if count == 0:
        raise InputError("batch", "no entries", "at least one scenario")
    on_cpu = jax.default_backend() == "cpu"
    size = part if on_cpu else ACCELERATOR_PART
    whole = jax.tree.map(np.asarray, batch)

    def solve(first: int) -> Any:
        if size == 1:
            return jax.tree.map(
                lambda leaf: np.asarray(leaf)[None], one(*jax.tree.map(lambda leaf: leaf[first], whole))
            )
        if count >= size:
            # a view, not a copy: the last part begins earlier and solves some entries again
            begin = min(first, count - size)
            part = jax.tree.map(lambda leaf: leaf[begin : begin + size], whole)
            return jax.tree.map(lambda leaf: np.asarray(leaf)[first - begin :], many(*part))
        rows = np.minimum(np.arange(size), count - 1)  # filled up with copies of the last entry
        part = jax.tree.map(lambda leaf: leaf[rows], whole)
        return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], many(*part))

    starts = range(0, count, size)
    workers = min(_pool.programs() if on_cpu else 1, len(starts))
    if workers > 1:
        pool = ThreadPoolExecutor(workers)
        try:
            contexts = [copy_context() for _ in starts]  # threads of a pool know nothing of what is set here
            parts = list(pool.map(lambda context, first: context.run(solve, first), contexts, starts))
        finally:  # nobody waits, so that who interrupts it does not wait for the compiler
            pool.shutdown(wait=False, cancel_futures=True)
    else:
        parts = [solve(first) for first in starts]
    return jax.tree.map(lambda *leaves: jnp.asarray(np.concatenate(leaves)), *parts)
