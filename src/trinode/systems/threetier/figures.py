"""Figures 2 to 12 of the three-tier paper: what is swept, what is drawn, and what the paper says of it.

All use Table III where a figure does not say otherwise, and the same networks at every point. Latencies are means per
terminal; the upload is drawn beside the whole, of which everything else is constant.
"""

from __future__ import annotations

from dataclasses import replace

from trinode.systems.figure import FigureSpec, Measure, Panel, Sweep

LABELS = {
    "joint": "joint",
    "edge": "edge (ET)",
    "local": "local",
    "mrt": "MRT",
    "mrs": "MRS",
    "centralised": "centralised (CCET)",
    "distributed": "distributed (DCET, paper)",
    "distributed-plus": "distributed-plus",
}
LATENCY = Measure("latency", "latency_s", "mean")
UPLOAD = Measure("upload", "upload_s", "mean")
MEASURES = (LATENCY, UPLOAD)
ENERGY = (Measure("energy", "energy_j", "mean"), Measure("energy_full_power", "energy_full_power_j", "mean"))
DETECTION = tuple(Measure(f"detection_{n}", f"detection_{n}", "min") for n in (1, 4))
MISSED = Measure("missed", "echo_missed", "mean")

_LATENCY = Panel("latency", "Mean latency of a terminal (ms)", factor=1e3)
_LATENCY_LOG = Panel("latency", "Mean latency of a terminal (ms)", factor=1e3, scale="log")
_UPLOAD = Panel("upload", "of it upload (ms)", factor=1e3)

