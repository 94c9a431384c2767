"""The default: communication and sensing together (P3), in descents over all precoders."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics.loops import in_turn
from trinode.radio.downlink import Downlink
from trinode.systems.contract import Scheme
from trinode.systems.region import optimise, sensing_only, starts
from trinode.systems.region.downlink import downlink
from trinode.systems.region.metric import Metric, metric
from trinode.systems.region.optimise import Answer, Beams, Shape
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.sensing_only import Need
from trinode.systems.region.solution import RegionSolution
from trinode.systems.region.starts import Search


class Stage(NamedTuple):
    """How far a descent goes; see :func:`trinode.systems.region.optimise.with_sensing`."""

    most: int | Int[Array, "*n"]
    opening: int | Int[Array, "*n"]
    evaluations: int | Int[Array, "*n"]
    tolerance: float | Float[Array, "*n"]
    margin: float | Float[Array, "*n"]


COARSE = Stage(6, 200, 100, 1e-3, 1e-3)
FINE = Stage(16, 400, 150, 1e-5, 1e-4)
"""For the descents among which one is chosen, and for what goes on from the chosen one or from a start."""


class Plan(NamedTuple):
    """How much is tried.

    Attributes
    ----------
    search : Search
        For what descents begin with.
    coarse : int
        Coarse descents, from as many of those; the fine one begins at the best of all.
    usual : bool
        Whether there are coarse descents from regularised zero forcing and from the answer of zero forcing as well.
    disturbed : int
        Further fine descents, each from the best answer, disturbed.
    """

    search: Search
    coarse: int
    usual: bool
    disturbed: int


EFFORTS = {
    "quick": Plan(Search(kept=1, phases=1), coarse=0, usual=False, disturbed=0),
    "default": Plan(Search(kept=2, phases=2), coarse=2, usual=False, disturbed=0),
    "thorough": Plan(Search(kept=6, phases=8), coarse=6, usual=True, disturbed=6),
}
DISTURBANCE = 0.3
"""Of the size of the beams' coordinates."""


class _Kept(NamedTuple):
    """Where to go on, with which prices of the requirement, the best answer so far, and whether its descent rests."""

    beams: Beams
    price: Float[Array, " n"]
    best: Answer
    rests: Bool[Array, ""]


class _Step(NamedTuple):
    """One descent: the number of its own beginning, or whether it goes on from the best so far; whether it is the fine
    one from the best of all; what disturbs the coordinates of its beams."""

    own: Int[Array, "*n"]
    stage: Stage
    goes_on: Bool[Array, "*n"]
    last: Bool[Array, "*n"]
    noise: Complex[Array, "*n M A J"]


@final
class Isac(Scheme):
    """Largest sum rate within the pattern error ``pattern_mse_max`` (P3) or at the detection probability asked for.

    Without either, it is the largest within the powers alone.

    An augmented Lagrangian holds the requirement, its rounds begun with what the ones before learned of the curvature.
    Every round ends in a decision that meets all constraints exactly, and the best of them is the answer. Without a
    start, descents begin at what regularised zero forcing can be at best, streams silent or not
    (:mod:`trinode.systems.region.starts`), because single starts may end far below each other; what went furthest is
    gone on with. The answer is never worse than the closed forms.

    Why not the general engine (:mod:`trinode.systems.region.stated`): from 0.0002 % better to 0.005 % worse on 10
    default networks, it takes 31 s of processor time each in a batch, and this 0.088 s
    (``trinode bench region --only stated --trials 10``).

    Attributes
    ----------
    effort : {"quick", "default", "thorough"}
        How many starts are looked at where none is given, and how many of them are descended from
        (:data:`EFFORTS`).
    """

    name: ClassVar[str] = "isac"
    summary: ClassVar[str] = "largest sum rate within the pattern error (P3), all beams in one descent"
    family: ClassVar[str] = "sensing"
    evenness: ClassVar[float] = 2e-2
    part: ClassVar[int] = 1
    effort: str = eqx.field(static=True, default="default")

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return in_turn(self._solve)(scenario, start)

    def _solve(self, s: RegionScenario, start: RegionSolution | None) -> RegionSolution:
        d = downlink(s)
        need = sensing_only.requirement(s)
        free = jnp.zeros(need.rows)
        if start is None:
            kept, rounds, history = _from_many(d, need, free, EFFORTS[self.effort])
        else:
            given = optimise.as_given(d, need, start)
            kept = _Kept(optimise.start_beams(d, start), free, given, jnp.asarray(False))
            kept, rounds, history = _descend(d, need, optimise.sensing_shape(need, metric(d)), kept, FINE)
        return optimise.finish(
            s, kept.best, need=need, senses=need.asked, converged=kept.rests, iterations=rounds, history=history
        )


