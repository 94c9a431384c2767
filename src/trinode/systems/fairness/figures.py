"""Figures 1 and 2 of the fairness paper: what is swept, what is drawn, and what the paper says of it."""

from __future__ import annotations

from trinode.systems.figure import FigureSpec, Measure, Panel, Sweep

LABELS = {"exact": "with local computing", "no-local": "all offloaded", "ica": "paper's method"}
LAYOUTS = {"cell-free": {"layout": "cell-free"}, "BS-centred": {"layout": "bs-centred"}}
GINI = Measure("gini", "gini", "max")

_CLAIMS_1 = (
    "Cell-free with local computing is best for every number of terminals; BS-centred beats cell-free without local "
    "computing for 10 and 20 terminals and loses from 30; the Gini index of cell-free stays below 20 % at 50."
)
_SWEEP_1 = Sweep(
    system="fairness",
    schemes=("exact", "no-local", "full-power"),
    parameter="terminals",
    values=(10, 20, 30, 40, 50),
    series=LAYOUTS,
    trials=100,
    measures=(GINI,),
    bound=False,
)
_PANELS_1 = (
    Panel("objective", "Mean largest latency (ms)", 1e3, "log"),
    Panel("gini", "Mean Gini index of the latencies"),
)

_CLAIMS_2 = (
    "The network is within 1 % of the optimum; trained on cell-free channels and fed BS-centred ones it is ahead of "
    "BS-centred. (The paper's test channels belong to topologies that its network was trained on; every trial here is "
    "a topology of its own.)"
)
LABELS_2 = LABELS | {
    "exact": "optimum",
    "learned": "learned steps",
    "inversion": "channel inversion",
    "learned-cnn-lstm": "the paper's network",
}
_PANELS_2 = (Panel("objective", "Largest latency of a network (ms)", 1e3, "log", kind="shares"),)


def _cdf(*schemes: str, **fixed: int) -> Sweep:
    return Sweep(
        system="fairness", schemes=schemes, fixed=fixed, series=LAYOUTS, trials=20_000, block=2_000, bound=False
    )


_SPECS = (
    FigureSpec(
        name="fig1",
        title="Largest latency and its evenness against the number of terminals",
        sweep=_SWEEP_1,
        x_label="Terminals",
        panels=_PANELS_1,
        claims=_CLAIMS_1,
        labels=LABELS | {"full-power": "full power"},
    ),
    FigureSpec(
        name="fig1-printed",
        title="As Fig. 1, with interference, noise and path loss as the equations are printed",
        sweep=Sweep(
            system="fairness",
            schemes=("exact", "no-local"),
            parameter="terminals",
            values=(10, 20, 30, 40, 50),
            series=LAYOUTS,
            fixed={"interference": "printed", "noise": "printed", "path_loss": "amplitude"},
            trials=100,
            measures=(GINI,),
            bound=False,
        ),
        x_label="Terminals",
        panels=_PANELS_1,
        claims=_CLAIMS_1,
        labels=LABELS,
    ),
    FigureSpec(
        name="fig2",
        title="Largest latency of 10 terminals",
        sweep=_cdf("exact", "learned", "inversion", "learned-cnn-lstm"),
        x_label="",
        panels=_PANELS_2,
        claims=_CLAIMS_2,
        labels=LABELS_2,
    ),
    FigureSpec(
        name="fig2-k20",
        title="Largest latency of 20 terminals",
        sweep=_cdf("exact", "learned", "inversion", terminals=20),
        x_label="",
        panels=_PANELS_2,
        claims=_CLAIMS_2,
        labels=LABELS_2,
    ),
    FigureSpec(
        name="power",
        title="Largest latency against the transmit power",
        sweep=Sweep(
            system="fairness",
            schemes=("exact", "mmse", "no-local", "inversion", "full-power"),
            parameter="terminal_max_power_w",
            values=(1e-4, 1e-3, 1e-2, 1e-1),
            trials=100,
            measures=(GINI,),
        ),
        x_label="Transmit power (mW)",
        x_factor=1e3,
        x_scale="log",
        panels=(Panel("objective", "Mean largest latency (ms)", 1e3, "log", bound=True), _PANELS_1[1]),
        labels=LABELS | {"mmse": "combiners chosen too", "inversion": "channel inversion", "full-power": "full power"},
    ),
)

FIGURES = {spec.name: spec for spec in _SPECS}
"""By name."""
