"""Pictures of a decision of the fairness system: the map with powers and latencies, and bars of the latencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.plots._style import ALARM, INK, PALETTE, QUIET, new_figure, set_title, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOCAL, UPLOAD, SERVER = PALETTE[2], "#56B4E9", "#E6B03C"


def draw_map(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure | None:
    """Draw where everything is; the colour of a terminal is its latency, its size the power it sends with.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where the scenario has no positions.
    """
    if scenario.terminal_position_m is None or scenario.ap_position_m is None:
        return None
    with style():
        figure = new_figure(6.4, 5.2)
        ax = figure.subplots()
        _map(ax, scenario, solution, report, building_lines)
        figure.colorbar(ax.collections[-1], ax=ax, label="latency (ms)", shrink=0.8)
        figure.legend(handles=_legend(), loc="outside lower left", ncols=3)
        set_title(figure, title)
    return figure


def draw_bars(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Figure:
    """Draw, for each terminal, its own part of the task beside upload and server: the longer one is its latency."""
    count = scenario.terminal_max_power_w.shape[0]
    with style():
        figure = new_figure(7.2, 1.5 + 0.36 * count)
        ax = figure.subplots()
        _bars(ax, solution, report)
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower left", ncols=4)
        set_title(figure, title)
    return figure


PICTURES: dict[str, Callable[..., Any]] = {"map": draw_map, "bars": draw_bars}


def draw_pair(drops: Mapping[str, tuple[Any, Any, Any]]) -> Figure:
    """Draw several networks side by side, maps above bars; ``drops`` is label to scenario, solution, report."""
    with style():
        count = next(iter(drops.values()))[0].terminal_max_power_w.shape[0]
        figure = new_figure(4.6 * len(drops), 5.0 + 0.3 * count)
        axes = figure.subplots(2, len(drops), squeeze=False, height_ratios=(4.2, 0.6 + 0.3 * count))
        longest = max(float(np.max(np.asarray(r.metrics["latency_s"]))) for _, _, r in drops.values())
        for column, (label, (scenario, solution, report)) in enumerate(drops.items()):
            _map(axes[0, column], scenario, solution, report, None, longest)
            axes[0, column].set_title(label, fontweight="bold")
            _bars(axes[1, column], solution, report, longest)
        reach = max(abs(v) for ax in axes[0] for v in (*ax.get_xlim(), *ax.get_ylim()))
        for ax in axes[0]:
            ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
        figure.colorbar(axes[0, 0].collections[-1], ax=axes[0].tolist(), label="latency (ms)", shrink=0.8)
        names = [*_legend(), *axes[1, 0].get_legend_handles_labels()[0]]
        figure.legend(handles=names, loc="outside lower left", ncols=3)
    return figure


def _map(ax: Axes, scenario: Any, solution: Any, report: Any, walls: Any = None, longest: float | None = None) -> None:
    terminal = np.asarray(scenario.terminal_position_m)[:, :2]
    ap = np.asarray(scenario.ap_position_m)[:, :2]
    latency = 1e3 * np.asarray(report.metrics["latency_s"])
    power = np.asarray(solution.power_fraction).sum(axis=0)
    if walls is not None:
        from matplotlib.collections import LineCollection

        ax.add_collection(LineCollection(list(np.asarray(walls)), colors="#cfcfcf", linewidths=0.7, zorder=0), False)
    if len(ap) == 1:
        ax.scatter(*ap.T, marker="^", s=190, color=INK, edgecolor="white", zorder=3)
    else:
        ax.scatter(*ap.T, marker="^", s=26, color=QUIET, edgecolor="white", linewidth=0.4, zorder=2)
    ends = np.isfinite(latency)
    top = longest * 1e3 if longest else (latency[ends].max() if ends.any() else 1.0)
    decades = np.log10(np.maximum(power, 1e-6)) + 6  # six decades from the smallest dot to the largest
    ax.scatter(
        *terminal.T,
        c=np.where(ends, latency, top),
        s=30 + 38 * decades,
        cmap="viridis_r",
        vmin=0,
        vmax=top,
        edgecolor=[INK if ok else ALARM for ok in np.asarray(solution.terminal_feasible)],
        linewidth=0.9,
        zorder=4,
    )
    for k, place in enumerate(terminal):
        ax.annotate(
            f"{k}", place, (0, 0), textcoords="offset points", ha="center", va="center_baseline", fontsize=7,
            color="white", fontweight="bold", zorder=5,
        )  # fmt: skip
    ax.set_aspect("equal")
    ax.margins(0.08)
    ax.set(xlabel="m", ylabel="m")


def _bars(ax: Axes, solution: Any, report: Any, longest: float | None = None) -> None:
    parts = {name: 1e3 * np.asarray(report.metrics[name]) for name in ("local_s", "upload_s", "server_s")}
    parts = {name: np.where(np.isfinite(value), value, 0.0) for name, value in parts.items()}
    places = np.arange(len(parts["local_s"]))
    thick = {"height": 0.36, "edgecolor": "white", "linewidth": 0.5}
    ax.barh(places - 0.19, parts["local_s"], color=LOCAL, label="its own part, at the terminal", **thick)
    ax.barh(places + 0.19, parts["upload_s"], color=UPLOAD, label="upload of the rest", **thick)
    ax.barh(
        places + 0.19, parts["server_s"], left=parts["upload_s"], color=SERVER, label="the rest, at the server", **thick
    )
    names = [f"{k}  {share:.0%} offloaded" for k, share in enumerate(np.asarray(report.metrics["offload_fraction"]))]
    ax.set_yticks(places, names)
    for tick, ok in zip(ax.get_yticklabels(), np.asarray(solution.terminal_feasible)):
        tick.set_color(INK if ok else ALARM)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.grid(True, axis="x")
    objective, gini = 1e3 * float(report.objective), float(report.metrics["gini"])
    own = max((parts["local_s"]).max(), (parts["upload_s"] + parts["server_s"]).max(), 1e-12)
    ax.set(xlabel="latency (ms)", xlim=(0, 1.05 * (1e3 * longest if longest else own)))
    if np.isfinite(objective):
        ax.axvline(objective, color=INK, linewidth=1.1)
        ax.set_title(f"largest {objective:.4g} ms, Gini index {gini:.3f}", fontsize=8.5, loc="left")
    if np.isfinite(float(report.bound)):
        ax.axvline(1e3 * float(report.bound), color=INK, linewidth=1.0, linestyle=(0, (2, 1.5)), label="bound")


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D

    def dot(size: float, label: str) -> Line2D:
        return Line2D([], [], linestyle="", marker="o", markersize=size, color=QUIET, label=label)

    ap = Line2D([], [], linestyle="", marker="^", markersize=7, color=QUIET, label="access point")
    return [ap, dot(np.sqrt(30 + 38 * 6), "full power"), dot(np.sqrt(30 + 38 * 3), "a thousandth of it")]
