"""The descent behind the schemes: precoders downhill on the sum rate, powers and pattern error kept exactly.

The streams of an access point are scaled to a power of 1, together with a slack where less is allowed, so every
point of the search has feasible powers. What is asked of sensing is held by an augmented Lagrangian; at the end what
little is missing is made up by mixing in what is best for sensing alone (``share`` of the requirement).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics import curvature, descent
from trinode.numerics.curvature import Memory
from trinode.numerics.descent import Descent
from trinode.numerics.loops import while_loop
from trinode.radio.downlink import Downlink, covariance
from trinode.sensing import beampattern
from trinode.systems.decision import Status
from trinode.systems.region.metric import Metric, metric
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.sensing_only import Need
from trinode.systems.region.solution import RegionSolution
from trinode.systems.report import FEASIBILITY_TOLERANCE

PENALTY = 4.0
MARGIN = 1e-3
"""By how much of the way to the limit a search stays within it, so that what it ends with meets it."""
Effort = float | Float[Array, ""]
Count = int | Int[Array, ""]


class Beams(NamedTuple):
    """What is sent: data streams (M, A, K), one sensing stream per access point (M, A)."""

    data: Complex[Array, "*n M A K"]
    sensing: Complex[Array, "*n M A"]


class Answer(NamedTuple):
    """A decision that meets its constraints, its sum rate in nat, and the covariance of the sensing signals."""

    data: Complex[Array, "M A K"]
    covariance: Complex[Array, "M A A"]
    value: Float[Array, ""]


class Shape(NamedTuple):
    """Which access points send at full power, which have a sensing stream, and what the coordinates of beams are: the
    beams themselves where there is no metric."""

    full: Bool[Array, " M"]
    sensing: Bool[Array, " M"]
    metric: Metric | None


def regularised(d: Downlink, level: float = 1.0) -> Complex[Array, "M A K"]:
    """Regularised zero forcing over all antennas, each access point at full power; the start of every descent."""
    n = d.channel.shape[1]
    k = d.channel.shape[0]
    # (G G^H + level)^-1 on the side of the terminals: columns of G^H (G G^H + level)^-1
    gram = d.channel.conj() @ d.channel.T + level * jnp.eye(k)
    w = d.channel.T @ jnp.linalg.inv(gram)
    w = w / jnp.maximum(jnp.linalg.norm(w, axis=0), 1e-300)
    w = d.split(w.reshape(n, k))
    norm = jnp.sqrt(jnp.sum(w.real**2 + w.imag**2, axis=(1, 2)))
    heard = norm > 1e-12
    # an access point that nobody hears sends something, as it may have to send
    even = jnp.full_like(w, 1 / jnp.sqrt(w.shape[1] * w.shape[2]))
    return jnp.where(heard[:, None, None], w / jnp.where(heard, norm, 1.0)[:, None, None], even)


def zero_forcing(d: Downlink) -> Complex[Array, "M A K"]:
    """Pseudo-inverse over all antennas, unit columns, one common scale for the powers."""
    w = jnp.linalg.pinv(d.channel.conj())
    norm = jnp.linalg.norm(w, axis=0)
    w = d.split(w / jnp.where(norm > 0, norm, 1.0))
    most = jnp.max(jnp.sum(jnp.abs(w) ** 2, axis=(1, 2)))
    return w / jnp.sqrt(jnp.where(most > 0, most, 1.0))


def maximum_ratio(d: Downlink, equal: bool = False) -> Complex[Array, "M A K"]:
    """Maximum ratio at full power; powers of the terminals in proportion to their channels' or ``equal``."""
    w = d.split(d.channel.T)
    if equal:
        each = jnp.linalg.norm(w, axis=1, keepdims=True)
        w = w / jnp.where(each > 0, each, 1.0)
    power = jnp.sum(jnp.abs(w) ** 2, axis=(1, 2), keepdims=True)
    return w / jnp.sqrt(jnp.where(power > 0, power, 1.0))


