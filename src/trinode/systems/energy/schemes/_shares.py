"""One program for all schemes that differ in numbers only: an offloaded share for everybody, weights of energy."""

from __future__ import annotations

import math
from typing import Any, ClassVar, final

import jax.numpy as jnp
from jaxtyping import Array, Float

from trinode.systems.contract import Scheme
from trinode.systems.energy import problem as problems
from trinode.systems.energy import search
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.schemes import _lanes
from trinode.systems.energy.solution import EnergySolution


@final
class Worker(Scheme):
    """Beams, powers, frequencies and what the numbers leave free; see :func:`trinode.systems.energy.problem.build`."""

    name: ClassVar[str] = "worker"
    summary: ClassVar[str] = "what schemes of given numbers have in common"
    share: Float[Array, ""]
    weight: Float[Array, ""]

    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        problem = problems.build(scenario, share=self.share, weight=self.weight)
        outcome, echoes = search.solve(problem, search.as_beams(problem, start))
        return search.finish(scenario, problem, outcome, echoes)


class Numbers(Scheme):
    """A scheme by its numbers: NaN leaves the shares free, and the weights as the scenario has them."""

    part: ClassVar[int] = 8
    share: ClassVar[float] = math.nan
    weight: ClassVar[float] = math.nan

    def part_of(self, scenarios: Any) -> int:
        """Scenarios of these shapes to one program."""
        return _lanes.part_of(scenarios)

    def worker(self) -> Worker:
        """The program of all such schemes."""
        return Worker(jnp.asarray(self.share), jnp.asarray(self.weight))
