"""What no decision of a scenario can beat: no interference at all, every beam free for its own purpose.

A data stream of power p then reaches an SINR of at most ``p sigma_max(H_k)^2 / noise``, an echo needs at least
``need * noise / sigma_max(E_kk)^2``, and the radiated power is their sum. What is left is jointly convex in shares and
upload times but for the price of the server, and the dual value at any price is a bound; the price used is that of the
exact split at the rates of the last step, so its error counts only to second order.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from trinode.computing import offload
from trinode.computing.offload import Curve
from trinode.errors import InputError
from trinode.systems.energy import problem as problems
from trinode.systems.energy import reduced
from trinode.systems.energy.optimise import Problem
from trinode.systems.energy.scenario import EnergyScenario

FAMILIES = {"": None, "full-local": 0.0, "full-offload": 1.0, "half-offload": 0.5, "ofdma": None}
"""Restrictions of the decision: the offloaded share that all terminals must have."""


def bound(scenario: EnergyScenario, family: str = "") -> Float[Array, ""]:
    """Lower bound of the weighted energy, J; infinite where even without interference not everybody can be served.

    Parameters
    ----------
    family : {"", "full-local", "full-offload", "half-offload", "ofdma"}
        All decisions of (P1), those of one fixed share, or those in the sub-bands of ``ofdma``.
    """
    if family not in FAMILIES:
        raise InputError("family", family, "one of " + ", ".join(name for name in FAMILIES if name) + ", or nothing")
    problem = problems.build(scenario, share=FAMILIES[family])
    if family == "ofdma":
        problem, _ = problems.apart(scenario, problem)
    return free_of_interference(problem)


def free_of_interference(problem: Problem) -> Float[Array, ""]:
    """The bound of a problem."""
    air, work = problem.air, problem.work
    data, echo = reduced.alone(air)
    base = jnp.where(air.need > 0, air.need / jnp.maximum(echo, 1e-300), 0.0)
    slope = 1 / jnp.maximum(data, 1e-300)
    fastest = jnp.log1p(jnp.maximum(air.limit - base, 0.0) / slope)
    one = jnp.ones_like(base)
    curve = Curve(problem.nats, base, slope, jnp.zeros_like(base), one, fastest)

    def settle(_, state: tuple[Array, Array]) -> tuple[Array, Array]:
        price, best = state
        chosen = offload.pace(work, curve, price)
        rate = jnp.where(chosen.share > 0, chosen.rate, fastest)
        upload = problem.nats / jnp.maximum(rate, 1e-300)
        done = offload.split(work, upload, curve.price(rate)[0])
        return done.price, jnp.maximum(best, chosen.value)

    _, value = lax.fori_loop(0, 5, settle, (jnp.asarray(0.0), jnp.asarray(-jnp.inf)))
    quick = problem.nats / jnp.maximum(fastest, 1e-300)
    everybody = jnp.all(offload.split(work, quick, air.limit).served) & jnp.all(work.lowest <= work.highest)
    reached = everybody & jnp.all(base <= air.limit)
    return jnp.where(reached, value * (1 - 1e-12), jnp.inf)
