"""The default: communication and sensing together (P3), in one descent over all precoders."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from trinode.numerics.loops import in_turn
from trinode.systems.contract import Scheme
from trinode.systems.region import optimise, sensing_only
from trinode.systems.region.downlink import Downlink, downlink
from trinode.systems.region.optimise import Answer, Beams
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.sensing_only import Need
from trinode.systems.region.solution import RegionSolution


class Stage(NamedTuple):
    """How far a descent goes; see :func:`trinode.systems.region.optimise.with_sensing`."""

    most: int | Int[Array, ""]
    opening: int | Int[Array, ""]
    evaluations: int | Int[Array, ""]
    tolerance: float | Float[Array, ""]
    margin: float | Float[Array, ""]


COARSE = Stage(6, 200, 100, 1e-3, 1e-3)
FINE = Stage(16, 400, 150, 1e-5, 1e-4)
"""For the descents among which one is chosen, and for what goes on from the chosen one or from a start."""


class _Kept(NamedTuple):
    """Where to go on, with which prices of the requirement, and the best answer so far."""

    beams: Beams
    price: Float[Array, " n"]
    best: Answer


@final
class Isac(Scheme):
    """Largest sum rate within the pattern error ``pattern_mse_max`` (P3) or at the detection probability asked for.

    Without either, it is the largest within the powers alone.

    An augmented Lagrangian holds the requirement, its rounds begun with what the ones before learned of the curvature.
    Every round ends in a decision that meets all constraints exactly, and the best of them is the answer. Without a
    start there are two descents, from regularised zero forcing and from the answer of zero forcing, because either may
    end far below the other; what went further is gone on with. The answer is never worse than the closed forms.
    """

    name: ClassVar[str] = "isac"
    summary: ClassVar[str] = "largest sum rate within the pattern error (P3), all beams in one descent"
    evenness: ClassVar[float] = 2e-2
    part: ClassVar[int] = 1

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return in_turn(self._solve)(scenario, start)

    def _solve(self, s: RegionScenario, start: RegionSolution | None) -> RegionSolution:
        d = downlink(s)
        need = sensing_only.requirement(s)
        free = jnp.zeros(need.rows)
        if start is None:
            answer, calm, rounds, history = _from_two(d, need, free)
        else:
            kept = _Kept(optimise.start_beams(d, start), free, optimise.as_given(d, need, start))
            kept, calm, rounds, history = _descend(d, need, kept, FINE)
            answer = kept.best
        return optimise.finish(
            s, answer, need=need, senses=need.asked, converged=calm, iterations=rounds, history=history
        )


Rounds = tuple[Bool[Array, ""], Int[Array, ""], Float[Array, " H"]]
"""Whether they came to rest, how many there were, and the best sum rate after each."""


def _descend(d: Downlink, need: Need, kept: _Kept, stage: Stage) -> tuple[_Kept, *Rounds]:
    run = optimise.with_sensing(
        d, need, kept.beams, kept.best, rounds=int(FINE.most), price=kept.price, **stage._asdict()
    )
    full = need.active & need.asked
    beams = optimise.unpack(run.x, optimise.Shape(full, full), kept.beams)
    return _Kept(beams, run.price, run.best), run.calm > 0, run.rounds, run.history


def _from_two(d: Downlink, need: Need, free: Float[Array, " n"]) -> tuple[Answer, *Rounds]:
    """Two coarse descents and a fine one from the better of both, as one loop, so that it is compiled once."""
    none = optimise.nothing(d).covariance
    zero, _ = optimise.feasible(d, need, optimise.zero_forcing(d), none, common=True)
    ratio, _ = optimise.feasible(d, need, optimise.maximum_ratio(d), none)
    closed = optimise.better(zero, ratio)
    begin = optimise.start_beams(d, None), optimise.as_beams(zero.data, zero.covariance)

    def one(kept: _Kept, given: tuple[Beams, Stage, Array]) -> tuple[_Kept, Rounds]:
        beams, stage, last = given
        fresh = _Kept(beams, free, kept.best)
        first = jax.tree.map(lambda old, new: jnp.where(last, old, new), kept, fresh)
        found, calm, count, history = _descend(d, need, first, stage)
        further = found.best.value > kept.best.value
        return jax.tree.map(lambda old, new: jnp.where(further, new, old), kept, found), (calm, count, history)

    stages = jax.tree.map(lambda *each: jnp.asarray(each), COARSE, COARSE, FINE)
    beams = jax.tree.map(lambda *each: jnp.stack(each), *begin, begin[0])
    kept = _Kept(optimise.as_beams(closed.data, closed.covariance), free, closed)
    kept, (calm, rounds, history) = lax.scan(one, kept, (beams, stages, jnp.asarray([False, False, True])))
    return kept.best, calm[-1], jnp.sum(rounds), history.reshape(-1)
