"""Precoders in closed form: zero forcing and maximum ratio, with sensing filled in."""

from __future__ import annotations

from typing import ClassVar, Literal, final

import equinox as eqx
from jaxtyping import Array, Complex

from trinode.radio.downlink import Downlink
from trinode.systems.contract import Scheme
from trinode.systems.region import optimise, sensing_only
from trinode.systems.region.downlink import downlink
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.solution import RegionSolution


def _fill(s: RegionScenario, d: Downlink, data: Complex[Array, "M A K"], common: bool) -> RegionSolution:
    """The largest share of the precoders that meets the requirement, the power of sensing arrays filled for sensing."""
    need = sensing_only.requirement(s)
    none = optimise.nothing(d).covariance
    answer, _ = optimise.feasible(d, need, data, none, common)
    return optimise.finish(s, answer, need=need, senses=need.asked)


@final
class ZeroForcing(Scheme):
    """Centralised zero forcing: the pseudo-inverse of all estimates stacked, unit columns, one common scale.

    Per access point it would be singular: terminals with the same pilot have parallel estimates there.
    """

    name: ClassVar[str] = "zf"
    summary: ClassVar[str] = "centralised zero forcing, sensing filled in"
    family: ClassVar[str] = "sensing"
    iterates: ClassVar[bool] = False
    part: ClassVar[int] = 8

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        d = downlink(scenario)
        return _fill(scenario, d, optimise.zero_forcing(d), common=True)


@final
class MaximumRatio(Scheme):
    """Maximum ratio transmission, full power at every access point.

    Attributes
    ----------
    sharing : {"proportional", "equal"}
        The power of a terminal at an access point: in proportion to its estimated channel's, or the same for all.
    """

    name: ClassVar[str] = "mrt"
    summary: ClassVar[str] = "maximum ratio transmission, sensing filled in"
    family: ClassVar[str] = "sensing"
    iterates: ClassVar[bool] = False
    part: ClassVar[int] = 8
    sharing: Literal["proportional", "equal"] = eqx.field(static=True, default="proportional")

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        d = downlink(scenario)
        return _fill(scenario, d, optimise.maximum_ratio(d, self.sharing == "equal"), common=False)
