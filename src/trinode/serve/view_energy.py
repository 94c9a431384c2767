"""What the page draws of the energy system."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.plots.energy import PARTS, parts_j
from trinode.serve import view
from trinode.serve.view import Drawing, Slider

SLIDERS = (
    Slider("power of a terminal", ("terminal_max_power_w",), 0.001, 0.1, arrays=("terminal_max_power_w",)),
    Slider("echo requirement", ("sensing_sinr_min_db",), -10.0, 10.0, "linear", ("sensing_sinr_min",)),
    Slider("size of a task", ("task_bits",), 1e5, 1e7, arrays=("task_bits",)),
    Slider("cycles per bit", ("cycles_per_bit",), 100.0, 10000.0, arrays=("cycles_per_bit",)),
    Slider("bandwidth", ("bandwidth_hz",), 2e6, 2e8, arrays=("bandwidth_hz",)),
    Slider("deadline", ("latency_max_s",), 0.05, 2.0, arrays=("latency_max_s",)),
    Slider("weight of the access point's energy", ("ap_energy_weight",), 0.01, 1.0, arrays=("ap_energy_weight",)),
    Slider("antennas of a terminal", ("terminal_antennas",), 4, 64, "whole"),
    Slider("antennas of the access point", ("ap_antennas",), 4, 64, "whole"),
)


def drawing(scenario: Any, solution: Any, report: Any) -> Drawing:
    """See :class:`trinode.serve.view.Drawing`; arrays of terminals are turned in a way that no file says: no lobes."""
    share = np.asarray(solution.offload_fraction)
    count = len(share)
    parts = parts_j(scenario, report)
    reached = view.in_db(report.metrics["echo_sinr"])
    asked = view.in_db(scenario.sensing_sinr_min)
    return Drawing(
        tiers=["edge" if one > 1 - 1e-6 else "itself" if one < 1e-6 else "mixed" for one in share],
        notes=[f"{one:.0%} offloaded" for one in share],
        links=[(k, 0, float(one)) for k, one in enumerate(share) if one > view.SMALL_SHARE],
        parts=[PARTS[name][0] for name in parts],
        rows=[[[float(value[k]) for value in parts.values()]] for k in range(count)],
        bar_title="weighted energy",
        unit="J",
        limit="mean",
        echoes=[(f"terminal {k}", float(reached[k]), float(asked[k])) for k in range(count)],
        structure=("17f offload fraction",),
    )