_SPECS = (
    FigureSpec(
        name="fig2",
        title="Latency after each step",
        sweep=Sweep(
            system="threetier",
            schemes=("joint", "distributed", "distributed-plus", "centralised"),
            series={"M=16": {}, "M=8": {"ap_antennas": 8}},
            trials=10,
            block=5,
            bound=False,
            history=True,
        ),
        x_label="Step of the scheme's outer loop",
        panels=(Panel("history", "Mean sum of latencies (s)"),),
        claims="Both algorithms converge in a few iterations; more antennas lower the objective.",
        labels=LABELS | {"centralised": "CCET", "distributed": "DCET (paper)"},
        spread=False,
    ),
    FigureSpec(
        name="fig3",
        title="Distributed and centralised algorithm against the terminals",
        sweep=Sweep(
            system="threetier",
            schemes=("distributed", "distributed-plus", "centralised"),
            parameter="terminals",
            values=(6, 9, 12, 15),
            measures=MEASURES,
            trials=5,
            block=1,
        ),
        x_label="Terminals",
        panels=(_LATENCY, _UPLOAD),
        claims="The distributed algorithm needs less processor time than the centralised one, the more so the more "
        "terminals there are (times and bytes: trinode bench threetier --only runtime).",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig4",
        title="Energy of a terminal against its processor's frequency",
        sweep=Sweep(
            system="threetier",
            schemes=("joint", "edge", "local"),
            parameter="terminal_frequency_hz",
            values=(0.3e9, 0.5e9, 0.8e9, 1.0e9, 1.5e9),
            series={"G=3 GHz": {"edge_capacity_hz": 3e9}, "G=9 GHz": {}},
            measures=ENERGY,
        ),
        x_label="Terminal frequency (GHz)",
        x_factor=1e-9,
        panels=(
            Panel("energy_full_power", "Energy, all at full power (J)", scale="log"),
            Panel("energy", "Energy of the decision (J)", scale="log"),
        ),
        claims="DCET needs less energy than local and ET; that of local and ET grows with the terminals' frequency.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig5",
        title="Latency against the bandwidth",
        sweep=Sweep(
            system="threetier",
            schemes=("joint", "edge", "local"),
            parameter="bandwidth_hz",
            values=(5e6, 10e6, 15e6, 20e6),
            series={"400 cycle/bit": {}, "600 cycle/bit": {"cycles_per_bit": 600.0}},
            measures=MEASURES,
        ),
        x_label="Bandwidth (MHz)",
        x_factor=1e-6,
        panels=(_LATENCY, _UPLOAD),
        claims="Latency grows linearly with the bandwidth, slower for ET and slowest for CET; DCET equals CCET.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig6",
        title="Latency against the computation intensity",
        sweep=Sweep(
            system="threetier",
            schemes=("joint", "edge"),
            parameter="cycles_per_bit",
            values=(200.0, 400.0, 420.0, 440.0, 600.0, 800.0, 1000.0),
            series={f"G={g} GHz": {"edge_capacity_hz": g * 1e9} for g in (3, 6, 9)},
            measures=MEASURES,
        ),
        x_label="Computation intensity (cycle/bit)",
        panels=(_LATENCY_LOG, _UPLOAD),
        claims="CET grows slowly with the intensity; at G = 9 GHz ET and CET are the same.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig7",
        title="Latency against the frequency that a terminal gets at the edge",
        sweep=Sweep(
            system="threetier",
            schemes=("joint", "edge"),
            parameter="edge_frequency_hz",
            values=(2e9, 3e9, 4e9, 5e9, 6e9),
            series={f"{r} Mbit/s": {"backhaul_bps": r * 1e6} for r in (1, 5, 10, 20)},
            measures=MEASURES,
        ),
        x_label="Edge frequency of a terminal (GHz)",
        x_factor=1e-9,
        panels=(_LATENCY_LOG, _UPLOAD),
        claims="CET is quicker than ET everywhere; for a small backhaul rate both overlap.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig8",
        title="Latency in larger networks (L = 5)",
        sweep=Sweep(
            system="threetier",
            schemes=("joint", "edge"),
            parameter="terminals",
            values=(30, 35, 40),
            fixed={"access_points": 5},
            measures=MEASURES,
            trials=10,
            block=2,
            bound=False,  # it is not drawn, and takes as long to compile as all else
        ),
        x_label="Terminals",
        panels=(_LATENCY_LOG, _UPLOAD),
        claims="CET outperforms ET, by more with more terminals.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig9",
        title="Latency against the terminals' power",
        sweep=Sweep(
            system="threetier",
            schemes=("joint", "mrt", "mrs"),
            parameter="terminal_max_power_dbm",
            values=(10.0, 15.0, 20.0, 25.0, 30.0),
            series={"M=8": {"ap_antennas": 8}, "M=16": {}},
            measures=(*MEASURES, MISSED),
        ),
        x_label="Power limit (dBm)",
        panels=tuple(
            replace(panel, over="possible") for panel in (_LATENCY, _UPLOAD, Panel("missed", "Share of echoes missed"))
        ),
        claims="The optimised beams are better than MRT and MRS; power has little impact on the latter.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig10",
        title="Latency against the echo requirement",
        sweep=Sweep(
            system="threetier",
            schemes=("joint",),
            parameter="sensing_sinr_min_db",
            values=(-4.0, -2.0, 0.0, 2.0, 4.0, 6.0),
            series={
                "N=8, K=9": {},
                "N=16, K=9": {"terminal_antennas": 16, "radar_antennas": 16},
                "N=8, K=6": {"terminals": 6},
                "N=16, K=6": {"terminals": 6, "terminal_antennas": 16, "radar_antennas": 16},
            },
            measures=MEASURES,
        ),
        x_label="Required echo SINR (dB)",
        panels=(_LATENCY, _UPLOAD),
        claims="Latency rises with the requirement and with terminals, and falls with antennas.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig11",
        title="Latency and detection against the echo requirement",
        sweep=Sweep(
            system="threetier",
            schemes=("joint",),
            parameter="sensing_sinr_min_db",
            values=(-4.0, -2.0, 0.0, 2.0, 4.0, 6.0),
            series={f"data of {n} look{'s' * (n > 1)}": {"echo_looks": float(n)} for n in (1, 2, 4)},
            measures=(*MEASURES, *DETECTION),
        ),
        x_label="Required echo SINR (dB)",
        panels=(
            _LATENCY,
            Panel("detection_1", "Least detection probability, 1 look"),
            Panel("detection_4", "Least detection probability, 4 looks"),
        ),
        claims="Latency rises with the detection probability; accumulation raises both.",
        labels=LABELS,
    ),
    FigureSpec(
        name="fig12",
        title="Latency against the capacity of the edge servers",
        sweep=Sweep(
            system="threetier",
            schemes=("joint",),
            parameter="edge_capacity_hz",
            values=(0.0, 3e9, 6e9, 9e9, 12e9),
            series={"2 dB": {}, "6 dB": {"sensing_sinr_min_db": 6.0}},
            measures=MEASURES,
        ),
        x_label="Edge capacity (GHz)",
        x_factor=1e-9,
        panels=(_LATENCY, _UPLOAD),
        claims="Latency falls with the capacity, slower where it is large.",
        labels=LABELS,
    ),
)

FIGURES: dict[str, FigureSpec] = {spec.name: spec for spec in _SPECS}
