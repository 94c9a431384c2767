"""Beams for a given decision: receivers eliminated, powers exact, echoes by prices and an exact repair."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics.curvature import Memory
from trinode.numerics.loops import while_loop
from trinode.radio import beams
from trinode.sensing import cones
from trinode.systems.threetier.tiers import LOCAL, Tiers

ECHO_MARGIN = 1e-5
"""Relative margin on the echo requirement inside the descent; what is still missing is blended in exactly."""


BARRIER, BARRIER_FALLS, BARRIERS = 0.05, 0.35, 10
"""Weight of the echoes' barriers (of the logarithm of the upload time) in the first round, its share in each round of
that of the one before, and least number of rounds."""


class Stages(eqx.Module):
    """Settings of the descent.

    Attributes
    ----------
    rounds : int
        Most rounds; each is one descent of at most ``evaluations`` gradients, then an update of the echo prices.
    evaluations : int
        Gradients of a round.
    tolerance : float
        Stop when a round improves the upload time by less than this share.
    penalty : float
        Weight of squared echo violations (in nats) in the first rounds; it grows while they do not halve.
    lost : float
        Not at rest either where meeting the echoes exactly costs more than this share of the upload time: their prices
        are not known yet.
    """

    rounds: int = eqx.field(static=True, default=16)
    evaluations: int = eqx.field(static=True, default=60)
    tolerance: float = eqx.field(static=True, default=1e-4)
    penalty: float = eqx.field(static=True, default=0.02)
    lost: float = eqx.field(static=True, default=1e-3)


class Outcome(NamedTuple):
    """A decision with its beams; latency is infinite where it cannot be carried out.

    ``history`` holds the latency after each round, NaN past the end.
    """

    mode: Int[Array, " K"]
    target: Int[Array, " K"]
    precoder: Complex[Array, "K T"]
    latency: Float[Array, ""]
    evaluations: Int[Array, ""]
    converged: Bool[Array, ""]
    history: Float[Array, " H"]


def link_rates(t: Tiers, w: Complex[Array, "K T"]) -> Float[Array, "K M"]:
    """Spectral efficiency of each link, nat/s/Hz."""
    received = jnp.sum(t.channel * w[:, None, None, :], axis=-1)  # (K, M, A)
    return -jnp.log1p(-_share(received, _inverse(received))[1])


def _inverse(received: Complex[Array, "K M A"]) -> Complex[Array, "M A A"]:
    covariance = jnp.sum(received[..., :, None] * received.conj()[..., None, :], axis=0)
    return jnp.linalg.inv(covariance + jnp.eye(received.shape[-1]))


def _share(
    received: Complex[Array, "K M A"], inverse: Complex[Array, "M A A"]
) -> tuple[Complex[Array, "K M A"], Float[Array, "K M"]]:
    """Received signals through the inverse covariance, and SINR / (1 + SINR)."""
    filtered = jnp.sum(inverse[None] * received[:, :, None, :], axis=-1)
    return filtered, jnp.clip(jnp.sum((received.conj() * filtered).real, axis=-1), 0.0, 1 - 1e-15)


def score(t: Tiers, mode: Int[Array, " K"], target: Int[Array, " K"], w: Complex[Array, "K T"]) -> Float[Array, ""]:
    """Sum of latencies of a decision, infinite where an echo or a power limit is broken."""
    nats = t.uplink(mode, target).rates(w[:, None])[:, 0]
    fits = jnp.sum(jnp.abs(w) ** 2, axis=1) <= t.budget(mode) * (1 + 1e-9)
    need = t.scenario.sensing_sinr_min
    heard = (need <= 0) | (t.echo.sinr(w[:, None]) >= need * (1 - 1e-9))
    return jnp.where(jnp.all(fits & heard), t.latency(mode, target, nats), jnp.inf)


def starting_beams(
    t: Tiers, mode: Int[Array, " K"], target: Int[Array, " K"], safe: Complex[Array, "K T"]
) -> Complex[Array, "K T"]:
    """Each terminal along its strongest direction to its access point; who computes itself only senses."""
    own = jnp.take_along_axis(t.direction, target[:, None, None], axis=1)[:, 0]
    return jnp.where((mode == LOCAL)[:, None], safe, jnp.sqrt(0.98 * t.budget(mode))[:, None] * own)


def descend(
    t: Tiers,
    mode: Int[Array, " K"],
    target: Int[Array, " K"],
    start: Complex[Array, "K T"],
    price: Float[Array, " K"],
    memory: Memory,
    stages: Stages,
    penalty: float | Float[Array, ""] | None = None,
    weight: Float[Array, ""] | None = None,
) -> beams.Beams:
    """One round downhill on the upload times, the echoes by prices; single streams have an axis of their own.

    Parameters
    ----------
    penalty : float, optional
        In place of that of the stages.
    weight : float, optional
        Of barriers, which keep the echoes in place of prices where it is positive.
    """
    s = t.scenario
    away = (mode != LOCAL) & (s.task_bits > 0)
    asked = s.sensing_sinr_min > 0
    fenced = jnp.asarray(False) if weight is None else weight > 0

    def barrier(w: Complex[Array, "K T"]) -> Float[Array, ""]:
        """Logarithms of the echoes' slacks, quadratic where these are next to nothing or less."""
        if weight is None:
            return jnp.zeros(())
        close = 0.1 * jnp.where(fenced, weight, 1.0)
        gap = -_short(t, w) / close
        over = 1 - jnp.minimum(gap, 1.0)
        each = -jnp.log(jnp.maximum(gap, 1.0)) + over + 0.5 * over**2
        return weight * jnp.sum(jnp.where(asked, each, 0.0))

    def worth(rate: Float[Array, "K 1"], w: Complex[Array, "K 1 T"], _: Float[Array, " 0"]) -> Float[Array, ""]:
        time = jnp.where(away, s.task_bits / jnp.maximum(rate[:, 0], 1e-9), 0.0)
        return jnp.log(jnp.where(jnp.any(away), jnp.sum(time), 1.0)) + barrier(w[:, 0])

    return beams.improve(
        t.uplink(mode, target),
        worth,
        lambda w: jnp.where(fenced, -1.0, _short(t, w[:, 0])),
        start[:, None],
        jnp.zeros(0),
        price,
        t.budget(mode),
        memory,
        penalty=stages.penalty if penalty is None else penalty,
        max_evaluations=stages.evaluations,
    )


