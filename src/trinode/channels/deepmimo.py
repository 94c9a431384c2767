"""Folders of DeepMIMO 4: ``params.json`` and, of every pair of a transmitter and a set of receivers, files of paths.

A file ``power_t001_tx000_r002.npz`` holds [receiver, path]; NaN where there is no path. Powers are gains in dB, phases
and angles are in degrees, delays in seconds; ``aoa_el`` and ``aod_el`` are from the zenith, azimuths from x towards y.
Angles of arrival point to where a wave comes from, angles of departure to where it goes. Paths are between single
antennas; arrays are chosen here.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from trinode import _memory
from trinode.channels.paths import directions, elements_of, phasors, response
from trinode.channels.raw import LINK, Options, Raw
from trinode.channels.stores import Store, amplitude, as_array, as_path, as_reals
from trinode.errors import FileFormatError, InputError

__all__ = ["OPTIONS", "scenario"]

OPTIONS = ("aps", "terminals", "ap_set", "terminal_set", "ap_elements", "terminal_elements", "carrier_phase")
"""What :func:`scenario` takes beside what all formats take."""

_OF_PATHS = ("power", "phase", "delay", "aoa_az", "aoa_el", "aod_az", "aod_el")
_HAS_CARRIER_PHASE = {"wireless insite": True, "sionna": False}
_LONGEST_PARAMS = 2**24


def scenario(source: Any, options: Options) -> Raw:
    """Channels of chosen transmitters and receivers of a scenario."""
    options.look_in(None)
    params = _params(as_path(source))
    folder = _scene(as_path(source), params, options)
    sender, hearer = ("terminal", "ap") if options.uplink else ("ap", "terminal")
    tx_set, rx_set = _set(params, "is_tx", sender, options), _set(params, "is_rx", hearer, options)
    tx, rx = _indices(sender, tx_set, options), _indices(hearer, rx_set, options)
    tx_elements = elements_of(f"{sender}_elements", options.more.get(f"{sender}_elements"), len(tx))
    rx_elements = elements_of(f"{hearer}_elements", options.more.get(f"{hearer}_elements"), len(rx))
    raw = Raw(carrier_hz=options.number("carrier_hz") or _carrier(params), axes=("subcarrier", *LINK))
    turns = not _has_carrier_phase(params, options.more.get("carrier_phase"))
    frequency = options.offsets() + (raw.carrier_hz if turns else 0.0)

    sizes = [max(map(len, elements)) for elements in (rx_elements, tx_elements)]
    shape = (len(frequency), len(rx), sizes[0], len(tx), sizes[1])
    _memory.check("channels", shape, 16 * prod(shape))
    raw.array = np.zeros(shape, dtype=np.complex128)
    places, without = [], 0
    for at, index in enumerate(tx):
        names = (int(tx_set["id"]), index, int(rx_set["id"]))
        tx_place, raw.rx_position_m, found = _files(folder, names, rx, raw, options)
        places.append(tx_place)
        there = np.isfinite(found["power"])
        whole = np.all([np.isfinite(found[name]) for name in _OF_PATHS], axis=0)
        without += int(np.sum(there & ~whole))
        a = np.zeros(there.shape, dtype=complex)
        a[whole] = amplitude("power", found["power"][whole]) * np.exp(1j * np.radians(found["phase"][whole]))
        known = {name: np.where(whole, found[name], 0.0) for name in _OF_PATHS}
        arrives, leaves = (directions(known[f"{way}_az"], known[f"{way}_el"]) for way in ("aoa", "aod"))
        for k in range(len(rx)):
            heard, sent = phasors(arrives[k], rx_elements[k]), phasors(leaves[k], tx_elements[at])
            each = a[k] * heard.T[:, None] * sent.T
            raw.array[:, k, : heard.shape[1], at, : sent.shape[1]] = response(each, known["delay"][k], frequency)
    raw.tx_position_m = np.concatenate(places)
    raw.notes.append(
        "the phase of the carrier was added to the paths" if turns else "paths have the phase of the carrier already"
    )
    if without:
        raw.notes.append(f"{without} paths without a phase, delay or angle count as no path")
    for name, arrays in ((sender, tx_elements), (hearer, rx_elements)):
        if len(counts := sorted({len(one) for one in arrays})) > 1:
            raw.notes.append(f"{name}s have {counts} antennas: those that are missing are zeros at the end")
    return raw


def _params(folder: Path) -> dict[str, Any]:
    path = folder / "params.json"
    allowed = "a folder of a DeepMIMO 4 scenario, with its params.json"
    if not path.is_file():
        raise FileFormatError("source", folder, allowed)
    try:
        if path.stat().st_size > _LONGEST_PARAMS:
            raise ValueError("it is too long")
        params = json.loads(path.read_text(encoding="utf-8"))
        tracer, sets = params["rt_params"], params["txrx_sets"]
        if not isinstance(tracer, dict) or not all(isinstance(one, dict) for one in sets.values()):
            raise ValueError("rt_params or txrx_sets are no tables")
    except Exception as fault:  # of a damaged file, many
        raise FileFormatError("source", f"{path} ({type(fault).__name__}: {fault})", allowed) from fault
    return params


def _scene(folder: Path, params: dict[str, Any], options: Options) -> Path:
    """The folder of one point in time."""
    scene = params.get("scene")
    count = scene.get("num_scenes", 1) if isinstance(scene, dict) else 1
    if count in (1, None):
        return folder
    scenes = sorted(path for path in folder.iterdir() if path.is_dir())
    at = options.snapshot
    if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < len(scenes):
        raise InputError("snapshot", "nothing" if at is None else at, f"one of 0 to {len(scenes) - 1}")
    return scenes[at]


def _set(params: dict[str, Any], flag: str, role: str, options: Options) -> dict[str, Any]:
    """The set of devices that transmit or receive; of receivers that are several, the one that receives only."""
    able = [one for one in params["txrx_sets"].values() if one.get(flag) in (True, 1)]
    for one in able:
        for key in ("id", "num_points"):
            if type(one.get(key)) is not int or not 0 <= one[key] < 2**31:
                raise InputError(f"params.json: txrx_sets: {key}", one.get(key), "an integer of at least 0")
    asked = options.more.get(f"{role}_set")
    only = [one for one in able if flag == "is_rx" and not one.get("is_tx")]
    usual = only if len(only) == 1 else able
    found = usual if asked is None else [one for one in able if one["id"] == asked]
    if len(found) != 1:
        ids = [one["id"] for one in able]
        raise InputError(f"{role}_set", "nothing" if asked is None else asked, f"one of {ids} of params.json")
    if found[0].get("num_ant", 1) != 1 or found[0].get("dual_pol"):
        raise InputError(f"{role}_set", "paths traced for several antennas or polarisations", "one antenna a device")
    return found[0]


def _indices(role: str, devices: dict[str, Any], options: Options) -> list[int]:
    """Which devices of a set."""
    count, field = devices["num_points"], f"{role}s"
    asked = options.more.get(field)
    if asked is None:
        _memory.check(field, (count,), 64 * count)
        asked = range(count)
    allowed = f"different integers from 0 to {count - 1}"
    chosen = as_array(field, asked)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or not len(chosen):
        raise InputError(field, asked, allowed)
    if chosen.min() < 0 or chosen.max() >= count or len(set(chosen.tolist())) < len(chosen):
        raise InputError(field, asked, allowed)
    return chosen.tolist()


def _carrier(params: dict[str, Any]) -> float:
    value = params["rt_params"].get("frequency")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
        raise InputError("params.json: rt_params: frequency", value, "a number above 0, or carrier_hz=")
    return float(value)


def _has_carrier_phase(params: dict[str, Any], said: Any) -> bool:
    """Whether phases of paths have turned with the carrier already, which depends on who traced them."""
    if said is not None:
        if not isinstance(said, bool):
            raise InputError("carrier_phase", said, "True or False")
        return said
    tracer = str(params["rt_params"].get("raytracer_name", ""))
    for name, has in _HAS_CARRIER_PHASE.items():
        if name in tracer.lower():
            return has
    allowed = "carrier_phase=True where the phases of paths have turned with the carrier, else False"
    raise InputError("params.json: rt_params: raytracer_name", tracer or "nothing", allowed)


def _files(
    folder: Path, names: tuple[int, int, int], rx: list[int], raw: Raw, options: Options
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Where a transmitter and the receivers are, and the paths between them."""
    ending = "_t{:03d}_tx{:03d}_r{:03d}".format(*names)
    found = {name: _file(folder, name, ending) for name in (*_OF_PATHS, "rx_pos", "tx_pos")}
    tx_place, rx_place = as_reals("tx_pos", found.pop("tx_pos")), as_reals("rx_pos", found.pop("rx_pos"), nan=True)
    raw.delays(found["delay"], raw.carrier_hz)
    shape = found["power"].shape
    for name, array in found.items():
        if array.ndim != 2 or array.shape != shape or len(array) <= max(rx):
            allowed = f"[receiver, path], at least {max(rx) + 1} receivers, like power"
            raise InputError(name + ending, f"shape {array.shape}, {array.dtype}", allowed)
    if rx_place.ndim != 2 or rx_place.shape[1] != 3 or len(rx_place) <= max(rx) or tx_place.size != 3:
        raise InputError("rx_pos or tx_pos" + ending, f"shapes {rx_place.shape}, {tx_place.shape}", "[device, x y z]")
    paths = {name: as_reals(name + ending, array[rx], nan=True) for name, array in found.items()}
    return tx_place.reshape(1, 3), as_reals("rx_pos" + ending, rx_place[rx]), paths


def _file(folder: Path, name: str, ending: str) -> np.ndarray:
    for suffix in ("npz", "mat", "npy"):
        path = folder / f"{name}{ending}.{suffix}"
        if path.is_file():
            store = Store(path)
            return store.array("array" if suffix == "npy" else name)
    raise FileFormatError("source", f"nothing at {folder / (name + ending)}", "an .npz, .mat or .npy file")
