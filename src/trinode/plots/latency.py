"""Pictures of a decision of the latency system: the map with its beams, and each terminal's latency."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.plots._style import INK, PALETTE, QUIET, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ELEMENT_SPACING = 0.5
"""In wavelengths. A scenario does not hold it; this is the spacing of drawn and of bundled networks."""

TIERS = {"itself": PALETTE[2], "edge": PALETTE[0], "cloud": PALETTE[1]}
TIER_LABELS = {"itself": "computes itself", "edge": "computes at the edge", "cloud": "computes in the cloud"}
PARTS = {
    "upload_s": ("upload", "#56B4E9"),
    "fronthaul_s": ("fronthaul", "#CC79A7"),
    "compute_s": ("compute", "#E6B03C"),
}
MOST_LABELS = 40
"""Access points that are named on a map; more would hide it."""

MAP_POINTS = 350.0
"""Width of a map in points, near enough to place labels."""

ALARM = "#c1121f"
WALL = "#cfcfcf"


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
    everything = np.concatenate([terminal, ap])
    middle = (everything.max(0) + everything.min(0)) / 2
    span = max(float(np.ptp(everything, axis=0).max()), 10.0)
    radius = 0.085 * span
    half = span / 2 + 1.35 * radius

    with style():
        figure = new_figure(7.4, 5.4)
        ax = figure.subplots()
        ax.set_aspect("equal")
        ax.set(
            xlim=(middle[0] - half, middle[0] + half),
            ylim=(middle[1] - half, middle[1] + half),
            xticks=[],
            yticks=[],
        )
        for side in ax.spines.values():
            side.set(visible=True, color="#dddddd")
        if building_lines is not None:
            _draw_walls(ax, np.asarray(building_lines))
        _draw_links(ax, terminal, ap, share, np.asarray(scenario.serving), tiers)
        seen = _draw_lobes(ax, scenario, solution, terminal, radius, tiers)
        _draw_nodes(ax, terminal, ap, tiers, np.asarray(solution.terminal_feasible))
        _draw_scale(ax, span)
        figure.legend(handles=_map_legend(tiers, seen, solution), loc="outside right upper", labelspacing=0.75)
        _set_title(figure, title)
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
        _set_title(figure, title)
    return figure


PICTURES: dict[str, Callable[..., Any]] = {"map": draw_map, "bars": draw_bars}


def tier_of(report: Any, terminal: int) -> str:
    """Where a terminal computes: a key of :data:`TIERS`."""
    if float(report.metrics["cloud_terminal"][terminal]) > 0.5:
        return "cloud"
    return "edge" if float(report.metrics["edge_terminal"][terminal]) > 0.5 else "itself"


def radiated_pattern(covariance: np.ndarray, angle_rad: np.ndarray, spacing: float = ELEMENT_SPACING) -> np.ndarray:
    """Power that a uniform linear array of this covariance radiates towards each angle, conj(a) . Q . a."""
    antennas = covariance.shape[0]
    steering = np.exp(-2j * np.pi * spacing * np.sin(angle_rad)[:, None] * np.arange(antennas))
    return np.maximum(np.einsum("at,tu,au->a", steering.conj(), covariance, steering).real, 0.0)


def target_angle(steering: np.ndarray, spacing: float = ELEMENT_SPACING) -> float | None:
    """Angle of a uniform linear array's steering vector, from -pi/2 to pi/2; None if it is not one."""
    if len(steering) < 2 or not np.allclose(np.abs(steering), 1, atol=1e-6):
        return None
    step = steering[1:] * steering[:-1].conj()
    sine = -np.angle(step[0]) / (2 * np.pi * spacing)
    if not np.allclose(step, step[0], atol=1e-6) or abs(sine) > 1 + 1e-9:
        return None
    return float(np.arcsin(np.clip(sine, -1, 1)))


def _draw_walls(ax: Axes, walls: np.ndarray) -> None:
    from matplotlib.collections import LineCollection

    ax.add_collection(LineCollection(list(walls), colors=WALL, linewidths=0.7, zorder=0), autolim=False)


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


def _link_width(share: float) -> float:
    return 0.5 + 3.3 * share


def _draw_lobes(ax: Axes, scenario: Any, solution: Any, terminal: np.ndarray, radius: float, tiers: list[str]) -> bool:
    """Lobes and target directions; returns whether there were any."""
    data, sensing = np.asarray(solution.precoder), np.asarray(solution.sensing_precoder)
    steering = np.asarray(scenario.transmit_steering)
    angle = np.linspace(0, 2 * np.pi, 721)
    seen = False
    for k, place in enumerate(terminal):
        target = target_angle(steering[k])
        if target is None:
            continue
        covariance = np.einsum("mt,mu->tu", data[k], data[k].conj()) + np.outer(sensing[k], sensing[k].conj())
        power = radiated_pattern(covariance, angle)
        if power.max() <= 0:
            continue
        seen = True
        reach = radius * power / power.max()
        outline = place + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        colour = TIERS[tiers[k]]
        ax.fill(*outline.T, facecolor=colour, alpha=0.28, edgecolor="none", zorder=3)
        ax.plot(*outline.T, color=colour, linewidth=0.8, zorder=3)
        for direction in (target, np.pi - target):
            tip = place + 1.25 * radius * np.array([np.cos(direction), np.sin(direction)])
            ax.plot(*np.stack([place, tip]).T, color=INK, linewidth=0.9, linestyle=(0, (3, 2)), zorder=4)
    return seen


def _draw_nodes(ax: Axes, terminal: np.ndarray, ap: np.ndarray, tiers: list[str], feasible: np.ndarray) -> None:
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
    for k, place in enumerate(terminal):
        edge, width = ("white", 0.9) if feasible[k] else (ALARM, 2.0)
        ax.scatter(*place, s=120, color=TIERS[tiers[k]], edgecolor=edge, linewidth=width, zorder=6)
        ax.annotate(
            str(k),
            place,
            ha="center",
            va="center_baseline",
            fontsize=8,
            color="white",
            fontweight="bold",
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


def _draw_scale(ax: Axes, span: float) -> None:
    """A bar of a round length under the map."""
    power = 10 ** np.floor(np.log10(span / 4))
    length = power * max(step for step in (1, 2, 5) if step * power <= span / 4)
    start = ax.get_xlim()[0]
    place = ax.get_xaxis_transform()
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


def _map_legend(tiers: list[str], lobes: bool, solution: Any) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def dot(colour: str, label: str, marker: str = "o", edge: str = "white", width: float = 0.9) -> Line2D:
        return Line2D(
            [], [], linestyle="", marker=marker, markersize=9, color=colour, markeredgecolor=edge,
            markeredgewidth=width, label=label,
        )  # fmt: skip

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
        handles.append(Patch(facecolor="#bbbbbb", edgecolor=QUIET, label="radiated power\nover the angle"))
        handles.append(
            Line2D(
                [],
                [],
                color=INK,
                linewidth=0.9,
                linestyle=(0, (3, 2)),
                label="sensing target\n(and mirror image)",
            )
        )
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


def _set_title(figure: Figure, title: str) -> None:
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
