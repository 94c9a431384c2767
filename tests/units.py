"""Networks in other units: what a scheme decides and the judge says of it may not depend on them."""

import math
from typing import Any

from trinode.systems.contract import System
from trinode.systems.declared import to_arrays

POWERS = ("ap_noise_w", "radar_noise_w", "terminal_max_power_w", "ap_max_power_w")
CAPACITANCES = ("terminal_capacitance", "edge_capacitance", "ap_capacitance")
CYCLES = ("cycles_per_bit", "terminal_cycles_per_bit", "edge_cycles_per_bit", "cloud_cycles_per_bit")
SPEEDS = ("bandwidth_hz", "subcarrier_bandwidth_hz", "fronthaul_max_bps", "backhaul_bps")
FREQUENCIES = (
    "terminal_max_frequency_hz",
    "terminal_frequency_hz",
    "edge_max_frequency_hz",
    "edge_frequency_hz",
    "edge_capacity_hz",
    "cloud_max_frequency_hz",
    "cloud_frequency_hz",
    "ap_max_frequency_hz",
    "server_frequency_hz",
)


def _of(*groups: tuple[tuple[str, ...], int]) -> dict[str, int]:
    return {name: exponent for names, exponent in groups for name in names}


UNITS = {
    # what access points receive counts into their power
    "gain at the access points": _of(
        (("uplink_channel",), 1), (("ap_noise_w", "ap_max_power_w", "edge_capacitance"), 2)
    ),
    "gain at the radars": _of((("terminal_channel", "echo_channel", "echo_gain"), 1), (("radar_noise_w",), 2)),
    "watt": _of((POWERS + CAPACITANCES, 1)),
    "bit": _of((("task_bits", *SPEEDS), 1), (CYCLES, -1)),
    "cycle": _of(((*FREQUENCIES, *CYCLES), 1), (CAPACITANCES, -3)),
    "second": _of(((*SPEEDS, *FREQUENCIES), 1), (CAPACITANCES, -3), (("latency_max_s",), -1)),
}
"""Exponent of each unit's factor in the arrays of a network."""
OBJECTIVES = {
    "latency": {"second": -1},
    "threetier": {"second": -1},
    "fairness": {"second": -1},
    "energy": {"watt": 1, "second": -1},
}
"""By system: exponent in the objective, where it is not 0."""


def in_units(system: System, scenario: Any, factors: dict[str, float]) -> Any:
    """The same network in units that are smaller by these factors."""
    arrays = to_arrays(scenario, system.scenario_schema)
    for unit, factor in factors.items():
        for name, power in UNITS[unit].items():
            if name in arrays:
                arrays[name] = arrays[name] * factor**power
    return system.scenario_from(arrays)


def others(system: System, scenario: Any, together: bool) -> tuple[list[Any], list[float]]:
    """The network in units a million times smaller and larger, and by what its objective grows.

    One unit after the other, or all ``together``; by a power of two, so that nothing is rounded.
    """
    own = [unit for unit, names in UNITS.items() if set(names) & set(to_arrays(scenario, system.scenario_schema))]
    changes = [
        dict.fromkeys(units, 2.0**power) for units in ([own] if together else [[u] for u in own]) for power in (20, -20)
    ]
    exponents = OBJECTIVES[system.name]
    grown = [math.prod(factor ** exponents.get(unit, 0) for unit, factor in change.items()) for change in changes]
    return [in_units(system, scenario, change) for change in changes], grown
