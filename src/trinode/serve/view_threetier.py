"""What the page draws of the three-tier system."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.serve import view
from trinode.serve.view import Drawing, Slider

SLIDERS = (
    Slider("power of a terminal", ("terminal_max_power_dbm",), 20.0, 40.0, "linear", ("terminal_max_power_w",)),
    Slider("echo requirement", ("sensing_sinr_min_db",), -10.0, 15.0, "linear", ("sensing_sinr_min",)),
    Slider("size of a task", ("task_bits_per_hz",), 0.008, 0.8, arrays=("task_bits",)),
    Slider("cycles per bit", ("cycles_per_bit",), 40.0, 4000.0, arrays=("cycles_per_bit",)),
    Slider("bandwidth", ("bandwidth_hz",), 1e6, 1e8, arrays=("bandwidth_hz",)),
    Slider("room of an edge server", ("edge_capacity_hz",), 3e9, 30e9, "linear", ("edge_capacity_hz",)),
    Slider("antennas of a terminal", ("terminal_antennas",), 2, 12, "whole"),
    Slider("antennas of a base station", ("ap_antennas",), 4, 32, "whole"),
)


def drawing(scenario: Any, solution: Any, report: Any) -> Drawing:
    """See :class:`trinode.serve.view.Drawing`."""
    chosen = np.asarray(solution.edge_choice) | np.asarray(solution.cloud_choice)
    count = len(chosen)
    tiers = view.shares(report, count)
    precoder = np.asarray(solution.precoder)
    sent = np.einsum("kt,ku->ktu", precoder, precoder.conj())
    parts, values = view.columns(report, {"upload_s": "upload", "backhaul_s": "backhaul", "compute_s": "compute"})
    reached = view.in_db(report.metrics["echo_sinr"])
    asked = view.in_db(scenario.sensing_sinr_min)
    over = ["".join(f" over AP{m}" for m in np.flatnonzero(row)) for row in chosen]
    return Drawing(
        tiers=tiers,
        notes=[tier + one for tier, one in zip(tiers, over)],
        links=[(int(k), int(m), 1.0) for k, m in zip(*np.nonzero(chosen))],
        lobes=[view.lobe(one) for one in sent],
        towards=[view.target_ways(one) for one in np.asarray(scenario.transmit_steering)],
        parts=parts,
        rows=[[one] for one in values],
        bar_title="latency",
        unit="s",
        limit="mean",
        echoes=[(f"terminal {k}", float(reached[k]), float(asked[k])) for k in range(count)],
        structure=("18a one place",),
    )
