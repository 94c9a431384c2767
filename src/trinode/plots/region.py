"""Pictures of the region system: where everything is, what the sensing access points radiate, and the region itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.plots._style import INK, PALETTE, new_figure, set_title, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IDEAL = "#cfe3f2"
ERROR_LABEL = "pattern error (mean squared)"
RATE_LABEL = "sum rate (bit/s/Hz)"


def draw_map(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure | None:
    """Draw access points and terminals; a terminal's disc grows with its rate, a link with its received power.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where the scenario has no positions.
    """
    if scenario.terminal_position_m is None or scenario.ap_position_m is None:
        return None
    terminal = np.asarray(scenario.terminal_position_m)[:, :2]
    ap = np.asarray(scenario.ap_position_m)[:, :2]
    rate = np.asarray(report.metrics["rate_bps_hz"])
    sensing = np.asarray(scenario.sensing_ap)
    heard = np.einsum("mka,mka->mk", np.asarray(scenario.channel_estimate).conj(), np.asarray(solution.precoder))
    power = np.abs(heard) * np.sqrt(np.asarray(scenario.ap_power))[:, None]
    share = power / np.maximum(power.sum(axis=0), 1e-300)
    with style():
        figure = new_figure(6.6, 5.2)
        ax = figure.subplots()
        ax.set_aspect("equal")
        ax.set(xlabel="m", ylabel="m")
        ax.margins(0.09)
        if building_lines is not None:
            from matplotlib.collections import LineCollection

            ax.add_collection(LineCollection(list(np.asarray(building_lines)), colors="#cfcfcf", linewidths=0.7))
        for m, k in zip(*np.nonzero(share > 0.02)):
            ends = np.stack([ap[m], terminal[k]])
            ax.plot(*ends.T, color=PALETTE[0], linewidth=3.0 * share[m, k], alpha=0.55, zorder=1)
        for chosen, colour, label in ((sensing, PALETTE[1], "access point, senses"), (~sensing, INK, "access point")):
            if chosen.any():
                ax.scatter(*ap[chosen].T, marker="^", s=95, color=colour, edgecolor="white", zorder=4, label=label)
        size = 40 + 320 * rate / max(float(rate.max()), 1e-12)
        ax.scatter(*terminal.T, s=size, color=PALETTE[2], edgecolor="white", zorder=3, label="terminal")
        for m, place in enumerate(ap):
            ax.annotate(f"AP{m}", place, (0, 7), textcoords="offset points", ha="center", fontsize=8, zorder=5)
        for k, place in enumerate(terminal):
            ax.annotate(
                f"{k}: {rate[k]:.1f}", place, (0, -14), textcoords="offset points", ha="center", fontsize=8, zorder=5
            )
        figure.legend(loc="outside lower left", ncols=3)
        set_title(figure, f"{title}: rates in bit/s/Hz" if title else "rates in bit/s/Hz")
    return figure


def draw_beams(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure | None:
    """Draw what each sensing access point radiates over the direction, with the scaled ideal pattern behind it.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where nobody senses.
    """
    from trinode.systems.region.model import radiated

    sensing = np.flatnonzero(np.asarray(scenario.sensing_ap))
    if sensing.size == 0:
        return None
    pattern = np.asarray(radiated(scenario, solution.precoder, solution.sensing_covariance))
    wanted = np.asarray(solution.pattern_scale)[:, None] * np.asarray(scenario.ideal_pattern)
    error = np.asarray(report.metrics["pattern_error"])
    direction = np.rad2deg(np.asarray(scenario.direction_rad))
    with style():
        figure = new_figure(7.4, 1.0 + 1.7 * len(sensing))
        axes = np.atleast_1d(figure.subplots(len(sensing), 1, sharex=True))
        for ax, m in zip(axes, sensing):
            ax.fill_between(direction, wanted[m], step="mid", color=IDEAL, label="ideal, scaled")
            ax.plot(direction, pattern[m], color=PALETTE[0], label="radiated")
            ax.set(ylabel=f"AP{m}", xlim=(-90, 90), ylim=(0, None))
            ax.annotate(f"error {error[m]:.4g}", (0.985, 0.86), xycoords="axes fraction", ha="right", fontsize=8.5)
            ax.grid(True, axis="y")
        axes[-1].set_xlabel("direction (degrees from broadside)")
        axes[-1].set_xticks(np.arange(-90, 91, 30))
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=2)
        set_title(figure, f"{title}: radiated power" if title else "radiated power")
    return figure


PICTURES: dict[str, Callable[..., Any]] = {"map": draw_map, "beams": draw_beams}


def draw_region(region: Any, title: str = "", points: Mapping[str, tuple[float, float]] | None = None) -> Figure:
    """Draw a region: its front, its two ends, the bound, and further points by name, (pattern error, sum rate)."""
    with style():
        figure = new_figure(6.8, 4.4)
        ax = figure.subplots()
        error, rate = region.pattern_mse, region.sum_rate
        right = error[-1] + 0.18 * (error[-1] - error[0] + 1e-9)
        x = np.concatenate([[error[0]], error, [right]])
        y = np.concatenate([[0.0], rate, [rate[-1]]])
        ax.fill_between(x, y, color=IDEAL, linewidth=0, label="region")
        ax.plot(x, y, color=PALETTE[0], linewidth=1.2)
        ax.plot(error, rate, "o", color=PALETTE[0], markeredgecolor="white", markeredgewidth=0.6, label="front")
        ax.axhline(region.bound, color=INK, linewidth=1.1, linestyle=(0, (1, 1.2)), label="bound")
        ends = (
            (region.s_min, region.rate_at_s_min, r"$(S_\min, R_T)$", (9, -12), "left"),
            (region.s_at_r_max, region.r_max, r"$(S_I, R_\max)$", (0, -17), "center"),
        )
        for s, r, text, offset, across in ends:
            ax.plot(s, r, "s", color=PALETTE[1], markersize=7, markeredgecolor="white", zorder=5)
            ax.annotate(f"{text} = ({s:.3f}, {r:.1f})", (s, r), offset, textcoords="offset points", ha=across)
        for index, (name, (s, r)) in enumerate((points or {}).items()):
            ax.plot(s, r, "D^vPX*"[index % 6], color=PALETTE[2 + index % 5], markeredgecolor="white", label=name)
        low = min([rate[0], *(r for _, r in (points or {}).values())])
        ax.set(xlabel=ERROR_LABEL, ylabel=RATE_LABEL, xlim=(error[0] - 0.06 * (right - error[0]), right))
        ax.set_ylim(low - 0.35 * (region.bound - low) - 1e-3, region.bound + 0.12 * (region.bound - low) + 1e-3)
        ax.grid(True, axis="y")
        figure.legend(loc="outside lower left", ncols=5)
        set_title(figure, title or "communication-sensing region")
    return figure


def draw_fronts(regions: Sequence[tuple[int, Any]], title: str = "") -> Figure:
    """Draw fronts over the number of access points, in three dimensions and projected (Fig. 3 of the paper)."""
    with style():
        figure = new_figure(10.2, 4.6)
        space = figure.add_subplot(1, 2, 1, projection="3d")
        plane = figure.add_subplot(1, 2, 2)
        for index, (count, region) in enumerate(regions):
            colour = PALETTE[index % len(PALETTE)]
            error, rate = region.pattern_mse, region.sum_rate
            space.plot(np.full_like(error, count), error, rate, color=colour, marker="o", markersize=2.5)
            plane.plot(error, rate, color=colour, marker="o", markersize=3, label=f"M = {count}")
            for s, r in ((region.s_min, region.rate_at_s_min), (region.s_at_r_max, region.r_max)):
                plane.plot(s, r, "s", color=colour, markersize=6, markeredgecolor="white")
        space.set(xlabel="access points", ylabel="pattern error", zlabel=RATE_LABEL)
        space.set_xticks([count for count, _ in regions])
        space.view_init(elev=22, azim=-58)
        plane.set(xlabel=ERROR_LABEL, ylabel=RATE_LABEL)
        plane.grid(True, axis="y")
        figure.legend(loc="outside lower left", ncols=6)
        set_title(figure, title or "communication-sensing regions")
    return figure
