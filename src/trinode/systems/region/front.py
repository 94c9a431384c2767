"""The communication-sensing region as one object: its front, its end points, and the bound beside it.

The front is walked from loose to tight, each point begun where the one before ended: by pattern error (P3) or by
required rate (P4, Remark 1 of the paper, which has the same front).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from trinode.errors import InputError
from trinode.numerics import curvature, descent
from trinode.numerics.curvature import Memory
from trinode.radio.downlink import covariance
from trinode.systems.region import optimise, sensing_only, starts
from trinode.systems.region.bound import bound
from trinode.systems.region.downlink import downlink
from trinode.systems.region.metric import metric
from trinode.systems.region.optimise import Answer, Beams, Shape
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.sensing_only import PatternLimit
from trinode.systems.region.solution import RegionSolution

By = Literal["error", "rate"]

ROUNDS, OPENING, EVALUATIONS, TOLERANCE = 5, 400, 100, 1e-4
SEARCH = starts.Search(kept=1, phases=2)
NEVER = 1e9
"""A pattern error that no decision reaches."""
RATE_MARGIN = 1e-7
TIGHTEST, LADDER = 1e-6, 7
"""Share of the way from S_min to S_I, or relative distance to S_min, that counts as S_min; steps to get there."""


@dataclass(frozen=True)
class Region:
    """A front of pattern error and sum rate, with the pattern error ascending.

    Attributes
    ----------
    scenario : RegionScenario
        Its own ``pattern_mse_max`` plays no part.
    by : {"error", "rate"}
        How the front was walked.
    pattern_mse, sum_rate : (P,) arrays
        Points that are reached, neither ever falling (a point that reaches no more than the one before repeats it);
        rates in bit/s/Hz.
    solutions : list of RegionSolution
        What reaches them.
    s_min, rate_at_s_min : float
        The end (S_min, R_T): the smallest pattern error, and the rate that is reached at it.
    s_at_r_max, r_max : float
        The end (S_I, R_max): the largest rate that is reached, and the pattern error there.
    bound : float
        No decision has a larger sum rate, whatever its pattern error.
    """

    scenario: RegionScenario
    by: str
    pattern_mse: np.ndarray
    sum_rate: np.ndarray
    solutions: list[RegionSolution]
    s_min: float
    rate_at_s_min: float
    s_at_r_max: float
    r_max: float
    bound: float

    def rate_at(self, pattern_mse: Any) -> np.ndarray:
        """Sum rate reached at a pattern error: that of the best point within it; NaN below S_min."""
        index = np.searchsorted(self.pattern_mse, np.asarray(pattern_mse) * (1 + 1e-9), side="right") - 1
        return np.where(index >= 0, self.sum_rate[np.maximum(index, 0)], np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the decisions, for JSON."""
        return {
            "by": self.by,
            "s_min": self.s_min,
            "rate_at_s_min": self.rate_at_s_min,
            "s_at_r_max": self.s_at_r_max,
            "r_max": self.r_max,
            "bound": self.bound,
            "points": [
                {"pattern_mse": float(s), "sum_rate": float(r)} for s, r in zip(self.pattern_mse, self.sum_rate)
            ],
        }


def region(scenario: RegionScenario, points: int = 20, by: By = "error") -> Region:
    """Walk the front of a network.

    Parameters
    ----------
    points : int
        At least 2; both ends are among them.
    by : {"error", "rate"}
        P3 at given pattern errors, more densely near S_min, or P4 at given rates.

    Raises
    ------
    InputError
        Fewer than 2 points, another way to walk, or no access point that senses.
    """
    if not isinstance(points, int) or points < 2:
        raise InputError("points", points, "an integer of at least 2")
    if by not in ("error", "rate"):
        raise InputError("by", by, "error or rate")
    if not bool(np.any(np.asarray(scenario.sensing_ap))):
        raise InputError("sensing_ap", "no access point that senses", "at least one")
    if by == "error":
        answers = _by_error(scenario, jnp.asarray(_shares(points)))
        kept = np.r_[: points - 1, len(answers.value) - 1]
    else:
        answers = _by_rate(scenario, _by_error(scenario, jnp.asarray(_shares(4))), jnp.linspace(0.0, 1.0, points))
        kept = np.arange(points)
    # in NumPy: JAX would compile each look-up
    answers = jax.tree.map(lambda leaf: np.asarray(leaf)[kept] if np.ndim(leaf) else np.asarray(leaf), answers)
    error, rate = np.asarray(answers.error), np.asarray(answers.value) / np.log(2)
    order = np.argsort(error, kind="stable")
    solutions: list[RegionSolution] = []
    kept_error, kept_rate = [], []
    best_rate, best = -np.inf, -1
    for index in order:  # from tight to loose: what meets a tighter error meets a looser one
        if rate[index] > best_rate:
            best_rate, best = rate[index], int(index)
        kept_error.append(error[best])
        kept_rate.append(best_rate)
        solutions.append(jax.tree.map(lambda leaf, i=best: jnp.asarray(leaf[i]), answers.solution))
    limit = float(_bound(scenario))
    return Region(
        scenario=scenario,
        by=by,
        pattern_mse=np.asarray(kept_error),
        sum_rate=np.asarray(kept_rate),
        solutions=solutions,
        s_min=float(answers.smallest),
        rate_at_s_min=float(kept_rate[0]),
        s_at_r_max=float(kept_error[-1]),
        r_max=float(kept_rate[-1]),
        bound=limit,
    )


def _shares(points: int) -> np.ndarray:
    """From S_I (1) to S_min (0), more densely there; the last steps on the way are no points of their own."""
    shares = np.linspace(1.0, 0.0, points)[:-1] ** 2
    return np.concatenate([shares, np.geomspace(shares[-1], TIGHTEST, LADDER + 1)[1:]])


