"""Links of QuaDRiGa: ``coeff`` and ``delay`` [rx, tx, path, snapshot] in a ``.mat`` file a link, or a folder of them.

Coefficients have the phase of the carrier. MATLAB drops axes of length 1 at the end. Several links are told apart by
``name``, whose last two words say who transmits and who receives, as in ``Tx1_Rx2`` or ``AP1_UE2``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from trinode.channels.paths import response
from trinode.channels.raw import LINK, Options, Raw
from trinode.channels.stores import Store, as_numbers, as_path, as_reals
from trinode.errors import InputError

__all__ = ["links"]

_WORD = re.compile(r"([A-Za-z]+)[-_ ]?(\d+)")
_ROLES = {"ap": "ap", "bs": "ap", "ue": "terminal", "mt": "terminal", "ms": "terminal", "user": "terminal"}


def links(source: Any, options: Options) -> Raw:
    """Channels of one link or of all links of a folder."""
    found = _stores(source)
    raw = Raw(axes=("subcarrier", *LINK))
    places = [_place(store.text("name"), options.uplink, len(found)) for store in found]
    senders, hearers = (sorted({place[side] for place in places}) for side in (0, 1))
    if len(set(places)) < len(found) or len(found) != len(senders) * len(hearers):
        raise InputError("source", f"{len(found)} links named {[s.text('name') for s in found][:9]}", "each link once")
    for place, store in sorted(zip(places, found), key=lambda pair: pair[0]):
        h = _link(store, options, raw)
        if not raw.array.size:
            raw.array = np.zeros((len(h), len(hearers), h.shape[1], len(senders), h.shape[2]), dtype=complex)
        if h.shape[1:] != (raw.array.shape[2], raw.array.shape[4]):
            raise InputError("coeff", f"{h.shape[1:]} antennas in {store.name}", "arrays of one size")
        raw.array[:, hearers.index(place[1]), :, senders.index(place[0]), :] = h
    raw.notes = list(dict.fromkeys(raw.notes))
    return raw


def _stores(source: Any) -> list[Store]:
    if isinstance(source, Mapping) or not as_path(source).is_dir():
        return [Store(source)]
    files = sorted(as_path(source).glob("*.mat"))
    if not files:
        raise InputError("source", source, "a folder of .mat files, one a link")
    return [Store(file) for file in files]


def _place(name: str, uplink: bool, links: int) -> tuple[tuple[str, int], tuple[str, int]]:
    """Who transmits and who receives; of a single link it does not matter."""
    if links == 1:
        return ("", 0), ("", 0)
    words = [(kind.lower(), int(number)) for kind, number in _WORD.findall(name)][-2:]
    kinds = [kind for kind, _ in words]
    roles = [_ROLES.get(kind, "") for kind in kinds]
    if kinds in (["tx", "rx"], ["rx", "tx"]):
        return (words[0], words[1]) if kinds[0] == "tx" else (words[1], words[0])
    if sorted(roles) == ["ap", "terminal"]:
        sender = roles.index("terminal" if uplink else "ap")
        return words[sender], words[1 - sender]
    raise InputError("name", name or "nothing", "a text that ends like Tx1_Rx2 or AP1_UE2, in every file")


def _link(store: Store, options: Options, raw: Raw) -> np.ndarray:
    """Channels [subcarrier, rx antenna, tx antenna] of a link."""
    options.look_in(store)
    if raw.carrier_hz is None and "center_frequency" in store:
        centre = as_reals("center_frequency", store.array("center_frequency")).reshape(-1)
        raw.carrier_hz = float(centre[0]) if len(set(centre.tolist())) == 1 and centre[0] > 0 else None
    coefficient = store.array(options.name or "coeff", "coeff")
    raw.precision(coefficient, "coefficients")
    a = _four(as_numbers("coeff", coefficient), "coeff")
    if options.subcarrier_hz is None:
        delay = np.zeros((1, 1, 1, 1))
    else:
        delay = _four(as_reals("delay", store.array("delay")), "delay")
        if delay.shape not in (a.shape, (1, 1, *a.shape[2:])):
            raise InputError("delay", f"shape {delay.shape}", f"{a.shape} as coeff, or one for all antennas")
        delay = options.snapshot_of(delay, 3)
    a = options.snapshot_of(a, 3)
    return response(a.astype(complex), delay if delay.ndim == 3 else delay[..., 0], options.offsets())


def _four(array: np.ndarray, name: str) -> np.ndarray:
    """With the axes at the end that MATLAB drops."""
    if array.ndim > 4 or array.ndim < 2:
        raise InputError(name, f"shape {array.shape}", "[rx, tx, path, snapshot]")
    return array.reshape(array.shape + (1,) * (4 - array.ndim))
