"""The default: assignment by certified values, beams, servers, fronthaul and split in one descent."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp

from trinode.systems.contract import Scheme
from trinode.systems.latency import search
from trinode.systems.latency.optimise import Stages
from trinode.systems.latency.schemes._worker import ANYWHERE, Worker


@final
class Joint(Scheme):
    """Everything at once.

    The assignments are ranked by what each could reach without interference, powers shared by choice, so no rate is
    fixed before the modes are chosen. The best is descended with its servers and splits, and so are all-edge and
    all-cloud while their bounds say that they could still win: it is never worse than either. Who computes at home is
    ranked likewise, from nobody to everybody, so it is never worse than that either.

    Where that ends more than ``enough`` times above the bound, which happens when the echoes are hard to meet, it is
    tried again from other beams, heard little by others, evenly strong or random, and under the next assignments.

    Why not the general engine (:mod:`trinode.systems.latency.stated`): told who computes where, which this finds
    itself, it is from 0.13 % better to 2.3 % worse on 9 default networks, 0.02 % better in the median, and takes 7.5 s
    of processor time each in a batch; this takes 0.20 s (``trinode bench latency --only stated --trials 10``).

    Attributes
    ----------
    listed : int
        Assignments valued exactly besides all-edge and all-cloud; the best three are descended at most.
    enough : float
        Ratio to the bound that needs no second try.
    """

    name: ClassVar[str] = "joint"
    summary: ClassVar[str] = "beams, servers, fronthaul, split and assignment together (default)"
    listed: int = eqx.field(static=True, default=12)
    enough: float = eqx.field(static=True, default=search.ENOUGH)
    stages: Stages = Stages()

    def worker(self) -> Worker:
        """The program of all schemes that descend assignments."""
        return Worker(jnp.asarray(ANYWHERE), jnp.asarray(self.enough), self.listed, self.stages)
