"""What the page draws of a decision: a map, bars, echoes, constraints; numbers only, in the words of the system.

A system says the rest in ``view_NAME.py`` beside this file; others get what their metrics say of terminals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from trinode.plots._map import radiated_pattern, target_angle
from trinode.systems.contract import System
from trinode.systems.decision import Status
from trinode.systems.reason import reason
from trinode.systems.report import FEASIBILITY_TOLERANCE, Report
from trinode.systems.units import readable, unit_of

BINDS = 1e-3
"""A constraint with less room than this part of its limit binds."""
DIRECTIONS = 180
"""Of a lobe."""
SMALL_SHARE = 0.005


@dataclass(frozen=True)
class Slider:
    """What can be slid.

    Attributes
    ----------
    label, unit : str
        For people.
    names : tuple of str
        Parameters that it sets, all to the same.
    low, high : float
        Its ends.
    scale : {"log", "linear", "whole"}
        How values lie on it.
    arrays : tuple of str
        Arrays of a network that comes as a file, which it multiplies.
    """

    label: str
    names: tuple[str, ...]
    low: float
    high: float
    scale: str = "log"
    arrays: tuple[str, ...] = ()

    def described(self, params: Any) -> dict[str, Any]:
        """For the page, with its value where nothing was slid."""
        return {
            "label": self.label,
            "unit": unit_of(self.names[0]),
            "names": list(self.names),
            "low": self.low,
            "high": self.high,
            "scale": self.scale,
            "arrays": list(self.arrays),
            "value": float(getattr(params, self.names[0])),
        }


@dataclass
class Drawing:
    """A system's own part of what is drawn.

    Attributes
    ----------
    tiers : list of str
        Where each terminal computes: ``itself``, ``edge``, ``cloud``, or ``mixed``.
    notes : list of str
        What to say of each terminal.
    links : list of (int, int, float)
        Terminal, access point, and share of what it sends.
    lobes : list
        Of terminals: radii over the angle from the x axis, the largest 1, or None.
    towards : list
        Angles of the targets of each terminal.
    parts : list of str
        Of a bar; rows are one or more bars of these.
    rows : list
        For each terminal (or what ``bar_names`` says): bars, each of values by part.
    unit : str
        Of the bars.
    limit : str
        Whether the objective is the ``"largest"`` row or, summed, ``"mean"`` times their number: its bound is a line.
    marks : list of float
        A limit of each row, such as a deadline.
    echoes : list of (str, float, float)
        Name, what is reached, what is required.
    echo_unit : str
        Of both.
    echo_at_most : bool
        Whether what is required is a largest value.
    structure : tuple of str
        Constraints that say what a decision is; they always bind and are not shown.
    """

    tiers: list[str]
    notes: list[str]
    links: list[tuple[int, int, float]] = field(default_factory=list)
    lobes: list[Any] = field(default_factory=list)
    towards: list[list[float]] = field(default_factory=list)
    bar_names: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    rows: list[list[list[float]]] = field(default_factory=list)
    bar_title: str = ""
    unit: str = ""
    limit: str = ""
    marks: list[float] = field(default_factory=list)
    echoes: list[tuple[str, float, float]] = field(default_factory=list)
    echo_title: str = "echo SINR"
    echo_unit: str = "dB"
    echo_at_most: bool = False
    structure: tuple[str, ...] = ()


def sliders(system: System) -> list[Slider]:
    """What can be slid in a system."""
    own = system.beside("page")
    return list(own.SLIDERS) if own else []


def picture(system: System, scheme: str, scenario: Any, solution: Any, report: Report) -> dict[str, Any]:
    """All that is drawn of a decision."""
    scenario, solution, report = jax.tree.map(np.asarray, (scenario, solution, report))
    solution = system.marked(solution, report.feasible)
    own = system.beside("page")
    drawn = own.drawing(scenario, solution, report) if own else _plain(system, solution, report)
    served = np.asarray(solution.terminal_feasible)
    objective, bound, gap = float(report.objective), float(report.bound), float(report.gap)
    unit = system.objective_unit
    return {
        "system": system.name,
        "scheme": scheme,
        "status": Status(int(solution.status)).label,
        "feasible": bool(report.feasible),
        "reason": "" if report.feasible else reason(system, report),
        "objective": {"name": system.objective_name, "value": objective, "text": readable(objective, unit)},
        "bound": {"value": bound, "text": readable(bound, unit)},
        "gap": gap,
        "map": _map(scenario, drawn, served),
        "bars": _bars(drawn, report, served),
        "echoes": {
            "title": drawn.echo_title,
            "unit": drawn.echo_unit,
            "at_most": drawn.echo_at_most,
            "rows": [{"name": name, "value": value, "required": least} for name, value, least in drawn.echoes],
        },
        "constraints": constraints(report, drawn.structure),
    }


def constraints(report: Report, structure: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Each constraint's least room as a part of its limit, the tightest first, and where that is."""
    found = []
    for name, residual in report.residuals.items():
        values = np.ravel(np.asarray(residual))
        if name in structure and values.max(initial=-1.0) <= FEASIBILITY_TOLERANCE:
            continue
        worst = int(np.argmax(values)) if values.size else 0
        value = float(values[worst]) if values.size else -1.0
        where = f" [{worst}]" if np.ndim(residual) else ""
        state = "broken" if not value <= FEASIBILITY_TOLERANCE else "binds" if value >= -BINDS else "has room"
        found.append({"name": name + where, "room": -value, "state": state})
    return sorted(found, key=lambda one: one["room"])


