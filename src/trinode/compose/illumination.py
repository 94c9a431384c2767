"""Power that reaches targets from a downlink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex

from trinode.compose.downlink import Downlink
from trinode.compose.expression import Shape
from trinode.compose.part import Numbers, Part, complex_
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class Illumination(Part):
    """What the access points shine on each target, their powers added.

    ``illumination_w[q] = sum over m and s of abs(conj(target[q, m]) . precoder[m, s])**2``: all streams count, with
    data or without, and access points do not add in phase at the target.

    Parameters
    ----------
    air : Downlink
    target : (Q, M, A) complex
        (Q, A) of one transmitter. Array response of each access point towards each target, with the amplitude of the
        path where it counts.

    Raises
    ------
    InputError
        A wrong shape, or a target that nothing reaches.
    """

    word: ClassVar[str] = "radar"
    air: Any
    target: Complex[Numbers, "Q M A"]

    def __init__(self, air: Downlink, target: Any) -> None:
        if not isinstance(air, Downlink):
            raise InputError("air", type(air).__name__, "a Downlink")
        self.air = air
        points, antennas = air.channel.shape[2:]
        given = complex_("target", target, ("Q", antennas) if air.single else ("Q", points, antennas))
        self.target = given.reshape(-1, points, antennas)
        dark = np.flatnonzero(~np.any(self.target != 0, axis=(1, 2)))
        if dark.size or not len(self.target):
            raise InputError("target", f"only zeros for target {dark[:1]}", "targets that can be reached")

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        return {"illumination_w": ((len(self.target),), "W")}

    def aims(self) -> Any:
        return self.air, self.target.reshape(len(self.target), -1).conj()

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        w = scope.decision(self.air)["precoder"]
        reached = jnp.einsum("qma,msa->qms", self.target.conj(), w)
        return {"illumination_w": jnp.sum(jnp.abs(reached) ** 2, axis=(1, 2))}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        w = scope.decision(self.air)["precoder"]
        power = np.zeros(len(self.target))
        for q, target in enumerate(self.target):
            for m, response in enumerate(target):
                power[q] += np.sum(np.abs(w[m] @ response.conj()) ** 2)
        return {"illumination_w": power}

    def relax(self, view: View) -> None:
        """Linear in the covariance of everything sent."""
        import cvxpy as cp

        from trinode.compose.downlink_relaxed import doubled
        from trinode.compose.relaxation import Data, Limits

        covariance, reference, own = view.of(self.air, "covariance"), view.of(self.air, "reference"), view.own
        points, antennas = self.target.shape[1:]

        def largest(data: Data) -> float:
            return float(np.max(np.sum(np.abs(np.asarray(own(data).target)) ** 2, axis=(1, 2))))

        def gram(data: Data, q: int) -> np.ndarray:
            block = np.zeros((points * antennas,) * 2, complex)
            for m, response in enumerate(np.asarray(own(data).target)[q]):
                at = slice(m * antennas, (m + 1) * antennas)
                block[at, at] = np.outer(response, response.conj())
            return doubled(block / largest(data)).T / 2

        def build() -> Limits:
            size = 2 * points * antennas
            grams = [view.number((size, size), lambda data, q=q: gram(data, q)) for q in range(len(self.target))]
            reached = cp.hstack([cp.sum(cp.multiply(one, covariance)) for one in grams])
            return Limits(upper=reached, lower=reached, scale=lambda data: largest(data) * reference(data))

        view.state("illumination_w", build)

    def __str__(self) -> str:
        return f"illumination of {len(self.target)} targets"
