"""Pictures of a decision of the three-tier system: who computes on which tier, and where the time goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.plots._style import INK, PALETTE, QUIET, new_figure, style
from trinode.plots.latency import radiated_pattern, target_angle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIERS = {"itself": PALETTE[2], "edge": PALETTE[0], "cloud": PALETTE[1]}
TIER_LABELS = {"itself": "computes itself", "edge": "computes at the edge", "cloud": "computes in the cloud"}
PARTS = {"upload_s": ("upload", "#56B4E9"), "backhaul_s": ("backhaul", "#CC79A7"), "compute_s": ("compute", "#E6B03C")}
ALARM = "#c1121f"
WALL = "#cfcfcf"


def draw_map(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure | None:
    """Draw terminals in the colour of their tier, the link that each uses, its lobe and its sensing target.

    The lobe around a terminal is its radiated power over the angle, relative to its strongest direction, drawn on
    both sides because a linear array cannot tell them apart; so is the direction of the target. A link of a task for
    the cloud goes on from its base station upwards.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where the scenario has no positions.
    """
    if scenario.terminal_position_m is None or scenario.ap_position_m is None:
        return None
    terminal, ap = np.asarray(scenario.terminal_position_m)[:, :2], np.asarray(scenario.ap_position_m)[:, :2]
    edge, cloud = np.asarray(solution.edge_choice), np.asarray(solution.cloud_choice)
    tiers = [tier_of(report, k) for k in range(len(terminal))]
    everything = np.concatenate([terminal, ap])
    middle = (everything.max(0) + everything.min(0)) / 2
    span = max(float(np.ptp(everything, axis=0).max()), 10.0)
    radius = 0.075 * span if len(terminal) <= 15 else 0.04 * span
    half = span / 2 + 1.4 * radius
    with style():
        figure = new_figure(7.6, 5.4)
        ax = figure.subplots()
        ax.set_aspect("equal")
        low, high = middle - half, middle + half
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
        for side in ax.spines.values():
            side.set(visible=True, color="#dddddd")
        if building_lines is not None:
            _draw_walls(ax, np.asarray(building_lines))
        for k, m in zip(*np.nonzero(edge | cloud)):
            ends = np.stack([terminal[k], ap[m]])
            ax.plot(*ends.T, color=TIERS[tiers[k]], linewidth=1.6, alpha=0.7, zorder=2)
        _draw_lobes(ax, scenario, solution, terminal, radius, tiers)
        _draw_stations(ax, ap, edge, cloud, 0.055 * span)
        _draw_terminals(ax, terminal, tiers, np.asarray(solution.terminal_feasible))
        _draw_scale(ax, span)
        figure.legend(handles=_legend(tiers, bool(cloud.any()), solution), loc="outside right upper", labelspacing=0.8)
        _set_title(figure, title)
    return figure


def draw_bars(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure:
    """Draw each terminal's latency by its parts and, enlarged beside it, the upload, which is what beams decide."""
    metrics = {name: np.asarray(value) for name, value in report.metrics.items()}
    choice = np.asarray(solution.edge_choice) | np.asarray(solution.cloud_choice)
    count = choice.shape[0]
    places = np.arange(count)
    largest = float(metrics["latency_s"][np.isfinite(metrics["latency_s"])].max(initial=0.0))
    unit, factor = ("ms", 1e3) if largest < 10 else ("s", 1.0)
    with style():
        figure = new_figure(7.6, 1.6 + 0.32 * min(count, 60))
        whole, upload = figure.subplots(1, 2, sharey=True, width_ratios=(2.2, 1))
        left = np.zeros(count)
        for part, (label, colour) in PARTS.items():
            width = np.where(np.isfinite(metrics[part]), metrics[part], 0.0) * factor
            whole.barh(
                places, width, left=left, height=0.66, color=colour, label=label, edgecolor="white", linewidth=0.5
            )
            left += width
            if part == "upload_s":
                upload.barh(places, width, height=0.66, color=colour, edgecolor="white", linewidth=0.5)
        whole.set_yticks(places, [f"terminal {k}" for k in range(count)])
        whole.invert_yaxis()
        whole.set(xlabel=f"latency ({unit})", xlim=(0, max(left.max() * 1.03, 1e-12)))
        upload.set(xlabel=f"of it upload ({unit})")
        for ax in (whole, upload):
            ax.tick_params(axis="y", length=0)
            ax.grid(True, axis="x")
        for k in range(count):
            over = ", ".join(f"AP{m}" for m in np.flatnonzero(choice[k]))
            tier = tier_of(report, k)
            good = bool(solution.terminal_feasible[k])
            text = tier + (f" over {over}" if over else "") + ("" if good else " (cannot be served)")
            upload.annotate(
                text,
                (1.0, k),
                (8, 0),
                xycoords=upload.get_yaxis_transform(),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=TIERS[tier] if good else ALARM,
            )
        mean = float(np.mean(metrics["latency_s"])) * factor
        if np.isfinite(mean):
            whole.axvline(mean, color=INK, linewidth=1.0, linestyle=(0, (2, 1.5)), zorder=4)
            _above(whole, mean, f"mean {mean:.4g} {unit}")
        bound = float(report.bound) / count * factor
        if np.isfinite(bound) and np.isfinite(mean):
            _above(upload, 0.0, f"bound of the mean {bound:.4g} {unit}", "left")
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.6, handlelength=1.4)
        _set_title(figure, title)
    return figure


