"""What no decision of a scenario can beat: the other terminals silent, each alone with the access point and its radar.

First each beam is free for its own purpose as well: a data stream of power p then reaches an SINR of at most
``p sigma_max(H_k)^2 / noise``, an echo needs at least ``need * noise / sigma_max(E_kk)^2``, and the radiated power is
their sum. What is left is jointly convex in shares and upload times but for the price of the server, and the dual
value at any price is a bound; the price used is that of the exact split at the rates of the last step, so its error
counts only to second order.

Then the two streams of one terminal meet (:func:`coupled`): where its radar hears it in one direction only, all
pairs of beams fall into cells, in each of which power is at least affine in the data SINR. The least of the minimal
Lagrangians over all cells bounds them all. Last, the data of two terminals meet at the access point
(:mod:`trinode.systems.energy.crowding`): spans of their SINRs that exclude each other are left out.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.computing import offload
from trinode.computing.offload import Curve
from trinode.numerics.loops import while_loop
from trinode.radio import reduced
from trinode.radio.reduced import Air
from trinode.systems.energy import crowding
from trinode.systems.energy import problem as problems
from trinode.systems.energy.margin import largest_margin
from trinode.systems.energy.optimise import Problem
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.report import FEASIBILITY_TOLERANCE


class Family(eqx.Module):
    """A restriction of the decision.

    Attributes
    ----------
    share : float
        The offloaded share that all terminals must have; NaN where it is free.
    apart : bool
        Whether every terminal has a sub-band of its own, those of ``ofdma``.
    """

    share: float | Float[Array, ""] = math.nan
    apart: bool | Bool[Array, ""] = False


FAMILIES = {
    "": Family(),
    "full-local": Family(0.0),
    "full-offload": Family(1.0),
    "half-offload": Family(0.5),
    "ofdma": Family(apart=True),
}
"""Restrictions by the names of the schemes' families."""


def bound(scenario: EnergyScenario, family: Family = FAMILIES[""]) -> Float[Array, ""]:
    """Lower bound of the weighted energy, J; infinite where even without interference not everybody can be served.

    Parameters
    ----------
    family : Family
        All decisions of (P1), those of one fixed share, or those in sub-bands.
    """
    return coupled(problems.restricted(scenario, family.share, math.nan, family.apart)[0])


class Free(NamedTuple):
    """The bound without any interference, J, with the price of the server and the SINRs it is met at.

    ``demand`` is :func:`least_demand`.
    """

    value: Float[Array, ""]
    price: Float[Array, ""]
    sinr: Float[Array, " K"]
    demand: Float[Array, " K"]


def free_of_interference(problem: Problem) -> Free:
    """The bound of a problem."""
    work, curve = problem.work, _curve(problem)
    fastest = curve.fastest

    class Turn(NamedTuple):
        price: Float[Array, ""]
        last: Float[Array, ""]
        best: Float[Array, ""]
        rate: Float[Array, " K"]
        made: Int[Array, ""]

    def settle(t: Turn) -> Turn:
        chosen = offload.pace(work, curve, t.price)
        rate = jnp.where(chosen.share > 0, chosen.rate, fastest)
        upload = problem.nats / jnp.maximum(rate, 1e-300)
        done = offload.split(work, upload, curve.price(rate)[0])
        return Turn(done.price, t.price, jnp.maximum(t.best, chosen.value), rate, t.made + 1)

    first = Turn(jnp.asarray(0.0), jnp.asarray(-1.0), jnp.asarray(-jnp.inf), fastest, jnp.asarray(0))
    last = while_loop(lambda t: (t.made < 5) & (t.price != t.last), settle, first)
    demand = least_demand(problem)
    reached = jnp.sum(demand) <= work.capacity * (1 + 1e-12)
    return Free(jnp.where(reached, last.best * (1 - 1e-12), jnp.inf), last.price, jnp.expm1(last.rate), demand)


def _curve(problem: Problem) -> Curve:
    """Power against rate without any interference."""
    base, slope, fastest = _alone(problem.air)
    return Curve(problem.nats, base, slope, jnp.zeros_like(base), jnp.ones_like(base), fastest)