class _Points(eqx.Module):
    """Answers along a front, stacked; ``solution`` states each as a decision."""

    answer: Answer
    error: Float[Array, " P"]
    value: Float[Array, " P"]
    solution: RegionSolution
    beams: Beams
    smallest: Float[Array, ""]


@eqx.filter_jit
def _bound(s: RegionScenario) -> Array:
    return bound(s)


@eqx.filter_jit
def _by_error(s: RegionScenario, shares: Float[Array, " P"]) -> _Points:
    """P3 at pattern errors that lie the given shares of the way from S_min (0) to S_I (1); the first share is 1."""
    d = downlink(s)
    sensing = sensing_only.solve(s)
    none = optimise.nothing(d)
    weighed = metric(d)
    shape = Shape(sensing.active, sensing.active, weighed)
    found = starts.beams(d, starts.search(d, SEARCH).x)

    def step(carry: tuple[Beams, Array, Array], share: Array) -> tuple[Any, Any]:
        beams, price, loose = carry
        first = jnp.isinf(loose)
        limit = jnp.where(first, NEVER, sensing.smallest + share * (loose - sensing.smallest))
        limit = jnp.maximum(limit, sensing.smallest * (1 + TIGHTEST / 2))
        run = optimise.with_sensing(
            d,
            PatternLimit(sensing, limit),
            beams,
            none,
            opening=OPENING,
            evaluations=EVALUATIONS,
            rounds=ROUNDS,
            tolerance=TOLERANCE,
            price=price,
        )
        best = run.best
        error = sensing.error(best.data @ best.data.conj().swapaxes(1, 2) + best.covariance)
        after = optimise.unpack(run.x, shape, beams)
        loose = jnp.where(first, error, loose)
        return (after, jnp.where(first, 0.0, run.price), loose), (best, error, after)

    begin = starts.unheard(d, PatternLimit(sensing, jnp.asarray(NEVER)), found, weighed)
    start = (jax.tree.map(lambda leaf: leaf[0], begin), jnp.zeros(1), jnp.asarray(jnp.inf))
    _, (answers, errors, beams) = lax.scan(step, start, shares)
    return _points(s, sensing, answers, errors, beams)


@eqx.filter_jit
def _by_rate(s: RegionScenario, ends: _Points, shares: Float[Array, " P"]) -> _Points:
    """P4 at rates that lie the given shares of the way from the first of some points to their last."""
    d = downlink(s)
    sensing = sensing_only.solve(s)
    shape = Shape(sensing.active, sensing.active, metric(d))
    high, low = ends.value[0], ends.value[-1]
    room = jnp.maximum(ends.error[0] - sensing.smallest, 1e-3 * sensing.smallest + 1e-300)
    like = jax.tree.map(lambda leaf: leaf[0], ends.beams)

    def step(carry: tuple[Array, Array, Memory], share: Array) -> tuple[Any, Any]:
        x, price, memory = carry
        goal = (high - share * (high - low)) * (1 - RATE_MARGIN)

        def rate(x: Float[Array, " n"]) -> Float[Array, ""]:
            return jnp.sum(d.rates(*optimise.unpack(x, shape, like)))

        def error(x: Float[Array, " n"]) -> Float[Array, ""]:
            return sensing.error(covariance(*optimise.unpack(x, shape, like)))

        def objective(x: Float[Array, " n"]) -> Float[Array, ""]:
            # the logarithm keeps its slope near S_min
            return jnp.log((error(x) - sensing.smallest) / room + 1e-4)

        def one(_: Int[Array, ""], state: tuple[Any, ...]) -> tuple[Any, ...]:
            x, price, memory, best, least = state
            end, price = descent.constrained(
                objective,
                lambda x: (goal - rate(x))[None],
                x,
                price,
                memory,
                penalty=2.0,
                max_evaluations=EVALUATIONS,
                tolerance=TOLERANCE,
            )
            near = _back(rate, end.point, best, goal)
            found = error(near)
            better = found < least
            return end.point, price, end.memory, jnp.where(better, near, best), jnp.where(better, found, least)

        _, price, memory, best, _ = lax.fori_loop(0, ROUNDS, one, (x, price, memory, x, error(x)))
        beams = optimise.unpack(best, shape, like)
        radar = beams.sensing[:, :, None] * beams.sensing.conj()[:, None]
        return (best, price, memory), (Answer(beams.data, radar, rate(best)), error(best), beams)

    first = optimise.pack(like, shape)
    _, (answers, errors, beams) = lax.scan(step, (first, jnp.zeros(1), curvature.nothing(first.size)), shares)
    return _points(s, sensing, answers, errors, beams)


def _back(rate: Any, point: Float[Array, " n"], safe: Float[Array, " n"], goal: Float[Array, ""]) -> Array:
    """The point, or as far from a safe one towards it as the rate is still reached (bisection)."""

    def halve(_: Int[Array, ""], ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        good = rate(safe + middle * (point - safe)) >= goal
        return jnp.where(good, middle, low), jnp.where(good, high, middle)

    low, _ = lax.fori_loop(0, 12, halve, (jnp.asarray(0.0), jnp.asarray(1.0)))
    return safe + jnp.where(rate(point) >= goal, 1.0, low) * (point - safe)


def _points(s: RegionScenario, sensing: sensing_only.Sensing, answers: Answer, errors: Array, beams: Beams) -> _Points:
    def state(answer: Answer) -> RegionSolution:
        return optimise.finish(s, answer, need=PatternLimit(sensing, jnp.asarray(jnp.nan)), senses=True)

    return _Points(answers, errors, answers.value, jax.vmap(state)(answers), beams, sensing.smallest)
