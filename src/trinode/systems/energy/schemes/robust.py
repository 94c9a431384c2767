"""Beyond the paper: a decision that holds for every channel in a ball around the estimate."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx

from trinode.systems.contract import Scheme
from trinode.systems.energy import problem as problems
from trinode.systems.energy import search
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.solution import EnergySolution


@final
class Robust(Scheme):
    """``joint`` planned for the worst errors of the uplink channels: deadlines hold for all of them.

    The worst case of every SINR keeps its form, with powers of smaller wanted and larger unwanted gains, so the same
    fixed point solves it; combiners are made for a noise that includes errors of the worst case's power. What it makes
    small is the energy at the worst errors, not that of the estimate by which it is judged, so it takes no start.

    Attributes
    ----------
    error : float
        Largest spectral norm of an error over that of the channel, where the scenario says none.
    """

    name: ClassVar[str] = "robust"
    summary: ClassVar[str] = "joint for the worst channel errors of a given size"
    iterates: ClassVar[bool] = False
    part: ClassVar[int] = 8
    error: float = eqx.field(static=True, default=0.1)

    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        error = self.error if scenario.channel_error is None else scenario.channel_error
        problem = problems.build(scenario, error=error)
        outcome, echoes = search.solve(problem)
        return search.finish(scenario, problem, outcome, echoes)
