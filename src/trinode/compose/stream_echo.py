"""Echoes of the streams without data that terminals of an uplink send, behind the best filters."""

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
from trinode.numerics.matrices import weighed

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class StreamEcho(Part):
    """SINR of the echo of each terminal's stream without data, all other streams disturbing it, its own among them.

    Terminal k hears ``sum_j channel[k, j] @ x_j`` and noise, and filters it as is best for its stream without data.

    Parameters
    ----------
    air : Uplink
        With ``sensing_stream``.
    channel : (K, K, R, T) complex
        [k, j] from the antennas of terminal j over targets to those of the radar of terminal k.
    noise_w : float or (K,)
        Noise power per receive antenna, W.

    Raises
    ------
    InputError
        A wrong shape, a number out of its range, terminals without such a stream.
    """

    word: ClassVar[str] = "radar"
    air: Any
    channel: Complex[Numbers, "K K R T"]
    noise_w: Float[Numbers, " K"]

    def __init__(self, air: Uplink, channel: Any, noise_w: Any) -> None:
        if not isinstance(air, Uplink) or not air.sensing_stream:
            raise InputError("air", type(air).__name__, "an Uplink with sensing_stream=True")
        terminals, _, _, antennas = air.channel.shape
        self.air = air
        self.channel = complex_("channel", channel, (terminals, terminals, "R", antennas))
        noise = real("noise_w", noise_w, (terminals,) if np.ndim(noise_w) else (), 0.0, above=True)
        self.noise_w = np.broadcast_to(noise, (terminals,)).copy()

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        return {"sinr": ((len(self.noise_w),), "1")}

    def aims(self) -> Any:
        each = np.arange(len(self.noise_w))
        _, _, right = jnp.linalg.svd(jnp.asarray(self.channel)[each, each], full_matrices=False)
        return self.air, right[:, 0].conj()

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        w = scope.decision(self.air)["precoder"]
        each = np.arange(len(self.noise_w))
        heard = jnp.einsum("kjrt,jst->kjsr", self.channel, w) / jnp.sqrt(self.noise_w)[:, None, None, None]
        every = heard.reshape(each.size, -1, heard.shape[3])
        covariance = jnp.eye(heard.shape[3]) + every.swapaxes(1, 2) @ every.conj()
        left = 1 - weighed(covariance, heard[each, each, -1:])[:, 0]
        return {"sinr": 1 / jnp.maximum(left, 1e-14) - 1}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        w = scope.decision(self.air)["precoder"]
        sinr = np.zeros(len(self.noise_w))
        for k in range(sinr.size):
            covariance = self.noise_w[k] * np.eye(self.channel.shape[2], dtype=complex)
            own = np.zeros(0)
            for j in range(sinr.size):
                for stream in range(w.shape[1]):
                    heard = self.channel[k, j] @ w[j, stream]
                    if (j, stream) == (k, w.shape[1] - 1):
                        own = heard
                    else:
                        covariance += np.outer(heard, heard.conj())
            sinr[k] = np.real(own.conj() @ np.linalg.solve(covariance, own))
        return {"sinr": sinr}

    def relax(self, view: View) -> None:
        """No more than all that a terminal sends would bring, undisturbed."""
        import cvxpy as cp

        from trinode.compose.downlink_relaxed import doubled
        from trinode.compose.relaxation import Data, Limits

        covariance, reference, own = view.of(self.air, "covariance"), view.of(self.air, "reference"), view.own
        size = 2 * self.channel.shape[3]

        def gram(data: Data, k: int) -> np.ndarray:
            part = own(data)
            h = np.asarray(part.channel)[k, k]
            return doubled(h.conj().T @ h * reference(data)[k] / part.noise_w[k]).T / 2

        def alone() -> Any:
            each = [view.number((size, size), lambda data, k=k: gram(data, k)) for k in range(len(self.noise_w))]
            return cp.hstack([cp.sum(cp.multiply(one, covariance[k])) for k, one in enumerate(each)])

        view.state("sinr", lambda: Limits(upper=alone()))

    def __str__(self) -> str:
        return f"echoes of streams without data at {self.channel.shape[2]} antennas of each terminal"
