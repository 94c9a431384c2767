"""The paper's network, as trained on labels by mean squared error."""

from __future__ import annotations

from typing import ClassVar, final

import jax.numpy as jnp

from trinode.errors import InputError
from trinode.systems.contract import Scheme
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common
from trinode.systems.fairness.learned import cnn_lstm, shipped
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.solution import FairnessSolution


@final
class LearnedCnnLstm(Scheme):
    """Convolution, LSTM and dense layer (Section IV), trained as in (21) on 10 terminals and 64 antennas.

    Smaller networks are filled up; several subcarriers are decided one by one, each with an equal share of the powers.
    Offloading ratios are the network's own. It depends on the order of terminals and access points.
    """

    name: ClassVar[str] = "learned-cnn-lstm"
    summary: ClassVar[str] = "the paper's network, up to 10 terminals and 64 antennas"
    iterates: ClassVar[bool] = False
    family: ClassVar[str] = "given"
    ordered: ClassVar[bool] = True
    part: ClassVar[int] = 64

    def solve(self, scenario: FairnessScenario, start: FairnessSolution | None = None) -> FairnessSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        count, k, m, a = scenario.uplink_channel.shape
        for name, size, most in (("terminals", k, cnn_lstm.TERMINALS), ("antennas", m * a, cnn_lstm.ANTENNAS)):
            if size > most:
                raise InputError(name, size, f"at most {most}, the size that {self.name} was trained on")
        air, tasks = air_of.fixed(scenario), common.tasks_of(scenario)
        each = scenario.terminal_max_power_w / count
        heard = cnn_lstm.amplitudes(scenario.uplink_channel, each, scenario.ap_noise_w)
        power, share = cnn_lstm.decide(shipped("cnn-lstm"), heard)
        on = common.active(air, tasks)
        power = jnp.where(air.usable & on, power, 0.0) / count
        rate = common.rates(scenario, air, power)
        return common.finish(scenario, tasks, rate, power, share=jnp.where(on, share.mean(axis=0), 0.0))
