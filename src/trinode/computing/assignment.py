"""Who gets a place at which server, exactly: tasks that fit one server each, servers of limited capacity.

Every task goes to one server or stays outside, at a given cost each; a server holds tasks up to its capacity. Where
all tasks are of one size this is a transportation problem, solved by shortest augmenting paths in JAX; else it is an
integer program, solved by HiGHS on the host.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int


class Assignment(NamedTuple):
    """Server of each task, the number of servers for outside, and the total cost (infinite where there is no way)."""

    place: Int[Array, " K"]
    total: Float[Array, ""]


def assign(
    cost: Float[Array, "K M"],
    outside: Float[Array, " K"],
    size: Float[Array, " K"],
    capacity: Float[Array, " M"],
    *,
    even: bool,
) -> Assignment:
    """Cheapest assignment.

    Parameters
    ----------
    cost : (K, M)
        Of each task at each server; infinite where it cannot go.
    outside : (K,)
        Of each task outside; infinite where it cannot stay.
    size, capacity : (K,), (M,)
        What a task takes and a server has.
    even : bool
        Whether all sizes are equal (they are then not looked at one by one).

    Notes
    -----
    Where not every task can be placed, as many as possible are, the rest is put outside, and the total is infinite.
    """
    if even:
        one = size[0]
        room = jnp.where(one > 0, jnp.floor(capacity / jnp.where(one > 0, one, 1.0) * (1 + 1e-12)), jnp.inf)
        place = transport(cost, outside, room)
    else:
        place = jax.pure_callback(
            _integer_program,
            jax.ShapeDtypeStruct(outside.shape, jnp.int64),
            cost,
            outside,
            size,
            capacity,
            vmap_method="sequential",
        )
    everywhere = jnp.concatenate([cost, outside[:, None]], axis=1)
    return Assignment(place, jnp.take_along_axis(everywhere, place[:, None], axis=1).sum())


def transport(cost: Float[Array, "K M"], outside: Float[Array, " K"], room: Float[Array, " M"]) -> Int[Array, " K"]:
    """Server of each task (M for outside) at the least total cost, with room for ``room[m]`` tasks at server m.

    Tasks enter one after another, each along the shortest augmenting path: over servers, where the way from one to
    another is the cheapest task to move between them. Exact, with no tolerance anywhere.
    """
    everywhere = jnp.concatenate([cost, outside[:, None]], axis=1)
    k, places = everywhere.shape
    tasks = jnp.arange(k)
    finite = jnp.isfinite(everywhere)
    # no way is dearer than all finite ways together, so as few tasks as possible go it
    large = 1 + 2 * jnp.sum(jnp.max(jnp.where(finite, jnp.abs(everywhere), 0.0), axis=1))
    price = jnp.where(finite, everywhere, large)
    room = jnp.concatenate([room, jnp.array([jnp.inf])])

    def enter(i: Int[Array, ""], at: Int[Array, " K"]) -> Int[Array, " K"]:
        here = at[:, None] == jnp.arange(places)  # (K, P)
        taken = here.sum(axis=0)
        now = jnp.take_along_axis(price, jnp.minimum(at, places - 1)[:, None], axis=1)
        extra = jnp.where(here[:, :, None], price[:, None, :] - now[:, :, None], jnp.inf)  # task, from, to
        mover, step = jnp.argmin(extra, axis=0), jnp.min(extra, axis=0)
        step = jnp.where(jnp.eye(places, dtype=bool), jnp.inf, step)

        def relax(_, state):
            reach, before = state
            through = reach[:, None] + step
            best = jnp.min(through, axis=0)
            shorter = best < reach - 1e-14 * large
            return jnp.where(shorter, best, reach), jnp.where(shorter, jnp.argmin(through, axis=0), before)

        reach, before = lax.fori_loop(0, places - 1, relax, (price[i], jnp.full(places, -1)))
        end = jnp.argmin(jnp.where(taken < room, reach, jnp.inf))

        def walk(_, state):
            at, spot = state
            came = before[spot]
            moves = (came >= 0) & (tasks == mover[jnp.maximum(came, 0), spot])
            return jnp.where(moves, spot, at), jnp.where(came >= 0, came, spot)

        at, first = lax.fori_loop(0, places - 1, walk, (at, end))
        return jnp.where(tasks == i, first, at)

    return lax.fori_loop(0, k, enter, jnp.full(k, places))


def _integer_program(cost: Any, outside: Any, size: Any, capacity: Any) -> np.ndarray:
    """Server of each task by HiGHS; see :func:`assign`."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    cost, outside, size, capacity = (np.asarray(part) for part in (cost, outside, size, capacity))
    k, m = cost.shape
    everywhere = np.concatenate([cost, outside[:, None]], axis=1)
    finite = np.isfinite(everywhere)
    scale = max(float(np.max(np.abs(everywhere[finite]), initial=0.0)), 1e-300)
    price = np.where(finite, everywhere / scale, 4.0 * k)
    each = np.kron(np.eye(k), np.ones((1, m + 1)))
    whole = np.concatenate([np.eye(m), np.zeros((m, 1))], axis=1)
    unit = max(float(size.max(initial=0.0)), float(capacity.max(initial=0.0)), 1e-300)
    load = np.kron(size[None] / unit, whole)
    limit: Any = capacity / unit * (1 + 1e-12)
    found = milp(
        price.reshape(-1),
        constraints=[LinearConstraint(each, 1, 1), LinearConstraint(load, -np.inf, limit)],
        integrality=np.ones(price.size),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise RuntimeError(f"HiGHS found no assignment: {found.message}")
    return np.argmax(found.x.reshape(k, m + 1), axis=1).astype(np.int64)
