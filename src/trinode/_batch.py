"""Batches of scenarios: one compiled program over equal parts, on all cores.

The parts have a fixed size, whatever the batch and the machine, so that one compilation serves all batches
and a result depends neither on how many scenarios were solved with it nor on how many cores did the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from trinode import _pool, _programs, _runtime  # noqa: F401  (double precision before the first array)
from trinode.errors import InputError

Tree = TypeVar("Tree")

ACCELERATOR_PART = 256
"""Scenarios per part on an accelerator."""


def stack(trees: Sequence[Tree]) -> Tree:
    """Join scenarios, or solutions, of equal shapes into one with a leading axis.

    Raises
    ------
    InputError
        There is none, or their shapes differ.
    """
    trees = list(trees)
    if not trees:
        raise InputError("stack", "an empty list", "at least one scenario or solution")
    first = jax.tree.structure(trees[0])
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(trees[0])]
    for index, tree in enumerate(trees):
        if jax.tree.structure(tree) != first or [np.shape(leaf) for leaf in jax.tree.leaves(tree)] != shapes:
            raise InputError("stack", f"entry {index} of another kind or shape", "entries of equal kinds and shapes")
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack([np.asarray(leaf) for leaf in leaves])), *trees)


def unstack(tree: Tree) -> list[Tree]:
    """Take a stacked scenario or solution apart."""
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


def map_parts(program: Callable[..., Any], given: tuple[Any, ...], batch: tuple[Any, ...], part: int) -> Any:
    """Apply a compiled program for parts of a fixed size to a batch of any length.

    Parameters
    ----------
    program : callable
        ``program(*given, *batch)``, entry by entry.
    given : tuple
        What is the same for all entries.
    batch : tuple of pytrees
        Stacked along the leading axis.
    part : int
        Scenarios per part on a CPU.
    """
    count = length(batch)
    if count == 0:
        raise InputError("batch", "no entries", "at least one scenario")
    size = part if jax.default_backend() == "cpu" else ACCELERATOR_PART
    whole = jax.tree.map(np.asarray, batch)

    def solve(first: int) -> Any:
        if count >= size:
            # a view, not a copy: the last part begins earlier and solves some entries again
            begin = min(first, count - size)
            part = jax.tree.map(lambda leaf: leaf[begin : begin + size], whole)
            return jax.tree.map(lambda leaf: np.asarray(leaf)[first - begin :], program(*given, *part))
        rows = np.minimum(np.arange(size), count - 1)  # filled up with copies of the last entry
        part = jax.tree.map(lambda leaf: leaf[rows], whole)
        return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], program(*given, *part))

    starts = range(0, count, size)
    with _programs.at_first_alone((program, size, _kind(given, 0), _kind(batch, 1))):
        parts = [solve(starts[0])]  # so that it is compiled once
    workers = min(_pool.programs() if jax.default_backend() == "cpu" else 1, len(starts) - 1)
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            parts += pool.map(solve, starts[1:])
    else:
        parts += [solve(first) for first in starts[1:]]
    return jax.tree.map(lambda *leaves: jnp.asarray(np.concatenate(leaves)), *parts)


def _kind(tree: Any, axes: int) -> tuple[Any, ...]:
    """What a program is compiled for: shapes of arrays behind their first axes, everything else as it is."""
    leaves, structure = jax.tree.flatten(tree)
    arrays = (jax.Array, np.ndarray)
    return structure, *((x.shape[axes:], x.dtype) if isinstance(x, arrays) else x for x in leaves)
