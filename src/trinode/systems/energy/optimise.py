"""Beams, powers, shares and frequencies together: one fixed point of the optimality conditions, settled exactly.

With the receivers at their best, least weighted power at given SINRs is a pair of linear fixed points: powers upwards,
prices downwards. A beam is the best receiver of the dual channel, ``(c I + sum prices * what others hear)^{-1} b``;
both fixed points are standard interference functions. The targets themselves come from the exact compute step on each
terminal's power curve (:func:`trinode.computing.offload.pace`), in which a watt costs what it costs everybody. At rest
all first-order conditions of (P1) hold at once. Every round ends with :func:`settle`, which turns any beams into a
decision that meets every constraint exactly, or says which terminal cannot be served.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.computing import offload
from trinode.computing.offload import Curve, Work
from trinode.numerics.loops import while_loop
from trinode.numerics.matrices import hermitian_inverse, unit
from trinode.radio import reduced
from trinode.radio.reduced import Air, Listeners

ECHO_MARGIN = 1e-9
"""Relative margin on the echo requirement."""
ROUNDS = 32
"""Most rounds from one start."""
FARTHEST = 64.0
"""Longest leap from round to round, over the drift in half a round."""
NEVER = 1e30
"""Time on the air of who is not heard, s."""
PATIENCE = 5
"""Rounds after which a start that has not met all constraints is given up."""


class Problem(eqx.Module):
    """A scenario as the solver sees it.

    Attributes
    ----------
    nats : (K,)
        Size of each task over its bandwidth, nat s.
    unweighted : (K,)
        What ``work.remote_weight`` would be at weights of 1.
    """

    air: Air
    work: Work
    nats: Float[Array, " K"]
    unweighted: Float[Array, " K"]

    def only(self, active: Bool[Array, " K"]) -> Problem:
        """The problem of some terminals: the others are silent and have nothing to do."""

        def kept(p: Problem):
            return p.air.limit, p.air.need, p.nats, p.work.cycles, p.work.lowest, p.work.highest

        return eqx.tree_at(kept, self, tuple(jnp.where(active, leaf, 0.0) for leaf in kept(self)))

    def plain(self) -> Problem:
        """The problem at weights of 1."""
        return eqx.tree_at(lambda p: p.work.remote_weight, self, self.unweighted)

    def sending(self, share: float) -> Problem:
        """The problem in which nobody may offload less than a share."""
        lowest = jnp.minimum(jnp.maximum(self.work.lowest, share), self.work.highest)
        return eqx.tree_at(lambda p: p.work.lowest, self, jnp.maximum(lowest, self.work.lowest))


class State(NamedTuple):
    """Where the fixed point stands: beams, prices of both kinds of SINR, of own power, and of the server."""

    beams: Complex[Array, "K 2 D"]
    data_price: Float[Array, " K"]
    echo_price: Float[Array, " K"]
    watt: Float[Array, " K"]
    target: Float[Array, " K"]
    price: Float[Array, ""]


class Decision(NamedTuple):
    """Everything decided; ``energy`` is infinite unless all constraints of all terminals are met."""

    energy: Float[Array, ""]
    beams: Complex[Array, "K 2 D"]
    share: Float[Array, " K"]
    upload: Float[Array, " K"]
    price: Float[Array, ""]
    served: Bool[Array, " K"]


def starting_beams(air: Air, null: bool) -> Complex[Array, "K 2 D"]:
    """Half the power along the strongest direction, half towards the target; each avoiding the other if ``null``."""
    strongest, ahead = reduced.directions(air)
    data, echo = strongest, ahead
    if null:
        overlap = jnp.sum(ahead.conj() * strongest, axis=1, keepdims=True)
        data = _unit_or(strongest - ahead * overlap, strongest)
        echo = _unit_or(ahead - strongest * overlap.conj(), ahead)
    half = jnp.sqrt(0.5 * air.limit)[:, None, None]
    return half * jnp.stack([data, echo], axis=1)


def _unit_or(row: Complex[Array, "K D"], other: Complex[Array, "K D"]) -> Complex[Array, "K D"]:
    size = jnp.sqrt(jnp.sum(jnp.abs(row) ** 2, axis=1, keepdims=True))
    return jnp.where(size > 1e-6, row / jnp.maximum(size, 1e-300), other)


def begin(problem: Problem, beams: Complex[Array, "K 2 D"]) -> State:
    """State for given beams: prices still unknown."""
    k = beams.shape[0]
    target = reduced.data_sinr(problem.air, beams)
    zero = jnp.zeros(k)
    watt = 1e-2 * problem.work.deadline
    return State(beams, zero, zero, watt, target, jnp.asarray(0.0))


def advance(problem: Problem, state: State, damping: Float[Array, ""] | float = 0.5) -> State:
    """One step of the fixed point; targets move by the share ``1 - damping`` of the way, in decibels."""
    air, work = problem.air, problem.work
    k, _, d = state.beams.shape
    own = jnp.arange(k)
    ears = reduced.listen(air, state.beams)
    mine, mine_echo = ears.data[own, own], ears.radar[own, own]
    need = air.need * (1 + ECHO_MARGIN)
    # only ratios of prices matter, but no watt is free
    watt = jnp.maximum(state.watt, 1e-6 * jnp.max(state.watt))

    before = gains(air, ears, unit(state.beams))
    ask = _asks(before, state.target, need)
    exact = jnp.linalg.solve((jnp.eye(2 * k) - ask * _others(before)).T, jnp.concatenate([watt, watt]))
    usable = jnp.all(exact >= 0)
    exact = exact * ask[:, 0]
    a, m = (
        jnp.where(usable, part, old) for part, old in zip((exact[:k], exact[k:]), (state.data_price, state.echo_price))
    )
    weight = jnp.sqrt(jnp.concatenate([a, m]))[:, None, None]
    heard = weight * jnp.concatenate([ears.data, ears.radar])  # (2K, K, D)
    costs = jnp.sum(heard[..., :, None] * heard.conj()[..., None, :], axis=0)
    anywhere = 0.0 if air.radius is None else air.radius**2 * jnp.sum(a)  # errors turn any power into interference
    inverse = hermitian_inverse(costs + (watt + anywhere)[:, None, None] * jnp.eye(d))
    data = jnp.sum(inverse * mine[:, None, :], axis=2)
    echo = jnp.sum(inverse * mine_echo[:, None, :], axis=2)
    # a plain step of the prices, for where the exact ones do not exist
    most = 1e12 * jnp.max(watt)
    reach = jnp.maximum(jnp.sum((mine.conj() * data).real, axis=1), 1e-300)
    reach_echo = jnp.maximum(jnp.sum((mine_echo.conj() * echo).real, axis=1), 1e-300)
    a_next = jnp.minimum(state.target * jnp.maximum(1 / reach - a, 0.0), most)
    m_next = jnp.minimum(need * jnp.maximum(1 / reach_echo - m, 0.0), most)
    units = unit(jnp.stack([data, echo], axis=1))

    through = gains(air, ears, units)
    power = jnp.sum(jnp.abs(state.beams) ** 2, axis=2)
    others = _others(through)
    gain, echo_gain = jnp.split(jnp.maximum(jnp.diagonal(through), 1e-300), 2)
    own_echo, own_data = jnp.diagonal(through[:k, k:]), jnp.diagonal(through[k:, :k])  # of the other own stream

    def own_terms(power: Float[Array, "K 2"]):
        """Sensing power without own data and its rise per watt of data; what data power buys against both."""
        at_ap, at_radar = jnp.split(1 + others @ power.T.reshape(-1), 2)
        at_ap, at_radar = at_ap - own_echo * power[:, 1], at_radar - own_data * power[:, 0]
        base, rise = need * at_radar / echo_gain, need * own_data / echo_gain
        return base, rise, (at_ap + own_echo * base) / gain, own_echo * rise / gain

    base, rise, noise, bend = own_terms(power)
    slope = noise * (1 + rise)
    room = jnp.maximum(air.limit - base, 0.0) / jnp.maximum(slope, 1e-300)
    top = room / (1 + bend * room)
    # what a higher SINR costs everybody, over what it costs at frozen interference
    g = jnp.minimum(state.target, top)
    left = jnp.maximum(1 - bend * g, 1e-12)
    everybody = a_next * noise * gain / (left * jnp.maximum(g, 1e-300))
    extra = jnp.clip(jnp.where(g > 0, everybody * left**2 / jnp.maximum(watt * slope, 1e-300), 1.0), 1.0, 10.0)
    # more time at the same power costs the others nothing: the extra counts for changes of the power only
    level = base - (extra - 1) * slope * g / left
    curve = Curve(problem.nats, level, slope, bend, extra, jnp.log1p(top))
    chosen = offload.pace(work, curve, state.price)
    upload = problem.nats / jnp.where(chosen.rate > 0, chosen.rate, 1e-300)
    watt = jnp.where(chosen.share > 0, chosen.share * upload * chosen.scarcity, 0.0)
    # all terminals move at once, and what one gains in rate another may lose
    wanted = jnp.expm1(chosen.rate)
    before = jnp.where(state.target > 0, state.target, wanted)
    target = jnp.where(chosen.share > 0, wanted ** (1 - damping) * before**damping, 0.0)

    ask = _asks(through, target, need)
    exact = jnp.linalg.solve(jnp.eye(2 * k) - ask * others, ask[:, 0]).reshape(2, k).T
    fits = jnp.all(exact >= 0) & jnp.all(jnp.sum(exact, axis=1) <= air.limit * (1 + 1e-6))
    for _ in range(2):
        base, rise, noise, bend = own_terms(power)
        p = target * noise / jnp.maximum(1 - bend * target, 1e-3)
        s = jnp.minimum(base + rise * p, air.limit)
        power = jnp.stack([jnp.clip(p, 0.0, air.limit - s), s], axis=1)
    power = jnp.where(fits, jnp.maximum(exact, 0.0), power)
    beams = jnp.sqrt(power)[..., None] * units
    return State(beams, a_next, m_next, jnp.maximum(watt, 1e-9 * work.deadline), target, state.price)


def gains(air: Air, ears: Listeners, units: Complex[Array, "K 2 D"]) -> Float[Array, "2*K 2*K"]:
    """Power that each receiver, first those of data, hears per watt of each stream, at the worst errors."""
    k = units.shape[0]

    def heard(by: Complex[Array, "K K D"]) -> Float[Array, "K 2 K"]:
        return jnp.abs(jnp.sum(by.conj()[:, None] * jnp.moveaxis(units, 1, 0)[None], axis=3)) ** 2

    at_ap, at_radar = heard(ears.data), heard(ears.radar)
    if air.radius is not None:
        amplitude = jnp.sqrt(at_ap)
        wanted = (jnp.arange(2) == 0)[None, :, None] & jnp.eye(k, dtype=bool)[:, None, :]
        less = jnp.maximum(amplitude - air.radius, 1e-3 * amplitude)
        at_ap = jnp.where(wanted, less, amplitude + air.radius) ** 2
    return jnp.concatenate([at_ap.reshape(k, 2 * k), at_radar.reshape(k, 2 * k)])


def _others(through: Float[Array, "S S"]) -> Float[Array, "S S"]:
    return through * (1 - jnp.eye(through.shape[0]))


def _asks(through: Float[Array, "S S"], target: Float[Array, " K"], need: Float[Array, " K"]) -> Float[Array, "S 1"]:
    """SINR that each stream has to reach over its own gain; 0 for a stream that is not wanted."""
    gain = jnp.diagonal(through)
    return (jnp.concatenate([target, need]) / jnp.maximum(gain, 1e-300))[:, None]


def meet_echoes(
    air: Air, beams: Complex[Array, "K 2 D"], trips: int = 12
) -> tuple[Complex[Array, "K 2 D"], Bool[Array, " K"]]:
    """Change the powers along given beams until every echo is met, sensing first where power runs out.

    For fixed receivers the least sensing powers solve a linear system, and better receivers lower them: policy
    iteration on a standard interference function, which converges quadratically. Where the system has no solution
    within the power limits, one step of the usual power control is made instead.

    Returns
    -------
    beams : (K, 2, D)
    met : (K,) bool
    """
    need = air.need * (1 + ECHO_MARGIN)
    k = need.shape[0]
    off = 1 - jnp.eye(k)
    own = jnp.arange(k)

    class Trip(NamedTuple):
        beams: Complex[Array, "K 2 D"]
        sinr: Float[Array, " K"]
        heard: Complex[Array, "K K D"]
        made: Int[Array, ""]

    def hear(beams: Complex[Array, "K 2 D"], made: Int[Array, ""]) -> Trip:
        return Trip(beams, *reduced.listen_echo(air, beams), made)

    def one(t: Trip) -> Trip:
        power = jnp.sum(jnp.abs(t.beams) ** 2, axis=2)
        unit = jnp.where(power > 0, power, 1.0)
        through = jnp.abs(jnp.sum(t.heard.conj()[:, :, None] * t.beams[None], axis=3)) ** 2 / unit[None]
        gain = through[own, own, 1]
        able = (gain > 0) & (need > 0)
        ask = jnp.where(able, need / jnp.where(able, gain, 1.0), 0.0)
        noise = 1 + jnp.sum(through[:, :, 0] * power[:, 0], axis=1)
        exact = jnp.linalg.solve(jnp.eye(k) - ask[:, None] * off * through[:, :, 1], ask * noise)
        fits = jnp.all((exact >= 0) & (exact <= air.limit))
        step = ask * (noise + jnp.sum(off * through[:, :, 1] * power[:, 1], axis=1))
        wanted = jnp.minimum(jnp.where(fits, exact, step), air.limit)
        data = jnp.minimum(power[:, 0], air.limit - wanted)
        scale = jnp.sqrt(jnp.stack([data, wanted], axis=1) / unit)
        return hear(scale[..., None] * t.beams, t.made + 1)

    def going(t: Trip) -> Bool[Array, ""]:
        exactly = (t.sinr >= air.need) & ((t.sinr <= need * (1 + 1e-7)) | (need <= 0))
        return (t.made < trips) & (~jnp.all(exactly) | (t.made < 1))

    last = while_loop(going, one, hear(beams, jnp.asarray(0)))
    return last.beams, (air.need <= 0) | (last.sinr >= air.need)


def settle(problem: Problem, beams: Complex[Array, "K 2 D"]) -> Decision:
    """The decision that given beams allow: echoes met exactly, then the exact compute step."""
    beams, met = meet_echoes(problem.air, beams)
    power = jnp.sum(jnp.abs(beams) ** 2, axis=(1, 2))
    sinr = reduced.data_sinr(problem.air, beams)
    upload = problem.nats / jnp.maximum(jnp.log1p(sinr), 1e-300)
    done = offload.split(problem.work, upload, power)
    served = done.served & met & (problem.work.lowest <= problem.work.highest)
    energy = jnp.where(jnp.all(served), jnp.sum(done.energy), jnp.inf)
    return Decision(energy, beams, done.share, upload, done.price, served)


class Outcome(NamedTuple):
    """Best decision seen, whether the rounds came to rest, energy after each round, rounds made."""

    decision: Decision
    converged: Bool[Array, ""]
    history: Float[Array, " H"]
    rounds: Int[Array, ""]


def descend(
    problem: Problem,
    beams: Complex[Array, "K 2 D"],
    *,
    enough: Float[Array, ""],
    rounds: Int[Array, ""] | int = ROUNDS,
    tolerance: float = 1e-4,
) -> Outcome:
    """Rounds of the fixed point from given beams, each settled; the best decision is kept.

    Beams may drift for hundreds of rounds, always the same way: each round ends with a leap to where the drift of its
    two halves points, and one that gained nothing is taken back, with shorter leaps from then on. Ends at rest, at an
    energy of ``enough``, or without hope; two rounds in a row without a gain are rest as well.
    """

    class Round(NamedTuple):
        state: State
        safe: State  # before the leap
        best: Decision
        history: Float[Array, " H"]
        last: Float[Array, ""]
        reach: Float[Array, ""]
        idle: Int[Array, ""]
        calm: Bool[Array, ""]
        made: Int[Array, ""]

    def one(r: Round) -> Round:
        now = settle(problem, r.state.beams)
        best = better(now, r.best)
        gained = (now.energy <= r.last) | ~jnp.isfinite(r.last)
        known = jnp.isfinite(now.energy) & jnp.isfinite(r.last)
        gain = jnp.where(known, r.last / now.energy - 1, jnp.where(gained, jnp.inf, -jnp.inf))
        idle = jnp.where(gain <= tolerance, r.idle + 1, 0)
        calm = (jnp.abs(gain) <= tolerance) | (idle >= 2)
        reach = jnp.where(gained, jnp.minimum(2 * r.reach, FARTHEST), r.reach / 4)
        base = jax.tree.map(lambda a, b: jnp.where(gained, a, b), r.state, r.safe)._replace(price=now.price)
        # most networks need no damping; those that are not at rest after the first rounds do
        damping = jnp.where(r.made < 2, 0.0, 0.5)

        def half(state: State, _: None) -> tuple[State, State]:
            state = lax.fori_loop(0, 2, lambda _, s: advance(problem, s, damping), state)
            return state, state

        safe, halves = lax.scan(half, base, None, length=2)
        middle = jax.tree.map(lambda leaf: leaf[0], halves)
        state = leap(base, middle, safe, jnp.where(r.made < 2, 0.0, reach))
        history = r.history.at[r.made].set(best.energy)
        last = jnp.where(gained, now.energy, r.last)
        return Round(state, safe, best, history, last, reach, idle, calm, r.made + 1)

    def going(r: Round) -> Bool[Array, ""]:
        hopeless = (r.made >= PATIENCE) & ~jnp.isfinite(r.best.energy)
        moving = ~r.calm | (r.made < 3)
        return (r.made <= rounds) & moving & (r.best.energy > enough) & ~hopeless | (r.made < 1)

    first = begin(problem, beams)
    nowhere, none = jnp.asarray(jnp.inf), jnp.asarray(0)
    blank = jnp.full(ROUNDS + 1, jnp.nan)
    start = Round(
        first, first, nothing(problem, beams), blank, nowhere, jnp.asarray(1.0), none, jnp.asarray(False), none
    )
    last = while_loop(going, one, start)
    rest = last.calm | (last.best.energy <= enough)
    return Outcome(last.best, rest, last.history, last.made)


def leap(first: State, middle: State, last: State, reach: Float[Array, ""]) -> State:
    """Where a terminal's beams and target would end if their steps went on shrinking at the present ratio.

    ``reach`` is the longest leap over the last step.
    """
    before, after = middle.beams - first.beams, last.beams - middle.beams
    size = jnp.sum(jnp.abs(before) ** 2, axis=(1, 2))
    ratio = jnp.sum((before.conj() * after).real, axis=(1, 2)) / jnp.where(size > 0, size, 1.0)
    far = jnp.clip(ratio / jnp.maximum(1 - ratio, 1e-9), 0.0, reach)
    grown = (middle.target > 0) & (last.target > 0)
    growth = jnp.where(grown, last.target / jnp.where(grown, middle.target, 1.0), 1.0) ** far
    target = last.target * jnp.clip(growth, 0.1, 10.0)
    return last._replace(beams=last.beams + far[:, None, None] * after, target=target)


def nothing(problem: Problem, beams: Complex[Array, "K 2 D"]) -> Decision:
    """A decision worse than any other."""
    zero = jnp.zeros_like(problem.nats)
    return Decision(jnp.asarray(jnp.inf), beams, zero, zero, jnp.asarray(0.0), zero > 0)


def silenced(decision: Decision, active: Bool[Array, " K"]) -> Decision:
    """A decision of :meth:`Problem.only` as one of the whole problem: the others are not served."""
    energy = jnp.where(jnp.all(active), decision.energy, jnp.inf)
    return decision._replace(
        energy=energy, upload=jnp.where(active, decision.upload, NEVER), served=decision.served & active
    )


def beats(one: Decision, other: Decision) -> Bool[Array, ""]:
    """Whether a decision costs less or, where neither serves everybody, serves more."""
    more = jnp.sum(one.served) > jnp.sum(other.served)
    blank = jnp.all(other.upload == 0) & ~jnp.any(other.served)
    as_many = jnp.sum(one.served) == jnp.sum(other.served)
    return more | (as_many & ((one.energy < other.energy) | blank))


def better(one: Decision, other: Decision) -> Decision:
    """The better one of two decisions."""
    wins = beats(one, other)
    return jax.tree.map(lambda a, b: jnp.where(wins, a, b), one, other)
