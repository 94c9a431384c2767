"""What the maps of systems with tiers share: the ground, the lobes of the terminals, and who computes where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.plots._style import ALARM, INK, PALETTE, QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ELEMENT_SPACING = 0.5
"""In wavelengths. A scenario does not hold it; this is the spacing of drawn and of bundled networks."""

TIERS = {"itself": PALETTE[2], "edge": PALETTE[0], "cloud": PALETTE[1]}
TIER_LABELS = {"itself": "computes itself", "edge": "computes at the edge", "cloud": "computes in the cloud"}
WALL = "#cfcfcf"
TARGET = {"color": INK, "linewidth": 0.9, "linestyle": (0, (3, 2))}


def draw_ground(ax: Axes, places: np.ndarray, margin: float, building_lines: Any = None) -> float:
    """Set the axes up for a map of these places with a margin in parts of the span, which is returned in metres."""
    middle = (places.max(0) + places.min(0)) / 2
    span = max(float(np.ptp(places, axis=0).max()), 10.0)
    low, high = middle - (0.5 + margin) * span, middle + (0.5 + margin) * span
    ax.set_aspect("equal")
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set(visible=True, color="#dddddd")
    if building_lines is not None:
        from matplotlib.collections import LineCollection

        walls = LineCollection(list(np.asarray(building_lines)), colors=WALL, linewidths=0.7, zorder=0)
        ax.add_collection(walls, autolim=False)
    _draw_scale(ax, span)
    return span


def draw_lobes(
    ax: Axes, places: np.ndarray, covariance: np.ndarray, steering: np.ndarray, radius: float, colours: list[str]
) -> bool:
    """Draw how terminals radiate and where their targets are; returns whether there was anything to draw.

    Parameters
    ----------
    places : (K, 2)
        In metres.
    covariance : (K, T, T)
        Of what each terminal radiates.
    steering : (K, T)
        Towards the targets; a terminal whose vector is not that of a uniform linear array is left out.
    radius : float
        Of the strongest direction, in metres.
    colours : list of str
        Of the terminals.
    """
    angle = np.linspace(0, 2 * np.pi, 721)
    seen = False
    for place, sent, towards, colour in zip(places, covariance, steering, colours):
        target = target_angle(towards)
        if target is None:
            continue
        power = radiated_pattern(sent, angle)
        if power.max() <= 0:
            continue
        seen = True
        reach = radius * power / power.max()
        outline = place + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        ax.fill(*outline.T, facecolor=colour, alpha=0.28, edgecolor="none", zorder=3)
        ax.plot(*outline.T, color=colour, linewidth=0.8, zorder=3)
        for direction in (target, np.pi - target):
            tip = place + 1.25 * radius * np.array([np.cos(direction), np.sin(direction)])
            ax.plot(*np.stack([place, tip]).T, **TARGET, zorder=4)
    return seen


def draw_terminals(ax: Axes, places: np.ndarray, colours: list[str], feasible: np.ndarray) -> None:
    """Numbered discs, ringed where a terminal cannot be served; small and without numbers where there are many."""
    small = len(places) > 40
    for k, place in enumerate(places):
        ring, width = ("white", 0.9) if feasible[k] else (ALARM, 2.0)
        ax.scatter(*place, s=40 if small else 120, color=colours[k], edgecolor=ring, linewidth=width, zorder=7)
        if not small:
            ax.annotate(
                str(k), place, ha="center", va="center_baseline", fontsize=8, color="white", fontweight="bold", zorder=8
            )


def dot(colour: str, label: str, marker: str = "o", edge: str = "white", width: float = 0.9) -> Any:
    """An entry of a legend."""
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], linestyle="", marker=marker, markersize=9, color=colour, markeredgecolor=edge, markeredgewidth=width,
        label=label,
    )  # fmt: skip


def lobe_legend() -> list[Any]:
    """What lobes and dashes mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Patch(facecolor="#bbbbbb", edgecolor=QUIET, label="radiated power\nover the angle"),
        Line2D([], [], **TARGET, label="sensing target\n(and mirror image)"),
    ]


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
