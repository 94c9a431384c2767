"""Every scheme on ray-traced cities: the default beside the best that anything finds.

Best known is the best of all schemes of a system that play in the same contest, and of the default begun at the answer
of each of them: where that is better than the default alone, its own start was a poor one.

Results are kept network by network, under names that change with the code and with the channels: the same command goes
on where it was stopped.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from trinode import _programs, api
from trinode.channels.bundled import bundled_names, layout_count, load_bundled
from trinode.channels.cities import load_city, made_layouts
from trinode.channels.traced import TracedChannels
from trinode.errors import InputError
from trinode.experiments.bench import Say, Section, table
from trinode.experiments.code import code_of
from trinode.systems.decision import Status
from trinode.systems.registry import system as find_system

BEATEN = 1e-6
"""Relative difference from which on another answer is better."""
WORST = 6
"""Networks in the list of the worst."""


@dataclass(frozen=True)
class Contest:
    """A system on the cities, and who plays.

    Attributes
    ----------
    system, default : str
        The system, and the scheme that is measured.
    apart : tuple of str
        Schemes that solve another problem: without what is asked for here, or with freedoms that nobody else has.
    given : mapping
        Parameters that are not at the system's defaults.
    """

    system: str
    default: str
    apart: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def others(self) -> list[str]:
        """Schemes that play beside the default."""
        return [name for name in find_system(self.system).schemes if name not in (*self.apart, self.default)]


CONTESTS = {
    "latency": Contest("latency", "joint"),
    "threetier": Contest("threetier", "joint"),
    "region": Contest("region", "isac", apart=("communication", "bcd")),
    "region-communication": Contest("region", "communication", ("sensing",), {"pattern_mse_max": float("nan")}),
    "fairness": Contest("fairness", "exact", apart=("mmse",)),
    "energy": Contest("energy", "joint", ("ofdma",), {"latency_max_s": 1.0}),
    "energy-deadline": Contest("energy", "joint", ("ofdma",), {"latency_max_s": 0.5, "ap_max_frequency_hz": 24e9}),
}
"""By the names of their sections."""


@dataclass(frozen=True)
class Place:
    """A layout of a city."""

    city: str
    layout: int
    load: Callable[[], TracedChannels]


def places(folder: str | Path | None = None, layouts: int | None = None) -> list[Place]:
    """Layouts that ship with trinode, and those of a folder, the first ones of each city.

    Parameters
    ----------
    folder : path, optional
        Of ``examples/make_cities.py``.
    layouts : int, optional
        How many of each city; all if absent.

    Raises
    ------
    InputError
        The folder has none, or fewer than one is asked for.
    """
    if layouts is not None and layouts < 1:
        raise InputError("layouts", layouts, "at least 1")
    found = [
        Place(name, layout, partial(load_bundled, name, layout))
        for name in bundled_names()
        for layout in range(layout_count(name))
    ]
    if folder is not None:
        found += [
            Place(f"{scene} (made)", layout, partial(load_city, folder, scene, layout))
            for scene, layout in made_layouts(folder)
        ]
    return [one for one in found if layouts is None or one.layout < layouts]


def sections(folder: Path | None, results: Path) -> dict[str, Section]:
    """A section of each contest, whose number of trials is that of the layouts of each city."""

    def section(name: str, layouts: int | None, say: Say) -> list[dict[str, Any]]:
        return tables(name, list(run(name, places(folder, layouts), results, say)))

    return {name: partial(section, name) for name in CONTESTS}


def run(name: str, where: Sequence[Place], results: Path, say: Say) -> Iterator[dict[str, Any]]:
    """Records of a contest, one a network; what is kept already is not computed again."""
    contest = CONTESTS[name]
    code = code_of(find_system(contest.system))
    loaded = [(place, place.load()) for place in where]
    sizes = sorted({_sizes(channels) for _, channels in loaded})
    count = 0
    for size in sizes:
        warm = False
        for place, channels in loaded:
            if _sizes(channels) != size:
                continue
            count += 1
            path = results / f"{name}-{_key(contest, code, channels)}.json"
            record = _kept(path)
            if record is None:
                say(f"  {name} {count} of {len(loaded)}: {place.city} {place.layout} ...")
                record = _record(contest, place, channels, warm)
                warm = True
                _keep(path, record)
            say(f"  {name} {count} of {len(loaded)}: {_line(contest, record)}")
            yield record
        if warm:  # programs of these sizes are not needed again, and a process holds so many only
            _programs.forget()
            jax.clear_caches()
            gc.collect()


def _record(contest: Contest, place: Place, channels: TracedChannels, warm: bool) -> dict[str, Any]:
    """All that is known of one network; where programs are not compiled yet, the default runs once untimed."""
    began = time.perf_counter()
    network = api.from_channels(channels, contest.system, 0, place.layout, **contest.given)
    if not warm:
        _answer(network, contest.default)
    alone: dict[str, Any] = {}
    decisions: dict[str, Any] = {}
    for scheme in (contest.default, *contest.others):
        alone[scheme], decisions[scheme] = _answer(network, scheme)
    restarts = {
        scheme: _answer(network, contest.default, decisions[scheme])[0]
        for scheme in contest.others
        if alone[scheme]["value"] is not None
    }
    found = find_system(contest.system)
    family = found.schemes[contest.default].family
    bounds = [float(api.bound(network, one)) for one in dict.fromkeys(("", family))]
    none = np.inf if found.sense == "min" else -np.inf
    return {
        "city": place.city,
        "layout": place.layout,
        "sizes": list(_sizes(channels)),
        "alone": alone,
        "restarts": restarts,
        "bound": bounds[-1] if np.isfinite(bounds[-1]) else None,
        "proved": none in bounds,
        "seconds": time.perf_counter() - began,
    }


def _answer(network: Any, scheme: str, start: Any = None) -> tuple[dict[str, Any], Any]:
    """How a scheme does: its value (None where it serves not all), how it ended, seconds."""
    try:
        began = time.perf_counter()
        decision = jax.block_until_ready(api.solve(network, scheme, start))
        seconds = time.perf_counter() - began
    except InputError as why:  # a scheme that is not made for such networks
        return {"value": None, "status": f"refused: {why}", "seconds": None}, None
    value = float(api.evaluate(network, decision, bound=False).objective)
    ended = Status(int(decision.status)).label
    return {"value": value if np.isfinite(value) else None, "status": ended, "seconds": seconds}, decision


_CODE = "".join(map(inspect.getsource, (_record, _answer)))
"""What makes a record: results of another are not taken for this one's."""