def unit(value: Float[Array, ""]) -> Float[Array, ""]:
    """What tolerances in nat are in units of: 1, or a sum rate that is less."""
    return jnp.where(value > 0, jnp.minimum(value, 1.0), 1.0)


def better(one: Answer, other: Answer) -> Answer:
    """The one of two answers that is worth more."""
    return jax.tree.map(lambda a, b: jnp.where(other.value > one.value, b, a), one, other)


def sensing_shape(need: Need, coordinates: Metric | None) -> Shape:
    """Access points that sense send at full power, and have a sensing stream, where anything is asked of them."""
    full = need.active & need.asked
    return Shape(full, full, coordinates)


def pack(beams: Beams, shape: Shape) -> Float[Array, " n"]:
    """Real variables of beams whose powers are at most 1: their coordinates, and what is left of the powers."""
    power = jnp.sum(jnp.abs(beams.data) ** 2, axis=(1, 2)) + jnp.sum(jnp.abs(beams.sensing) ** 2, axis=1)
    slack = jnp.where(shape.full, 0.0, jnp.sqrt(jnp.maximum(1 - power, 1e-4)))
    data, sensing = beams if shape.metric is None else shape.metric.coordinates(beams)
    parts = (data.real, data.imag, sensing.real, sensing.imag, slack)
    return jnp.concatenate([part.reshape(-1) for part in parts])


def unpack(x: Float[Array, " n"], shape: Shape, like: Beams) -> Beams:
    """Beams of real variables: scaled to a power of 1 with the slack counted, at access points that may send less."""
    d, v = like.data.shape, like.sensing.shape
    size, more = like.data.size, like.sensing.size
    # taken apart once, so that the slope is put together once
    real, imag, rest, slack = lax.split(x, (size, size, 2 * more, d[0]))
    rest = jnp.where(shape.sensing[:, None], rest.reshape(2, *v), 0.0)
    data, sensing = lax.complex(real.reshape(d), imag.reshape(d)), lax.complex(*rest)
    if shape.metric is not None:
        data, sensing = shape.metric.beams((data, sensing))
    slack = jnp.where(shape.full, 0.0, slack)
    norm = jnp.sum(data.real**2 + data.imag**2, axis=(1, 2)) + jnp.sum(sensing.real**2 + sensing.imag**2, axis=1)
    scale = 1 / jnp.sqrt(norm + slack**2)
    return Beams(data * scale[:, None, None], sensing * scale[:, None])


class Run(NamedTuple):
    """State of the rounds: variables, prices of the requirement, what the descent remembers, best answer, history,
    evaluations, calm rounds."""

    x: Float[Array, " n"]
    price: Float[Array, " m"]
    memory: Memory
    best: Answer
    history: Float[Array, " H"]
    rounds: Int[Array, ""]
    evaluations: Int[Array, ""]
    calm: Int[Array, ""]


def communicate(
    d: Downlink,
    beams: Beams,
    best: Answer,
    *,
    evaluations: int,
    rounds: int,
    tolerance: float,
    most: Count | None = None,
) -> Run:
    """Maximise the sum rate alone (P2); parameters as of :func:`with_sensing`."""
    nobody = jnp.zeros(d.shape[0], bool)
    shape = Shape(nobody, nobody, metric(d))
    known = jnp.maximum(sum_rate(d, beams.data, jnp.zeros_like(best.covariance)), best.value)

    def one(run: Run) -> Run:
        least = tolerance * unit(jnp.maximum(run.best.value, known))

        def objective(x: Float[Array, " n"]) -> Float[Array, ""]:
            return -jnp.sum(d.rates(*unpack(x, shape, beams)))

        end = descent.lbfgs(objective, run.x, max_evaluations=evaluations, tolerance=least, memory=run.memory)
        data = unpack(end.point, shape, beams).data
        radar = jnp.zeros_like(best.covariance)
        found = Answer(data, radar, sum_rate(d, data, radar))
        return _record(run, end, end.point, run.price, found, jnp.asarray(True), least)

    return _rounds(one, pack(beams, shape), best, rounds, jnp.zeros(1), rounds if most is None else most)


