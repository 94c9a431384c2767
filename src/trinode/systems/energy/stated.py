"""The energy system stated in parts: an account of the paper that shares no code with its schemes."""

from __future__ import annotations

from trinode.compose.expression import total
from trinode.compose.offloading import Offloading
from trinode.compose.problem import Minimize, Problem
from trinode.compose.stream_echo import StreamEcho
from trinode.compose.uplink import Uplink
from trinode.systems.energy.scenario import EnergyScenario


def problem(scenario: EnergyScenario) -> Problem:
    """Spend as little energy as possible, that of the access point weighted, on tasks in time and on echoes.

    Parameters
    ----------
    scenario : EnergyScenario
        Every terminal with a task.
    """
    s = scenario
    air = Uplink(
        s.uplink_channel[:, None],
        s.ap_noise_w,
        s.terminal_max_power_w,
        s.bandwidth_hz,
        receiver="joint",
        sensing_stream=True,
    )  # (2), (7)
    radar = StreamEcho(air, s.echo_channel, s.radar_noise_w)  # (8)
    work = Offloading(
        air.rate_bps,
        s.task_bits,
        s.cycles_per_bit,
        s.terminal_max_frequency_hz,
        s.ap_max_frequency_hz,
        capacitance=s.terminal_capacitance,
        power_w=air.power_w,
        edge_capacitance=s.ap_capacitance[:, None],
        throttled=True,
    )  # (9)-(15)
    spent = total(work.energy_j) + total(work.edge_energy_j, s.ap_energy_weight)  # (17a)
    return Problem(Minimize(spent), [radar.sinr >= s.sensing_sinr_min, work.latency_s <= s.latency_max_s])