PICTURES: dict[str, Callable[..., Any]] = {"map": draw_map, "bars": draw_bars}


def tier_of(report: Any, terminal: int) -> str:
    """Where a terminal computes: a key of :data:`TIERS`."""
    if float(report.metrics["cloud_terminal"][terminal]) > 0.5:
        return "cloud"
    return "edge" if float(report.metrics["edge_terminal"][terminal]) > 0.5 else "itself"


def _draw_walls(ax: Axes, walls: np.ndarray) -> None:
    from matplotlib.collections import LineCollection

    ax.add_collection(LineCollection(list(walls), colors=WALL, linewidths=0.7, zorder=0), autolim=False)


def _draw_lobes(ax: Axes, scenario: Any, solution: Any, terminal: np.ndarray, radius: float, tiers: list[str]) -> None:
    precoder, steering = np.asarray(solution.precoder), np.asarray(scenario.transmit_steering)
    angle = np.linspace(0, 2 * np.pi, 721)
    for k, place in enumerate(terminal):
        target = target_angle(steering[k])
        power = radiated_pattern(np.outer(precoder[k], precoder[k].conj()), angle)
        if target is None or power.max() <= 0:
            continue
        reach = radius * power / power.max()
        outline = place + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        ax.fill(*outline.T, facecolor=TIERS[tiers[k]], alpha=0.28, edgecolor="none", zorder=3)
        ax.plot(*outline.T, color=TIERS[tiers[k]], linewidth=0.7, zorder=3)
        for direction in (target, np.pi - target):
            tip = place + 1.25 * radius * np.array([np.cos(direction), np.sin(direction)])
            ax.plot(*np.stack([place, tip]).T, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=4)


def _draw_stations(ax: Axes, ap: np.ndarray, edge: np.ndarray, cloud: np.ndarray, lift: float) -> None:
    for m, place in enumerate(ap):
        if cloud[:, m].any():
            ax.annotate(
                "",
                place + np.array([0.0, 2.1 * lift]),
                place,
                arrowprops={"arrowstyle": "-|>", "color": TIERS["cloud"], "linewidth": 1.6, "shrinkA": 4},
                zorder=5,
            )
        ax.scatter(*place, marker="^", s=130, color=INK, edgecolor="white", linewidth=0.9, zorder=6)
        ax.annotate(
            f"AP{m}: {int(edge[:, m].sum())} edge, {int(cloud[:, m].sum())} cloud",
            place,
            (0, -9),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
            zorder=2.5,
        )


def _draw_terminals(ax: Axes, terminal: np.ndarray, tiers: list[str], feasible: np.ndarray) -> None:
    small = len(terminal) > 40
    for k, place in enumerate(terminal):
        ring, width = ("white", 0.9) if feasible[k] else (ALARM, 2.0)
        ax.scatter(*place, s=40 if small else 120, color=TIERS[tiers[k]], edgecolor=ring, linewidth=width, zorder=7)
        if not small:
            ax.annotate(
                str(k), place, ha="center", va="center_baseline", fontsize=8, color="white", fontweight="bold", zorder=8
            )


def _draw_scale(ax: Axes, span: float) -> None:
    """A bar of a round length under the map."""
    power = 10 ** np.floor(np.log10(span / 4))
    length = power * max(step for step in (1, 2, 5) if step * power <= span / 4)
    start, place = ax.get_xlim()[0], ax.get_xaxis_transform()
    ax.plot([start, start + length], [-0.025, -0.025], transform=place, color=INK, linewidth=1.6, clip_on=False)
    ax.annotate(
        f"{length:g} m",
        (start + length, -0.025),
        (5, 0),
        xycoords=place,
        textcoords="offset points",
        va="center",
        fontsize=8,
        annotation_clip=False,
    )


def _legend(tiers: list[str], cloud: bool, solution: Any) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def dot(colour: str, label: str, marker: str = "o", edge: str = "white", width: float = 0.9) -> Line2D:
        return Line2D(
            [], [], linestyle="", marker=marker, markersize=9, color=colour, markeredgecolor=edge,
            markeredgewidth=width, label=label,
        )  # fmt: skip

    handles: list[Any] = [dot(INK, "base station with\nan edge server", "^")]
    handles += [dot(TIERS[tier], f"{TIER_LABELS[tier]} ({tiers.count(tier)})") for tier in TIERS if tier in tiers]
    if cloud:
        handles.append(dot(TIERS["cloud"], "backhaul to the cloud", r"$\uparrow$"))
    if not np.asarray(solution.terminal_feasible).all():
        handles.append(dot("white", "cannot be served", edge=ALARM, width=2.0))
    handles.append(Patch(facecolor="#bbbbbb", edgecolor=QUIET, label="radiated power\nover the angle"))
    dashes = (0, (3, 2))
    handles.append(
        Line2D([], [], color=INK, linewidth=0.8, linestyle=dashes, label="sensing target\n(and mirror image)")
    )
    return handles


def _above(ax: Axes, value: float, text: str, side: str = "right") -> None:
    ax.annotate(
        text,
        (value, 1.0),
        (0, 4),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="bottom",
        fontsize=8.5,
        annotation_clip=False,
    )


def _set_title(figure: Figure, title: str) -> None:
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
