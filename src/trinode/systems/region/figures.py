"""Figures 3 to 6 of the region paper: what is swept, what is drawn, and what the paper says of it.

All use Table I where a figure does not say otherwise, and the same networks at every point. The single networks of
Fig. 3 in three dimensions come from ``trinode region --access-points 4,6,8,12``.
"""

from __future__ import annotations

from typing import Any

from trinode.systems.figure import FigureSpec, Measure, Panel, Sweep

LABELS = {
    "isac": "isac",
    "communication": "communication only",
    "sensing": "sensing only",
    "bcd-sca": "bcd-sca (paper)",
    "zf": "ZF",
    "mrt": "MRT",
}
DATA = Measure("data", "data_bits_per_hz", "sum")
NORMALISED = Measure("normalised_error", "pattern_nmse", "mean")

_SPLIT: dict[str, Any] = {
    f"M={m}": {"access_points": m, "ap_antennas": 48 // m, "ap_power_budget": 6.0} for m in (4, 6, 8, 12)
}
_ALONE = {"terminals": 1, "pilots": 1, "pattern_mse_max": 100.0}

_SPECS = (
    FigureSpec(
        name="fig3",
        title="Sum rate against the pattern error, 48 antennas in all",
        sweep=Sweep(
            system="region",
            schemes=("isac",),
            parameter="pattern_mse_max",
            values=(0.63, 0.66, 0.7, 0.75, 0.8, 0.9, 1.0, 1.2, 1.5),
            series=_SPLIT,
            trials=20,
            block=5,
            bound=False,
        ),
        x_label="Pattern error at most",
        panels=(Panel("objective", "Mean sum rate (bit/s/Hz)"),),
        claims="The sum rate rises with the pattern error that is allowed and with the number of access points; "
        "the smallest pattern error rises with it as well, as each has fewer antennas.",
        labels=LABELS,
        spread=False,
    ),
    FigureSpec(
        name="fig4",
        title="Sensing only: normalised pattern error, 3 targets, 48 antennas in all",
        sweep=Sweep(
            system="region",
            schemes=("sensing",),
            series={
                "cell-free, facing its target": {"access_points": 3, "ap_antennas": 16, **_ALONE},
                "cell-free, true directions": {"access_points": 3, "ap_antennas": 16, "broadside": False, **_ALONE},
                "cellular, in the middle": {
                    "access_points": 1,
                    "ap_antennas": 48,
                    "targets_per_ap": 3,
                    "broadside": False,
                    "central": True,
                    **_ALONE,
                },
            },
            trials=2000,
            block=250,
            bound=False,
            measures=(NORMALISED,),
        ),
        x_label="",
        panels=(Panel("normalised_error", "Normalised pattern error", scale="log", kind="shares"),),
        claims="Means of 0.0080 cell-free against 0.0159 cellular over 2,000 realisations; the cell-free access points "
        "keep their target at 0 degrees.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig5",
        title="Data of a coherence interval against the length of the pilots",
        sweep=Sweep(
            system="region",
            schemes=("isac",),
            parameter="pilots",
            values=(1, 2, 3, 4, 5, 6, 7, 8, 9),
            series={f"error {e:g}": {"pattern_mse_max": e} for e in (0.36, 0.4, 0.6)},
            trials=50,
            block=10,
            bound=False,
            measures=(DATA,),
        ),
        x_label="Pilot symbols",
        panels=(Panel("data", "Mean data (bit/Hz)"),),
        claims="The data rise, are largest at 4 pilot symbols and fall; more with a larger pattern error.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig6",
        title="Sum rate against the side of the area, pattern error at most 0.6",
        sweep=Sweep(
            system="region",
            schemes=("isac", "zf", "mrt"),
            parameter="area_m",
            values=(250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 12000.0),
            trials=50,
            block=10,
        ),
        x_label="Side of the area (km)",
        x_factor=1e-3,
        x_scale="log",
        panels=(Panel("objective", "Mean sum rate (bit/s/Hz)", bound=True),),
        claims="All fall with the area; the proposed beams are best everywhere; zero forcing beats maximum ratio "
        "in small areas, maximum ratio wins in large ones.",
        labels=LABELS,
    ),
)

FIGURES = {spec.name: spec for spec in _SPECS}
"""By name."""
