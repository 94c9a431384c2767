"""What the page draws of the fairness system."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.serve.view import Drawing, Slider

SLIDERS = (
    Slider("power of a terminal", ("terminal_max_power_w",), 0.001, 0.1, arrays=("terminal_max_power_w",)),
    Slider("size of a task", ("task_bits",), 100.0, 1e4, arrays=("task_bits",)),
    Slider("cycles per bit", ("cycles_per_bit",), 100.0, 1e4, arrays=("cycles_per_bit",)),
    Slider("bandwidth", ("bandwidth_hz",), 2e6, 2e8, arrays=("subcarrier_bandwidth_hz",)),
    Slider("processor of a terminal", ("terminal_frequency_hz",), 1e8, 1e10, arrays=("terminal_frequency_hz",)),
    Slider("antennas of an access point", ("ap_antennas",), 1, 8, "whole"),
)


def drawing(scenario: Any, solution: Any, report: Any) -> Drawing:
    """See :class:`trinode.serve.view.Drawing`; links are drawn to the access points that hear a terminal best."""
    share = np.asarray(report.metrics["offload_fraction"])
    count = len(share)
    local, upload, server = (np.asarray(report.metrics[f"{name}_s"]) for name in ("local", "upload", "server"))
    heard = np.sum(np.abs(np.asarray(scenario.uplink_channel)) ** 2, axis=(0, 3))
    part = heard / np.maximum(heard.sum(axis=1, keepdims=True), 1e-300)
    power = np.asarray(solution.power_fraction).sum(axis=0)
    return Drawing(
        tiers=["edge" if one > 1 - 1e-6 else "itself" if one < 1e-6 else "mixed" for one in share],
        notes=[f"{share[k]:.0%} offloaded at {power[k]:.0%} of its power" for k in range(count)],
        links=[(int(k), int(m), float(part[k, m])) for k, m in zip(*np.nonzero(part > 0.05)) if share[k] > 1e-6],
        parts=["its own part, at the terminal", "upload of the rest", "the rest, at the server"],
        rows=[[[float(local[k]), 0.0, 0.0], [0.0, float(upload[k]), float(server[k])]] for k in range(count)],
        bar_title="latency",
        unit="s",
        limit="largest",
        structure=("8c powers", "8e offloading ratio"),
    )
