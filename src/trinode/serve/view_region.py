"""What the page draws of the region system."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.serve.view import Drawing, Slider

SLIDERS = (
    Slider("power of an access point", ("ap_power_db",), 105.0, 145.0, "linear", ("ap_power",)),
    Slider("pattern error", ("pattern_mse_max",), 0.05, 3.0, arrays=("pattern_mse_max",)),
    Slider("targets", ("targets",), 1, 6, "whole"),
    Slider("antennas of an access point", ("ap_antennas",), 2, 24, "whole"),
)


def drawing(scenario: Any, solution: Any, report: Any) -> Drawing:
    """See :class:`trinode.serve.view.Drawing`; rates are bars, pattern errors stand where others have echoes."""
    rate = np.asarray(report.metrics["rate_bps_hz"])
    sensing = np.asarray(scenario.sensing_ap)
    heard = np.einsum("mka,mka->mk", np.asarray(scenario.channel_estimate).conj(), np.asarray(solution.precoder))
    power = np.abs(heard) * np.sqrt(np.asarray(scenario.ap_power))[:, None]
    part = power / np.maximum(power.sum(axis=0), 1e-300)
    error = np.asarray(report.metrics["pattern_error"])
    limit = float(scenario.pattern_mse_max)
    return Drawing(
        tiers=["none"] * len(rate),
        notes=[f"{one:.2f} bit/s/Hz" for one in rate],
        links=[(int(k), int(m), float(part[m, k])) for m, k in zip(*np.nonzero(part > 0.05))],
        parts=["rate"],
        rows=[[[float(one)]] for one in rate],
        bar_title="rate",
        unit="bit/s/Hz",
        limit="mean",
        echoes=[] if np.isnan(limit) else [(f"AP{m}", float(error[m]), limit) for m in np.flatnonzero(sensing)],
        echo_title="pattern error (its mean is required)",
        echo_unit="",
        echo_at_most=True,
        structure=("16 full power", "24c sensing covariance"),
    )
