"""Pictures of a decision of the latency system: the map with its beams, and each terminal's latency."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.plots._map import TIER_LABELS, TIERS, dot, draw_ground, draw_lobes, draw_terminals, lobe_legend, tier_of
from trinode.plots._style import ALARM, INK, QUIET, new_figure, set_title, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {
    "upload_s": ("upload", "#56B4E9"),
    "fronthaul_s": ("fronthaul", "#CC79A7"),
    "compute_s": ("compute", "#E6B03C"),
}
MOST_LABELS = 40
"""Access points that are named on a map; more would hide it."""

MAP_POINTS = 350.0
"""Width of a map in points, near enough to place labels."""


def draw_map(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure | None:
    """Draw where everything is, who computes where, what each link carries, and how terminals radiate.

    The lobe around a terminal is its radiated power over the angle, relative to the strongest direction.
    Arrays are drawn along the vertical axis of the map. A linear array cannot tell a direction from its
    mirror image, so lobes are symmetric and the direction of the sensing target is drawn on both sides.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where the scenario has no positions.
    """
    if scenario.terminal_position_m is None or scenario.ap_position_m is None:
        return None
    terminal = np.asarray(scenario.terminal_position_m)[:, :2]
    ap = np.asarray(scenario.ap_position_m)[:, :2]
    share = np.asarray(solution.edge_share) + np.asarray(solution.cloud_share)
    tiers = [tier_of(report, k) for k in range(len(terminal))]
    colours = [TIERS[tier] for tier in tiers]
    radius = 0.085
    with style():
        figure = new_figure(7.4, 5.4)
        ax = figure.subplots()
        span = draw_ground(ax, np.concatenate([terminal, ap]), 1.35 * radius, building_lines)
        _draw_links(ax, terminal, ap, share, np.asarray(scenario.serving), tiers)
        steering = np.asarray(scenario.transmit_steering)
        seen = draw_lobes(ax, terminal, _radiated_covariance(solution), steering, radius * span, colours)
        _draw_access_points(ax, terminal, ap)
        draw_terminals(ax, terminal, colours, np.asarray(solution.terminal_feasible))
        figure.legend(handles=_map_legend(tiers, seen, solution), loc="outside right upper", labelspacing=0.75)
        set_title(figure, title)
    return figure


def draw_bars(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure:
    """Draw the latency of each terminal as a bar of its parts, with the largest one and the bound."""
    metrics = {name: np.asarray(value) for name, value in report.metrics.items()}
    share = np.asarray(solution.edge_share) + np.asarray(solution.cloud_share)
    count = share.shape[0]
    places = np.arange(count)
    unit, factor = ("ms", 1e3) if _finite_max(metrics["latency_s"]) < 10 else ("s", 1.0)
    with style():
        figure = new_figure(7.4, 1.5 + 0.34 * count)
        ax = figure.subplots()
        left = np.zeros(count)
        for part, (label, colour) in PARTS.items():
            width = np.where(np.isfinite(metrics[part]), metrics[part], 0.0) * factor
            ax.barh(
                places,
                width,
                left=left,
                height=0.62,
                color=colour,
                label=label,
                edgecolor="white",
                linewidth=0.6,
            )
            left += width
        ax.set_yticks(places, [f"terminal {k}" for k in range(count)])
        ax.invert_yaxis()
        ax.set(xlabel=f"latency ({unit})", xlim=(0, max(left.max() * 1.02, 1e-12)))
        ax.tick_params(axis="y", length=0)
        ax.grid(True, axis="x")
        for k in range(count):
            ax.annotate(
                _route(tier_of(report, k), share[k], bool(solution.terminal_feasible[k])),
                (1.0, k),
                (8, 0),
                xycoords=ax.get_yaxis_transform(),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=INK if solution.terminal_feasible[k] else ALARM,
            )
        _mark(ax, float(report.bound) * factor, "bound", unit, "right", (0, (2, 1.5)))
        _mark(ax, float(report.objective) * factor, "largest", unit, "left", "-")
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.6, handlelength=1.4)
        set_title(figure, title)
    return figure


PICTURES: dict[str, Callable[..., Any]] = {"map": draw_map, "bars": draw_bars}


def _draw_links(
    ax: Axes, terminal: np.ndarray, ap: np.ndarray, share: np.ndarray, serving: np.ndarray, tiers: list[str]
) -> None:
    for k, m in zip(*np.nonzero(serving | (share > 0))):
        ends = np.stack([terminal[k], ap[m]])
        if share[k, m] > 0:
            colour, width = TIERS[tiers[k]], _link_width(float(share[k, m]))
            ax.plot(*ends.T, color=colour, linewidth=width, alpha=0.75, solid_capstyle="round", zorder=2)
        else:
            ax.plot(*ends.T, color=QUIET, linewidth=0.6, linestyle=(0, (1, 2.5)), zorder=1)


def _radiated_covariance(solution: Any) -> np.ndarray:
    """Covariance (K, T, T) of what each terminal radiates."""
    data, sensing = np.asarray(solution.precoder), np.asarray(solution.sensing_precoder)
    return np.einsum("kmt,kmu->ktu", data, data.conj()) + np.einsum("kt,ku->ktu", sensing, sensing.conj())


def _link_width(share: float) -> float:
    return 0.5 + 3.3 * share


def _draw_access_points(ax: Axes, terminal: np.ndarray, ap: np.ndarray) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.2, foreground="white")]
    ax.scatter(*ap.T, marker="^", s=95, color=INK, edgecolor="white", linewidth=0.9, zorder=5)
    if len(ap) <= MOST_LABELS:
        unit = (ax.get_xlim()[1] - ax.get_xlim()[0]) / MAP_POINTS
        for m, (x, y, across, up) in enumerate(_label_places(ap, terminal, unit)):
            ax.annotate(
                f"AP{m}",
                ap[m],
                (x, y),
                textcoords="offset points",
                ha=across,
                va=up,
                fontsize=8,
                path_effects=halo,
                zorder=7,
            )


def _label_places(ap: np.ndarray, terminal: np.ndarray, unit: float) -> list[tuple[float, float, str, str]]:
    """For each access point the side, of four, on which its label hides least; ``unit`` is a point in metres.

    Returns offsets in points and how the text is aligned to them.
    """
    sides = (
        (0, 7, "center", "bottom"),
        (0, -6, "center", "top"),
        (8, 0, "left", "center"),
        (-8, 0, "right", "center"),
    )
    width, height = 22.0, 9.0
    boxes = [(*place / unit, 12.0, 12.0) for place in np.concatenate([ap, terminal])]
    chosen = []
    for place in ap / unit:
        best, least, kept = sides[0], np.inf, boxes[0]
        for side in sides:
            x, y, across, up = side
            centre_x = place[0] + x + {"center": 0, "left": width / 2, "right": -width / 2}[across]
            centre_y = place[1] + y + {"center": 0, "bottom": height / 2, "top": -height / 2}[up]
            box = (centre_x, centre_y, width, height)
            hidden = sum(_overlap(box, other) for other in boxes)
            if hidden < least - 1e-9:
                best, least, kept = side, hidden, box
        chosen.append(best)
        boxes.append(kept)
    return chosen


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Area that two boxes (centre, width and height) share."""
    across = (one[2] + other[2]) / 2 - abs(one[0] - other[0])
    up = (one[3] + other[3]) / 2 - abs(one[1] - other[1])
    return max(across, 0.0) * max(up, 0.0)


