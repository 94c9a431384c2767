"""Beams, shares and splits for a given assignment: one descent, then the exact computing decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int, PRNGKeyArray

from trinode.computing import pool
from trinode.numerics.curvature import Memory
from trinode.numerics.loops import while_loop
from trinode.radio import beams
from trinode.systems.decision import Status
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, Tiers

SHARPNESS = 300.0
"""Exponent of the power mean that stands for the largest latency inside the descent."""
CALM = 2
"""So many rounds without a gain are rest: in one of them only the smooth stand-in for the latency may have fallen."""
HORIZON = 16
"""So many rounds are looked ahead where a descent that is behind is given up."""
ECHO_MARGIN = 1e-4
"""Relative margin on the echo requirement inside the descent; what is still missing is blended in exactly."""


class Decision(NamedTuple):
    """Everything decided for one assignment; latency is infinite where a terminal cannot be served."""

    latency: Float[Array, ""]
    modes: Int[Array, " K"]
    precoder: Complex[Array, "K S1 T"]
    computing: pool.PoolDecision
    rate_nat: Float[Array, "K S"]
    evaluations: Int[Array, ""]


def starting_beams(
    t: Tiers, modes: Int[Array, " K"], power: Float[Array, "K S"], echo_beam: Complex[Array, "K T"]
) -> Complex[Array, "K S1 T"]:
    """Each link along its strongest direction with the given share of power, a little of the best echo beam besides."""
    budget = t.budget(modes == LOCAL)
    usable = _usable(t, modes)
    data = jnp.sqrt(0.97 * budget[:, None] * jnp.where(usable, power, 0.0))[..., None] * t.direction
    full = jnp.sqrt(budget / jnp.where(t.echo.max_power_w > 0, t.echo.max_power_w, 1.0))[:, None] * echo_beam
    quiet = jnp.where(modes == LOCAL, 1.0, jnp.sqrt(0.02))
    return jnp.concatenate([data, (quiet[:, None] * full)[:, None]], axis=1)


def quiet_beams(
    t: Tiers, modes: Int[Array, " K"], power: Float[Array, "K S"], steps: int = 20
) -> Complex[Array, "K S1 T"]:
    """Beams that others hear little of: most signal over noise and leakage to the access points that others use.

    Who is heard well whispers: powers fall with the square root of what the best link has more than the weakest
    terminal's, since beside one that is heard 50 dB worse nobody may send as if alone.
    """
    usable, channel = _usable(t, modes), t.uplink.channel
    _, points, _, antennas = channel.shape
    budget = t.budget(modes == LOCAL)
    gram = jnp.einsum("kmat,kmau->kmtu", channel.conj(), channel)
    uses = jnp.any(usable[..., None] & (t.index[..., None] == jnp.arange(points)), axis=1)
    disturbed = jnp.sum(uses, axis=0) - uses > 0
    heard = jnp.where(disturbed[..., None, None], gram, 0.0)
    noise = jnp.eye(antennas) / jnp.where(budget > 0, budget, 1.0)[:, None, None]
    own = jnp.take_along_axis(gram, t.index[:, :, None, None], axis=1)
    there = jnp.take_along_axis(heard, t.index[:, :, None, None], axis=1)
    leak = jnp.sum(heard, axis=1) + noise
    pull = jnp.linalg.solve(leak[:, None] - there, own)

    def along(_: Int[Array, ""], x: Complex[Array, "K S T"]) -> Complex[Array, "K S T"]:
        x = jnp.sum(pull * x[..., None, :], axis=-1)
        return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-300)

    direction = lax.fori_loop(0, steps, along, t.direction)
    best = jnp.max(jnp.where(usable, t.snr, 0.0), axis=1)
    weakest = jnp.min(jnp.where(best > 0, best, jnp.inf))
    part = jnp.sqrt(jnp.where(best > 0, weakest / jnp.where(best > 0, best, 1.0), 1.0))
    share = budget[:, None] * jnp.where(usable, part[:, None] * power, 0.0)
    aside = jnp.linalg.solve(leak, t.echo.steering[..., None])[..., 0]
    aside = aside / jnp.maximum(jnp.linalg.norm(aside, axis=1, keepdims=True), 1e-300)
    data = jnp.sqrt(0.97 * share)[..., None] * direction
    return jnp.concatenate([data, (jnp.sqrt(0.02 * budget)[:, None] * aside)[:, None]], axis=1)


def random_beams(t: Tiers, modes: Int[Array, " K"], key: PRNGKeyArray) -> Complex[Array, "K S1 T"]:
    """Random directions, and powers of very different sizes that add up to almost all that a terminal may radiate."""
    k, links, antennas = t.direction.shape
    real, imaginary, strength = jax.random.split(key, 3)
    shape = (k, links + 1, antennas)
    way = jax.random.normal(real, shape) + 1j * jax.random.normal(imaginary, shape)
    usable = jnp.concatenate([_usable(t, modes), jnp.ones((k, 1), bool)], axis=1)
    power = jnp.where(usable, jnp.exp(2 * jax.random.normal(strength, usable.shape)), 0.0)
    power = 0.97 * t.budget(modes == LOCAL)[:, None] * power / jnp.sum(power, axis=1, keepdims=True)
    return jnp.sqrt(power)[..., None] * way / jnp.linalg.norm(way, axis=2, keepdims=True)


class Stages(eqx.Module):
    """Settings of the descent.

    Attributes
    ----------
    rounds : int
        Most rounds; each is one descent of at most ``evaluations`` gradients, then the exact computing decision, with
        which the next one begins, and an update of the echo prices.
    tolerance : float
        Stop when :data:`CALM` rounds in a row improve the latency by less than this share each.
    penalty : float
        Weight of squared echo violations (relative, in nats).
    """

    rounds: int = eqx.field(static=True, default=64)
    evaluations: int = eqx.field(static=True, default=40)
    tolerance: float = eqx.field(static=True, default=2e-4)
    penalty: float = eqx.field(static=True, default=2.0)


class Downhill(NamedTuple):
    """One assignment's descent.

    Attributes
    ----------
    gate : (K, S + 1, 1) bool
        Streams of links that the assignment uses, and the sensing streams.
    round : callable
        Beams, others (:func:`as_logs`), echo prices, memory and most evaluations to :class:`.beams.Beams`: one round.
    """

    gate: Bool[Array, "K S1 1"]
    round: Callable[..., beams.Beams]


def downhill(t: Tiers, modes: Int[Array, " K"], penalty: float) -> Downhill:
    """What the rounds of a descent under an assignment have in common."""
    k, links = t.snr.shape
    budget = t.budget(modes == LOCAL)
    on_cloud = modes == CLOUD
    usable = _usable(t, modes)
    gate = jnp.concatenate([usable, jnp.ones((k, 1), bool)], axis=1)[..., None]
    used = in_loads(t.pool(modes, jnp.ones_like(t.snr)))

    beside = (used.index.reshape(-1)[:, None] == used.index.reshape(-1)) & usable.reshape(-1)
    beside = beside.astype(float)  # a product with it is quicker than adding up entry by entry

    def gather(value: Float[Array, "K S"]) -> Float[Array, "K S"]:
        """Sum over a pool, given back to each of its links."""
        return (beside @ value.reshape(-1)).reshape(k, links)

    def shares(x: Float[Array, " n"]) -> tuple[Float[Array, "K S"], Float[Array, " K"]]:
        raw = jnp.where(usable, jnp.exp(jnp.clip(x[: k * links].reshape(k, links), -40.0, 40.0)), 0.0)
        total = gather(raw)
        part = raw / jnp.where(total > 0, total, 1.0)
        part = part * jnp.minimum(1.0, 1 / jnp.cbrt(jnp.maximum(gather(used.cubic * part**3), 1e-9)))
        serial = jnp.where(on_cloud, jnp.exp(jnp.clip(x[k * links :], -40.0, 40.0)), 0.0)
        return part, serial / jnp.maximum(serial.sum(), 1e-300)

    def worth(rate: Float[Array, "K S1"], w: Complex[Array, "K S1 T"], x: Float[Array, " n"]) -> Float[Array, ""]:
        part, serial = shares(x)
        rate = jnp.maximum(rate[:, :links], 1e-9)
        now = eqx.tree_at(lambda p: p.upload, used, used.upload / rate)
        return soft_max(pool.latencies(now, part, part, serial), jnp.any(usable, axis=1))

    def one(
        w: Complex[Array, "K S1 T"],
        others: Float[Array, " n"],
        price: Float[Array, " K"],
        memory: Memory,
        evaluations: int | Int[Array, ""],
    ) -> beams.Beams:
        return beams.improve(
            t.uplink,
            worth,
            lambda w: echo_shortfall(t, w),
            w,
            others,
            price,
            budget,
            memory,
            penalty=penalty,
            max_evaluations=evaluations,
        )

    return Downhill(gate, one)


def as_logs(share: Float[Array, "K S"], serial_share: Float[Array, " K"]) -> Float[Array, " n"]:
    """Shares of pools and of the cloud as the variables of a descent beside the beams."""
    return jnp.log(jnp.maximum(jnp.concatenate([share.reshape(-1), serial_share]), 1e-3))


class Outcome(NamedTuple):
    """Best decision seen, whether the rounds came to rest, latency after each round (NaN past the end)."""

    decision: Decision
    converged: Bool[Array, ""]
    history: Float[Array, " H"]


def no_decision(t: Tiers) -> Decision:
    """In place of a decision, before there is one: zeros."""
    k, links, antennas = t.direction.shape
    none = jnp.asarray(0)
    given = jnp.zeros(k, int), jnp.zeros((k, links + 1, antennas), t.direction.dtype), none
    return jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(settle, t, *given))


def no_outcome(t: Tiers, stages: Stages) -> Outcome:
    """In place of an outcome, before there is one."""
    return Outcome(no_decision(t), jnp.asarray(False), jnp.full(stages.rounds, jnp.nan))


@jax.jit
def decide(
    t: Tiers,
    modes: Int[Array, " K"],
    precoder: Complex[Array, "K S1 T"],
    echo_beam: Complex[Array, "K T"],
    stages: Stages,
    rival: float | Float[Array, ""] = jnp.inf,
) -> Outcome:
    """Descend from a start, settling the computing exactly after every round.

    Parameters
    ----------
    echo_beam : (K, T)
        Beams that meet every echo requirement strictly; see :func:`repair`.
    rival : float
        Latency, s, to come below: given up once :data:`HORIZON` rounds more would not do at the pace of the last one.
    """
    k, links = t.snr.shape
    ahead = downhill(t, modes, stages.penalty)

    class Round(NamedTuple):
        precoder: Complex[Array, "K S1 T"]
        others: Float[Array, " n"]
        price: Float[Array, " K"]
        memory: Memory
        best: Decision
        history: Float[Array, " H"]
        gain: Float[Array, ""]
        calm: Int[Array, ""]
        turn: Int[Array, ""]

    def one(r: Round) -> Round:
        opening = r.turn < 0  # the start is settled as it is
        evaluations = jnp.where(opening, 1, stages.evaluations)
        moved = ahead.round(r.precoder, r.others, r.price, r.memory, evaluations)
        w = jnp.where(ahead.gate, jnp.where(opening, r.precoder, moved.precoder), 0.0)
        now = settle(t, modes, repair(t, w, modes, echo_beam), r.best.evaluations + moved.evaluations)
        better = opening | (now.latency < r.best.latency)
        best = jax.tree.map(lambda a, b: jnp.where(better, a, b), now, r.best)._replace(evaluations=now.evaluations)
        gain = jnp.where(opening, jnp.inf, (r.best.latency - best.latency) / best.latency)
        return Round(
            w,
            # those of the descent may have left a link without a share, and its stream without a use
            as_logs(now.computing.share, now.computing.serial_share),
            jnp.where(opening, r.price, moved.price),
            moved.memory,
            best,
            r.history.at[jnp.where(opening, stages.rounds, r.turn)].set(best.latency, mode="drop"),
            gain,
            jnp.where(gain > stages.tolerance, 0, r.calm + 1),
            r.turn + 1,
        )

    def going(r: Round) -> Bool[Array, ""]:
        # the first rounds still learn the echo prices and may not improve
        left = jnp.minimum(stages.rounds - r.turn, HORIZON)
        hope = r.best.latency * (1 - r.gain * left) < rival
        more = (r.turn < stages.rounds) & (((r.calm < CALM) & hope) | (r.turn < 4))
        return more & ((r.turn < 0) | jnp.isfinite(r.best.latency))

    zero = jnp.asarray(0)
    start = Round(
        jnp.where(ahead.gate, precoder, 0.0),
        jnp.zeros(k * links + k),
        jnp.zeros(k),
        beams.no_memory(precoder, k * links + k),
        no_decision(t),
        jnp.full(stages.rounds, jnp.nan),
        jnp.asarray(jnp.inf),
        zero,
        zero - 1,
    )
    last = while_loop(going, one, start)
    return Outcome(last.best, last.calm >= CALM, last.history)


def in_loads(used: pool.Pool) -> pool.Pool:
    """Times at a rate of 1 nat/s/Hz over the longest of these uploads: a descent does not depend on the second."""
    longest = jnp.max(used.upload)
    times = used.upload, used.cost, used.serial
    unit = jnp.where(longest > 0, longest, 1.0)
    return eqx.tree_at(lambda p: (p.upload, p.cost, p.serial), used, tuple(time / unit for time in times))


def soft_max(time: Float[Array, " K"], counted: Bool[Array, " K"], sharpness: float = SHARPNESS) -> Float[Array, ""]:
    """Logarithm of the power mean of the latencies, :func:`in_loads`, that stands for their largest."""
    log = jnp.where(counted, jnp.log(jnp.maximum(time, 1e-12)), -jnp.inf)
    top = jnp.max(log)
    top = lax.stop_gradient(jnp.where(jnp.isfinite(top), top, 0.0))
    total = jnp.sum(jnp.where(counted, jnp.exp(sharpness * (log - top)), 0.0))
    return top + jnp.log(jnp.where(total > 0, total, 1.0)) / sharpness


def echo_shortfall(t: Tiers, w: Complex[Array, "K S1 T"]) -> Float[Array, " K"]:
    """Nats by which each echo misses its requirement; at most 0 when met."""
    need = t.scenario.sensing_sinr_min
    signal, heard = t.echo.parts(w)
    asked = need > 0
    wanted = jnp.where(asked, need * (1 + ECHO_MARGIN) * (t.echo.noise_w + heard), 1.0)
    # one logarithm of the ratio: of each by itself rounding would depend on the watt
    return jnp.where(asked, jnp.log(wanted / jnp.where(asked, signal + 1e-9 * t.echo.noise_w, 1.0)), -1.0)


def _usable(t: Tiers, modes: Int[Array, " K"]) -> Bool[Array, "K S"]:
    able = jnp.where((modes == EDGE)[:, None], t.edge_able, t.cloud_able & (modes == CLOUD)[:, None])
    return able & (t.scenario.task_bits > 0)[:, None]


def repair(
    t: Tiers, precoder: Complex[Array, "K S1 T"], modes: Int[Array, " K"], echo_beam: Complex[Array, "K T"]
) -> Complex[Array, "K S1 T"]:
    """Meet every echo requirement by the least move towards the echo beams.

    With each stream's echo held in phase with what it is now, the requirement is a second-order cone in the precoders,
    so its slack is concave along the way to the echo beams (spread over the streams in the same proportion), where it
    is positive: the chord gives a step that repairs it.
    """
    need = t.scenario.sensing_sinr_min
    towards = jnp.sum(t.echo.steering.conj()[:, None] * precoder, axis=2)
    strength = jnp.linalg.norm(towards, axis=1, keepdims=True)
    only_sensing = jnp.eye(towards.shape[1])[-1]
    mix = jnp.where(strength > 0, towards / jnp.where(strength > 0, strength, 1.0), only_sensing)
    limit = t.echo.max_power_w
    spare = jnp.where(limit > 0, t.budget(modes == LOCAL) / jnp.where(limit > 0, limit, 1.0), 1.0)
    beam = jnp.sqrt(jnp.min(spare)) * echo_beam  # all alike, so that the margin stays
    goal = mix[..., None] * beam[:, None]

    def slack(w: Complex[Array, "K S T"]) -> Float[Array, " K"]:
        echo = jnp.sum((mix.conj() * jnp.sum(t.echo.steering.conj()[:, None] * w, axis=2)).real, axis=1)
        heard = t.echo.parts(w)[1]
        return jnp.sqrt(t.echo.gain) * echo - jnp.sqrt(need * (1 + 1e-9) * (t.echo.noise_w + heard))

    at_0, at_1 = slack(precoder), slack(goal)
    step = jnp.where((need > 0) & (at_0 < 0), -at_0 / jnp.where(at_1 > at_0, at_1 - at_0, 1.0), 0.0)
    step = jnp.clip(jnp.max(step) * (1 + 1e-9), 0.0, 1.0)
    return (1 - step) * precoder + step * goal


@jax.jit
def settle(
    t: Tiers, modes: Int[Array, " K"], precoder: Complex[Array, "K S1 T"], evaluations: Int[Array, ""]
) -> Decision:
    """The exact computing decision for given beams; its latency is infinite where they miss an echo."""
    s = t.scenario
    rate = t.uplink.rates(precoder)[:, :-1]
    received = received_power(t, modes, precoder)
    computing = pool.solve(t.pool(modes, rate, received), max_steps=40)
    own = jnp.max(jnp.where(modes == LOCAL, t.local_s, 0.0))
    busy = s.task_bits > 0
    lost = (modes == EDGE) & busy & ~jnp.any(t.edge_able & (rate > 1e-12), axis=1)
    lost |= (modes == CLOUD) & busy & ~jnp.any(t.cloud_able & (rate > 1e-12), axis=1)
    latency = jnp.maximum(computing.latency, own)
    heard = t.echo.sinr(precoder) >= s.sensing_sinr_min * (1 - 1e-9)
    return Decision(jnp.where(jnp.any(lost | ~heard), jnp.inf, latency), modes, precoder, computing, rate, evaluations)


def splits(t: Tiers, d: Decision) -> Float[Array, "K S"]:
    """Share of the task on each link that makes all of a terminal's links equally slow."""
    p, share = t.pool(d.modes, d.rate_nat), d.computing.share
    ratio = p.cost / jnp.where(share > 0, share, 1.0)
    usable = p.usable & ((share > 0) | (p.cost == 0))
    speed = jnp.where(usable, 1 / jnp.where(usable, p.upload + ratio, 1.0), 0.0)
    total = speed.sum(axis=1, keepdims=True)
    return speed / jnp.where(total > 0, total, 1.0)