def with_sensing(
    d: Downlink,
    need: Need,
    beams: Beams,
    best: Answer,
    surrogate: Callable[[Beams], tuple[Callable[[Beams], Array], Callable[[Beams], Array]]] | None = None,
    *,
    opening: Count,
    evaluations: Count,
    rounds: int,
    tolerance: Effort,
    margin: Effort = MARGIN,
    most: Count | None = None,
    price: Float[Array, " m"] | None = None,
    free: bool = False,
    shape: Shape | None = None,
) -> Run:
    """Maximise the sum rate within what is asked of sensing (P3).

    Parameters
    ----------
    need : Need
        The requirement; where there is none, no access point has to send at full power.
    beams, best : Beams, Answer
        Where to begin, and the answer to beat.
    surrogate : callable, optional
        From the beams at the beginning of a round to value and excess of any beams, in place of the true ones.
    opening, evaluations : int
        Most evaluations of the first round, and of every other.
    rounds, most : int
        Most rounds that the history has room for, and most rounds; the same if absent.
    tolerance : float
        Gain of a step, and a tenth of the gain of a round, at which to stop: nat, or of the sum rate below 1 nat.
    margin : float
        By how much of the way to the limit the search stays within it.
    price : (n,), optional
        Multipliers of the requirement to begin with.
    free : bool
        Whether the first round leaves the requirement aside, and the next one begins where it ended, blended with
        the sensing-only optimum.
    shape : Shape, optional
        Else :func:`sensing_shape` in the coordinates of the network's metric.
    """
    asked = need.asked
    shape = sensing_shape(need, metric(d)) if shape is None else shape

    first, _ = feasible(d, need, beams.data, _outer(beams.sensing))
    known = jnp.maximum(first.value, best.value)

    def exact(_: Beams) -> tuple[Callable[[Beams], Array], Callable[[Beams], Array]]:
        return lambda b: jnp.sum(d.rates(*b)), lambda b: need.excess(covariance(*b))

    def one(run: Run) -> Run:
        scale = unit(jnp.maximum(run.best.value, known))
        value, short = (surrogate or exact)(unpack(run.x, shape, beams))
        aside = ((run.rounds == 0) | ~asked) if free else ~asked

        def excess(sent: Beams) -> Float[Array, " m"]:
            return jnp.where(aside, -1e3, short(sent) + margin)

        def lagrangian(x: Float[Array, " n"]) -> Float[Array, ""]:
            sent = unpack(x, shape, beams)
            return descent.lagrangian(-value(sent), excess(sent), run.price, PENALTY * scale)

        end = descent.lbfgs(
            lagrangian,
            run.x,
            max_evaluations=jnp.where(run.rounds == 0, opening, evaluations),
            tolerance=tolerance * scale,
            memory=run.memory if surrogate is None else None,
        )
        sent = unpack(end.point, shape, beams)
        price = jnp.maximum(run.price + PENALTY * scale * excess(sent), 0.0)
        found, share = feasible(d, need, sent.data, _outer(sent.sensing))
        moved = end.point
        if free:
            moved = jnp.where(aside & asked, pack(blend(need, sent, share), shape), moved)
        near = jnp.min(share) > 1 - 1e-4
        return _record(run, end, moved, jnp.where(aside, 0.0, price), found, near, tolerance * scale)

    price = jnp.zeros(need.rows) if price is None else price
    return _rounds(one, pack(beams, shape), best, rounds, price, rounds if most is None else most)


def blend(need: Need, beams: Beams, share: Float[Array, "*m"]) -> Beams:
    """Beams scaled by a share, their sensing stream made to radiate the rest in the best pattern."""
    from trinode.numerics.trigonometric import spectral_factor

    lead = lax.map(spectral_factor, need.point)
    root = jnp.where(need.active, jnp.sqrt(share), 1.0)
    left = jnp.where(need.active, jnp.sqrt(jnp.maximum(1 - share, 0.0)), 0.0)
    return Beams(root[:, None, None] * beams.data, root[:, None] * beams.sensing + left[:, None] * lead)


