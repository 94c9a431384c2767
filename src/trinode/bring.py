"""A network of one's own arrays and a few words: what is left open comes from the system's parameters, and is told."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from math import pi
from pathlib import Path
from typing import Any

import numpy as np

from trinode import api
from trinode._words import one_of
from trinode.channels.files import check_arrays
from trinode.channels.imported import AXES, LETTERS, SYSTEMS, Channels, ChannelWarning
from trinode.channels.look import look
from trinode.channels.reading import read
from trinode.channels.traced import SCHEMA, TracedChannels, check_channels
from trinode.errors import InputError
from trinode.radio.propagation import LIGHT_M_S
from trinode.systems import doors
from trinode.systems.contract import System
from trinode.systems.network import Scenario
from trinode.systems.registry import elsewhere
from trinode.systems.registry import system as find_system

__all__ = ["network"]

PLACES = ("terminal_position_m", "ap_position_m")
SIZES = {
    "terminals": "K",
    "access_points": "M",
    "ap_antennas": "A",
    "terminal_antennas": "T",
    "radar_antennas": "R",
    "subcarriers": "S",
    "directions": "D",
    "targets": "Q",
}
"""Parameters that are sizes of arrays, and their letters."""
UNUSED_HZ = 1.0
"""Carrier of channels where neither the person nor the system's parameters have one: nothing depends on it then."""


def network(
    system: str = "latency",
    channels: Any = None,
    *,
    axes: str = "",
    direction: str = "",
    seed: int = 0,
    trial: int = 0,
    silence: Iterable[str] = (),
    **given: Any,
) -> Any:
    """A network of your own arrays and a few words; everything else is filled and listed (``print(network)``).

    Likely slips of units and axes are warned of by name, as :func:`trinode.check` lists them.

    Parameters
    ----------
    system : str
        Name of a system.
    channels : array_like, Channels or TracedChannels, optional
        Channels between terminals and access points, or what :func:`trinode.channels.read` made of a file;
        dimensionless amplitudes. The same as ``uplink_channel=``. Without channels they are drawn.
    axes : str
        Names of the axes of an array, for instance ``"ap terminal ap_antenna"``, as in :func:`trinode.channels.read`;
        an xarray brings its own. Without names it is (terminal, ap, ap_antenna, terminal_antenna) or the first three
        of them, and refused where the system's own file has as many in another order.
    direction : {"uplink", "downlink", "conjugated downlink"}
        Who transmits, as in :func:`trinode.channels.read`; without it terminals.
    seed, trial : int
        Which network, where something is drawn.
    silence : iterable of str
        Names of slips that are none here.
    **given
        Arrays of the system's scenario file ([formats](formats.md)), or one number where every entry is to have it, and
        parameters of the system (``trinode list SYSTEM``). ``carrier_hz``, where the system asks for it, is that of
        the channels.

    Returns
    -------
    Scenario
        Whose ``filled`` says of each array that was left open where it came from. Positions are there where they were
        given, or drawn together with the channels.

    Raises
    ------
    InputError
        Names what is unknown, contradicts the channels, or is not allowed.
    """
    found = find_system(system)
    arrays, params = _sorted_out(found, given)
    if "uplink_channel" in arrays:
        if channels is not None:
            raise InputError("uplink_channel", "an array", "nothing beside channels, which it would be")
        channels = arrays.pop("uplink_channel")
    given_places = {name: arrays.pop(name) for name in PLACES if name in arrays}
    places, own = check_arrays({name: SCHEMA[name] for name in given_places}, given_places), None
    if channels is None:
        for name, value in (("axes", axes), ("direction", direction)):
            if value:
                raise InputError(name, value, "nothing without channels")
        made = _drawn(found, _sizes(found, arrays | places), params, places, seed, trial)
    else:
        own = _read(found, channels, axes, direction, arrays | places)
        own = own.replace(**places)
        made = _on_channels(found, own, arrays, params, seed, trial)
        if own.sizes["subcarrier"] > 1:  # the others but the first
            arrays["uplink_channel"] = own.ordered(SYSTEMS["fairness"], terminal_antenna=0)
        arrays |= {name: None for name in PLACES if getattr(own, name) is None and name in found.scenario_schema}
    how = {}
    if "channel_estimate" in arrays:  # what was drawn beside it is that of another channel
        arrays |= {name: None for name in PLACES if name not in places}
        if "error_covariance" not in arrays:
            arrays["error_covariance"] = np.zeros_like(np.asarray(made.error_covariance))
            how["error_covariance"] = "filled: zeros, as if the channel were known exactly"
    made = made.with_(**arrays)
    doors.fill(made, dict(_filled(found, made, given, own, f"seed {seed}, trial {trial}")) | how)
    for slip in look(made, found.scenario_schema, silence).slips:
        warnings.warn(str(slip), ChannelWarning, stacklevel=2)
    return made