def best_known(contest: Contest, record: Mapping[str, Any]) -> tuple[float, str]:
    """The best value and who found it; NaN where nobody did."""
    sign = 1 if find_system(contest.system).sense == "min" else -1
    found = [(one["value"], name) for name, one in record["alone"].items()]
    found += [(one["value"], f"{contest.default} from {name}") for name, one in record["restarts"].items()]
    served = [pair for pair in found if pair[0] is not None]
    return min(served, key=lambda pair: sign * pair[0]) if served else (float("nan"), "")


def loss(contest: Contest, record: Mapping[str, Any], against: float) -> float:
    """By how much the default is worse than a value, relatively; infinite where it alone serves nobody."""
    own = record["alone"][contest.default]["value"]
    if own is None:
        return float("nan") if np.isnan(against) else float("inf")
    sign = 1 if find_system(contest.system).sense == "min" else -1
    return sign * (own - against) / abs(against) if against else 0.0


def tables(name: str, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Losses and gaps by city, and the worst networks."""
    contest = CONTESTS[name]
    cities = list(dict.fromkeys(record["city"] for record in records))
    groups = [(city, [record for record in records if record["city"] == city]) for city in cities]
    if len(groups) > 1:
        groups.append(("all", list(records)))
    rows = [[city, *_summary(contest, chosen)] for city, chosen in groups]
    note = (
        f"Best known: of {', '.join((contest.default, *contest.others))}, and {contest.default} begun at the answer of "
        f"each. Losses, gaps and seconds: of {contest.default} alone, where it serves all; beaten: by more than "
        f"{BEATEN:g} of the value. Missed: only others find a feasible point; infeasible: nobody does, and the bound "
        "proves that there is none; open: nobody does, and nothing proves it."
    )
    given = ", ".join(f"{key} = {value:g}" for key, value in contest.given.items())
    title = f"{contest.system}: {contest.default} on cities" + (f", {given}" if given else "")
    return [table(title, COLUMNS, rows, note), *_worst(name, records)]


COLUMNS = (
    "city",
    "networks",
    "served",
    "median loss (%)",
    "worst loss (%)",
    "beaten by a scheme",
    "beaten by a restart",
    "missed",
    "infeasible",
    "open",
    "median gap (%)",
    "worst gap (%)",
    "s per network",
)


def _summary(contest: Contest, records: Sequence[Mapping[str, Any]]) -> list[Any]:
    sign = 1 if find_system(contest.system).sense == "min" else -1
    own = [record["alone"][contest.default] for record in records]
    losses = np.array([loss(contest, record, best_known(contest, record)[0]) for record in records])
    gaps = [
        sign * (one["value"] - record["bound"]) / abs(record["bound"])
        for one, record in zip(own, records)
        if one["value"] is not None and record["bound"]
    ]
    served = losses[np.isfinite(losses)]
    nobody = np.isnan(losses)
    proved = np.array([record["proved"] for record in records])
    seconds = [one["seconds"] for one in own]

    def beaten(kind: str) -> int:
        found = (
            [loss(contest, record, one["value"]) for one in record[kind].values() if one["value"] is not None]
            for record in records
        )
        return sum(any(BEATEN < by < np.inf for by in each) for each in found)

    return [
        len(records),
        served.size,
        *_percent(served),
        beaten("alone"),
        beaten("restarts"),
        int(np.isinf(losses).sum()),
        int((nobody & proved).sum()),
        int((nobody & ~proved).sum()),
        *_percent(gaps),
        float(np.median(seconds)),
    ]


def _worst(name: str, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The networks on which the default loses most, in a table where there are any."""
    contest = CONTESTS[name]
    unit = find_system(contest.system).objective_unit
    ranked = []
    for record in records:
        value, who = best_known(contest, record)
        lost = loss(contest, record, value)
        if lost > BEATEN:
            ranked.append((lost, record, value, who))
    ranked.sort(key=lambda one: -one[0])
    rows = [
        [
            record["city"],
            record["layout"],
            " x ".join(map(str, record["sizes"])),
            record["alone"][contest.default]["value"],
            value,
            who,
            100 * lost if np.isfinite(lost) else "missed",
        ]
        for lost, record, value, who in ranked[:WORST]
    ]
    columns = ["city", "layout", "K x M x A x T x R", f"{contest.default} ({unit})", f"best known ({unit})", "by"]
    return [table(f"{name}: worst networks of {contest.default}", [*columns, "loss (%)"], rows)] if rows else []


def _percent(values: Any) -> list[float]:
    """Median and largest, in percent."""
    found = 100 * np.asarray(values, dtype=float)
    return [float(np.median(found)), float(np.max(found))] if found.size else [float("nan")] * 2


def _line(contest: Contest, record: Mapping[str, Any]) -> str:
    own, (value, who) = record["alone"][contest.default], best_known(contest, record)
    words = f"{record['city']} {record['layout']}: {own['status']}"
    if own["value"] is not None:
        words += f" {own['value']:.6g}"
    if loss(contest, record, value) > BEATEN:
        words += f", best known {value:.6g} by {who}"
    return f"{words}, {record['seconds']:.1f} s"


def _sizes(channels: TracedChannels) -> tuple[int, ...]:
    """K, M, A, T, R."""
    return (*channels.uplink_channel.shape, channels.terminal_channel.shape[2])


def _key(contest: Contest, code: str, channels: TracedChannels) -> str:
    """Changes with the code of the system and of a record, the contest, and the channels."""
    found = hashlib.sha256(f"{_CODE} {code} {contest}".encode())
    for name in ("uplink_channel", "terminal_channel", "terminal_position_m", "ap_position_m"):
        found.update(np.ascontiguousarray(getattr(channels, name)).tobytes())
    return found.hexdigest()[:24]


def _kept(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _keep(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record; nobody sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_ = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        partial_.write_text(json.dumps(record), encoding="utf-8")
        os.replace(partial_, path)
    finally:
        partial_.unlink(missing_ok=True)