def feasible(
    d: Downlink,
    need: Need,
    data: Complex[Array, "M A K"],
    radar: Complex[Array, "M A A"],
    common: bool = False,
) -> tuple[Answer, Float[Array, "*m"]]:
    """The largest share of a decision that meets the requirement, filled up to full power; and that share.

    Without a requirement it is the decision as it is. ``common`` scales the access points that do not sense as
    well, which keeps zeros of interference.
    """
    total = data @ data.conj().swapaxes(1, 2) + radar
    power = jnp.trace(total, axis1=1, axis2=2).real
    whole = jnp.all(~need.active | (jnp.abs(power - 1) <= 1e-9))
    kept = ~need.asked | (whole & need.within(total))
    share = jnp.where(kept, 1.0, need.share(total))
    part = jnp.min(share) if common else jnp.where(need.active, share, 1.0)
    part = jnp.broadcast_to(part, power.shape)
    fill = jnp.where(need.active & ~kept, jnp.maximum(1 - part * power, 0.0), 0.0)
    data = jnp.sqrt(part)[:, None, None] * data
    radar = part[:, None, None] * radar + fill[:, None, None] * need.covariance
    return Answer(data, radar, sum_rate(d, data, radar)), share


def sum_rate(d: Downlink, data: Complex[Array, "M A K"], radar: Complex[Array, "M A A"]) -> Float[Array, ""]:
    """Sum rate in nat for sensing signals of any rank: a stream for each of their eigenvectors would do the same."""
    w = data.reshape(d.channel.shape[1], -1)
    power = jnp.abs(d.channel.conj() @ w) ** 2
    signal = jnp.diagonal(power)
    own = d.channel.reshape(-1, *d.shape)
    echo = jnp.einsum("kma,mab,kmb->k", own.conj(), radar, own).real
    total = w @ w.conj().T + _block_diagonal(radar)
    error = d.error.reshape(d.error.shape[0], -1) @ (total.real + total.imag).reshape(-1)
    return jnp.sum(jnp.log1p(signal / (jnp.sum(power, axis=1) - signal + error + echo + 1)))


def start_beams(d: Downlink, start: RegionSolution | None) -> Beams:
    """Beams of an earlier decision, or the regularised start."""
    if start is None:
        return Beams(regularised(d), jnp.zeros(d.shape, complex))
    return as_beams(start.precoder.swapaxes(1, 2), start.sensing_covariance)


def as_beams(data: Complex[Array, "M A K"], radar: Complex[Array, "M A A"]) -> Beams:
    """Beams of precoders and sensing covariances, of these the strongest direction."""
    value, vector = jnp.linalg.eigh(radar)
    power = jnp.sqrt(jnp.maximum(jnp.sum(value, axis=1), 0.0))
    return Beams(data, power[:, None] * vector[..., -1])


def nothing(d: Downlink) -> Answer:
    """No answer yet: worth less than any."""
    m, a = d.shape
    k = d.channel.shape[0]
    return Answer(jnp.zeros((m, a, k), complex), jnp.zeros((m, a, a), complex), jnp.asarray(-jnp.inf))


def as_given(d: Downlink, need: Need | None, start: RegionSolution | None) -> Answer:
    """An earlier decision as the answer to beat, where it meets the constraints."""
    if start is None:
        return nothing(d)
    data, radar = start.precoder.swapaxes(1, 2), start.sensing_covariance
    power = jnp.sum(jnp.abs(data) ** 2, axis=(1, 2)) + jnp.trace(radar, axis1=1, axis2=2).real
    good = jnp.all(power <= 1 + FEASIBILITY_TOLERANCE)
    if need is None:
        good &= jnp.all(start.pattern_scale == 0) & jnp.all(radar == 0)
    else:
        total = data @ data.conj().swapaxes(1, 2) + radar
        held = jnp.all(~need.active | (jnp.abs(power - 1) <= FEASIBILITY_TOLERANCE))
        held &= need.within(total, FEASIBILITY_TOLERANCE)
        good &= held | ~need.asked
    value = jnp.where(good & jnp.isfinite(start.precoder).all(), sum_rate(d, data, radar), -jnp.inf)
    return Answer(data, radar, value)