def _map_legend(tiers: list[str], lobes: bool, solution: Any) -> list[Any]:
    from matplotlib.lines import Line2D

    handles: list[Any] = [dot(INK, "access point", "^")]
    handles += [dot(TIERS[tier], TIER_LABELS[tier]) for tier in TIERS if tier in tiers]
    if not np.asarray(solution.terminal_feasible).all():
        handles.append(dot("white", "cannot be served", edge=ALARM, width=2.0))
    if any(tier != "itself" for tier in tiers):
        handles += [
            Line2D([], [], color=QUIET, linewidth=_link_width(part), label=label)
            for part, label in ((1.0, "all its bits"), (0.25, "a quarter of them"))
        ]
    handles.append(Line2D([], [], color=QUIET, linewidth=0.6, linestyle=(0, (1, 2.5)), label="serves, unused"))
    if lobes:
        handles += lobe_legend()
    return handles


def _mark(ax: Axes, value: float, label: str, unit: str, side: str, dashes: Any) -> None:
    """A vertical line with its value above the axes, on the side where the other line's is not."""
    if not np.isfinite(value):
        return
    ax.axvline(value, color=INK, linewidth=1.1, linestyle=dashes, zorder=4)
    ax.annotate(
        f"{label} {value:.4g} {unit}",
        (value, 1.0),
        (-4 if side == "right" else 4, 4),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="bottom",
        fontsize=8.5,
        annotation_clip=False,
    )


def _route(tier: str, share: np.ndarray, feasible: bool) -> str:
    over = [f"AP{m} {share[m]:.0%}" for m in np.argsort(-share) if share[m] >= 0.005]
    text = {"itself": "itself"}.get(tier, f"{tier} over " + ", ".join(over))
    return text if feasible else f"{text} (cannot be served)"


def _finite_max(values: np.ndarray) -> float:
    return float(values[np.isfinite(values)].max(initial=0.0))
