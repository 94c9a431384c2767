"""Sensing only (P1)."""

from __future__ import annotations

from typing import ClassVar, final

import jax.numpy as jnp

from trinode.systems.contract import Scheme
from trinode.systems.region import optimise, sensing_only
from trinode.systems.region.downlink import downlink
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.solution import RegionSolution


@final
class Sensing(Scheme):
    """Smallest pattern error (P1): S_min of the region. Nobody is served, so the sum rate is 0."""

    name: ClassVar[str] = "sensing"
    summary: ClassVar[str] = "smallest pattern error, nobody served (P1, exact)"
    iterates: ClassVar[bool] = False
    part: ClassVar[int] = 8

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        best = sensing_only.solve(scenario)
        limit = scenario.pattern_mse_max
        silent = optimise.nothing(downlink(scenario))
        answer = silent._replace(covariance=best.covariance, value=jnp.asarray(0.0))
        met = jnp.isnan(limit) | (best.lower <= limit * (1 + 1e-9))
        return optimise.finish(scenario, answer, sensing=best, senses=True, met=met)
