"""Channels from elsewhere: named axes, a stated unit and direction, and what looks wrong said by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from trinode import _memory
from trinode._words import one_of
from trinode.channels import deepmimo, from_sionna, quadriga
from trinode.channels.imported import AXES, LETTERS, Channels, ChannelWarning
from trinode.channels.paths import UNLIKELY, alignment
from trinode.channels.raw import LINK, Options, Raw
from trinode.channels.stores import Store, amplitude, as_array, as_numbers, as_reals
from trinode.errors import InputError

__all__ = ["DIRECTIONS", "KINDS", "UNITS", "read"]

UNITS = ("amplitude", "dB", "noise")
DIRECTIONS = ("uplink", "downlink", "conjugated downlink")
ALIGNED = "aligned-phases"
"""Name of the warning that phases of strong links are not spread."""

_ENDS = {"terminal": "terminal", "user": "terminal", "ue": "terminal", "ap": "ap", "bs": "ap"}
_WORDS = LETTERS | {"time": "snapshot", "frequency": "subcarrier"}


def _arrays(source: Any, options: Options) -> Raw:
    """An array as it is: of NumPy, xarray, a mapping, or an ``.npy``, ``.npz``, ``.mat`` or HDF5 file."""
    raw = Raw()
    if isinstance(source, str | Path | Mapping):
        store = Store(source)
        options.look_in(store)
        array = store.array(store.only("name", options.name))
        axes = _axes(options.axes, options.uplink)
        if store.is_matlab and array.ndim < len(axes):  # MATLAB drops axes of length 1 at the end
            array = array.reshape(array.shape + (1,) * (len(axes) - array.ndim))
        if store.is_matlab and array.ndim == 2 and len(axes) == 1 and 1 in array.shape:
            array = array.reshape(-1)
    else:
        options.look_in(None)
        named = options.axes or " ".join(map(str, getattr(source, "dims", ())))
        array, axes = as_array("source", source), _axes(named, options.uplink)
    raw.precision(array, "channels")
    raw.array, raw.axes, raw.subcarrier_hz = array, axes, options.subcarrier_hz
    if raw.axes and array.ndim != len(raw.axes):
        raise InputError("axes", " ".join(raw.axes), f"one name for each of the {array.ndim} axes {array.shape}")
    if "snapshot" in raw.axes:
        at = raw.axes.index("snapshot")
        raw.array, raw.axes = options.snapshot_of(array, at), raw.axes[:at] + raw.axes[at + 1 :]
    return raw


KINDS: dict[str, Callable[[Any, Options], Raw]] = {
    "array": _arrays,
    "mat": _arrays,
    "xarray": _arrays,
    "sionna": from_sionna.paths,
    "sionna-cir": from_sionna.impulse_responses,
    "sionna-cfr": from_sionna.frequency_responses,
    "deepmimo": deepmimo.scenario,
    "quadriga": quadriga.links,
}


def read(
    source: Any,
    kind: str = "array",
    *,
    axes: str = "",
    unit: str = "amplitude",
    direction: str = "",
    name: str = "",
    tau: Any = None,
    carrier_hz: Any = None,
    bandwidth_hz: Any = None,
    subcarrier_hz: Any = None,
    subcarrier: int | str = "all",
    snapshot: int | None = None,
    terminal_position_m: Any = None,
    ap_position_m: Any = None,
    noise_w: Any = None,
    silence: Iterable[str] = (),
    **more: Any,
) -> Channels:
    """Channels from elsewhere, in trinode's order.

    What is a number or an array here may also be the name of an array in the source. No Python object in a file is
    ever unpacked, and sizes are looked at before memory is taken.

    Parameters
    ----------
    source : path or object
        A file or folder; an array of NumPy, JAX or xarray; a mapping of arrays; for Sionna RT also a ``Paths`` object
        or what its ``cir()`` or ``cfr()`` returned.
    kind : str
        ``array`` (``mat`` and ``xarray`` are the same), ``sionna`` (paths: coefficients without the phase of their
        delay), ``sionna-cir``, ``sionna-cfr``, ``deepmimo`` (a folder of version 4), ``quadriga`` (``coeff`` and
        ``delay`` of a link, or a folder of links).
    axes : str
        For arrays, the name of each axis: of subcarrier, terminal, ap, ap_antenna, terminal_antenna, snapshot, or rx,
        rx_ant, tx, tx_ant. An axis that is left out has length 1. xarray brings its own.
    unit : {"amplitude", "dB", "noise"}
        Amplitude gains; power gains in dB, which have no phase; or amplitudes over the square root of the noise of an
        antenna, which become bare gains where ``noise_w`` is given.
    direction : {"uplink", "downlink", "conjugated downlink"}
        Who transmits. The downlink is the transpose of the uplink, without a conjugate; "conjugated downlink" is that
        of papers whose terminals receive ``conj(h) . x``. Left open for arrays with axes by role: uplink; for
        DeepMIMO: downlink; else it has to be said.
    name : str
        Which array of the source, where there are several.
    tau : array_like
        Delays of paths in seconds, [rx, tx, path] or for every pair of antennas like the coefficients; -1 for no path.
    carrier_hz, bandwidth_hz : float
        Paths are turned by the carrier, in double precision; the bandwidth is kept for the system.
    subcarrier_hz : array_like
        Distances of subcarriers from the carrier; paths are summed at each of them.
    subcarrier : int, "mean" or "all"
        Which of several subcarriers; the mean is that of the power, with the phases of the middle one.
    snapshot : int
        Which point in time, where there are several.
    terminal_position_m, ap_position_m : array_like
        Shapes (K, 2 or 3) and (M, 2 or 3), where the source does not know them.
    noise_w : float
        Noise of an antenna, for ``unit="noise"``.
    silence : iterable of str
        Names of warnings that are not given: "aligned-phases".
    **more
        DeepMIMO: ``aps``, ``terminals`` (which devices), ``ap_set``, ``terminal_set`` (ids of sets), ``ap_elements``,
        ``terminal_elements`` (see :func:`trinode.channels.panel`: a number, "8x2", positions in wavelengths, or a list
        of one for each device), ``carrier_phase`` (whether phases of paths have turned with the carrier, where the ray
        tracer's name does not tell).

    Returns
    -------
    Channels
        Uplink amplitudes [subcarrier, terminal, ap, ap_antenna, terminal_antenna] and what is known beside.

    Raises
    ------
    InputError
        Names what is missing, contradicts itself, or is no number.
    FileFormatError
        The source cannot be read.
    MissingExtraError
        A package is needed (h5py for version 7.3 of ``.mat``).
    """
    if kind not in KINDS:
        raise InputError("kind", kind, one_of(kind, KINDS))
    _one_of("unit", unit, UNITS)
    direction = _direction(direction, kind, axes or " ".join(map(str, getattr(source, "dims", ()))))
    unknown = sorted(set(more) - set(deepmimo.OPTIONS if kind == "deepmimo" else ()))
    if unknown:
        raise InputError(unknown[0], f"an option that {kind} does not have", one_of(unknown[0], deepmimo.OPTIONS))
    hushed = {silence} if isinstance(silence, str) else set(silence)
    given = Options(
        axes=axes,
        name=name,
        tau=tau,
        carrier_hz=carrier_hz,
        bandwidth_hz=bandwidth_hz,
        subcarrier_hz=subcarrier_hz,
        snapshot=snapshot,
        terminal_position_m=terminal_position_m,
        ap_position_m=ap_position_m,
        noise_w=noise_w,
        uplink=direction == "uplink",
        more=more,
    )
    raw = KINDS[kind](source, given)
    array = _amplitudes(raw, unit)
    array = _ordered(array, raw.axes, given.uplink)
    if direction == "conjugated downlink":
        array = array.conj()
    noise = given.number("noise_w")
    if unit == "noise" and noise is not None:
        array = array * sqrt(noise)
    array, offsets = _subcarriers(array, raw, given, subcarrier)
    places = _places(raw, given, array.shape)
    said = [one for one in _warnings(array, raw, kind, unit, given.uplink) if one[0] not in hushed]
    for warned, text in said:
        warnings.warn(f"{warned}: {text}", ChannelWarning, stacklevel=2)
    return Channels(
        array,
        carrier_hz=raw.carrier_hz or given.number("carrier_hz"),
        bandwidth_hz=given.number("bandwidth_hz"),
        subcarrier_hz=offsets,
        terminal_position_m=places["terminal"],
        ap_position_m=places["ap"],
        relative_to_noise=unit == "noise" and noise is None,
        source=f"{kind}: {source}" if isinstance(source, str | Path) else kind,
        warnings=tuple(said),
        notes=tuple(raw.notes),
    )


def _one_of(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(field, value, one_of(value, known))


def _direction(said: str, kind: str, axes: str) -> str:
    """Who transmits, where it was not said and does not matter or is the custom."""
    if said:
        _one_of("direction", said, DIRECTIONS)
        return said
    if kind == "deepmimo":
        return "downlink"
    if KINDS[kind] is _arrays and not set(axes.replace(",", " ").split()) & set(LINK):
        return "uplink"
    raise InputError("direction", "nothing", f"one of {', '.join(DIRECTIONS)}: who transmits")


def _axes(text: str, uplink: bool) -> tuple[str, ...]:
    """Names of axes by role."""
    ends = _ENDS | dict(zip(("tx", "rx"), ("terminal", "ap") if uplink else ("ap", "terminal")))
    words = _WORDS | ends
    words |= {f"{end}_{word}": f"{role}_antenna" for end, role in ends.items() for word in ("ant", "antenna")}
    names = tuple(words.get(word, word) for word in text.replace(",", " ").split())
    known = (*AXES, "snapshot")
    if not names or len(set(names)) < len(names) or not set(names) <= set(known):
        allowed = f"a name for each axis, each once: some of {', '.join(known)}, {', '.join(LINK)}"
        raise InputError("axes", text or "nothing", allowed)
    return names


def _amplitudes(raw: Raw, unit: str) -> np.ndarray:
    """Complex amplitudes in double precision."""
    array = np.asarray(raw.array)
    if array.size == 0:
        raise InputError("source", f"shape {array.shape}", "at least one of each axis")
    _memory.check("source", array.shape, 16 * array.size)
    if unit == "dB" and array.dtype.kind == "c":
        raise InputError("unit", "dB, of complex numbers", "real power gains in dB, or unit='amplitude'")
    if unit != "dB":
        return as_numbers("source", array).astype(np.complex128)
    blocked = np.isneginf(array) if array.dtype.kind == "f" else np.zeros(array.shape, dtype=bool)
    gain_db = as_reals("source", np.where(blocked, 0, array))
    raw.notes.append("gains in dB have no phases: all are 0")
    return np.where(blocked, 0.0, amplitude("source", gain_db)).astype(np.complex128)


def _ordered(array: np.ndarray, names: tuple[str, ...], uplink: bool) -> np.ndarray:
    """The array with all of trinode's axes."""
    names = _axes(" ".join(names), uplink)
    there = [name for name in AXES if name in names]
    full = array.transpose([names.index(name) for name in there])
    return np.ascontiguousarray(full.reshape([full.shape[there.index(n)] if n in there else 1 for n in AXES]))


def _subcarriers(
    array: np.ndarray, raw: Raw, options: Options, which: int | str
) -> tuple[np.ndarray, np.ndarray | None]:
    """The chosen subcarriers and their distances from the carrier, where known."""
    count = len(array)
    offsets = None if options.subcarrier_hz is None else options.offsets()
    if offsets is not None and len(offsets) != count:
        raise InputError("subcarrier_hz", f"{len(offsets)} of them", f"{count}, as many as the channels have")
    if which == "all":
        return array, offsets
    if which == "mean":
        middle = array[count // 2]
        size = np.sqrt(np.mean(np.abs(array) ** 2, axis=0))
        raw.notes.append(f"mean power of {count} subcarriers, with the phases of the middle one")
        return (size * np.exp(1j * np.angle(middle)))[None], None
    if isinstance(which, bool) or not isinstance(which, int | np.integer) or not 0 <= which < count:
        raise InputError("subcarrier", which, f"all, mean, or one of 0 to {count - 1}")
    return array[which : which + 1], None if offsets is None else offsets[which : which + 1]


def _places(raw: Raw, options: Options, shape: tuple[int, ...]) -> dict[str, np.ndarray | None]:
    """Where terminals and access points are: as said, or as the source knows."""
    found: dict[str, np.ndarray | None] = {}
    known = (raw.tx_position_m, raw.rx_position_m) if options.uplink else (raw.rx_position_m, raw.tx_position_m)
    for role, in_source, count in (("terminal", known[0], shape[1]), ("ap", known[1], shape[2])):
        field = f"{role}_position_m"
        said = getattr(options, field)
        value = in_source if said is None else said
        if value is not None:
            value = as_reals(field, value)
            if value.ndim != 2 or len(value) != count or value.shape[1] not in (2, 3):
                raise InputError(field, f"shape {value.shape}", f"({count}, 2 or 3) in metres")
        found[role] = value
    return found


def _warnings(array: np.ndarray, raw: Raw, kind: str, unit: str, uplink: bool) -> list[tuple[str, str]]:
    """What looks wrong: phases between access points that a normalisation of delays took away."""
    if unit == "dB" or array.shape[2] < 2:
        return []  # no phases at all, or none between access points
    seen = array[array.shape[0] // 2] if raw.look_at is None else _ordered(raw.look_at, LINK, uplink)[0]
    links, chance = alignment(seen)
    if not raw.begins_at_zero and chance >= UNLIKELY:
        return []
    text = f"the phases of the {links} strongest links lie together (by chance: {max(chance, 1e-16):.0e} or less)"
    if raw.begins_at_zero:
        text = "the first path of every link has delay 0"
    if raw.normalises:
        cure = f"{kind.removeprefix('sionna-')}() subtracts it unless it is told normalize_delays=False: do so"
    elif kind == "deepmimo":
        cure = "say carrier_phase=False if the ray tracer left the phase of the carrier out"
    else:
        cure = "if the phase of the carrier over each link's first delay is missing, put it back"
    return [(ALIGNED, f"{text}, so access points would seem to add up in phase everywhere; {cure}")]
