"""Where descents begin: the best of regularised zero forcing in its own few numbers.

Within the powers of the access points the beams of every stationary point of the sum rate are

    w_k = sqrt(p_k) v_k / |v_k|,   v_k = Lambda^-1 G^H (D^-1 + G Lambda^-1 G^H)^-1 e_k,

with a price of each access point's power on the diagonal of Lambda, a weight of each terminal on that of D and the
powers p (Bjornson, Bengtsson and Ottersten, Optimal Multiuser Transmit Beamforming: A Difficult Problem with a Simple
Solution Structure, 2014). These are 2 K + M numbers, in whose logarithms a descent is short where one over all beams
crawls: at a high signal-to-noise ratio the beams of all access points have to move together, or interfere. All of it is
done with the inner products of the channels at each access point. A stream may go silent, and come back: silence and
return of every single one are tried from the best that is known.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float, Int

from trinode.numerics import descent
from trinode.radio.downlink import Downlink
from trinode.systems.region import optimise
from trinode.systems.region.metric import Metric
from trinode.systems.region.optimise import Beams
from trinode.systems.region.sensing_only import Need

LEVELS = (1.0, 1e2, 1e4)
"""Regularisations to begin with, in units of that of the mean square error."""
NEAR = 1e-2
"""That of the searches with some streams silent: nearly zero forcing."""
SILENT = -10.0
"""Logarithm of a power that is next to nothing."""
NORM = 8
"""The largest power is taken for the norm of this order."""
SAME = 5e-4
"""Points whose values are relatively this near to each other are taken for one."""


class Task(NamedTuple):
    """What a search knows: inner products at each access point and the noise of estimates."""

    gram: Complex[Array, "M K K"]
    white: Float[Array, "K M"]


class Search(NamedTuple):
    """How much is searched.

    Attributes
    ----------
    kept : int
        How many points are kept.
    phases : int
        In the first the searches begin with all streams at several levels, or with some of them silent; in all others
        with a stream silenced or brought back, or all numbers disturbed, at the best that is known, or at another.
    evaluations : int
        Most evaluations of each search in each phase.
    """

    kept: int
    phases: int
    evaluations: int = 60


class Points(NamedTuple):
    """Logarithms of weights, prices and powers, and the sum rates in nat, the best first."""

    x: Float[Array, "P n"]
    value: Float[Array, " P"]


class _Family(NamedTuple):
    """Of some weights, prices and powers: what is heard (K, K) and sent (M,), and how to mix the channels."""

    heard: Complex[Array, "K K"]
    sent: Float[Array, " M"]
    mix: Complex[Array, "M K K"]


def task(d: Downlink) -> Task:
    """The search of a network."""
    channel = d.split(d.channel.T)
    return Task(jnp.einsum("mak,maj->mkj", channel.conj(), channel), d.white)


def search(d: Downlink, plan: Search) -> Points:
    """Good points, no two of nearly the same value; where fewer are known, the rest is worth ``-inf``."""
    kept = plan.kept
    t = task(d)
    opening = first(t)
    lanes, n = opening.shape
    k = d.channel.shape[0]
    disturbance = np.random.default_rng(0).standard_normal((plan.phases, lanes - k, n))
    alone = jnp.log1p(jnp.sum(jnp.diagonal(t.gram, axis1=1, axis2=2).real, axis=0))
    least = 1e-3 * optimise.unit(jnp.sum(alone))

    def phase(known: Points, given: tuple[Int[Array, ""], Float[Array, "J n"]]) -> tuple[Points, None]:
        index, disturbance = given
        # the best in turn with the others
        base = jnp.where(index % 2 == 1, 0, (index // 2) % kept)
        x = known.x[jnp.where(jnp.isfinite(known.value[base]), base, 0)]
        begin = jnp.where(index == 0, opening, jnp.concatenate([x + disturbance, toggled(x, k)]))
        run = descent.descend_many(
            lambda _, x: _loss(t, x),
            jnp.arange(lanes),
            jax.vmap(descent.begun)(begin),
            until=jnp.full(lanes, plan.evaluations),
            tolerance=jnp.full(lanes, least),
        )
        found = Points(run.x, jnp.where(jnp.isfinite(run.f), -run.f, -jnp.inf))
        return _best(Points(*(jnp.concatenate(each) for each in zip(known, found))), kept), None

    known = Points(jnp.zeros((kept, n)), jnp.full(kept, -jnp.inf))
    return lax.scan(phase, known, (jnp.arange(plan.phases), jnp.asarray(disturbance)))[0]


def first(t: Task) -> Float[Array, "L n"]:
    """Points to begin at: all streams at several levels; streams silent, one more in each.

    Next is silenced whose zero forcing costs most.
    """
    m, k = t.gram.shape[:2]
    natural = jnp.log(m / k / (1 + jnp.sum(t.white, axis=1)))

    def point(level: float, heard: Float[Array, " K"]) -> Float[Array, " n"]:
        silent = SILENT * (1 - heard)
        return jnp.concatenate([natural - jnp.log(level) + silent, jnp.zeros(m), silent])

    inner = jnp.sum(t.gram, axis=0)
    size = jnp.max(jnp.diagonal(inner).real)
    inner = inner / jnp.where(size > 0, size, 1.0)

    def silence(heard: Float[Array, " K"], _: None) -> tuple[Array, Array]:
        kept = heard[:, None] * inner * heard + jnp.diag(1 - heard) + 1e-12 * jnp.eye(k)
        cost = jnp.where(heard > 0, jnp.diagonal(jnp.linalg.inv(kept)).real, -jnp.inf)
        return heard.at[jnp.argmax(cost)].set(0.0), heard

    _, heard = lax.scan(silence, jnp.ones(k), None, length=k)
    levels = jnp.stack([point(level, jnp.ones(k)) for level in LEVELS])
    return jnp.concatenate([levels, jax.vmap(lambda h: point(NEAR, h))(heard)])


def toggled(x: Float[Array, " n"], k: int) -> Float[Array, "K n"]:
    """A point with one of the k streams silenced in each, or brought back where it is silent."""
    silent = x[-k:] < jnp.max(x[-k:]) + SILENT / 2

    def turned(each: Float[Array, " K"]) -> Float[Array, "K K"]:
        most = jnp.max(jnp.where(silent, -jnp.inf, each))
        return jnp.where(jnp.eye(k, dtype=bool), jnp.where(silent, most, each + SILENT), each)

    middle = jnp.broadcast_to(x[k:-k], (k, len(x) - 2 * k))
    return jnp.concatenate([turned(x[:k]), middle, turned(x[-k:])], axis=1)


def beams(d: Downlink, points: Float[Array, "P n"]) -> Complex[Array, "P M A K"]:
    """Precoders of weights, prices and powers; the access point nearest to its power sends all of it."""
    t, channel = task(d), d.split(d.channel.T)

    def one(x: Float[Array, " n"]) -> Complex[Array, "M A K"]:
        f = _family(t, x)
        most = jnp.max(f.sent)
        return channel @ f.mix / jnp.sqrt(jnp.where(most > 0, most, 1.0))

    return jax.vmap(one)(points)


def unheard(d: Downlink, need: Need, data: Complex[Array, "P M A K"], there: Metric) -> Beams:
    """Precoders and, with the power that they leave, a beam for sensing as far as terminals hardly hear it."""
    silent = optimise.nothing(d).data
    quiet = optimise.as_beams(silent, need.covariance)
    for _ in range(2):  # by the inverse of I + H H^H
        quiet = Beams(*there.beams(quiet))
    norm = jnp.linalg.norm(quiet.sensing, axis=1, keepdims=True)
    aside = jnp.where((need.active & need.asked)[:, None], quiet.sensing / jnp.where(norm > 0, norm, 1.0), 0.0)
    left = jnp.maximum(1 - jnp.sum(data.real**2 + data.imag**2, axis=(2, 3)), 0.0)
    return Beams(data, jnp.sqrt(left)[..., None] * aside)


def _family(t: Task, x: Float[Array, " n"]) -> _Family:
    m, k = t.gram.shape[:2]
    weight, price, power = jnp.exp(x[:k]), jnp.exp(x[k : k + m]), jnp.exp(x[k + m :])
    root = jnp.sqrt(weight)
    inner = jnp.einsum("m,mij->ij", 1 / price, t.gram)
    inverse = root[:, None] * jnp.linalg.inv(jnp.eye(k) + root[:, None] * inner * root) * root
    sent = jnp.sum((inverse.conj() * (t.gram @ inverse)).real, axis=1) / price[:, None] ** 2  # [m, stream]
    norm = jnp.sum(sent, axis=0)
    scale = power / jnp.where(norm > 1e-280, norm, 1.0)  # whom nobody hears gets nothing
    return _Family(inner @ inverse * jnp.sqrt(scale), sent @ scale, inverse * jnp.sqrt(scale) / price[:, None, None])


def _loss(t: Task, x: Float[Array, " n"]) -> Float[Array, ""]:
    """Minus the sum rate in nat, the largest power a little overstated."""
    f = _family(t, x)
    scale = jnp.sum(f.sent**NORM) ** (-1 / NORM)
    power = jnp.abs(f.heard) ** 2 * scale
    signal = jnp.diagonal(power)
    return -jnp.sum(jnp.log1p(signal / (jnp.sum(power, axis=1) - signal + t.white @ f.sent * scale + 1)))


def _best(points: Points, count: int) -> Points:
    """So many of them, the best first, none of nearly the same value as one before."""
    order = jnp.argsort(-points.value)
    ranked = points.value[order]
    again = ranked[1:] > ranked[:-1] * (1 - SAME)
    ranked = ranked.at[1:].set(jnp.where(again, -jnp.inf, ranked[1:]))
    chosen = jnp.argsort(-ranked)[:count]
    return Points(points.x[order[chosen]], ranked[chosen])
