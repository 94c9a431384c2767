"""The three-tier system stated in parts: an account of the paper that shares no code with its schemes.

Who computes where is given, so that the problem is smooth; the best of all choices is the system's optimum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.compose.echo import Echo
from trinode.compose.expression import number, total
from trinode.compose.problem import Minimize, Problem
from trinode.compose.uplink import Uplink
from trinode.systems.threetier.scenario import ThreetierScenario


def problem(scenario: ThreetierScenario, edge_choice: Any, cloud_choice: Any) -> Problem:
    """Finish all tasks early on average, each where it is told.

    Parameters
    ----------
    scenario : ThreetierScenario
    edge_choice, cloud_choice : (K, M) bool
        a and b of (9); who has neither computes itself. No edge server is asked for more than it has (18c).
    """
    s = scenario
    at_edge, in_cloud = np.any(edge_choice, axis=1), np.any(cloud_choice, axis=1)
    home = np.logical_not(np.logical_or(at_edge, in_cloud))
    budget = s.terminal_max_power_w - np.where(home, s.terminal_capacitance * s.terminal_frequency_hz**3, 0.0)  # (18d)
    serving = np.logical_or(np.logical_or(edge_choice, cloud_choice), home[:, None])
    air = Uplink(s.uplink_channel, s.ap_noise_w, budget, s.bandwidth_hz, serving, receiver="joint")  # (3)
    radar = Echo(air, s.terminal_channel, s.echo_gain, s.transmit_steering, s.receive_steering, s.radar_noise_w)  # (8)
    hz = np.where(at_edge, s.edge_frequency_hz, np.where(in_cloud, s.cloud_frequency_hz, s.terminal_frequency_hz))
    backhaul_s = np.where(in_cloud, s.task_bits / s.backhaul_bps, 0.0)
    fixed_s = np.sum(backhaul_s + s.cycles_per_bit * s.task_bits / hz)  # (10), (12), (15)
    upload = number(np.where(home, 0.0, s.task_bits), "bit") / air.rate_bps
    return Problem(Minimize(total(upload) + number(fixed_s, "s")), [radar.sinr >= s.sensing_sinr_min])  # (18)
