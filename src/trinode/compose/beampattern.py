"""How far what a downlink radiates is from a wanted beampattern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex, Float

from trinode.compose.downlink import Downlink
from trinode.compose.expression import Shape
from trinode.compose.part import Numbers, Part, complex_, real
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class Beampattern(Part):
    """Mean square error between what each access point radiates and a wanted pattern at its best scale.

    Access point m radiates ``power[m, d] = sum over s of abs(conj(steering[m, d]) . precoder[m, s])**2`` towards
    direction d, and ``pattern_error[m]`` is the least over eta of the mean over d of
    ``(eta * pattern[m, d] - power[m, d])**2`` (Fuhrmann and San Antonio 2008; Stoica, Li and Xie 2007).

    Parameters
    ----------
    air : Downlink
    steering : (D, A) or (M, D, A) complex
        Array response towards each direction, of all access points alike or of each; (D, A) of one transmitter.
    pattern : (M, D)
        What is wanted towards each direction, of any scale, or where (bool); (D,) of one transmitter. An access
        point for which it is 0 everywhere had better be silent.

    Raises
    ------
    InputError
        A wrong shape, a number below 0, a pattern of nothing, or a direction that nothing reaches.

    Notes
    -----
    Quantity: ``pattern_error``, (M,), of one transmitter a number, W^2.
    """

    word: ClassVar[str] = "pattern"
    air: Any
    steering: Complex[Numbers, "M D A"]
    pattern: Float[Numbers, "M D"]

    def __init__(self, air: Downlink, steering: Any, pattern: Any) -> None:
        if not isinstance(air, Downlink):
            raise InputError("air", type(air).__name__, "a Downlink")
        self.air = air
        points, antennas = air.channel.shape[2:]
        each = np.ndim(steering) == 3 and not air.single
        given = complex_("steering", steering, (points, "D", antennas) if each else ("D", antennas))
        directions = given.shape[-2]
        if not directions or not np.all(np.any(given != 0, axis=-1)):
            raise InputError("steering", "no direction, or one that nothing reaches", "directions that are reached")
        self.steering = np.broadcast_to(given, (points, directions, antennas)).copy()
        pattern = np.asarray(pattern)
        pattern = pattern.astype(float) if pattern.dtype == bool else pattern
        wanted = real("pattern", pattern, (directions,) if air.single else (points, directions), 0.0)
        if not np.any(wanted > 0):
            raise InputError("pattern", "only zeros", "a direction in which power is wanted")
        self.pattern = wanted.reshape(points, directions)

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        return {"pattern_error": (() if self.air.single else (len(self.pattern),), "W^2")}

    def aims(self) -> Any:
        """Towards where power is wanted, from each access point."""
        points, _, antennas = self.steering.shape
        gram = jnp.einsum("md,mda,mdb->mab", self.pattern, self.steering, self.steering.conj())
        return self.air, jnp.einsum("mab,mn->manb", gram, jnp.eye(points)).reshape(points * antennas, -1)

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        seen = self.steering.conj() @ scope.decision(self.air)["precoder"].swapaxes(1, 2)
        power = jnp.sum(seen.real**2 + seen.imag**2, axis=2)
        weight = jnp.sum(self.pattern**2, axis=1)
        eta = jnp.sum(self.pattern * power, axis=1) / jnp.where(weight > 0, weight, 1.0)
        error = jnp.mean((eta[:, None] * self.pattern - power) ** 2, axis=1)
        return {"pattern_error": error[0] if scope.part(self.air).single else error}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        w = scope.decision(self.air)["precoder"]
        error = np.zeros(len(self.pattern))
        for m, wanted in enumerate(self.pattern):
            power = np.sum(np.abs(self.steering[m].conj() @ w[m].T) ** 2, axis=1)
            eta = wanted @ power / (wanted @ wanted) if np.any(wanted) else 0.0
            error[m] = np.mean((eta * wanted - power) ** 2)
        return {"pattern_error": error[0] if scope.part(self.air).single else error}

    def relax(self, view: View) -> None:
        """A convex quadratic form of the covariance of everything sent; the scale is eliminated in it."""
        import cvxpy as cp

        from trinode.compose.relaxation import Data, Limits

        covariance, reference, own = view.of(self.air, "covariance"), view.of(self.air, "reference"), view.own
        points, directions, antennas = self.steering.shape
        n, rows = points * antennas, min(directions, antennas**2)
        single = view.program.parts[self.air.index].single

        def largest(data: Data) -> float:
            """Gain towards the direction that is reached best."""
            return float(np.max(np.sum(np.abs(np.asarray(own(data).steering)) ** 2, axis=2)))

        def factor(data: Data, m: int) -> np.ndarray:
            """F of ``error = |F x|^2``, x being the real numbers of a Hermitian matrix."""
            a, wanted = np.asarray(own(data).steering)[m], np.asarray(own(data).pattern)[m]
            i, j = np.tril_indices(antennas, -1)
            cross = 2 * a[:, i].conj() * a[:, j]
            seen = np.concatenate([np.abs(a) ** 2, cross.real, -cross.imag], axis=1)
            if np.any(wanted):
                unit = wanted / np.linalg.norm(wanted)
                seen = seen - np.outer(unit, unit @ seen)
            found = np.zeros((rows, antennas**2))
            short = np.linalg.qr(seen / (np.sqrt(directions) * largest(data)), mode="r")
            found[: len(short)] = short
            return found

        def build() -> Limits:
            i, j = np.tril_indices(antennas, -1)
            each = []
            for m in range(points):
                at = slice(m * antennas, (m + 1) * antennas)
                upper, lower = covariance[at, at], covariance[n + m * antennas : n + (m + 1) * antennas, at]
                numbers = cp.hstack([cp.diag(upper), upper[i, j], lower[i, j]]) if len(i) else cp.diag(upper)
                each.append(cp.sum_squares(view.number((rows, antennas**2), lambda d, m=m: factor(d, m)) @ numbers))
            found = each[0] if single else cp.hstack(each)
            return Limits(lower=found, scale=lambda data: (largest(data) * reference(data)) ** 2)

        view.state("pattern_error", build)

    def __str__(self) -> str:
        return f"beampattern over {self.pattern.shape[1]} directions"
