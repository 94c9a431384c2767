"""Slips made on purpose in drawn networks are named, and networks as they are drawn are not warned of.

python benchmarks/slips.py [--count 100] [--seed 0] [--system NAME]

For each system: networks as they are drawn, with what is seen in them; and each slip that a network of it can have,
made in every one of them, with how many were named. Square networks (as many terminals as access points) are drawn
apart, for the slip that only they can hide. Then the channels that ship with trinode, untouched and mirrored.
"""

from __future__ import annotations

import argparse
import collections
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from trinode import api
from trinode.channels.bundled import bundled_names, layout_count, load_bundled
from trinode.channels.files import check_arrays
from trinode.channels.look import look
from trinode.channels.look.seen import seen
from trinode.channels.look.slips import along_lines
from trinode.systems.declared import to_arrays
from trinode.systems.registry import system as find_system
from trinode.systems.registry import system_names

Arrays = dict[str, np.ndarray]

SQUARE: dict[str, dict[str, Any]] = {
    "latency": {"terminals": 5, "access_points": 5},
    "threetier": {"terminals": 5, "access_points": 5},
    "fairness": {"terminals": 14, "access_points": 14, "ap_antennas": 4},
    "region": {"terminals": 6, "access_points": 6},
}
"""As many terminals as access points; the energy system has one access point."""
DETECTING: dict[str, Any] = {"detection_probability_min": 0.9}
"""Region has echoes where they are asked for."""
CROWDED: dict[str, Any] = {"terminals": 8, "ap_antennas": 16, "terminal_antennas": 8, "radar_antennas": 4}
"""Two links may agree in their phases by chance, eight do not."""


def channel_of(arrays: Arrays) -> str:
    """The array of channels."""
    return "uplink_channel" if "uplink_channel" in arrays else "channel_estimate"


def link_axes(name: str, array: np.ndarray) -> tuple[int, ...]:
    """Axes over the antennas of a link: of energy and region the last, of the others those after (.., K, M)."""
    return (1, 2) if name == "energy" else (2, 3) if array.ndim == 4 and name != "fairness" else (-1,)


def scaled(array: str, factor: float) -> Callable[[str, Arrays], Arrays | None]:
    """An array times a factor, where there is one that is not 0."""

    def make(_: str, arrays: Arrays) -> Arrays | None:
        return {array: arrays[array] * factor} if array in arrays and np.any(arrays[array]) else None

    return make


def channel(change: Callable[[str, np.ndarray], np.ndarray]) -> Callable[[str, Arrays], Arrays | None]:
    """The channel changed."""

    def make(name: str, arrays: Arrays) -> Arrays | None:
        return {channel_of(arrays): change(name, arrays[channel_of(arrays)])}

    return make


def in_dbm(_: str, arrays: Arrays) -> Arrays | None:
    if "ap_power" in arrays:
        return {"ap_power": 10 * np.log10(arrays["ap_power"])}
    return {"terminal_max_power_w": 10 * np.log10(arrays["terminal_max_power_w"]) + 30}


def per_hertz(_: str, arrays: Arrays) -> Arrays | None:
    band = arrays.get("bandwidth_hz", arrays.get("subcarrier_bandwidth_hz"))
    return None if band is None else {"ap_noise_w": arrays["ap_noise_w"] / band}


def in_bytes(_: str, arrays: Arrays) -> Arrays | None:
    densities = [one for one in arrays if one.endswith("cycles_per_bit")]
    return {one: arrays[one] * 8 for one in densities} | {"task_bits": arrays["task_bits"] / 8} if densities else None


def echo_twice(_: str, arrays: Arrays) -> Arrays | None:
    if "echo_channel" in arrays:
        return {"echo_channel": arrays["echo_channel"] * np.abs(arrays["echo_channel"])}
    one = next((one for one in ("echo_gain", "target_echo_gain") if one in arrays), None)
    return {one: arrays[one] ** 2} if one else None


def unit_norm(name: str, array: np.ndarray) -> np.ndarray:
    return array / np.linalg.norm(array, axis=link_axes(name, array), keepdims=True)


def unit_variance(_: str, array: np.ndarray) -> np.ndarray:
    dice = np.random.default_rng(7)
    return (dice.standard_normal(array.shape) + 1j * dice.standard_normal(array.shape)) / np.sqrt(2)


def phases_gone(name: str, array: np.ndarray) -> np.ndarray:
    """As where the delay of a link's first path is taken from all of its paths."""
    first = array
    for axis in sorted((axis % array.ndim for axis in link_axes(name, array)), reverse=True):
        first = np.take(first, [0], axis=axis)
    return array * np.abs(first) / first


def swapped(name: str, arrays: Arrays) -> Arrays | None:
    """Which no shape forbids where there are as many access points as terminals."""
    one = channel_of(arrays)
    first = 1 if name == "fairness" else 0
    if name == "energy" or arrays[one].shape[first] != arrays[one].shape[first + 1]:
        return None
    return {one: arrays[one].swapaxes(first, first + 1)}


