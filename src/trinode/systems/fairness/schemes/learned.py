"""Learned steps from channel inversion, for any number of terminals, access points and subcarriers."""

from __future__ import annotations

from typing import ClassVar, final

import jax.numpy as jnp

from trinode.systems.contract import Scheme
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common
from trinode.systems.fairness.learned import shipped, unrolled
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.solution import FairnessSolution


@final
class Learned(Scheme):
    """Two or three steps of the interference function, their lengths by a network (:mod:`~..learned.unrolled`).

    The better of the network's powers and channel inversion is taken.
    """

    name: ClassVar[str] = "learned"
    summary: ClassVar[str] = "a few fixed-point steps of learned lengths, any size"
    iterates: ClassVar[bool] = False
    family: ClassVar[str] = "given"
    part: ClassVar[int] = 256

    def solve(self, scenario: FairnessScenario, start: FairnessSolution | None = None) -> FairnessSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        air, tasks = air_of.fixed(scenario), common.tasks_of(scenario)
        on = common.active(air, tasks)
        plain = common.inversion(air, tasks)
        weights = {n: jnp.asarray(v) for n, v in shipped(kind(scenario.subcarriers)).items()}
        power = unrolled.powers(weights, air, tasks, scenario.subcarrier_bandwidth_hz, on, plain)

        def slowest(power):
            return jnp.where(on, tasks.speed(common.rates(scenario, air, power)), jnp.inf).min()

        power = jnp.where(slowest(power) > slowest(plain), power, plain)
        rounds = weights["out"].shape[0]
        return common.finish(scenario, tasks, common.rates(scenario, air, power), power, iterations=rounds)


def kind(subcarriers: int) -> str:
    """Name of the weights for a number of subcarriers."""
    return "unrolled-single" if subcarriers == 1 else "unrolled-several"
