"""Figures 2 to 9 of the energy paper: what is swept, what is drawn, and what the paper says of it.

All use Table I where a figure does not say otherwise, and the same networks at every point.
"""

from __future__ import annotations

from trinode.systems.figure import FigureSpec, Measure, Panel, Sweep

LABELS = {
    "joint": "joint",
    "sca-admm": "SCA-ADMM (paper)",
    "unweighted": "unweighted (CTEM)",
    "ofdma": "OFDMA",
    "full-local": "full local",
    "full-offload": "full offload",
    "half-offload": "half offload",
    "robust": "robust",
}
COMPARED = ("joint", "sca-admm", "unweighted", "ofdma", "full-local", "full-offload", "half-offload")

SUCCESS = Measure("success", "served", "mean")
SHARE = Measure("share", "offload_fraction", "mean")
UNWEIGHTED = Measure("unweighted", "unweighted_j", "sum")

_SUCCESS = Panel("success", "Average success rate (%), (58)", factor=100.0, over="all")
_SHARE = Panel("share", "Mean offloaded share", over="own")
_COST = Panel("objective", "Mean weighted energy (J)", scale="log", bound=True, over="own")
_PLOTTED = Panel("unweighted", "Mean energy at weights of 1 (J)", scale="log", over="own")


def _sweep(parameter: str, values: tuple, schemes: tuple[str, ...] = COMPARED, **fixed: float) -> Sweep:
    return Sweep(
        system="energy",
        schemes=schemes,
        parameter=parameter,
        values=values,
        fixed=fixed,
        measures=(SUCCESS, SHARE, UNWEIGHTED),
    )


_SPECS = (
    FigureSpec(
        name="fig2",
        title="Success, offloaded share and energy against the deadline",
        sweep=_sweep("latency_max_s", (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
        x_label="Deadline (s)",
        panels=(_SUCCESS, _SHARE, _COST, _PLOTTED),
        claims="The proposed scheme succeeds always, full local only at 1 s, full offload from 0.3 s, half offload and "
        "OFDMA from 0.5 and 0.6 s; its share falls from 0.88 to 0.58 and its cost from 0.369 to 0.019 J, 25-40 % below "
        "full offload; CTEM costs up to 9.6 times as much (the last panel is what that seems to be).",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig3",
        title="Success, offloaded share and energy against the size of the task",
        sweep=_sweep("task_bits", (1e3, 1e4, 1e5, 5e5, 1e6), latency_max_s=0.4),
        x_label="Task (kbit)",
        x_factor=1e-3,
        x_scale="log",
        panels=(_SUCCESS, _SHARE, _COST),
        claims="Everything succeeds up to 1e5 bit; the share is near zero for small tasks and 0.81 at 1e6 bit.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig4",
        title="Success, offloaded share and energy against the terminals' processors",
        sweep=_sweep("terminal_max_frequency_hz", (0.5e9, 1e9, 1.5e9, 2e9, 2.5e9), latency_max_s=0.4),
        x_label="Frequency of a terminal (GHz)",
        x_factor=1e-9,
        panels=(_SUCCESS, _SHARE, _COST),
        claims="The share falls from 0.9 at 0.5 GHz to 0.6 at 2.5 GHz; the proposed scheme always succeeds.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig5",
        title="Success, offloaded share and energy against the number of terminals",
        sweep=_sweep("terminals", (2, 4, 6, 8, 10), latency_max_s=0.5, ap_max_frequency_hz=20e9),
        x_label="Terminals",
        panels=(_SUCCESS, _SHARE, _COST, _PLOTTED),
        claims="At 10 terminals the proposed scheme costs 0.26 J, OFDMA 0.68 and CTEM 1.50 (the last panel is what "
        "that seems to be); OFDMA succeeds in 55 %, full local never.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig6",
        title="Success, offloaded share and energy against the power limit",
        sweep=_sweep(
            "terminal_max_power_w", (10**-2.5, 10**-2.0, 10**-1.5, 10**-1.0, 10**-0.5, 1.0), latency_max_s=0.4
        ),
        x_label="Power limit (mW)",
        x_factor=1e3,
        x_scale="log",
        panels=(_SUCCESS, _SHARE, _COST),
        claims="The cost does not depend on the limit: the best power lies well below 5 dBm.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig7",
        title="Success, offloaded share and energy against the weight of the access point's energy",
        sweep=_sweep(
            "ap_energy_weight",
            (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
            latency_max_s=0.2,
            terminal_max_frequency_hz=5e9,
            ap_max_frequency_hz=50e9,
        ),
        x_label="Weight of the access point's energy",
        x_scale="log",
        panels=(_SUCCESS, _SHARE, _COST),
        claims="The share falls from 0.6 to 0; CTEM costs 0.88 J against 0.42 at a weight of 0.1, meets the proposed "
        "scheme at 1; that one merges with full local at 10, where full offload succeeds in 13.8 % only.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig8",
        title="Offloaded share of ten terminals of rising weight and frequency",
        sweep=Sweep(
            system="energy",
            schemes=("joint",),
            fixed={
                "terminals": 10,
                "latency_max_s": 0.4,
                "ap_energy_weight": 0.1,
                "ap_energy_weight_step": 4.9 / 9,
                "terminal_max_frequency_hz": 1e9,
                "terminal_max_frequency_step_hz": 4e9 / 9,
            },
            series={"20 GHz": {"ap_max_frequency_hz": 20e9}, "50 GHz": {"ap_max_frequency_hz": 50e9}},
            measures=(Measure("share", "offload_fraction", "each"),),
            bound=False,
        ),
        x_label="Terminal",
        panels=(_SHARE,),
        claims="The share falls with the terminal's index, and is higher with 50 GHz than with 20 GHz at every one.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig9",
        title="Time on the air when the channel is not the estimated one",
        sweep=Sweep(
            system="energy",
            schemes=("joint", "robust"),
            parameter="channel_error",
            values=(0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3),
            fixed={"latency_max_s": 0.4},
            measures=(
                Measure("random", "random_upload_s", "mean"),
                Measure("worst", "worst_upload_s", "mean"),
                Measure("late", "worst_lateness", "max"),
            ),
        ),
        x_label="Spectral norm of the error over that of the channel",
        panels=(
            Panel("random", "Mean time on the air, random direction (ms)", factor=1e3, over="own"),
            Panel("worst", "Mean time on the air, worst direction (ms)", factor=1e3, over="own"),
            Panel("late", "Worst excess over the deadline (%)", factor=100.0, over="own"),
            Panel("objective", "Mean weighted energy planned (J)", over="own", bound=True),
        ),
        claims="The time on the air rises from 4.83 to 6.35 ms; the echo loses SINR (it cannot: (8) holds no H_k).",
        labels=LABELS,
    ),
)

FIGURES = {spec.name: spec for spec in _SPECS}
"""By name."""