def received_power(t: Tiers, modes: Int[Array, " K"], precoder: Complex[Array, "K S1 T"]) -> Float[Array, " M"]:
    """Received signal power of cloud terminals at each access point, the second term of (23d), W."""
    k = t.snr.shape[0]
    channel = t.scenario.uplink_channel[jnp.arange(k)[:, None], t.index]  # (K, S, A, T)
    power = jnp.sum(jnp.abs(jnp.sum(channel * precoder[:, :-1, None, :], axis=-1)) ** 2, axis=-1)
    power = jnp.where((modes == CLOUD)[:, None] & t.cloud_able, power, 0.0)
    return jnp.sum(jnp.where(t.index[..., None] == jnp.arange(t.scenario.access_points), power[..., None], 0.0), (0, 1))


def to_solution(
    t: Tiers,
    d: Decision,
    *,
    sensing_met: Bool[Array, ""],
    margin: Float[Array, ""],
    sinr_max: Float[Array, ""],
    converged: Bool[Array, ""],
    history: Float[Array, " H"],
) -> LatencySolution:
    """Spread a decision over access points and say how it ended."""
    s = t.scenario
    k = d.modes.shape[0]
    on_edge, on_cloud = d.modes == EDGE, d.modes == CLOUD

    def spread(value: Float[Array, "K S"]) -> Float[Array, "K M"]:
        return jnp.zeros((k, s.access_points)).at[jnp.arange(k)[:, None], t.index].add(value)

    split = splits(t, d)
    edge_share, cloud_share = (
        jnp.where(on_edge[:, None], split, 0.0),
        jnp.where(on_cloud[:, None], split, 0.0),
    )
    # a task of zero bits still needs a place: it is "at" the first link, in no time
    empty = (s.task_bits <= 0)[:, None] & (jnp.arange(t.snr.shape[1]) == 0)[None] & t.linked
    edge_share = jnp.where(empty & on_edge[:, None], 1.0, edge_share)
    cloud_share = jnp.where(empty & on_cloud[:, None], 1.0, cloud_share)
    precoder = jnp.zeros((k, s.access_points, s.uplink_channel.shape[3]), d.precoder.dtype)
    precoder = precoder.at[jnp.arange(k)[:, None], t.index].add(jnp.where(t.linked[..., None], d.precoder[:, :-1], 0.0))
    served = (edge_share.sum(1) > 0) | (cloud_share.sum(1) > 0) | ((d.modes == LOCAL) & jnp.isfinite(t.local_s))
    echo_ok = (s.sensing_sinr_min <= 0) | (t.echo.sinr(d.precoder) >= s.sensing_sinr_min * (1 - 1e-9))
    feasible = served & (echo_ok | sensing_met)
    good = jnp.all(feasible) & sensing_met & jnp.isfinite(d.latency)
    feasible = jnp.where(good, feasible, jnp.where(jnp.all(feasible), jnp.zeros_like(feasible), feasible))
    status = jnp.where(good, jnp.where(converged, Status.CONVERGED, Status.ITERATION_LIMIT), Status.INFEASIBLE)
    return LatencySolution(
        status=status.astype(jnp.int64),
        terminal_feasible=feasible,
        iterations=d.evaluations.astype(jnp.int64),
        history=history,
        edge_share=spread(edge_share),
        cloud_share=spread(cloud_share),
        precoder=precoder,
        sensing_precoder=d.precoder[:, -1],
        terminal_frequency_hz=jnp.where(d.modes == LOCAL, t.local_frequency_hz, 0.0),
        edge_frequency_hz=spread(jnp.where(on_edge[:, None], d.computing.share, 0.0)) * s.edge_max_frequency_hz,
        cloud_frequency_hz=jnp.where(on_cloud, d.computing.serial_share, 0.0) * s.cloud_max_frequency_hz,
        fronthaul_bps=spread(jnp.where(on_cloud[:, None], d.computing.share, 0.0)) * s.fronthaul_max_bps,
        sensing_margin_max=margin,
        sensing_sinr_max=sinr_max,
    )
