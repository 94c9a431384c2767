"""Echoes that terminals of an uplink hear of their own signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex, Float

from trinode.compose.expression import Shape
from trinode.compose.part import Numbers, Part, complex_, real
from trinode.compose.uplink import Uplink
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class Echo(Part):
    """SINR of each terminal's own echo under the signals of the others, behind a matched radar receiver.

    ``sinr[k] = gain[k]^2 |receive_steering[k]|^2 sum_s |conj(transmit_steering[k]) . w_ks|^2 / (noise_w[k] +
    sum over j and s of |crosstalk[k, j] @ w_js|^2)``, all streams counting, with data or without.

    Parameters
    ----------
    air : Uplink
    crosstalk : (K, K, R, T) complex
        [k, j] from terminal j into the radar receiver of terminal k; zero at [k, k].
    gain : (K,)
        Amplitude of the two-way path to the target.
    transmit_steering, receive_steering : (K, T) and (K, R) complex
        Array responses towards the target.
    noise_w : float or (K,)
        Noise power in the denominator, W: that of all receive antennas together where the receiver adds them up.

    Raises
    ------
    InputError
        A wrong shape, a terminal that hears itself, a number out of its range.
    """

    word: ClassVar[str] = "radar"
    air: Any
    crosstalk: Complex[Numbers, "K K R T"]
    gain: Float[Numbers, " K"]
    transmit_steering: Complex[Numbers, "K T"]
    receive_steering: Complex[Numbers, "K R"]
    noise_w: Float[Numbers, " K"]

    def __init__(
        self, air: Uplink, crosstalk: Any, gain: Any, transmit_steering: Any, receive_steering: Any, noise_w: Any
    ) -> None:
        if not isinstance(air, Uplink):
            raise InputError("air", type(air).__name__, "an Uplink")
        terminals, _, _, antennas = air.channel.shape
        self.air = air
        self.crosstalk = complex_("crosstalk", crosstalk, (terminals, terminals, "R", antennas))
        own = np.flatnonzero([np.any(self.crosstalk[k, k] != 0) for k in range(terminals)])
        if own.size:
            raise InputError("crosstalk", f"a diagonal that is not zero at {own[0]}", "zeros at [k, k]")
        self.gain = real("gain", gain, (terminals,), 0.0)
        self.transmit_steering = complex_("transmit_steering", transmit_steering, (terminals, antennas))
        self.receive_steering = complex_("receive_steering", receive_steering, (terminals, self.crosstalk.shape[2]))
        noise = real("noise_w", noise_w, (terminals,) if np.ndim(noise_w) else (), 0.0, above=True)
        self.noise_w = np.broadcast_to(noise, (terminals,)).copy()

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        return {"sinr": ((len(self.gain),), "1")}

    def aims(self) -> Any:
        return self.air, self.transmit_steering

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        w = scope.decision(self.air)["precoder"]
        strength = self.gain**2 * jnp.sum(jnp.abs(self.receive_steering) ** 2, axis=1)
        towards = jnp.einsum("kt,kst->ks", self.transmit_steering.conj(), w)
        heard = jnp.einsum("kjrt,jst->kjrs", self.crosstalk, w)
        interference = jnp.sum(jnp.abs(heard) ** 2, axis=(1, 2, 3))
        return {"sinr": strength * jnp.sum(jnp.abs(towards) ** 2, axis=1) / (self.noise_w + interference)}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        w = scope.decision(self.air)["precoder"]
        sinr = np.zeros(len(self.gain))
        for k in range(len(self.gain)):
            echo = self.gain[k] ** 2 * np.sum(np.abs(self.receive_steering[k]) ** 2)
            signal = echo * sum(abs(np.vdot(self.transmit_steering[k], beam)) ** 2 for beam in w[k])
            heard = sum(np.sum(np.abs(self.crosstalk[k, j] @ beam) ** 2) for j in range(len(w)) for beam in w[j])
            sinr[k] = signal / (self.noise_w[k] + heard)
        return {"sinr": sinr}

    def relax(self, view: View) -> None:
        """Compared with a number it is linear in the covariances."""
        import cvxpy as cp

        from trinode.compose.downlink_relaxed import doubled
        from trinode.compose.relaxation import Data, Limits, Number

        covariance, reference, own = view.of(self.air, "covariance"), view.of(self.air, "reference"), view.own
        terminals = len(self.gain)
        size = 2 * self.transmit_steering.shape[1]

        def signal(data: Data, k: int) -> np.ndarray:
            part = own(data)
            beam = np.asarray(part.transmit_steering)[k] * part.gain[k] * np.linalg.norm(part.receive_steering[k])
            return doubled(np.outer(beam, beam.conj()) * reference(data)[k] / part.noise_w[k]).T / 2

        def leak(data: Data, k: int, j: int) -> np.ndarray:
            part = own(data)
            h = np.asarray(part.crosstalk)[k, j]
            return doubled(h.conj().T @ h * reference(data)[j] / part.noise_w[k]).T / 2

        def trace(compute: Any, j: int) -> Any:
            return cp.sum(cp.multiply(view.number((size, size), compute), covariance[j]))

        def reach(number: Number) -> list[Any]:
            found = []
            for k in range(terminals):

                def asked(data: Data, k: int = k) -> np.ndarray:
                    least = np.broadcast_to(np.asarray(number(data), float), terminals)[k]
                    return signal(data, k) / (least if least > 0 else 1.0)

                def wanted(data: Data, k: int = k) -> float:
                    return float(np.broadcast_to(np.asarray(number(data), float), terminals)[k] > 0)

                others = [trace(lambda d, k=k, j=j: leak(d, k, j) * wanted(d), j) for j in range(terminals) if j != k]
                found.append(trace(asked, k) >= sum(others, 0) + view.number((), wanted))
            return found

        def alone() -> Any:
            return cp.hstack([trace(lambda data, k=k: signal(data, k), k) for k in range(terminals)])

        view.state("sinr", lambda: Limits(upper=alone(), at_least=reach))

    def __str__(self) -> str:
        return f"each terminal's own echo at {self.receive_steering.shape[1]} antennas"
