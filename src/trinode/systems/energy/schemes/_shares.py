"""One program for all schemes that differ in numbers only: an offloaded share for everybody, weights of energy."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from trinode.systems.contract import Scheme, System
from trinode.systems.energy import problem as problems
from trinode.systems.energy import search
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.solution import EnergySolution


@final
class Worker(Scheme):
    """Beams, powers, frequencies and what the numbers leave free; see :func:`trinode.systems.energy.problem.build`."""

    name: ClassVar[str] = "worker"
    summary: ClassVar[str] = "what schemes of given numbers have in common"
    share: Float[Array, ""]
    weight: Float[Array, ""]
    apart: Bool[Array, ""]
    effort: search.Effort

    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        problem, band = problems.restricted(scenario, self.share, self.weight, self.apart)
        outcome, echoes = search.solve(problem, search.as_beams(problem, start), self.effort)
        return search.finish(scenario, problem, outcome, echoes, band, self.apart)

    def met(self, system: System, scenario: EnergyScenario, solution: EnergySolution) -> Bool[Array, ""]:
        """Whether the judge finds a solution feasible, with its sub-bands where it has them only."""
        together = system.judge(scenario, replace(solution, subband_hz=None))
        return jnp.where(self.apart, system.judge(scenario, solution).feasible, together.feasible)


class Numbers(Scheme):
    """A scheme by its numbers: NaN leaves the shares free, and the weights as the scenario has them.

    ``apart`` gives each terminal a sub-band of its own.
    """

    part: ClassVar[int] = 8
    share: ClassVar[float] = math.nan
    weight: ClassVar[float] = math.nan
    apart: ClassVar[bool] = False

    def worker(self) -> Worker:
        """The program of all such schemes, whatever the effort."""
        share, weight, apart = map(jnp.asarray, (self.share, self.weight, self.apart))
        return Worker(share, weight, apart, self.tries())

    def tries(self) -> search.Effort:
        """How much is tried."""
        return jax.tree.map(jnp.asarray, search.EFFORTS["default"])

    def of_worker(self, solution: EnergySolution) -> EnergySolution:
        """The solution, with sub-bands only where there are any."""
        return solution if self.apart else replace(solution, subband_hz=None)