MADE: dict[str, dict[str, Callable[[str, Arrays], Arrays | None]]] = {
    "dbm-for-watt": {"dBm": in_dbm, "milliwatt at terminals": scaled("terminal_max_power_w", 1e3)},
    "density-for-noise": {"W/Hz": per_hertz},
    "gain-above-0-db": {"gain as a loss": channel(lambda _, h: h / np.abs(h) ** 2)},
    "no-path-loss": {"unit norm": channel(unit_norm), "unit variance": channel(unit_variance)},
    "power-for-amplitude": {"squared": channel(lambda _, h: h * np.abs(h))},
    "amplitude-for-power": {"root": channel(lambda _, h: h / np.abs(h) ** 0.5)},
    "mega-for-one": {
        one: scaled(one, 1e-6)
        for one in (
            "bandwidth_hz",
            "subcarrier_bandwidth_hz",
            "terminal_max_frequency_hz",
            "edge_max_frequency_hz",
            "cloud_max_frequency_hz",
            "ap_max_frequency_hz",
            "terminal_frequency_hz",
            "edge_frequency_hz",
            "cloud_frequency_hz",
            "server_frequency_hz",
            "edge_capacity_hz",
            "fronthaul_max_bps",
            "backhaul_bps",
        )
    },
    "bytes-for-bits": {"tasks and densities": in_bytes},
    "echo-loss-twice": {"squared": echo_twice},
    "swapped-terminals-and-aps": {"swapped": swapped},
    "aligned-phases": {"from the first path": channel(phases_gone), "magnitudes": channel(lambda _, h: np.abs(h) + 0j)},
}
"""How each slip is made in a network; None where it cannot have it."""
MIRRORED: dict[str, Callable[[np.ndarray], np.ndarray]] = {"conjugated": np.conj, "reversed": lambda h: h[:, :, ::-1]}
"""How mirrored angles are made in channels, of which alone they can be told; drawn networks have no directions, or an
array that might as well be turned around."""
SIGHTS = 4
"""Lines of sight from which on arrays of 8 antennas do not look mirrored by chance."""


def networks(name: str, seed: int, count: int, params: dict[str, Any]) -> list[Any]:
    """Drawn networks."""
    return api.unstack(api.draw_batch(name, seed, count, **params))


def alarms(name: str, drawn: list[Any]) -> collections.Counter[str]:
    """Slips that are seen in networks as they are."""
    schema = find_system(name).scenario_schema
    return collections.Counter(slip.name for one in drawn for slip in look(one, schema).slips)


def named(name: str, slip: str, how: str, drawn: list[Any]) -> tuple[int, int]:
    """In how many networks a slip was made, and in how many of them it was named."""
    schema, made, told = find_system(name).scenario_schema, 0, 0
    for one in drawn:
        arrays = to_arrays(one, schema)
        wrong = MADE[slip][how](name, arrays)
        if wrong is not None:
            made += 1
            file = SimpleNamespace(**check_arrays(schema, arrays | wrong))
            told += slip in [each.name for each in look(file, schema).slips]
    return made, told


def kinds(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """What is drawn, and the slips that are made there: some need other networks than those of the defaults."""
    apart = {"swapped-terminals-and-aps"} | ({"echo-loss-twice"} if name == "region" else set())
    apart |= {"aligned-phases"} if name == "energy" else set()
    yield "drawn", {}, [slip for slip in MADE if slip not in apart]
    if name in SQUARE:
        yield "square", SQUARE[name], ["swapped-terminals-and-aps"]
    if name == "region":
        yield "detecting", DETECTING, ["echo-loss-twice"]
    if name == "energy":
        yield "crowded", CROWDED, ["aligned-phases"]


def rows(name: str, seed: int, count: int) -> Iterator[tuple[str, int, int]]:
    """What was done, how often, and how often it was named."""
    for kind, params, slips in kinds(name):
        drawn = networks(name, seed, count, params)
        false = alarms(name, drawn)
        yield f"{kind}, as they are" + "".join(f", {slip}" for slip in false), len(drawn), sum(false.values())
        for slip in slips:
            for how in MADE[slip]:
                made, told = named(name, slip, how, drawn)
                if made:
                    yield f"{kind}, {slip} ({how})", made, told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--system", default="")
    given = parser.parse_args()
    wrong = 0
    for name in [given.system] if given.system else system_names():
        for what, made, told in rows(name, given.seed, given.count):
            untouched = "as they are" in what
            wrong += told > 0 if untouched else told < made
            print(f"{name:10s} {what}: {told} of {made} {'warned of' if untouched else 'named'}", flush=True)
    for name in bundled_names():
        layouts = [load_bundled(name, layout) for layout in range(layout_count(name))]
        texts = [str(slip) for one in layouts for slip in look(one).slips]
        wrong += len(texts)
        print(
            f"{name:10s} channels as they are: {len(texts)} of {len(layouts)} warned of", *texts, sep="\n  ", flush=True
        )
        for how, change in MIRRORED.items():
            tell = [one for one in layouts if len(along_lines(seen(one))[0]) >= SIGHTS]
            others = [replace(one, uplink_channel=change(one.uplink_channel)) for one in tell]
            told = sum("mirrored-angles" in [slip.name for slip in look(one).slips] for one in others)
            wrong += told < len(tell)
            what = f"layouts with {SIGHTS} lines of sight that positions tell from their mirror images"
            print(f"{name:10s} mirrored-angles ({how}): {told} of {len(tell)} {what} named", flush=True)
        for system in system_names():
            found = alarms(system, [api.from_channels(one, system) for one in layouts])
            wrong += sum(found.values())
            print(
                f"{name:10s} {system} on them: {sum(found.values())} of {len(layouts)} warned of {dict(found)}",
                flush=True,
            )
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
