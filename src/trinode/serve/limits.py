"""What a service takes at most."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from trinode import _pool
from trinode.errors import InputError


@dataclass(frozen=True)
class Limits:
    """What a service takes at most.

    Attributes
    ----------
    body_bytes : int
        Of a request, and of a message of a session.
    network_bytes : int
        Of the arrays of a network or decision, unpacked.
    running : int
        Requests that compute at a time; 0 stands for one per core.
    waiting : int
        Requests beside them that are read or wait for their turn; further ones are sent away.
    seconds : float
        From the moment a request is read until it is answered.
    body_seconds : float
        In which a request has to arrive.
    sessions : int
        Open at a time.
    idle_seconds : float
        After which a session that says nothing is closed.
    sizes : int
        Sizes of networks that programs are made for.
    """

    body_bytes: int = 2**24
    network_bytes: int = 2**26
    running: int = 0
    waiting: int = 32
    seconds: float = 60.0
    body_seconds: float = 10.0
    sessions: int = 16
    idle_seconds: float = 300.0
    sizes: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            value, least = getattr(self, field.name), 0 if field.name in ("running", "waiting") else 1
            if field.type == "int" and (isinstance(value, bool) or not isinstance(value, int) or value < least):
                raise InputError(field.name, value, f"an integer of at least {least}")
            if field.type == "float" and not (isinstance(value, int | float) and 0 < value < math.inf):
                raise InputError(field.name, value, "seconds above 0")

    @property
    def at_a_time(self) -> int:
        """Requests that compute at a time."""
        return self.running or _pool.programs()
