"""Sensing only (P1)."""

from __future__ import annotations

from typing import ClassVar, final

import jax.numpy as jnp

from trinode.systems.contract import Scheme
from trinode.systems.region import optimise, sensing_only
from trinode.systems.region.optimise import Answer
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.solution import RegionSolution


@final
class Sensing(Scheme):
    """Smallest pattern error (P1): S_min of the region. Nobody is served, so the sum rate is 0.

    Where a detection probability is asked for: the largest that all targets of an access point have together.
    """

    name: ClassVar[str] = "sensing"
    summary: ClassVar[str] = "smallest pattern error, nobody served (P1, exact)"
    family: ClassVar[str] = "sensing"
    iterates: ClassVar[bool] = False
    part: ClassVar[int] = 8

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        need = sensing_only.requirement(scenario)
        m, k, a = scenario.channel_estimate.shape
        silent = Answer(jnp.zeros((m, a, k), complex), need.covariance, jnp.asarray(0.0))
        return optimise.finish(scenario, silent, need=need, senses=True)
