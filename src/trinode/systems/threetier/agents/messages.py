"""What base stations and the cloud say to each other: plain arrays, whose bytes are counted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Message:
    """Base of all messages."""

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that it carries."""
        return sum(np.asarray(getattr(self, field.name)).nbytes for field in fields(self))

    @property
    def kind(self) -> str:
        """Its name."""
        return type(self).__name__


@dataclass(frozen=True, eq=False)
class Done(Message):
    """Nothing to say."""


@dataclass(frozen=True, eq=False)
class AskDemands(Message):
    """Cloud: what do your terminals want?"""


@dataclass(frozen=True, eq=False)
class Demands(Message):
    """Times (s) of everything but the upload, and sizes, of some or all terminals; capacity of a server."""

    terminal: Any
    task_bits: Any
    local_s: Any
    edge_s: Any
    cloud_s: Any
    edge_frequency_hz: Any
    own_cpu_w: Any
    max_power_w: Any
    edge_capacity_hz: Any


@dataclass(frozen=True, eq=False)
class Beams(Message):
    """Cloud: the present beams of all terminals."""

    precoder: Any


@dataclass(frozen=True, eq=False)
class Rates(Message):
    """Station: spectral efficiency of every terminal to it, nat/s/Hz."""

    nats: Any


@dataclass(frozen=True, eq=False)
class Consensus(Message):
    """Cloud, Algorithm 1: global offloading variables minus scaled multipliers, for this station's copies (29)."""

    edge: Any
    cloud: Any


@dataclass(frozen=True, eq=False)
class Copies(Message):
    """Station, Algorithm 1: its local copies."""

    edge: Any
    cloud: Any


@dataclass(frozen=True, eq=False)
class Release(Message):
    """Cloud: hand these terminals over."""

    terminal: Any


@dataclass(frozen=True, eq=False)
class Records(Message):
    """What the station that cares for terminals knows of them.

    ``leakage`` (n, K, T, T) are the Gram matrices of the channels from the terminal into all radars, ``echo_gain``
    (n,) is the echo power per power towards the target.
    """

    terminal: Any
    leakage: Any
    echo_gain: Any
    steering: Any
    radar_noise_w: Any
    sensing_sinr_min: Any
    budget_w: Any


@dataclass(frozen=True, eq=False)
class Listen(Message):
    """Cloud, Algorithm 2: beams of all terminals, and whom you decode."""

    precoder: Any
    served: Any


@dataclass(frozen=True, eq=False)
class Prices(Message):
    """Station, Algorithm 2: what each terminal's beam does to those decoded here.

    ``vectors`` (n, K, T): weighted receivers seen through the channels, so that (52) of terminal k is
    ``2 Re(pull_k vectors_kk^H w_k) - sum_i |vectors_ik^H w_k|^2``; ``upload`` (n,) bit per nat/s/Hz.
    """

    served: Any
    vectors: Any
    pull: Any
    upload: Any


@dataclass(frozen=True, eq=False)
class Assess(Message):
    """Cloud: beams of the station's terminals as they are; what do they leak, what could their radars bear?"""

    terminal: Any
    precoder: Any


@dataclass(frozen=True, eq=False)
class Improve(Message):
    """Cloud, Algorithm 2: everything that problem (56) of the station's terminals needs from outside.

    ``ceiling`` (n, K) are the Upsilon_jk that bound the leakage into each radar, ``heard`` (n,) the sum of those that
    bound what the terminal's own radar hears.
    """

    terminal: Any
    vectors: Any
    linear: Any
    precoder: Any
    ceiling: Any
    heard: Any


@dataclass(frozen=True, eq=False)
class Moved(Message):
    """Station, Algorithm 2: beams of its terminals, and what follows from them.

    ``leakage`` (n, K) into every radar, W; ``weight`` (n,), its requirement per power of its echo, 1/W; ``solved``
    (n,), whether its beam problem was: a beam that stays where it was without that is no sign of rest.
    """

    terminal: Any
    precoder: Any
    leakage: Any
    weight: Any
    solved: Any


@dataclass(frozen=True, eq=False)
class Frame(Message):
    """Cloud, beam step with prices: what the problems of the station's terminals need, ``weight`` (K,) of all."""

    terminal: Any
    vectors: Any
    linear: Any
    precoder: Any
    weight: Any


@dataclass(frozen=True, eq=False)
class Toll(Message):
    """Cloud: prices (K,) of the echo requirements."""

    price: Any


@dataclass(frozen=True, eq=False)
class Load(Message):
    """Station: what its terminals make of the prices.

    Their part of the dual value, of the requirements' relative violations (K,), and of the derivative (K, K) of these.
    """

    value: Any
    violation: Any
    slope: Any


@dataclass(frozen=True, eq=False)
class Commit(Message):
    """Cloud: the last prices hold; take their beams."""


@dataclass(frozen=True, eq=False)
class Budgets(Message):
    """Cloud: power left to radiate of the station's terminals, W."""

    terminal: Any
    budget_w: Any
