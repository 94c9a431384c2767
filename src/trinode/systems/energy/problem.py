"""From a scenario to what the solver needs, for every scheme: weights, fixed shares, sub-bands."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from trinode.computing import offload
from trinode.computing.offload import Work
from trinode.radio import reduced
from trinode.systems.energy import air as air_of
from trinode.systems.energy.optimise import Problem
from trinode.systems.energy.scenario import EnergyScenario


def build(
    s: EnergyScenario,
    share: float | Float[Array, ""] = math.nan,
    weight: float | Float[Array, "*K"] = math.nan,
    error: Float[Array, ""] | float | None = None,
) -> Problem:
    """The problem of a scenario.

    Parameters
    ----------
    share : float
        Offloaded share that every terminal must have; free where NaN.
    weight : (K,)
        Weights of the access point's energy that replace the scenario's; the scenario's where NaN.
    error : float, optional
        Largest spectral norm of the error of an uplink channel, over the channel's, that is planned for.
    """
    beta = jnp.where(jnp.isnan(weight), s.ap_energy_weight, weight)
    cycles = s.cycles_per_bit * s.task_bits
    lowest = offload.lowest_share(cycles, s.latency_max_s, s.terminal_max_frequency_hz)
    # who has nothing to do offloads nothing
    highest = jnp.where(s.task_bits > 0, 1.0, 0.0)
    free = jnp.isnan(share)
    fixed = jnp.where(s.task_bits > 0, share, 0.0)
    lowest, highest = jnp.where(free, lowest, jnp.maximum(lowest, fixed)), jnp.where(free, highest, fixed)
    work = Work(
        cycles,
        s.latency_max_s,
        s.terminal_capacitance,
        beta * s.ap_capacitance,
        lowest,
        highest,
        s.ap_max_frequency_hz,
    )
    nats = s.task_bits * jnp.log(2.0) / s.bandwidth_hz
    air = air_of.reduce(s)
    if error is not None:
        radius = error * jnp.sqrt(reduced.alone(air)[0])
        air = eqx.tree_at(lambda a: a.radius, air, radius, is_leaf=lambda leaf: leaf is None)
    return Problem(air, work, nats, s.ap_capacitance)


def restricted(
    s: EnergyScenario,
    share: float | Float[Array, ""],
    weight: float | Float[Array, "*K"],
    apart_: bool | Bool[Array, ""],
) -> tuple[Problem, Float[Array, " K"]]:
    """The problem of :func:`build`, or that of :func:`apart` where it is asked for, and the sub-bands in Hz."""
    together = build(s, share=share, weight=weight)
    alone, band = apart(s, together)
    return jax.tree.map(lambda one, other: jnp.where(apart_, one, other), alone, together), band


def subbands(s: EnergyScenario) -> Float[Array, " K"]:
    """Bandwidths inversely proportional to the channels' gains, Hz: who is heard worse gets more."""
    loss = 1 / jnp.maximum(jnp.sum(jnp.abs(s.uplink_channel) ** 2, axis=(1, 2)), 1e-300)
    return s.bandwidth_hz * loss / jnp.sum(loss)


def apart(s: EnergyScenario, problem: Problem) -> tuple[Problem, Float[Array, " K"]]:
    """The same problem with every terminal in a sub-band of its own, and the sub-bands in Hz."""
    band = subbands(s)
    air = problem.air
    k = band.shape[0]
    own = jnp.eye(k)
    quiet = s.bandwidth_hz / band  # noise scales with the sub-band
    uplink = air.uplink * (own * quiet[:, None])[..., None, None]
    alone = own[:, :, None] * own[:, None, :] * quiet[:, None, None]  # [k, j, i]
    echo = air.echo * alone[:, :, None, :, None]
    air = eqx.tree_at(lambda a: (a.uplink, a.echo), air, (uplink, echo))
    nats = s.task_bits * jnp.log(2.0) / band
    return Problem(air, problem.work, nats, s.ap_capacitance), band
