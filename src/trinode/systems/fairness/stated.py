"""The fairness system stated in parts: an account of the paper that shares no code with its schemes."""

from __future__ import annotations

import numpy as np

from trinode.compose.expression import largest
from trinode.compose.offloading import Offloading
from trinode.compose.powers import Powers
from trinode.compose.problem import Minimize, Problem
from trinode.systems.fairness.scenario import FairnessScenario


def problem(scenario: FairnessScenario) -> Problem:
    """Finish the last task early, each divided between its terminal and the server, combiners given.

    Parameters
    ----------
    scenario : FairnessScenario
        Every terminal with a task, and heard; without combiners they are maximum ratio.
    """
    s = scenario
    h = np.asarray(s.uplink_channel)
    combiner = h if s.combiner is None else np.asarray(s.combiner)
    gain = np.abs(np.einsum("skma,sjma->skj", combiner.conj(), h)) ** 2
    noise = np.einsum("m,skma->sk", s.ap_noise_w, np.abs(combiner) ** 2)
    air = Powers(gain, noise, s.terminal_max_power_w, s.subcarriers * s.subcarrier_bandwidth_hz)  # (3), (4)
    work = Offloading(
        air.rate_bps, s.task_bits, s.cycles_per_bit, s.terminal_frequency_hz, s.server_frequency_hz, dedicated=True
    )  # (5)-(7)
    return Problem(Minimize(largest(work.latency_s)))  # (8)
