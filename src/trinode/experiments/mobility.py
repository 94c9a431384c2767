"""Mobile networks that people write down: a YAML file, a decision for every slot, and what it could have been."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from trinode import _programs, api, online
from trinode._words import one_of
from trinode.errors import FileFormatError, InputError
from trinode.experiments.written import STRICT, read

if TYPE_CHECKING:
    import xarray

Number = bool | int | float | str


class MobilityFile(BaseModel):
    """What such a file holds.

    Attributes
    ----------
    system, seed, trial, fixed
        The network of the first slot, as :func:`trinode.draw` has it; of a track what the channels leave open.
    motion : {"ageing", "walking", "track"}
        :func:`trinode.online.ageing`, :func:`trinode.online.walking` or :func:`trinode.online.along`.
    track : str
        The file of a track, beside this one.
    slots, slot_s, speed_kmh, carrier_hz
        How many slots, how long they are, how fast terminals are, and on which carrier.
    budget_s, period
        Of :class:`trinode.online.Controller`.
    anew, bound : bool
        Whether every slot is also decided from nothing, and bounded; both take longer than the controller.
    """

    model_config = STRICT

    system: str = Field(min_length=1)
    slots: int = Field(ge=2, le=10**6)
    motion: Literal["ageing", "walking", "track"] = "ageing"
    track: str = ""
    speed_kmh: float = Field(3.0, ge=0, le=1e4)
    slot_s: float = Field(0.01, gt=0, le=1e4)
    carrier_hz: float = Field(online.CARRIER_HZ, gt=0, le=1e13)
    budget_s: float = Field(0.01, gt=0, le=1e4)
    period: int = Field(50, ge=1)
    seed: int = Field(0, ge=0, lt=2**31)
    trial: int = Field(0, ge=0, lt=2**31)
    fixed: dict[str, Number] = {}
    anew: bool = True
    bound: bool = True


def read_mobility(path: str | Path) -> tuple[MobilityFile, Iterator[Any]]:
    """Read such a file; what it says, and its networks.

    Raises
    ------
    FileFormatError
        Names the line, the field, what it holds and what is allowed.
    """
    found, where = read(path, MobilityFile, "mobility", lambda _: list(MobilityFile.model_fields))
    if found.system not in online.SYSTEMS:
        raise FileFormatError(where(["system"]), found.system, one_of(found.system, online.SYSTEMS))
    if (found.motion == "track") != bool(found.track):
        allowed = "the file of a track" if found.motion == "track" else "nothing, or motion: track"
        raise FileFormatError(where(["track"]), found.track or "nothing", allowed)
    try:
        return found, _networks(found, Path(path).parent)
    except FileFormatError:
        raise
    except InputError as fault:
        place = ["fixed", fault.field] if fault.field in found.fixed else ["motion"]
        raise FileFormatError(where(place), fault.value, fault.allowed) from fault


def _networks(found: MobilityFile, folder: Path) -> Iterator[Any]:
    fixed: dict[str, Any] = dict(found.fixed)
    if found.motion == "track":
        track = online.read_track(folder / found.track)
        api.parameters(found.system, fixed)
        return online.along(track, found.slots, system=found.system, slot_s=found.slot_s, seed=found.seed, **fixed)
    first = api.draw(found.system, found.seed, found.trial, **fixed)
    moves = {
        "speed_m_s": found.speed_kmh / 3.6,
        "slot_s": found.slot_s,
        "carrier_hz": found.carrier_hz,
        "seed": found.seed,
    }
    if found.motion == "walking":
        online.check_walks(first)
        return online.walking(first, found.slots, params=fixed, **moves)
    return online.ageing(first, found.slots, **moves)


def run(found: MobilityFile, networks: Iterator[Any], say: Callable[[int], None] = lambda slot: None) -> xarray.Dataset:
    """Decide for every slot, from slot to slot and from nothing, and bound it.

    Parameters
    ----------
    say : callable
        Hears of every slot.

    Returns
    -------
    Dataset
        Over ``slot``: ``objective``, ``carried``, ``anew`` and ``bound``, ``seconds`` and ``cpu_seconds`` of a step,
        ``anew_seconds``, ``iterations``, ``freshness``, ``feasible``. What was not asked for is NaN.
    """
    import time

    import xarray

    controller = online.Controller(found.system, budget_s=found.budget_s, period=found.period)
    rows: list[dict[str, float]] = []
    for network in networks:
        if not rows:
            controller.prepare(network)
        slot = controller.step(network)
        row = {name: float(getattr(slot, name)) for name in _OF_SLOT}
        row |= {"anew": np.nan, "anew_seconds": np.nan, "bound": slot.bound if found.bound else np.nan}
        if found.anew:
            begun = time.perf_counter()
            with _programs.long_runs():
                solution = api.solve(network)
            np.asarray(solution.status)  # waits for it
            row["anew_seconds"] = time.perf_counter() - begun
            row["anew"] = float(api.evaluate(network, solution, bound=False).objective)
        rows.append(row)
        say(slot.number)
    variables = {name: ("slot", np.array([row[name] for row in rows])) for name in rows[0]}
    about = {name: value for name, value in found.model_dump().items() if isinstance(value, int | float | str)}
    return xarray.Dataset(
        variables,
        coords={"slot": np.arange(len(rows)), "time_s": ("slot", found.slot_s * np.arange(len(rows)))},
        attrs={name: int(value) if isinstance(value, bool) else value for name, value in about.items()},
    )


_OF_SLOT = ("objective", "carried", "seconds", "cpu_seconds", "iterations", "freshness", "feasible")


def summary(dataset: xarray.Dataset) -> dict[str, float]:
    """What matters of all slots but the first, which has none before it.

    Returns
    -------
    dict
        Percentiles of the time of a step, ms; slots without a feasible decision although deciding anew found one; mean
        gaps to the bound and to deciding anew, of slots where both are feasible.
    """
    from trinode.systems.registry import system

    rest = dataset.isel(slot=slice(1, None))
    sign = 1.0 if system(dataset.attrs["system"]).sense == "min" else -1.0
    value, times = rest.objective.values, 1e3 * rest.seconds.values

    def above(limit: np.ndarray) -> float:
        gap = sign * (value - limit) / np.abs(limit)
        return float(np.nanmean(gap)) if np.any(np.isfinite(gap)) else float("nan")

    served = np.isfinite(rest.anew.values)
    return {
        "p50_ms": float(np.percentile(times, 50)),
        "p99_ms": float(np.percentile(times, 99)),
        "worst_ms": float(times.max()),
        "p50_cpu_ms": float(1e3 * np.percentile(rest.cpu_seconds.values, 50)),
        "p99_cpu_ms": float(1e3 * np.percentile(rest.cpu_seconds.values, 99)),
        "slots": int(value.size),
        "infeasible": int(np.sum(~np.isfinite(value))),
        "missed": int(np.sum(served & ~np.isfinite(value))),
        "gap_to_bound": above(rest.bound.values),
        "gap_to_anew": above(rest.anew.values),
    }
