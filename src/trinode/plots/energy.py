"""Pictures of a decision of the energy system: where joules and time go, and where the beams point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.plots._style import ALARM, INK, PALETTE, QUIET, new_figure, set_title, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {
    "local": ("own processor", "#E69F00"),
    "radio": ("radio", "#D55E00"),
    "ap": ("access point, weighted", "#0072B2"),
}
TIMES = {
    "local_s": ("own processor", "#E69F00"),
    "upload_s": ("on the air", "#D55E00"),
    "ap_s": ("access point", "#0072B2"),
}
ELEMENT_SPACING = 0.5
"""In wavelengths. A scenario does not hold it; this is the spacing of drawn networks."""
MOST_BEAMS = 6
"""Terminals whose beams are drawn; more would not be legible."""


def parts_j(scenario: Any, report: Any) -> dict[str, np.ndarray]:
    """Weighted energy of each terminal by where it is spent, J: the keys of :data:`PARTS`."""
    m = {name: np.asarray(value) for name, value in report.metrics.items()}
    return {"local": m["local_j"], "radio": m["radio_j"], "ap": np.asarray(scenario.ap_energy_weight) * m["ap_j"]}


def draw_budget(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure:
    """Draw each terminal's weighted energy by where it is spent, and its two chains of time against the deadline."""
    count = len(np.asarray(solution.offload_fraction))
    with style():
        figure = new_figure(9.2, 1.7 + 0.5 * count)
        energy, time = figure.subplots(1, 2)
        parts = parts_j(scenario, report)
        unit, factor = _unit(float(np.sum([v[np.isfinite(v)].sum() for v in parts.values()])), "J")
        left = np.zeros(count)
        for part, (label, colour) in PARTS.items():
            width = np.where(np.isfinite(parts[part]), parts[part], 0.0) * factor
            energy.barh(range(count), width, left=left, height=0.6, color=colour, label=label, edgecolor="white")
            left += width
        served = np.asarray(solution.terminal_feasible)
        share = np.asarray(solution.offload_fraction)
        names = [f"terminal {k}\n{share[k]:.0%} offloaded" for k in range(count)]
        energy.set_yticks(range(count), names)
        energy.set(xlabel=f"weighted energy ({unit})", xlim=(0, max(left.max() * 1.05, 1e-12)))
        _draw_times(time, scenario, report, count)
        for ax in (energy, time):
            ax.invert_yaxis()
            ax.tick_params(axis="y", length=0)
            ax.grid(True, axis="x")
        for k in np.flatnonzero(~served):
            energy.get_yticklabels()[k].set_color(ALARM)
        figure.legend(*energy.get_legend_handles_labels(), loc="outside lower left", ncols=3, handlelength=1.4)
        objective, bound = float(report.objective), float(report.bound)
        text = "cannot be served" if np.isnan(objective) else f"sum {objective * factor:.4g} {unit}"
        if np.isfinite(bound):
            text += f", bound {bound * factor:.4g} {unit}"
        energy.set_title(text, loc="left", fontsize=9, color=INK)
        set_title(figure, title)
    return figure


def _draw_times(ax: Axes, scenario: Any, report: Any, count: int) -> None:
    """Two bars per terminal: its own processor, and air plus access point."""
    m = {name: np.asarray(report.metrics[name]) for name in TIMES}
    deadline = np.asarray(scenario.latency_max_s)
    places = np.arange(count)
    finite = {name: np.where(np.isfinite(value), value, 0.0) * 1e3 for name, value in m.items()}
    ax.barh(places - 0.17, finite["local_s"], height=0.28, color=TIMES["local_s"][1])
    ax.barh(places + 0.17, finite["upload_s"], height=0.28, color=TIMES["upload_s"][1])
    ax.barh(places + 0.17, finite["ap_s"], left=finite["upload_s"], height=0.28, color=TIMES["ap_s"][1])
    for k in range(count):
        ax.plot([deadline[k] * 1e3] * 2, [k - 0.4, k + 0.4], color=INK, linewidth=1.2)
    longest = max(deadline.max() * 1e3, *(value.max() for value in finite.values()))
    ax.set(xlabel="time (ms); the line is the deadline", yticks=[], xlim=(0, 1.06 * longest))