def _short(t: Tiers, w: Complex[Array, "K T"]) -> Float[Array, " K"]:
    return cones.shortfall(t.echo, t.scenario.sensing_sinr_min, w, ECHO_MARGIN)


def settle(
    t: Tiers,
    mode: Int[Array, " K"],
    target: Int[Array, " K"],
    w: Complex[Array, "K T"],
    safe: Complex[Array, "K T"],
) -> tuple[Complex[Array, "K T"], Float[Array, ""]]:
    """Beams with their echoes met by the least step towards ``safe`` ones, and the latency of the decision."""
    fixed = cones.repair(t.echo, t.scenario.sensing_sinr_min, w, safe)
    return fixed, score(t, mode, target, fixed)


@jax.jit
def decide(
    t: Tiers,
    mode: Int[Array, " K"],
    target: Int[Array, " K"],
    start: Complex[Array, "K T"],
    safe: Complex[Array, "K T"],
    stages: Stages,
    within: bool | Bool[Array, ""] = False,
) -> Outcome:
    """Descend from a start, repairing the echoes exactly after every round; never worse than the repaired start.

    Parameters
    ----------
    safe : (K, T)
        Beams within the powers of the decision that meet every echo requirement.
    within : bool
        Keep the echoes by barriers, from halfway to the safe beams on, instead of learning their prices: for
        requirements that leave so little room that to repair what prices miss costs more than they gain.
    """
    s = t.scenario
    away = (mode != LOCAL) & (s.task_bits > 0)

    class Round(NamedTuple):
        precoder: Complex[Array, "K T"]
        price: Float[Array, " K"]
        memory: Memory
        best: Complex[Array, "K T"]
        latency: Float[Array, ""]
        upload: Float[Array, ""]
        gain: Float[Array, ""]
        lost: Float[Array, ""]
        penalty: Float[Array, ""]
        missing: Float[Array, ""]
        history: Float[Array, " H"]
        evaluations: Int[Array, ""]
        turn: Int[Array, ""]

    fixed_s = t.latency(mode, target, jnp.full(s.terminals, jnp.inf))

    def one(r: Round) -> Round:
        weight = jnp.where(within, BARRIER * BARRIER_FALLS**r.turn, 0.0)
        moved = descend(t, mode, target, r.precoder, r.price, r.memory, stages, r.penalty, weight)
        w = moved.precoder[:, 0]
        fixed, latency = settle(t, mode, target, w, safe)
        free_s = t.latency(mode, target, t.uplink(mode, target).rates(w[:, None])[:, 0])
        lost = (latency - free_s) / jnp.maximum(free_s - fixed_s, 1e-300)
        missing = jnp.max(jnp.maximum(_short(t, w), 0.0))
        harder = (lost > stages.lost) & (missing > 0.5 * r.missing)
        better = latency < r.latency
        best, lowest = jnp.where(better, fixed, r.best), jnp.minimum(latency, r.latency)
        gain = (r.latency - lowest) / jnp.maximum(lowest - fixed_s, 1e-300)
        history = r.history.at[r.turn + 1].set(lowest)
        return Round(
            w, moved.price, moved.memory, best, lowest, lowest - fixed_s, gain, lost,
            jnp.where(harder, 3.0, 1.0) * r.penalty, missing, history, r.evaluations + moved.evaluations, r.turn + 1,
        )  # fmt: skip

    def going(r: Round) -> Bool[Array, ""]:
        # the first rounds still learn the echo prices and may not improve
        more = (r.gain > stages.tolerance) | (r.lost > stages.lost) | (r.turn < jnp.where(within, BARRIERS, 2))
        return (r.turn < stages.rounds) & more & jnp.any(away)

    fixed, latency = settle(t, mode, target, start, safe)
    start = jnp.where(within, 0.5 * (fixed + cones.aligned(t.echo, fixed, safe)), start)
    history = jnp.full(stages.rounds + 1, jnp.nan).at[0].set(latency)
    first = Round(
        start, jnp.zeros(s.terminals), beams.no_memory(start[:, None], 0), fixed, latency, latency - fixed_s,
        jnp.asarray(jnp.inf), jnp.asarray(0.0), jnp.asarray(stages.penalty), jnp.asarray(jnp.inf), history,
        jnp.asarray(0), jnp.asarray(0),
    )  # fmt: skip
    last = while_loop(going, one, first)
    done = ((last.gain <= stages.tolerance) & (last.lost <= stages.lost)) | ~jnp.any(away)
    return Outcome(mode, target, last.best, last.latency, last.evaluations, done, last.history)