def least_demand(problem: Problem) -> Float[Array, " K"]:
    """What each terminal needs of the server at least with nobody else on the air, cycle/s.

    Infinite where its echo, its power or its deadline cannot be met even so.
    """
    base, _, fastest = _alone(problem.air)
    upload = jnp.minimum(problem.nats / jnp.maximum(fastest, 1e-300), 1e30)
    able = (problem.work.lowest <= problem.work.highest) & (base <= problem.air.limit)
    return jnp.where(able, offload.least_demand(problem.work, upload), jnp.inf)


def _alone(air: Air) -> tuple[Float[Array, " K"], Float[Array, " K"], Float[Array, " K"]]:
    """Without interference: sensing power, power per data SINR, rate at the power limit."""
    data, echo = reduced.alone(air)
    base = jnp.where(air.need > 0, air.need / jnp.maximum(echo, 1e-300), 0.0)
    slope = 1 / jnp.maximum(data, 1e-300)
    return base, slope, jnp.log1p(jnp.maximum(air.limit - base, 0.0) / slope)


ANGLES = np.array(
    [0.0, *np.geomspace(1e-4, 0.02, 6), *np.linspace(0.04, 0.96, 36), *(1 - np.geomspace(0.02, 1e-4, 6)), 1.0]
)
"""Edges of the cells in the share of a receiver that lies in the direction of the echo."""
LEAKS = np.array([0.0, *np.linspace(0.1, 0.5, 5), *np.geomspace(0.65, 200.0, 22), np.inf])
"""Edges of the cells in the amplitude at which data hear the own sensing stream, over that of the noise."""
SPANS = np.array([0.0, *np.geomspace(1e-5, 0.03, 36), *np.geomspace(0.03, 1.0, 45)[1:]])
"""Edges of the pieces of the power curve, over the largest SINR."""


