"""Powers without optimisation: channel inversion and full power."""

from __future__ import annotations

from typing import ClassVar, final

from trinode.systems.contract import Scheme
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.solution import FairnessSolution


@final
class Inversion(Scheme):
    """Everybody arrives equally strong; several subcarriers share a terminal's power evenly."""

    name: ClassVar[str] = "inversion"
    summary: ClassVar[str] = "channel inversion, best offloading ratios"
    iterates: ClassVar[bool] = False
    family: ClassVar[str] = "given"
    part: ClassVar[int] = 256

    def solve(self, scenario: FairnessScenario, start: FairnessSolution | None = None) -> FairnessSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        air, tasks = air_of.fixed(scenario), common.tasks_of(scenario)
        power = common.inversion(air, tasks)
        return common.finish(scenario, tasks, common.rates(scenario, air, power), power)


@final
class FullPower(Scheme):
    """Everybody who has a task sends with all power, evenly over the subcarriers."""

    name: ClassVar[str] = "full-power"
    summary: ClassVar[str] = "full power, best offloading ratios"
    iterates: ClassVar[bool] = False
    family: ClassVar[str] = "given"
    part: ClassVar[int] = 256

    def solve(self, scenario: FairnessScenario, start: FairnessSolution | None = None) -> FairnessSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        air, tasks = air_of.fixed(scenario), common.tasks_of(scenario)
        on = common.active(air, tasks) & air.usable
        power = on / on.shape[0]
        return common.finish(scenario, tasks, common.rates(scenario, air, power), power)
