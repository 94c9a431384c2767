"""The latency system stated in parts: an account of the paper that shares no code with its schemes.

A task is computed whole in one place. Which one is given, so that the problem is smooth; the best of all choices is
the system's optimum. What access points receive, some billionth of what their servers take, does not count in (23d).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from trinode.compose.echo import Echo
from trinode.compose.expression import largest
from trinode.compose.offloading import Offloading
from trinode.compose.problem import Minimize, Problem
from trinode.compose.uplink import Uplink
from trinode.systems.latency.scenario import LatencyScenario

LOCAL, EDGE, CLOUD = 0, 1, 2


def problem(scenario: LatencyScenario, places: Any) -> Problem:
    """Finish the last task as early as possible, terminal k computing at ``places[k]``.

    Parameters
    ----------
    scenario : LatencyScenario
        Every terminal with a task, and with a link that serves it.
    places : (K,) int
        :data:`LOCAL`, :data:`EDGE` or :data:`CLOUD`.
    """
    s = scenario
    at = np.asarray(places)[:, None] == [LOCAL, EDGE, CLOUD]
    air = Uplink(
        s.uplink_channel, s.ap_noise_w, s.terminal_max_power_w, s.bandwidth_hz, s.serving, sensing_stream=True
    )  # (1)-(5)
    noise = s.radar_noise_w * s.terminal_channel.shape[2]
    radar = Echo(air, s.terminal_channel, s.echo_gain, s.transmit_steering, s.receive_steering, noise)  # (7)
    work = Offloading(
        air.rate_bps,
        s.task_bits,
        1.0,  # processors in bit/s, since they need different numbers of cycles
        s.terminal_max_frequency_hz / s.terminal_cycles_per_bit,
        s.edge_max_frequency_hz / s.edge_cycles_per_bit,
        s.cloud_max_frequency_hz / s.cloud_cycles_per_bit,
        s.fronthaul_max_bps,
        s.terminal_capacitance * s.terminal_cycles_per_bit**3,
        edge_capacitance=s.edge_capacitance * s.edge_cycles_per_bit**3,
        throttled=True,
        places=at,
    )  # (8)-(22)
    limits = [
        air.power_w + work.local_power_w <= s.terminal_max_power_w,  # (23c)
        work.edge_power_w <= s.ap_max_power_w,  # (23d)
        radar.sinr >= s.sensing_sinr_min,  # (23h)
    ]
    return Problem(Minimize(largest(work.latency_s)), limits)


def choices(terminals: int, among: tuple[int, ...] = (LOCAL, EDGE, CLOUD)) -> Iterator[tuple[int, ...]]:
    """All ways to choose places."""
    return itertools.product(among, repeat=terminals)