def finish(
    s: RegionScenario,
    answer: Answer,
    *,
    need: Need | None,
    senses: Bool[Array, ""] | bool,
    converged: Bool[Array, ""] | bool = True,
    iterations: Array | int = 0,
    history: Any = None,
) -> RegionSolution:
    """A solution from an answer: scales and pattern error as the judge will see them."""
    total = answer.data @ answer.data.conj().swapaxes(1, 2) + answer.covariance
    pattern = beampattern.pattern(total, s.direction_rad, s.element_spacing)
    at = s.sensing_ap & senses
    # a scale of zero would say that nobody senses; an array may send nothing where a beam is wanted
    scale = jnp.maximum(beampattern.best_scale(s.ideal_pattern, pattern), jnp.finfo(float).tiny)
    scale = jnp.where(at, scale, 0.0)
    each = jnp.mean((scale[:, None] * s.ideal_pattern - pattern) ** 2, axis=1)
    count = jnp.sum(s.sensing_ap)
    mean = jnp.sum(jnp.where(s.sensing_ap, each, 0.0)) / jnp.maximum(count, 1)
    met = True if need is None else need.met
    status = jnp.where(converged, Status.CONVERGED, Status.ITERATION_LIMIT)
    value = answer.value / jnp.log(2.0)
    return RegionSolution(
        status=jnp.where(met, status, Status.INFEASIBLE),
        terminal_feasible=jnp.ones(s.terminals, bool),
        iterations=jnp.asarray(iterations),
        history=jnp.asarray(value[None] if history is None else history),
        precoder=answer.data.swapaxes(1, 2),
        sensing_covariance=answer.covariance,
        pattern_scale=scale,
        pattern_mse=jnp.where(count > 0, mean, jnp.nan),
        pattern_mse_min=jnp.asarray(jnp.nan) if need is None else need.smallest,
        detection_probability_max=None if need is None else need.largest,
    )


def _record(
    run: Run,
    end: Descent,
    x: Float[Array, " n"],
    price: Float[Array, " m"],
    found: Answer,
    near: Bool[Array, ""],
    tolerance: Float[Array, ""],
) -> Run:
    gain = found.value - run.best.value
    best = better(run.best, found)
    calm = jnp.where(near & (gain < 10 * tolerance), run.calm + 1, 0)
    history = run.history.at[run.rounds].set(best.value / jnp.log(2.0))
    return Run(x, price, end.memory, best, history, run.rounds + 1, run.evaluations + end.evaluations, calm)


def _rounds(
    one: Callable[[Run], Run], x: Float[Array, " n"], best: Answer, rounds: int, price: Float[Array, " m"], most: Count
) -> Run:
    """Rounds until one gains little over those before it; ``best`` is what they end with where it is worth more."""
    zero, none = jnp.asarray(0), jax.tree.map(jnp.zeros_like, best)._replace(value=jnp.asarray(-jnp.inf))
    first = Run(x, price, curvature.nothing(x.size), none, jnp.full(rounds, jnp.nan), zero, zero, zero)
    last = while_loop(lambda run: (run.rounds < most) & (run.calm < 1), one, first)
    history = jnp.maximum(last.history, best.value / jnp.log(2.0))  # NaN where there was no round
    return last._replace(best=better(best, last.best), history=history)


def _outer(v: Complex[Array, "M A"]) -> Complex[Array, "M A A"]:
    return v[:, :, None] * v.conj()[:, None]


def _block_diagonal(blocks: Complex[Array, "M A A"]) -> Complex[Array, "N N"]:
    m, a, _ = blocks.shape
    at = jnp.arange(m)
    return jnp.zeros((m, a, m, a), blocks.dtype).at[at, :, at].set(blocks).reshape(m * a, m * a)