def draw_beams(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure:
    """Draw what each terminal radiates over the angle of its own array: data, sensing, and where both should go.

    Curves are power towards the angle in dBm, as a single antenna would have to radiate it. A linear array cannot
    tell a direction from its mirror image, so half of the plane is drawn.
    """
    angle = np.linspace(-90, 90, 1441)
    data, sensing = np.asarray(solution.precoder), np.asarray(solution.sensing_precoder)
    count = min(len(data), MOST_BEAMS)
    row = np.exp(-2j * np.pi * ELEMENT_SPACING * np.outer(np.sin(np.deg2rad(angle)), np.arange(data.shape[1])))
    channel, echo = np.asarray(scenario.uplink_channel), np.asarray(scenario.echo_transmit)
    with style():
        figure = new_figure(7.4, 1.0 + 1.55 * count)
        axes = np.atleast_1d(figure.subplots(count, 1, sharex=True))
        for k, ax in enumerate(axes):
            for beam, label, colour in ((data[k], "data", PALETTE[0]), (sensing[k], "sensing", PALETTE[1])):
                power = np.abs(row.conj() @ beam) ** 2
                level = 10 * np.log10(np.maximum(power, 1e-12) * 1e3)
                ax.plot(angle, level, color=colour, linewidth=1.2, label=label)
            to_ap = np.linalg.norm(channel[k] @ row.T, axis=0)
            to_target = np.linalg.norm(echo[k].conj().T @ row.T, axis=0)
            for where, label, dashes in ((to_ap, "strongest path", (0, (4, 2))), (to_target, "target", (0, (1, 1.2)))):
                ax.axvline(angle[np.argmax(where)], color=QUIET, linewidth=1.0, linestyle=dashes, label=label)
            top = 10 * np.log10(1e3 * float(scenario.terminal_max_power_w[k]) * data.shape[1] + 1e-12)
            ax.set(ylim=(top - 60, top + 5), ylabel=f"terminal {k}\n(dBm)", xlim=(-90, 90))
            ax.grid(True, axis="y")
        axes[-1].set(xlabel="angle from the broadside of the terminal's array (degrees)", xticks=range(-90, 91, 30))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=4, handlelength=2.2)
        set_title(figure, title)
    return figure


def draw_schemes(scenario: Any, answers: Mapping[str, tuple[Any, Any]], title: str = "") -> Figure:
    """Draw where the joules of each scheme go: one bar per scheme, parts summed over terminals.

    Parameters
    ----------
    answers : mapping
        Scheme to its solution and report.
    """
    names = list(answers)
    with style():
        figure = new_figure(7.4, 1.6 + 0.36 * len(names))
        ax = figure.subplots()
        totals = [float(report.objective) for _, report in answers.values()]
        most = max((t for t in totals if np.isfinite(t)), default=1.0)
        unit, factor = _unit(most, "J")
        left = np.zeros(len(names))
        for part, (label, colour) in PARTS.items():
            sums = [np.sum(parts_j(scenario, report)[part]) for _, report in answers.values()]
            width = np.where(np.isfinite(totals), sums, 0.0) * factor
            ax.barh(range(len(names)), width, left=left, height=0.62, color=colour, label=label, edgecolor="white")
            left += width
        for place, (name, total) in enumerate(zip(names, totals)):
            share = float(np.mean(np.asarray(answers[name][0].offload_fraction)))
            served = int(np.sum(np.asarray(answers[name][0].terminal_feasible)))
            count = len(np.asarray(answers[name][0].terminal_feasible))
            good = np.isfinite(total)
            text = f"{total * factor:.4g} {unit}, {share:.0%} offloaded" if good else f"serves {served} of {count}"
            ax.annotate(
                text,
                (left[place], place),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=INK if good else ALARM,
            )
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.set(xlabel=f"weighted energy ({unit})", xlim=(0, left.max() * 1.35 if left.max() > 0 else 1))
        bound = next((float(report.bound) for _, report in answers.values()), np.nan)
        if np.isfinite(bound):
            ax.axvline(
                bound * factor, color=INK, linewidth=1.1, linestyle=(0, (2, 1.5)), label="bound of all but ofdma"
            )
        ax.grid(True, axis="x")
        ax.tick_params(axis="y", length=0)
        figure.legend(loc="outside lower left", ncols=4, handlelength=1.4, columnspacing=1.4)
        set_title(figure, title)
    return figure


PICTURES: dict[str, Callable[..., Any]] = {"budget": draw_budget, "beams": draw_beams}


def _unit(value: float, name: str) -> tuple[str, float]:
    for factor, prefix in ((1.0, ""), (1e3, "m"), (1e6, "µ")):
        if value * factor >= 1:
            return prefix + name, factor
    return "n" + name, 1e9
