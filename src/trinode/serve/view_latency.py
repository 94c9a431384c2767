"""What the page draws of the latency system."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.serve import view
from trinode.serve.view import Drawing, Slider

SLIDERS = (
    Slider("power of a terminal", ("terminal_max_power_w",), 0.02, 2.0, arrays=("terminal_max_power_w",)),
    Slider("echo requirement", ("sensing_sinr_min_db",), -10.0, 15.0, "linear", ("sensing_sinr_min",)),
    Slider("size of a task", ("task_bits",), 1e5, 1e7, arrays=("task_bits",)),
    Slider(
        "cycles per bit",
        ("terminal_cycles_per_bit", "edge_cycles_per_bit", "cloud_cycles_per_bit"),
        40.0,
        4000.0,
        arrays=("terminal_cycles_per_bit", "edge_cycles_per_bit", "cloud_cycles_per_bit"),
    ),
    Slider("bandwidth", ("bandwidth_hz",), 1e6, 1e8, arrays=("bandwidth_hz",)),
    Slider("antennas of a terminal", ("terminal_antennas",), 2, 8, "whole"),
    Slider("antennas of an access point", ("ap_antennas",), 2, 16, "whole"),
)


def drawing(scenario: Any, solution: Any, report: Any) -> Drawing:
    """See :class:`trinode.serve.view.Drawing`."""
    share = np.asarray(solution.edge_share) + np.asarray(solution.cloud_share)
    count = len(share)
    tiers = view.shares(report, count)
    data, sensing = np.asarray(solution.precoder), np.asarray(solution.sensing_precoder)
    sent = np.einsum("kmt,kmu->ktu", data, data.conj()) + np.einsum("kt,ku->ktu", sensing, sensing.conj())
    parts, values = view.columns(report, {"upload_s": "upload", "fronthaul_s": "fronthaul", "compute_s": "compute"})
    reached = view.in_db(report.metrics["echo_sinr"])
    asked = view.in_db(scenario.sensing_sinr_min)
    steering = np.asarray(scenario.transmit_steering)
    return Drawing(
        tiers=tiers,
        notes=[_note(tiers[k], share[k]) for k in range(count)],
        links=[(int(k), int(m), float(share[k, m])) for k, m in zip(*np.nonzero(share > view.SMALL_SHARE))],
        lobes=[view.lobe(one) for one in sent],
        towards=[view.target_ways(one) for one in steering],
        parts=parts,
        rows=[[one] for one in values],
        bar_title="latency",
        unit="s",
        limit="largest",
        echoes=[(f"terminal {k}", float(reached[k]), float(asked[k])) for k in range(count)],
        structure=("23a whole tasks", "23b shares", "serving cluster"),
    )


def _note(tier: str, share: np.ndarray) -> str:
    over = [f"AP{m} {share[m]:.0%}" for m in np.argsort(-share) if share[m] >= view.SMALL_SHARE]
    return tier + (" over " + ", ".join(over) if over else "")