def _descend(
    d: Downlink, need: Need, shape: Shape, kept: _Kept, stage: Stage
) -> tuple[_Kept, Int[Array, ""], Float[Array, " H"]]:
    """Where a descent ends, the number of its rounds, and the best sum rate after each."""
    rounds = int(FINE.most)
    run = optimise.with_sensing(
        d, need, kept.beams, kept.best, rounds=rounds, price=kept.price, shape=shape, **stage._asdict()
    )
    beams = optimise.unpack(run.x, shape, kept.beams)
    return _Kept(beams, run.price, run.best, run.calm > 0), run.rounds, run.history


def _from_many(
    d: Downlink, need: Need, free: Float[Array, " n"], plan: Plan
) -> tuple[_Kept, Int[Array, ""], Float[Array, " H"]]:
    """Coarse descents, a fine one from the best of them and more from there, in one loop that is compiled once."""
    none = optimise.nothing(d).covariance
    zero, _ = optimise.feasible(d, need, optimise.zero_forcing(d), none, common=True)
    ratio, _ = optimise.feasible(d, need, optimise.maximum_ratio(d), none)
    closed = optimise.better(zero, ratio)
    weighed = metric(d)
    shape = optimise.sensing_shape(need, weighed)
    points = starts.search(d, plan.search)
    begin = starts.unheard(d, need, starts.beams(d, points.x), weighed)
    known = jnp.isfinite(points.value)
    if plan.usual:
        usual = optimise.start_beams(d, None), optimise.as_beams(zero.data, zero.covariance)
        begin = jax.tree.map(lambda own, *more: jnp.concatenate([own, jnp.stack(more)]), begin, *usual)
        known = jnp.concatenate([known, jnp.ones(2, bool)])

    def one(kept: _Kept, step: _Step) -> tuple[_Kept, tuple[Int[Array, ""], Float[Array, " H"]]]:
        own = jax.tree.map(lambda leaf: leaf[step.own], begin), free
        beams, price = jax.tree.map(lambda old, new: jnp.where(step.goes_on, old, new), kept[:2], own)
        if plan.disturbed:
            beams = _disturbed(weighed, beams, step)
        stage = step.stage._replace(most=jnp.where(step.goes_on | known[step.own], step.stage.most, 0))
        found, count, history = _descend(d, need, shape, kept._replace(beams=beams, price=price), stage)
        further = found.best.value > kept.best.value
        after = jax.tree.map(lambda old, new: jnp.where(further, new, old), kept, found)
        # whether the best rests is the word of the fine descent from it, or of a later one that went further
        return after._replace(rests=jnp.where(step.last, found.rests, after.rests)), (count, history)

    kept = _Kept(optimise.as_beams(closed.data, closed.covariance), free, closed, jnp.asarray(False))
    kept, (rounds, history) = lax.scan(one, kept, _steps(d, plan))
    return kept, jnp.sum(rounds), history.reshape(-1)


def _steps(d: Downlink, plan: Plan) -> _Step:
    """All descents of a plan, stacked."""
    coarse = plan.coarse + 2 * plan.usual
    count = coarse + 1 + plan.disturbed
    which = np.arange(count)
    stage = Stage(*(jnp.asarray(each) for each in zip(*[COARSE] * coarse, *[FINE] * (1 + plan.disturbed))))
    own = np.minimum(which, max(coarse - 1, 0))
    goes_on = (which >= coarse) & (which > 0)  # a descent that is the only one has its own beginning
    normal = np.random.default_rng(1).standard_normal
    (m, a), k = d.shape, d.channel.shape[0]
    size = (count, m, a, k + 1) if plan.disturbed else (count, 0, 0, 0)
    noise = DISTURBANCE * (which > coarse)[:, None, None, None] * (normal(size) + 1j * normal(size))
    return _Step(jnp.asarray(own), stage, *(jnp.asarray(each) for each in (goes_on, which == coarse, noise)))


def _disturbed(there: Metric, beams: Beams, step: _Step) -> Beams:
    """Beams whose coordinates are disturbed as a step says."""
    data, sensing = there.coordinates(beams)
    noise = jnp.sqrt(jnp.mean(jnp.abs(beams.data) ** 2)) * step.noise
    return Beams(*there.beams((data + noise[..., :-1], sensing + noise[..., -1])))
