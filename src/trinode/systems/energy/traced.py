"""A network of the energy system on channels from outside, and which access point serves it."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from trinode.radio import draws
from trinode.systems.energy import optimise
from trinode.systems.energy import problem as problems
from trinode.systems.energy.bound import least_demand
from trinode.systems.energy.params import EnergyParams
from trinode.systems.energy.scenario import EnergyScenario, assemble


def from_channels(channels: Any, params: EnergyParams, key: Key[Array, ""]) -> EnergyScenario:
    """A network on channels from outside (see :class:`trinode.channels.traced.TracedChannels`).

    One access point serves all: of those that can serve most terminals where none disturbs another, the one that serves
    most at once with beams that are not optimised yet, and of those the one that hears the weakest best.
    Distance and direction of the target are drawn for each terminal as in a drawn network, since channels from outside
    carry no target.
    """
    every = jnp.asarray(channels.uplink_channel)
    k, _, a, t = every.shape
    sized = eqx.tree_at(lambda p: p.carrier_hz, params, jnp.asarray(channels.carrier_hz, dtype=float))
    drawn = draws.several(key, uniform=dict.fromkeys(("terminal distance", "target direction"), (k,)))
    share = drawn["terminal distance"]
    distance = sized.terminal_distance_min_m + share * (sized.terminal_distance_max_m - sized.terminal_distance_min_m)
    seen = 2 * jnp.pi * drawn["target direction"]
    place, ap = jnp.asarray(channels.terminal_position_m), jnp.asarray(channels.ap_position_m)

    def served_by(chosen: Int[Array, ""]) -> EnergyScenario:
        uplink, at = jnp.take(every, chosen, axis=1), jnp.take(ap, chosen, axis=0)[None]
        return assemble(sized, uplink, distance, seen, place, at, min(a, t))

    worth = jax.lax.map(lambda chosen: jnp.stack(reach(served_by(chosen))), jnp.arange(every.shape[1]))
    return served_by(jnp.lexsort(worth.T[::-1])[-1])


def reach(s: EnergyScenario) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """How many terminals an access point can serve apart, how many together as beams begin, the weakest one's gain."""
    problem = problems.build(s)
    demand = least_demand(problem)
    order = jnp.argsort(demand)
    able = jnp.zeros(s.terminals, dtype=bool).at[order].set(jnp.cumsum(demand[order]) <= s.ap_max_frequency_hz)
    together = optimise.settle(problem, optimise.starting_beams(problem.air, null=True)).served
    gain = jnp.sum(jnp.abs(s.uplink_channel) ** 2, axis=(1, 2))
    return jnp.sum(able) * 1.0, jnp.sum(together) * 1.0, jnp.min(jnp.where(able | ~jnp.any(able), gain, jnp.inf))