def lobe(covariance: np.ndarray) -> list[float] | None:
    """Radiated power over the angle, the largest 1, for an array along the vertical axis of the map."""
    power = radiated_pattern(covariance, np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False))
    return _scaled(power)


def _scaled(power: np.ndarray) -> list[float] | None:
    most = float(power.max(initial=0.0))
    return np.round(power / most, 3).tolist() if most > 0 else None


def target_ways(steering: np.ndarray) -> list[float]:
    """Angles from the x axis in which a target of this steering vector may be: the array cannot tell which."""
    angle = target_angle(steering)
    return [] if angle is None else [angle, float(np.pi - angle)]


def shares(report: Report, count: int) -> list[str]:
    """Where each terminal computes."""
    cloud, edge = (np.asarray(report.metrics[f"{name}_terminal"]) for name in ("cloud", "edge"))
    return ["cloud" if cloud[k] > 0.5 else "edge" if edge[k] > 0.5 else "itself" for k in range(count)]


def in_db(values: Any) -> np.ndarray:
    """Decibels; none for zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(np.asarray(values, dtype=float))


def columns(report: Report, names: Mapping[str, str]) -> tuple[list[str], list[list[float]]]:
    """Labels of metrics, and their values for each terminal."""
    values = np.stack([np.asarray(report.metrics[name], dtype=float) for name in names], axis=1)
    return list(names.values()), values.tolist()


def _map(scenario: Any, drawn: Drawing, served: np.ndarray) -> dict[str, Any]:
    place: Any = getattr(scenario, "terminal_position_m", None)
    ap: Any = getattr(scenario, "ap_position_m", None)
    known, count = place is not None and ap is not None, len(drawn.tiers)
    if place is None or ap is None:  # a scheme of who is linked with whom
        most = max([m for _, m, _ in drawn.links], default=0) + 1
        place, ap = _circle(count, 100.0), _circle(most, 45.0)
    reachable = _reachable(scenario, count, len(ap))
    return {
        "schematic": not known,
        "terminals": [
            {
                "at": [float(x) for x in place[k][:2]],
                "tier": drawn.tiers[k],
                "served": bool(served[k]) if k < len(served) else True,
                "note": drawn.notes[k],
                "lobe": drawn.lobes[k] if drawn.lobes else None,
                "towards": drawn.towards[k] if drawn.towards else [],
            }
            for k in range(count)
        ],
        "aps": [{"at": [float(x) for x in one[:2]]} for one in ap],
        "links": [{"terminal": k, "ap": m, "share": round(share, 4)} for k, m, share in drawn.links],
        "blocked": [[int(k), int(m)] for k, m in zip(*np.nonzero(~reachable))],
    }


def _circle(count: int, radius: float) -> np.ndarray:
    angle = 2 * np.pi * np.arange(count) / max(count, 1)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _reachable(scenario: Any, terminals: int, aps: int) -> np.ndarray:
    """Which terminal has any path to which access point, where channels of that kind are there."""
    channel = getattr(scenario, "uplink_channel", None)
    if channel is None or np.ndim(channel) < 4:
        return np.ones((terminals, aps), dtype=bool)
    heard = np.abs(np.asarray(channel)) > 0
    by_subcarrier = heard.shape[:2] != (terminals, aps)
    return np.any(heard, axis=(0, 3) if by_subcarrier else (2, 3))


def _bars(drawn: Drawing, report: Report, served: np.ndarray) -> dict[str, Any]:
    count = max(len(drawn.rows), 1)
    over = {"largest": 1.0, "mean": count, "": 0.0}[drawn.limit]
    lines = []
    if over:
        labels = ("largest", "bound") if drawn.limit == "largest" else ("mean", "bound of the mean")
        for name, label, value in zip(("objective", "bound"), labels, (report.objective, report.bound)):
            if np.isfinite(value):
                lines.append({"name": name, "label": label, "value": float(value) / over})
    return {
        "title": drawn.bar_title,
        "unit": drawn.unit,
        "parts": drawn.parts,
        "rows": [
            {
                "name": drawn.bar_names[k] if drawn.bar_names else f"terminal {k}",
                "note": drawn.notes[k] if k < len(drawn.notes) and not drawn.bar_names else "",
                "served": bool(served[k]) if k < len(served) else True,
                "bars": bars,
                "mark": float(drawn.marks[k]) if drawn.marks else None,
            }
            for k, bars in enumerate(drawn.rows)
        ],
        "lines": lines,
    }


def _plain(system: System, solution: Any, report: Report) -> Drawing:
    """Of a system that says nothing itself: the first metric of its terminals."""
    count = len(np.asarray(solution.terminal_feasible))
    name = next((one for one, value in report.metrics.items() if np.shape(value) == (count,)), "")
    values = np.asarray(report.metrics[name], dtype=float) if name else np.zeros(count)
    said = name.replace("_", " ")
    rows = [[[float(value)]] for value in values] if name else []
    return Drawing(["none"] * count, [""] * count, parts=[said], rows=rows, bar_title=said, unit=unit_of(name))
