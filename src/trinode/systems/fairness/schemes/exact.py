"""The default: the global optimum on one subcarrier, the best of many descents on several."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from trinode.computing.split import SplitTasks
from trinode.radio.interference import Air
from trinode.systems.contract import Scheme
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common, convex, several, single
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.several import Effort
from trinode.systems.fairness.solution import FairnessSolution

CLOSED = 1e-9
"""Relative width of a bracket that counts as the optimum."""


def optimise(
    s: FairnessScenario, tasks: SplitTasks, effort: Effort, start: FairnessSolution | None
) -> FairnessSolution:
    """Least largest latency through the scenario's combiners."""
    air = air_of.fixed(s)
    on = common.active(air, tasks)
    first = begin(air, tasks, on, start)
    if s.subcarriers == 1:
        gains = air.cross[0], air.noise[0]
        found = single.fastest(lambda _: gains, tasks, s.subcarrier_bandwidth_hz, on, first[0])
        power, steps, history = found.power[None], found.steps, None
        closed = found.limit - found.speed <= CLOSED * found.limit
    else:
        problem = convex.Problem(air, tasks, s.subcarrier_bandwidth_hz, on, True)
        everything = (on & air.usable) / s.subcarriers
        inversion = [] if start is None else [common.inversion(air, tasks)]  # else it is the first one
        best = several.search(problem, jnp.stack([first, *inversion, everything]), effort)
        power, steps, history, closed = best.power, best.steps, best.history, jnp.asarray(True)
    return common.finish(
        s, tasks, common.rates(s, air, power), power, converged=closed, iterations=steps, history=history
    )


def begin(air: Air, tasks: SplitTasks, on: Bool[Array, " K"], start: FairnessSolution | None) -> Float[Array, "S K"]:
    """Powers to begin at: channel inversion, or those of a start where all that take part send."""
    plain = common.inversion(air, tasks)
    if start is None:
        return plain
    power = jnp.where(air.usable & on & start.subcarrier_use, start.power_fraction, 0.0)
    power = power / jnp.maximum(power.sum(axis=0), 1.0)
    if power.shape[0] > 1:
        return power
    largest = power.max()
    return jnp.where(jnp.all((power > 0) | ~on), power / jnp.where(largest > 0, largest, 1.0), plain)


@final
class Worker(Scheme):
    """One program for both; ``local`` says whether terminals may compute."""

    name: ClassVar[str] = "worker"
    summary: ClassVar[str] = "powers and offloading ratios"
    local: Bool[Array, ""]
    effort: Effort = eqx.field(static=True)

    def solve(self, scenario: FairnessScenario, start: FairnessSolution | None = None) -> FairnessSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return optimise(scenario, common.tasks_of(scenario, self.local), self.effort, start)


class _Optimised(Scheme):
    """What both have in common."""

    part: ClassVar[int] = 500
    local: ClassVar[bool]
    effort: Effort = eqx.field(static=True, default=Effort())

    def worker(self) -> Worker:
        """The program of both."""
        return Worker(jnp.asarray(self.local), self.effort)


@final
class Exact(_Optimised):
    """Powers and offloading ratios, combiners as the scenario has them.

    One subcarrier: the global optimum with its certificate (:mod:`trinode.systems.fairness.single`), which is unique
    where every terminal disturbs every other. Several: the best of descents from many starts, refined by exact convex
    steps (:mod:`trinode.systems.fairness.several`); among decisions with the same largest latency one whose next
    largest is least, so nobody is slowed down for the sake of evenness.

    Why not the general engine (:mod:`trinode.systems.fairness.stated`): within 0.00003 % of this on 20 default
    networks, it takes 40 ms of processor time each in a batch, and this 2.7 ms (``trinode bench fairness --only
    stated``).
    """

    name: ClassVar[str] = "exact"
    summary: ClassVar[str] = "global optimum on one subcarrier, best of many descents on several (default)"
    family: ClassVar[str] = "given"
    local: ClassVar[bool] = True


@final
class NoLocal(_Optimised):
    """As ``exact``, but terminals offload everything ("CF-mMIMO w/o local comp." of Section V)."""

    name: ClassVar[str] = "no-local"
    summary: ClassVar[str] = "everything offloaded, optimised as exact"
    family: ClassVar[str] = "no-local"
    local: ClassVar[bool] = False
