"""What terminals must lose to each other, counted in pairs; it tightens the bound of links without interference.

Terminals k and j alone on the air, at stations l and q, disturb each other by ``|w_k^H C w_j|^2`` at each station, C a
product of channels: linear in ``psi psi^H``, where ``psi`` is the product of the two beams. Over all unit vectors
``psi``, products or not, what both are worth is at most the largest eigenvalue of a diagonal matrix less one of rank
two. A pair so costs more than its two links, whatever the others do; half of the time of every terminal goes into the
pair with one other, half into the pair with a second, so that pairs add up. Where tasks at the edge are of one size,
prices of the places at the servers make the minimum over all decisions one of small tables.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, Int

from trinode.computing import assignment
from trinode.systems.threetier.tiers import CLOUD, EDGE, LOCAL, Decision, Tiers

SHIFT = 0.03
"""Tangents are taken so many nats below the rate without interference, about what a pair loses."""
LINKS = 3
"""Links of a terminal whose pairs are looked at; the pairs of all others count as free of loss."""
BISECTIONS = 32


class Links(NamedTuple):
    """Every link alone.

    Attributes
    ----------
    cost : (K, M)
        Lower bound of its time, s, less what its beam earns in echoes; infinite where it cannot be used.
    own : (K,)
        The same of computing at the terminal.
    nats : (K, M)
        Where the tangent of the time is best, nat/s/Hz.
    charge : (K, T, T)
        What a beam pays for echoes, of the share of the power that it spends.
    """

    cost: Float[Array, "K M"]
    own: Float[Array, " K"]
    nats: Float[Array, "K M"]
    charge: Complex[Array, "K T T"]


class Spectra(NamedTuple):
    """Worth of each link as a matrix of the beam: eigenvalues, eigenvectors; tangents; channels; largest gains."""

    values: Float[Array, "K M T"]
    vectors: Complex[Array, "K M T T"]
    level: Float[Array, "K M"]
    slope: Float[Array, "K M"]
    channel: Complex[Array, "K M A T"]
    largest: Float[Array, "K M"]


def paired(t: Tiers, links: Links, decision: Decision, kinds: tuple[int, ...]) -> Float[Array, ""]:
    """Lower bound of what all decisions cost, in pairs chosen for the best one without interference."""
    k, m = links.cost.shape
    spectra = _spectra(t, links)
    price, rent = _places(t, links, decision, kinds)
    edge = links.cost + (t.edge_s[:, None] + price if EDGE in kinds else jnp.inf)
    cloud = links.cost + (t.cloud_s[:, None] if CLOUD in kinds else jnp.inf)
    own = links.own if LOCAL in kinds else jnp.full(k, jnp.inf)
    way = jnp.minimum(edge, cloud)
    least = jnp.minimum(jnp.min(way, axis=1), own)
    everyone = jnp.arange(k)

    def loss(i: Int[Array, ""], at: Int[Array, ""], j: Int[Array, ""], there: Int[Array, ""]) -> Float[Array, ""]:
        return _loss(spectra, links.cost, i, at, j, there)

    def row(i: Int[Array, ""]) -> Float[Array, " K"]:
        away = (decision.mode[i] != LOCAL) & (decision.mode != LOCAL) & (everyone != i)
        found = jax.vmap(lambda j: loss(i, decision.target[i], j, decision.target[j]))(everyone)
        return jnp.where(away, found, 0.0)

    lost = lax.map(row, everyone)
    partner = assignment.transport(-0.5 * (lost + lost.T), jnp.zeros(k), jnp.ones(k))
    partner = jnp.where(partner < k, partner, everyone)

    some = min(LINKS, m)
    further, best = lax.top_k(least[:, None] - way, some)
    extra = -further
    rest = jnp.where(jnp.any(best[:, :, None] == jnp.arange(m), axis=1), jnp.inf, way)
    rest = jnp.minimum(jnp.min(rest, axis=1), own) - least

    def table(i: Int[Array, ""]) -> Float[Array, ""]:
        j = partner[i]
        both = jax.vmap(lambda a: jax.vmap(lambda b: loss(i, a, j, b))(best[j]))(best[i])
        least = jnp.min(extra[i][:, None] + extra[j][None, :] + both)
        return jnp.where(j == i, 0.0, jnp.minimum(least, jnp.minimum(rest[i], rest[j])))

    return jnp.sum(least) - rent + 0.5 * jnp.sum(lax.map(table, everyone))


def _spectra(t: Tiers, links: Links) -> Spectra:
    s = t.scenario
    channel = t.channel * jnp.sqrt(s.terminal_max_power_w)[:, None, None, None]
    gram = jnp.einsum("kmat,kmau->kmtu", channel.conj(), channel)
    bits = (s.task_bits * jnp.log(2.0) / s.bandwidth_hz)[:, None]
    level, slope = tangent(bits, jnp.maximum(links.nats - SHIFT, 0.5 * links.nats))
    values, vectors = jnp.linalg.eigh(slope[..., None, None] * gram - links.charge[:, None])
    return Spectra(values, vectors, level, slope, channel, jnp.expm1(t.alone()))


def tangent(bits: Float[Array, "..."], nats: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Of the time over the SINR, where it carries ``nats``: the value at SINR 0 and minus the slope."""
    slope = bits * jnp.exp(-nats) / nats**2
    return bits / nats + slope * jnp.expm1(nats), slope


