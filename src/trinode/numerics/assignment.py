"""Assignment of least cost inside compiled programs (on the host, SciPy's ``linear_sum_assignment`` does the same)."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from trinode.numerics.loops import while_loop


def assign(cost: Float[Array, "R C"]) -> Int[Array, " R"]:
    """A different column for each row so that the summed cost is least; at least as many columns as rows.

    Shortest augmenting paths with dual prices (Jonker and Volgenant), one row at a time.
    """
    rows, columns = cost.shape
    none = -1

    def add(row: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        owner, row_price, column_price = carry

        def grow(s: tuple[Array, ...]) -> tuple[Array, ...]:
            far, before, done, at, reached, _ = s
            length = reached + cost[at] - row_price[at] - column_price
            closer = (length < far) & ~done
            far = jnp.where(closer, length, far)
            before = jnp.where(closer, at, before)
            pick = jnp.argmin(jnp.where(done, jnp.inf, far))
            return far, before, done.at[pick].set(True), owner[pick], far[pick], pick

        start = (
            jnp.full(columns, jnp.inf),
            jnp.full(columns, none),
            jnp.zeros(columns, bool),
            row,
            jnp.asarray(0.0),
            jnp.asarray(none),
        )
        far, before, done, _, reached, sink = while_loop(lambda s: s[3] != none, grow, start)
        spare = jnp.where(done, reached - far, 0.0)
        column_price = column_price - spare
        # every matched column that was reached, bar the new one, raises its row's price by what it gave up
        held = done & (owner != none)
        row_price = row_price.at[jnp.where(held, owner, 0)].add(jnp.where(held, spare, 0.0))
        row_price = row_price.at[row].add(reached)

        def flip(s: tuple[Array, Array]) -> tuple[Array, Array]:
            owner, column = s
            mine = before[column]
            last = jnp.argmax(owner == mine)  # where that row was until now
            return owner.at[column].set(mine), jnp.where(mine == row, none, last)

        owner, _ = while_loop(lambda s: s[1] != none, flip, (owner, sink))
        return owner, row_price, column_price

    first = (jnp.full(columns, none), jnp.zeros(rows), jnp.zeros(columns))
    owner, _, _ = lax.fori_loop(0, rows, add, first)
    return jnp.argmax(owner[None] == jnp.arange(rows)[:, None], axis=1)
