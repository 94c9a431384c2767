"""Everything at once: beams, powers, shares and frequencies."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax
import jax.numpy as jnp

from trinode._words import one_of
from trinode.errors import InputError
from trinode.systems.energy import search
from trinode.systems.energy.schemes._shares import Numbers


@final
class Joint(Numbers):
    """The fixed point of all first-order conditions of (P1), from several starts, settled exactly.

    Why not the general engine (:mod:`trinode.systems.energy.stated`): from 0.0002 to 0.0004 % worse on 3 default
    networks, it takes 68 s of processor time each in a batch, and this 0.0065 s
    (``trinode bench energy --only stated --trials 3``).

    Attributes
    ----------
    effort : {"quick", "default", "thorough"}
        How many starts are tried (:data:`trinode.systems.energy.search.EFFORTS`); never worse with more.
    """

    name: ClassVar[str] = "joint"
    summary: ClassVar[str] = "beams, powers, shares and frequencies together, settled exactly"
    effort: str = eqx.field(static=True, default="default")

    def __check_init__(self):
        if self.effort not in search.EFFORTS:
            raise InputError("effort", self.effort, one_of(self.effort, search.EFFORTS))

    def tries(self) -> search.Effort:
        """How much is tried."""
        return jax.tree.map(jnp.asarray, search.EFFORTS[self.effort])
