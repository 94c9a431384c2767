"""Pictures of a decision of the three-tier system: who computes on which tier, and where the time goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.plots._map import TIER_LABELS, TIERS, dot, draw_ground, draw_lobes, draw_terminals, lobe_legend, tier_of
from trinode.plots._style import ALARM, INK, new_figure, set_title, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {"upload_s": ("upload", "#56B4E9"), "backhaul_s": ("backhaul", "#CC79A7"), "compute_s": ("compute", "#E6B03C")}


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
    colours = [TIERS[tier] for tier in tiers]
    radius = 0.075 if len(terminal) <= 15 else 0.04
    precoder, steering = np.asarray(solution.precoder), np.asarray(scenario.transmit_steering)
    radiated = np.einsum("kt,ku->ktu", precoder, precoder.conj())
    with style():
        figure = new_figure(7.6, 5.4)
        ax = figure.subplots()
        span = draw_ground(ax, np.concatenate([terminal, ap]), 1.4 * radius, building_lines)
        for k, m in zip(*np.nonzero(edge | cloud)):
            ends = np.stack([terminal[k], ap[m]])
            ax.plot(*ends.T, color=colours[k], linewidth=1.6, alpha=0.7, zorder=2)
        draw_lobes(ax, terminal, radiated, steering, radius * span, colours)
        _draw_stations(ax, ap, edge, cloud, 0.055 * span)
        draw_terminals(ax, terminal, colours, np.asarray(solution.terminal_feasible))
        figure.legend(handles=_legend(tiers, bool(cloud.any()), solution), loc="outside right upper", labelspacing=0.8)
        set_title(figure, title)
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
        set_title(figure, title)
    return figure


PICTURES: dict[str, Callable[..., Any]] = {"map": draw_map, "bars": draw_bars}


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
        counts = {"edge": int(edge[:, m].sum()), "cloud": int(cloud[:, m].sum())}
        used = ", ".join(f"{count} {tier}" for tier, count in counts.items() if count)
        ax.annotate(
            f"AP{m}: {used}" if used else f"AP{m}",
            place,
            (0, -9),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
            zorder=2.5,
        )


def _legend(tiers: list[str], cloud: bool, solution: Any) -> list[Any]:
    handles: list[Any] = [dot(INK, "base station with\nan edge server", "^")]
    handles += [dot(TIERS[tier], f"{TIER_LABELS[tier]} ({tiers.count(tier)})") for tier in TIERS if tier in tiers]
    if cloud:
        handles.append(dot(TIERS["cloud"], "backhaul to the cloud", r"$\uparrow$"))
    if not np.asarray(solution.terminal_feasible).all():
        handles.append(dot("white", "cannot be served", edge=ALARM, width=2.0))
    return handles + lobe_legend()


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