def coupled(problem: Problem) -> Float[Array, ""]:
    """The bound of a problem with the two streams of each terminal in each other's way.

    Let M be the Gram matrix of the own uplink, e the direction of the echo, u and f the beams. The data SINR is
    ``f^H (M^-1 + u u^H)^-1 f``, reached by a receiver that looks like a unit vector y into the beams' space:
    ``|f^H y|^2 / (y^H M^-1 y + |u^H y|^2)``. With the share ``r = |e^H y|^2``, ``y^H M^-1 y`` is at least a convex
    h(r), known from the least eigenvalues of ``M^-1 + d e e^H``; ``|f^H y|`` is at most
    ``|f_e| sqrt(r) + |f'| sqrt(1 - r)``, and ``|u^H y|`` at least ``|u_e| sqrt(r) - |u'| sqrt(1 - r)``, where
    ``|u_e|^2 >= need (1 / gain + |f_e|^2)`` by the echo. In a cell of r and of ``|u^H y|`` the least power is at least
    affine in the SINR, and the least over all cells is at least its chord between two SINRs.
    """
    free = free_of_interference(problem)
    air, work = problem.air, problem.work
    if air.toward.shape[2] != 1:
        return free.value
    k = len(problem.nats)
    own = jnp.arange(k)
    echo = reduced.alone(air)[1]
    least = jnp.where(air.need > 0, air.need / jnp.maximum(echo, 1e-300), 0.0)  # sensing power without data
    need = air.need
    low, high = jnp.asarray(ANGLES[:-1])[:, None], jnp.asarray(ANGLES[1:])[:, None]
    noise = jax.vmap(_least_noise)(air.uplink[own, own], air.toward[..., 0]).T[:, None]  # (angles, 1, K)
    low, high = low[:, None], high[:, None]
    near, far = jnp.asarray(LEAKS[:-1])[:, None], jnp.asarray(LEAKS[1:])[:, None]
    louder = noise * (1 + near**2)
    most = jnp.where(jnp.isfinite(far), far, 1e150) * jnp.sqrt(noise)
    off = jnp.maximum(1 - low, 1e-12)

    def sensing(strength: Array) -> tuple[Array, Array]:
        """Power of a sensing beam of given strength towards the target, and its rise: convex."""
        over = jnp.maximum(jnp.sqrt(strength * low) - most, 0.0)
        return strength + over**2 / off, 1 + over * jnp.sqrt(low / jnp.maximum(strength, 1e-300)) / off

    def ends(span: Float[Array, "2 K"]) -> Float[Array, "2 K"]:
        """Least power at both ends of a span of SINRs, in all cells; concave between them."""
        middle = jnp.sqrt(span[0] * span[1])  # exact at 0 in the first
        at = jnp.broadcast_to(least, louder.shape)
        base, slope = jnp.full(louder.shape, -jnp.inf), jnp.zeros(louder.shape)
        for _ in range(3):  # tangents of a convex function: each is a bound, the one that is best in the middle is kept
            power, rise = sensing(at)
            tangent, rise = power + rise * (least - at), rise * need
            weight = 1 - low * rise / (1 + rise)
            better = tangent + louder / weight * middle > base + slope * middle
            base, slope = jnp.where(better, tangent, base), jnp.where(better, louder / weight, slope)
            at = least + need * middle * louder * low / ((1 + rise) * weight) ** 2
        return jnp.stack([jnp.min(base + slope * g, axis=(0, 1)) for g in span])

    top = jnp.maximum((air.limit - least) * reduced.alone(air)[0], 1e-9)
    g = top * SPANS[:, None]
    power = jax.lax.map(ends, jnp.stack([g[:-1], g[1:]], axis=1))
    steep = (power[:, 1] - power[:, 0]) / (g[1:] - g[:-1])
    level = power[:, 0] - steep * g[:-1]

    def piece(
        base: Float[Array, " K"], slope: Float[Array, " K"], low: Float[Array, " K"], high: Float[Array, " K"]
    ) -> Float[Array, " K"]:
        """Least Lagrangian where the SINR is in one span and power above its chord."""
        reach = jnp.maximum(air.limit - base, 0.0) / jnp.maximum(slope, 1e-300)
        fastest = jnp.log1p(jnp.minimum(reach, high))
        curve = Curve(problem.nats, base, slope, jnp.zeros(k), jnp.ones(k), fastest, jnp.log1p(low))
        return offload.pace(work, curve, free.price).each

    each = jax.vmap(piece)(level, steep, g[:-1], g[1:])
    each = jnp.where(power[:, 0] <= air.limit, each, jnp.inf)
    # whom the access point does not hear has no curve: what it costs alone holds for all of its SINRs
    alone = offload.pace(work, _curve(problem), free.price).each
    each = jnp.where(jnp.isnan(power[:, 0]) | jnp.isnan(each), alone, each)
    least_sum = crowding.together(air, jnp.maximum(air.limit - least, 0.0), g[:-1], each)
    value = least_sum - free.price * work.capacity
    possible = jnp.isfinite(free.value) & (largest_margin(air, need).most >= 1 - FEASIBILITY_TOLERANCE)
    return jnp.where(possible, jnp.maximum(free.value, value * (1 - 1e-9)), jnp.inf)


def _least_noise(gram: Complex[Array, "D D"], toward: Complex[Array, " D"]) -> Float[Array, " C"]:
    """Lower bound of ``y^H M^-1 y`` over unit vectors y, in each cell of ``|e^H y|^2`` (the end of a cell included).

    Any number d gives one: the least eigenvalue of ``M^-1 + d e e^H`` less ``d |e^H y|^2``.
    """
    value, vector = jnp.linalg.eigh(gram)
    value = jnp.maximum(value / value[-1], 0.0) + 1e-7  # more of every gain: still a bound
    size = jnp.sqrt(jnp.sum(jnp.abs(toward) ** 2))
    e = vector.conj().T @ (toward / jnp.where(size > 0, size, 1.0))
    tilt = np.concatenate([-np.geomspace(1e-3, 1e7, 44)[::-1], [0.0], np.geomspace(1e-3, 1e7, 44)])
    outer = e[:, None] * e.conj()
    floor = jnp.linalg.eigvalsh(jnp.diag(1 / value) + tilt[:, None, None] * outer)[:, 0]
    low, high = ANGLES[:-1, None], ANGLES[1:, None]
    best = jnp.max(floor - np.maximum(tilt * low, tilt * high), axis=1) - 1e-7  # less what rounding may add
    return jnp.maximum(best, 1 / (1 + 1e-7)) / jnp.linalg.eigvalsh(gram)[-1]