def _sorted_out(found: System, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and parameters; a number that is both is given to both, so that what depends on it follows."""
    schema, known = found.scenario_schema, [field.name for field in dataclasses.fields(found.Params)]
    counts = {name for name in known if name in schema and schema[name].kind == "bool" and type(given.get(name)) is int}
    arrays = {name: given[name] for name in given if name in {*schema, "uplink_channel"} - counts}
    params = {name: value for name, value in given.items() if name in (*known, "carrier_hz")}
    params = {name: value for name, value in params.items() if name not in arrays or np.ndim(value) == 0}
    for name in given:
        if name not in arrays and name not in params:
            other = elsewhere(name, lambda one: one.scenario_schema, (*schema, *known))
            value = f"neither an array nor a parameter of {found.name}{other}"
            raise InputError(name, value, one_of(name, dict.fromkeys([*schema, *known])))
    if "subcarrier_bandwidth_hz" in arrays and "ap_noise_w" not in arrays:
        raise InputError(
            "subcarrier_bandwidth_hz", "no noise beside it", "ap_noise_w too, or bandwidth_hz of the whole"
        )
    return arrays, params


def _sizes(found: System, arrays: Mapping[str, Any]) -> dict[str, int]:
    """Letters and sizes of arrays; numbers that stand for every entry have none."""
    sizes: dict[str, int] = {}
    for name, value in arrays.items():
        dims = found.scenario_schema[name].dims if name in found.scenario_schema else ()
        if value is not None and np.ndim(value) == len(dims):
            sizes = dict(zip(dims, np.shape(value))) | sizes
    return sizes


def _read(found: System, channels: Any, axes: str, direction: str, arrays: Mapping[str, Any]) -> Channels:
    """Channels of one kind, whose sizes go with those of the arrays."""
    names, shape = axes or " ".join(map(str, getattr(channels, "dims", ()))), ()
    if isinstance(channels, Channels | TracedChannels):
        if names or direction:
            raise InputError("axes" if axes else "direction", axes or direction, "nothing: these channels know theirs")
        own = channels if isinstance(channels, Channels) else _of_traced(channels)
    elif isinstance(channels, str | Path | Scenario):
        what = channels if isinstance(channels, str | Path) else "a network, which its with_(...) changes"
        raise InputError("channels", what, "an array, or what tn.channels.read makes of a file")
    else:
        shape = np.shape(channels)
        names = names or _order(found, shape)
        own = read(channels, axes=names, direction=direction, silence=("aligned-phases",))
    if own.relative_to_noise:
        raise InputError("channels", "amplitudes over the noise", "bare gains: noise_w= when the channels are read")
    if own.sizes["subcarrier"] > 1 and "subcarrier" not in SYSTEMS.get(found.name, ""):
        allowed = "one: subcarrier=0, or subcarrier='mean', when the channels are read"
        raise InputError("channels", f"{own.sizes['subcarrier']} subcarriers", allowed)
    _check_sizes(found, own, names.split(), shape, arrays)
    return own


def _of_traced(traced: TracedChannels) -> Channels:
    check_channels(traced)
    more = {name: getattr(traced, name) for name in SCHEMA if name != "uplink_channel"}
    return Channels(np.asarray(traced.uplink_channel)[None], **more)


def _order(found: System, shape: tuple[int, ...]) -> str:
    """Names of axes where none are given: trinode's order, unless the system's own file has another."""
    if len(shape) not in (3, 4):
        raise InputError("axes", f"nothing, for a channel of shape {shape}", "a name for each of its axes")
    ours, own = " ".join(AXES[1 : len(shape) + 1]), SYSTEMS.get(found.name, "")
    if len(own.split()) == len(shape) and own != ours:
        allowed = f"axes='{ours}', or as in files of {found.name} axes='{own}'"
        raise InputError("axes", f"nothing, for a channel of shape {shape}", allowed)
    return ours


def _check_sizes(
    found: System, own: Channels, names: Sequence[str], shape: tuple[int, ...], arrays: Mapping[str, Any]
) -> None:
    """Refuse arrays of other sizes than the channels', and say which order of the axes would do."""
    asked = {LETTERS[letter]: size for letter, size in _sizes(found, arrays).items() if letter in LETTERS}
    for name, value in arrays.items():
        for letter, size in _sizes(found, {name: value}).items():
            axis = LETTERS.get(letter, letter)
            if own.sizes.get(axis, size) == size:
                continue
            has = ", ".join(f"{one} {count}" for one, count in own.sizes.items() if count > 1)
            allowed = f"{own.sizes[axis]}, as the channel has {has}"
            own_order = tuple(LETTERS.get(one, one) for one in names)
            orders = permutations(own_order) if shape and set(own_order) <= set(AXES) else ()
            would = [
                one
                for one in orders
                if all(asked.get(word, n) == n for word, n in zip(one, shape)) and _slip(one, own_order)
            ]
            if would:
                allowed += f"; or axes='{' '.join(would[0])}' for its shape {shape}"
            raise InputError(name, f"{axis} {size}", allowed)


def _slip(order: Sequence[str], said: Sequence[str]) -> bool:
    """Whether an order is one that people take for another: two axes swapped, or all of them reversed."""
    return sum(one != other for one, other in zip(order, said)) == 2 or list(order) == list(said)[::-1]


def _on_channels(
    found: System, own: Channels, arrays: Mapping[str, Any], params: Mapping[str, Any], seed: int, trial: int
) -> Any:
    """The network on channels; what they leave open is that of a drawn one of the same sizes."""
    sizes = _sizes(found, arrays) | {letter: own.sizes[name] for letter, name in LETTERS.items()}
    between, known = arrays.get("terminal_channel", own.terminal_channel), {name: getattr(own, name) for name in PLACES}
    params, carrier = dict(params), params.get("carrier_hz", own.carrier_hz)
    params.pop("carrier_hz", None)
    if own.bandwidth_hz and "bandwidth_hz" in _names(found):
        params.setdefault("bandwidth_hz", own.bandwidth_hz)
    hears, placed = "terminal_channel" in found.scenario_schema, all(one is not None for one in known.values())
    if (hears and between is None) or (found.channel_places and not placed):
        flat = {name: np.asarray(one)[:, :2] for name, one in known.items() if one is not None and name in found.places}
        drawn = _drawn(found, sizes, params, flat, seed, trial)
        if hears and between is None:
            between = drawn.terminal_channel
            params.pop("radar_antennas", None)
        known = {name: getattr(drawn, name) if one is None else one for name, one in known.items()}
    if between is None:  # nobody asks for it
        between = np.zeros((sizes["K"], sizes["K"], 1, sizes["T"]), dtype=complex)
    traced = TracedChannels(
        uplink_channel=own.ordered(" ".join(AXES[1:]), subcarrier=0),
        terminal_channel=np.asarray(between, dtype=complex),
        terminal_position_m=np.zeros((sizes["K"], 2)) if known[PLACES[0]] is None else np.asarray(known[PLACES[0]]),
        ap_position_m=np.zeros((sizes["M"], 2)) if known[PLACES[1]] is None else np.asarray(known[PLACES[1]]),
        carrier_hz=_carrier_hz(found) if carrier is None else carrier,
    )
    more = {name: letter for name, letter in SIZES.items() if name not in found.channel_sizes}
    return api.from_channels(traced, found.name, seed, trial, **_sized(found, sizes, params, more))


def _drawn(
    found: System, sizes: Mapping[str, int], params: Mapping[str, Any], places: Mapping[str, Any], seed: int, trial: int
) -> Any:
    """A drawn network of these sizes."""
    return api.draw(
        found.name, seed, trial, **places, **_sized(found, sizes, params, SIZES | dict(found.channel_sizes))
    )


def _sized(
    found: System, sizes: Mapping[str, int], params: Mapping[str, Any], letters: Mapping[str, str]
) -> dict[str, Any]:
    """Parameters with those that are sizes, and with no default that is too large for them."""
    known = _names(found)
    own = {name: sizes[letter] for name, letter in letters.items() if name in known and letter in sizes}
    most = {name: min(known[name], sizes[letter]) for name, letter in found.at_most.items() if letter in sizes}
    return own | most | dict(params)


def _names(found: System) -> dict[str, Any]:
    """Parameters and their defaults."""
    return {field.name: field.default for field in dataclasses.fields(found.Params)}


def _carrier_hz(found: System) -> float:
    """Of the system's parameters, whichever way they say it."""
    known = _names(found)
    if "carrier_hz" in known:
        return float(known["carrier_hz"])
    if "reference_gain_db" in known:  # of free space over 1 m
        return LIGHT_M_S / (4 * pi * 10 ** (known["reference_gain_db"] / 20))
    return LIGHT_M_S / known["wavelength_m"] if "wavelength_m" in known else UNUSED_HZ


def _filled(
    found: System, made: Any, given: Mapping[str, Any], brought: Channels | None, where: str
) -> Iterator[tuple[str, str]]:
    """Arrays that nobody gave, and where they came from."""
    known, channels = _names(found), {"uplink_channel", "channel_estimate"} if brought else set()
    there = {name for name in (*PLACES, "terminal_channel") if brought and getattr(brought, name) is not None}
    for name, field in found.scenario_schema.items():
        if name in given or name in channels | there or getattr(made, name, None) is None:
            continue
        stem = name.rpartition("_")[0] if field.unit else name
        of = [one for one in known if one == name or one.rpartition("_")[0] == stem or one.startswith(f"{name}_")]
        if not of:
            yield name, f"filled: parameters, {where}"
        elif of[0] not in given:
            yield name, f"filled: parameter {of[0]}"
