"""Figures 2 to 7 of the latency paper: what is swept, what is drawn, and what the paper says of it.

All use Table I where a figure does not say otherwise, and the same networks at every point.
"""

from __future__ import annotations

from trinode.systems.figure import FigureSpec, Measure, Panel, Sweep

LABELS = {
    "joint": "joint",
    "alternating": "alternating (paper)",
    "mec": "MEC",
    "cloud": "cloud",
    "local": "local",
}
COMPARED = ("joint", "alternating", "mec", "cloud")
CLOUD_TERMINALS = Measure("cloud_terminals", "cloud_terminal", "sum")

_LATENCY = Panel("objective", "Mean largest latency (s)", bound=True)
_IN_CLOUD = Panel("cloud_terminals", "Mean number of terminals in the cloud")

_SPECS = (
    FigureSpec(
        name="fig2",
        title="Convergence: largest latency after each step",
        sweep=Sweep(
            system="latency",
            schemes=("joint", "alternating"),
            series={
                "K=4, N=8": {"terminals": 4},
                "K=6, N=8": {},
                "K=6, N=16": {"ap_antennas": 16},
                "K=8, N=8": {"terminals": 8},
            },
            bound=False,
            history=True,
        ),
        x_label="Step of the scheme's outer loop",
        panels=(Panel("history", "Mean largest latency (s)"),),
        claims="Converges within 10 iterations; more antennas at the access points lower the latency, more "
        "terminals raise it significantly.",
        labels=LABELS,
        spread=False,
    ),
    FigureSpec(
        name="fig3",
        title="Largest latency against the size of the serving cluster",
        sweep=Sweep(
            system="latency",
            schemes=(*COMPARED, "local"),
            parameter="serving",
            values=(1, 2, 3, 4, 5, 6),
        ),
        x_label="Serving access points of each terminal",
        panels=(Panel("objective", "Mean largest latency (s)", scale="log", bound=True),),
        claims="The proposed method is superior over all benchmarks; MEC, CC and the proposed method fall "
        "with more serving access points, and rise slightly beyond 5.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig4",
        title="Largest latency against the cloud's frequency",
        sweep=Sweep(
            system="latency",
            schemes=COMPARED,
            parameter="cloud_max_frequency_hz",
            values=(2.5e9, 5e9, 10e9, 15e9, 20e9, 30e9),
            measures=(CLOUD_TERMINALS,),
        ),
        x_label="Cloud frequency (GHz)",
        x_factor=1e-9,
        panels=(_LATENCY, _IN_CLOUD),
        claims="Latency falls with the cloud's frequency, as more tasks go there; below 10 GHz the edge "
        "servers are the better place.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig5",
        title="Largest latency against the fronthaul of each access point",
        sweep=Sweep(
            system="latency",
            schemes=COMPARED,
            parameter="fronthaul_max_bps",
            values=(0.01e9, 0.02e9, 0.05e9, 0.1e9, 0.5e9, 2e9),
            series={
                "10 GHz": {"cloud_max_frequency_hz": 10e9},
                "30 GHz": {"cloud_max_frequency_hz": 30e9},
            },
            bound=False,
            measures=(CLOUD_TERMINALS,),
        ),
        x_label="Fronthaul (Gbit/s)",
        x_factor=1e-9,
        x_scale="log",
        panels=(Panel("objective", "Mean largest latency (s)"), _IN_CLOUD),
        claims="The latency of cloud computing falls notably with the fronthaul; more tasks go to the cloud "
        "once the fronthaul is close to ideal, above all at a high cloud frequency.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig6",
        title="Largest latency against the echo requirement",
        sweep=Sweep(
            system="latency",
            schemes=COMPARED,
            parameter="sensing_sinr_min_db",
            values=(-5.0, -2.0, 1.0, 4.0, 7.0, 10.0),
        ),
        x_label="Required echo SINR (dB)",
        panels=(_LATENCY,),
        claims="Latency rises slightly with the echo requirement.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig7",
        title="Largest latency against the antennas of the terminals",
        sweep=Sweep(
            system="latency",
            schemes=COMPARED,
            parameter="terminal_antennas",
            values=(4, 6, 8, 12, 16),
            measures=(CLOUD_TERMINALS,),
        ),
        x_label="Transmit antennas of each terminal",
        panels=(_LATENCY, _IN_CLOUD),
        claims="Latency falls with more antennas, and the proposed method approaches MEC.",
        labels=LABELS,
    ),
)

FIGURES = {spec.name: spec for spec in _SPECS}
"""By name."""