def response(
    t: Tiers, w: Complex[Array, "K T"], steps: int = 12
) -> tuple[Float[Array, "K M"], Complex[Array, "K M T"]]:
    """Best gain per watt of each terminal to each access point against the others, and the beam that has it.

    The largest eigenvalue of ``H^H D^{-1} H`` with D of (4), the others staying as they are, by the power method.
    """
    received = jnp.sum(t.channel * w[:, None, None, :], axis=-1)  # (K, M, A)
    inverse = _inverse(received)
    filtered, share = _share(received, inverse)
    turned = jnp.einsum("mab,kmbt->kmat", inverse, t.channel)
    own = jnp.einsum("kmat,kma->kmt", t.channel.conj(), filtered)
    gram = jnp.einsum("kmat,kmau->kmtu", t.channel.conj(), turned)
    gram = gram + own[..., :, None] * own.conj()[..., None, :] / (1 - share + 1e-12)[..., None, None]

    def power(_, x: Complex[Array, "K M T"]) -> Complex[Array, "K M T"]:
        x = jnp.sum(gram * x[..., None, :], axis=-1)
        return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-300)

    begin = jnp.sum(gram, axis=-1) + 1e-9 * own
    x = lax.fori_loop(0, steps, power, begin / jnp.maximum(jnp.linalg.norm(begin, axis=-1, keepdims=True), 1e-300))
    value = jnp.sum((x.conj() * jnp.sum(gram * x[..., None, :], axis=-1)).real, axis=-1)
    return value, x