def _loss(
    x: Spectra,
    cost: Float[Array, "K M"],
    i: Int[Array, ""],
    at: Int[Array, ""],
    j: Int[Array, ""],
    there: Int[Array, ""],
) -> Float[Array, ""]:
    """What two terminals cost more than their two links, whatever their beams."""

    def cross(station: Int[Array, ""], weight: Float[Array, ""]) -> Complex[Array, " n"]:
        turned = [x.channel[i, station] @ x.vectors[i, at], x.channel[j, station] @ x.vectors[j, there]]
        return jnp.sqrt(weight) * (turned[0].conj().T @ turned[1]).reshape(-1)

    # an interferer of gain d takes |y^H z|^2 / (1 + d) of the SINR, and d is at most its largest
    first = cross(at, x.slope[i, at] / (1 + x.largest[j, at]))
    second = cross(there, x.slope[j, there] / (1 + x.largest[i, there]))
    mine, other = x.values[i, at], x.values[j, there]
    together = _largest((mine[:, None] + other).reshape(-1), first, second)
    # in each power the worth is linear: one of the corners, both at full power or one of them silent, is the best
    worth = jnp.maximum(jnp.maximum(together, 0.0), jnp.maximum(mine[-1], other[-1]))
    alone = cost[i, at] + cost[j, there]
    more = x.level[i, at] + x.level[j, there] - worth - jnp.where(jnp.isfinite(alone), alone, 0.0)
    return jnp.where(jnp.isfinite(alone), jnp.maximum(more, 0.0), 0.0)


def _largest(
    diagonal: Float[Array, " n"], first: Complex[Array, " n"], second: Complex[Array, " n"]
) -> Float[Array, ""]:
    """Upper bound, close, of the largest eigenvalue of ``diag(diagonal) - first first^H - second second^H``.

    By bisection: eigenvalues above a number are counted by Sylvester's law of inertia in a 2 x 2 matrix.
    """
    size = jnp.max(jnp.abs(diagonal))
    near = 1e-7 * jnp.where(size > 0, size, 1.0)
    energy = (jnp.abs(first) ** 2, jnp.abs(second) ** 2)
    mixed = first.conj() * second

    def halve(_, state: tuple[Float[Array, ""], Float[Array, ""]]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        low, high = state
        middle = 0.5 * (low + high)
        pole = diagonal[jnp.argmin(jnp.abs(middle - diagonal))]
        middle = jnp.where(jnp.abs(middle - pole) < near, pole + near, middle)  # clear of cancellation
        inverse = 1 / (middle - diagonal)
        one, two = (1 + jnp.sum(part * inverse) for part in energy)
        determinant = one * two - jnp.abs(jnp.sum(mixed * inverse)) ** 2
        below = jnp.where(determinant < 0, 1, jnp.where(one + two < 0, 2, 0))
        above = jnp.sum(diagonal > middle) - below
        return jnp.where(above > 0, middle, low), jnp.where(above > 0, high, jnp.minimum(middle, high))

    top = jnp.max(diagonal)
    return lax.fori_loop(0, BISECTIONS, halve, (top - jnp.sum(energy[0]) - jnp.sum(energy[1]), top))[1] + near


def _places(
    t: Tiers, links: Links, decision: Decision, kinds: tuple[int, ...]
) -> tuple[Float[Array, " M"], Float[Array, ""]]:
    """Prices of a place at each edge server that support the best decision, and what all places cost together.

    No move of one task may pay. The highest such prices are shortest paths (the cheapest way to free a place), the
    lowest ones longest paths; those in the middle leave other decisions as dear as they can be.
    """
    s = t.scenario
    k, m = links.cost.shape
    never = jnp.full(k, jnp.inf)
    edge = links.cost + (t.edge_s if EDGE in kinds else never)[:, None]
    cloud = jnp.min(links.cost, axis=1) + (t.cloud_s if CLOUD in kinds else never)
    outside = jnp.minimum(links.own if LOCAL in kinds else never, cloud)
    everywhere = jnp.concatenate([edge, outside[:, None]], axis=1)
    size = s.edge_frequency_hz[0]
    room = jnp.where(size > 0, jnp.floor(s.edge_capacity_hz / jnp.where(size > 0, size, 1.0) * (1 + 1e-12)), jnp.inf)
    at = jnp.where(decision.mode == EDGE, decision.target, m)
    here = at[:, None] == jnp.arange(m + 1)
    now = jnp.take_along_axis(everywhere, at[:, None], axis=1)
    now = jnp.where(jnp.isfinite(now), now, 0.0)
    step = jnp.min(jnp.where(here[:, :, None], everywhere[:, None, :] - now[:, :, None], jnp.inf), axis=0)
    full = jnp.concatenate([here.sum(axis=0)[:m] >= room, jnp.zeros(1, bool)])
    large = jnp.sum(jnp.where(jnp.isfinite(everywhere), jnp.abs(everywhere), 0.0))

    def move(_, p: tuple[Float[Array, " P"], Float[Array, " P"]]) -> tuple[Float[Array, " P"], Float[Array, " P"]]:
        high, low = p
        return jnp.minimum(high, jnp.min(step + high, axis=1)), jnp.maximum(low, jnp.max(low[:, None] - step, axis=0))

    high, low = lax.fori_loop(0, m, move, (jnp.where(full, large, 0.0), jnp.zeros(m + 1)))
    price = jnp.clip(0.5 * (high + low)[:m], 0.0, large)  # whatever the prices, what follows is a bound
    return price, jnp.sum(jnp.where(price > 0, price * jnp.where(jnp.isfinite(room), room, 0.0), 0.0))
