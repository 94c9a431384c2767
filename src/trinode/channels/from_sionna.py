"""What Sionna RT hands out: paths, impulse responses, frequency responses; live or saved.

Axes are [rx, rx_ant, tx, tx_ant, path, (time)] or, of frequency responses, [rx, rx_ant, tx, tx_ant, time, subcarrier].
Coefficients of paths lack the phase of their delay, those of impulse responses have it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.channels.paths import response
from trinode.channels.raw import LINK, Options, Raw
from trinode.channels.stores import Store, as_array, as_numbers, as_reals
from trinode.errors import InputError

__all__ = ["frequency_responses", "impulse_responses", "paths"]


def paths(source: Any, options: Options) -> Raw:
    """Channels of paths: a ``Paths`` object, or coefficients and delays in a file or mapping or as a pair."""
    raw = Raw()
    if hasattr(source, "valid") and hasattr(source, "tau"):
        options.look_in(None)
        a, tau, valid = _live(source, raw)
        raw.rx_position_m, raw.tx_position_m = _places(source.targets, a.shape[0]), _places(source.sources, a.shape[2])
    else:
        a, tau = _saved(source, options, raw, ("a", "tau"))
        if tau is None:
            raise InputError(
                "tau", "nothing", "the delays, or kind='sionna-cir' for coefficients that have their phase"
            )
        valid = True
    a, tau = _together(a, tau, options, raw)
    a = np.where(valid, a, 0)
    frequency = options.carrier("carrier_hz") + options.offsets()
    raw.array, raw.axes = response(a, tau, frequency), ("subcarrier", *LINK)
    return raw


def impulse_responses(source: Any, options: Options) -> Raw:
    """Channels of what ``Paths.cir()`` returned: a pair, or a file or mapping of it. One carrier needs no delays."""
    raw = Raw()
    a, tau = _saved(source, options, raw, ("a", "tau"))
    if tau is None and options.subcarrier_hz is not None:
        raise InputError("tau", "nothing", "the delays, without which coefficients say nothing of other subcarriers")
    if tau is not None:
        _look_at_delays(np.asarray(tau), raw)
    a, tau = _together(a, np.zeros(1) if tau is None else tau, options, raw)
    strongest = np.argmax(np.sum(np.abs(a) ** 2, axis=(1, 3), keepdims=True), axis=-1, keepdims=True)
    raw.look_at = np.take_along_axis(a, np.broadcast_to(strongest, (*a.shape[:-1], 1)), axis=-1)[..., 0]
    raw.array, raw.axes = response(a, tau, options.offsets()), ("subcarrier", *LINK)
    raw.normalises = True
    return raw


def frequency_responses(source: Any, options: Options) -> Raw:
    """Channels of what ``Paths.cfr()`` returned; without an axis of time where there are five."""
    raw = Raw(normalises=True)
    h, _ = _saved(source, options, raw, ("h", ""))
    if h.ndim == 5:
        h = h[..., None, :]
    if h.ndim != 6:
        raise InputError("name", f"shape {h.shape}", "[rx, rx_ant, tx, tx_ant, time, subcarrier]")
    raw.array, raw.axes = options.snapshot_of(h, 4), (*LINK, "subcarrier")
    raw.subcarrier_hz = options.subcarrier_hz
    return raw


def _live(source: Any, raw: Raw) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients, delays and which paths count, each once."""
    from trinode.channels.sionna_rt import distinct

    real, imaginary = (np.asarray(part.numpy(), dtype=np.float64) for part in source.a)
    tau, valid = np.asarray(source.tau.numpy()), np.asarray(source.valid.numpy())
    a = real + 1j * imaginary
    if valid.ndim > 3:
        return a, tau, valid
    valid = valid & np.isfinite(a).all(axis=(1, 3))  # one ray for a whole array
    kept = distinct(valid, tau.astype(np.float64), source)
    if dropped := int(np.sum(valid & ~kept)):
        raw.notes.append(f"{dropped} paths were listed twice and count once")
    return a, tau, kept[:, None, :, None]


def _places(points: Any, devices: int) -> np.ndarray:
    """Where devices are: points are theirs or, one device after the other, those of their antennas."""
    each = np.asarray(points.numpy(), dtype=np.float64).T
    return each.reshape(devices, -1, 3).mean(axis=1)


def _saved(source: Any, options: Options, raw: Raw, names: tuple[str, str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Coefficients and, where there are any, delays of a pair, an array, a mapping or a file."""
    if isinstance(source, tuple | list) and len(source) == 2:
        options.look_in(None)
        return (_complex(source[0]), as_array("tau", source[1])) if names[1] else (_complex(source), None)
    if isinstance(source, np.ndarray):
        options.look_in(None)
        return source, None if options.tau is None else np.asarray(options.tau)
    store = Store(source)
    options.look_in(store)
    name = options.name or (names[0] if names[0] in store else store.only("name", ""))
    tau: Any = options.tau
    if tau is None and names[1] and not options.name and names[1] in store:
        tau = store.array(names[1])
    return store.array(name), None if tau is None else np.asarray(tau)


def _complex(value: Any) -> np.ndarray:
    """An array, also where real and imaginary parts are a pair, as Sionna RT has them."""
    if isinstance(value, tuple | list) and len(value) == 2:
        return as_array("source", value[0]) + 1j * as_array("source", value[1])
    return as_array("source", value)


def _together(a: Any, tau: Any, options: Options, raw: Raw) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients [rx, rx_ant, tx, tx_ant, path] and delays that broadcast against them; zero: no path."""
    raw.precision(a, "coefficients")
    a, tau = np.asarray(a), np.asarray(tau)
    if a.ndim == 6:
        a = options.snapshot_of(a, 5)
    if a.ndim != 5:
        raise InputError("name", f"shape {a.shape}", "[rx, rx_ant, tx, tx_ant, path] and perhaps [..., time]")
    raw.delays(tau, options.number("carrier_hz"))
    a, tau = as_numbers("coefficients", a, nan=True).astype(complex), as_reals("tau", tau, nan=True)
    if tau.shape == (a.shape[0], a.shape[2], a.shape[4]):
        tau = tau[:, None, :, None]
    elif tau.shape not in (a.shape, (1,)):
        link, pair = (a.shape[0], a.shape[2], a.shape[4]), a.shape
        raise InputError("tau", f"shape {tau.shape}", f"{link} or, for every pair of antennas, {pair}")
    there = np.isfinite(tau) & (tau >= 0)
    if lost := int(np.sum(~np.isfinite(a) & there)):
        raw.notes.append(f"{lost} coefficients without a number count as no path")
    return np.where(np.isfinite(a) & there, a, 0), np.where(there, tau, 0.0)


def _look_at_delays(tau: np.ndarray, raw: Raw) -> None:
    """Impulse responses whose every link begins at zero."""
    if tau.dtype.kind != "f" or tau.ndim not in (3, 5) or not tau.size:
        return
    late = np.where(tau >= 0, tau, np.inf)
    first = late.min(axis=-1) if tau.ndim == 3 else late.min(axis=(1, 3, 4))
    raw.begins_at_zero = bool(np.isfinite(first).any() and np.all(first[np.isfinite(first)] == 0))
