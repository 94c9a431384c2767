"""Rates of an uplink that an eavesdropper learns nothing of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex, Float

from trinode.compose.expression import Quantity, Shape
from trinode.compose.part import Numbers, Part, complex_, real
from trinode.compose.units import NUMBER
from trinode.compose.uplink import Uplink
from trinode.errors import InputError
from trinode.numerics.matrices import weighed

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope

KNEE = 1e-3
"""Below this share of the rate what is kept secret falls off smoothly on the way, instead of ending in a corner."""


@final
class Secrecy(Part):
    """What is left of each stream's rate beyond what an eavesdropper receives of it: ``[rate - leaked]+``.

    The eavesdropper receives each stream by the best linear filter against its noise and all other streams, those
    without data included, which so become artificial noise.

    Parameters
    ----------
    air : Uplink
    channel : (K, E, T) complex
        Amplitudes from the antennas of each terminal to those of the eavesdropper.
    noise_w : float
        Noise power per antenna of the eavesdropper, W.

    Raises
    ------
    InputError
        A wrong shape, a number out of its range.

    Notes
    -----
    Quantities, in the shape of the air's: ``rate`` (bit/s/Hz) and ``rate_bps`` that stay secret, and ``leaked``
    (bit/s/Hz). The bound takes the leak for nothing.
    """

    word: ClassVar[str] = "secrecy"
    air: Any
    channel: Complex[Numbers, "K E T"]
    noise_w: Float[Numbers, ""]

    def __init__(self, air: Uplink, channel: Any, noise_w: Any) -> None:
        if not isinstance(air, Uplink):
            raise InputError("air", type(air).__name__, "an Uplink")
        terminals, _, _, antennas = air.channel.shape
        self.air = air
        self.channel = complex_("channel", channel, (terminals, "E", antennas))
        self.noise_w = real("noise_w", noise_w, (), 0.0, above=True)

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        shape = self.air.quantities()["rate"][0]
        return {"rate": (shape, "bit/s/Hz"), "rate_bps": (shape, "bit/s"), "leaked": (shape, "bit/s/Hz")}

    def avoids(self) -> Any:
        return self.air, self.channel / jnp.sqrt(self.noise_w)

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        air, w = scope.part(self.air), scope.decision(self.air)["precoder"]
        terminals, antennas, _ = self.channel.shape
        heard = jnp.einsum("ket,kst->kse", self.channel, w) / jnp.sqrt(self.noise_w)
        every = heard.reshape(-1, antennas)
        own = heard[:, : air.streams]
        left = 1 - weighed(jnp.eye(antennas) + every.T @ every.conj(), own.reshape(-1, antennas))
        leaked = -jnp.log2(jnp.maximum(left, 1e-14)).reshape(terminals, air.streams)
        rate = scope.quantity(self.air, "rate")
        leaked = leaked.reshape(rate.shape)
        some = jnp.maximum(rate, 1e-300)
        kept = (rate - leaked) / some
        kept = jnp.where(kept > KNEE, kept, KNEE * jnp.exp((jnp.minimum(kept, KNEE) - KNEE) / KNEE))
        return {"rate": some * kept, "rate_bps": air.bandwidth_hz * some * kept, "leaked": leaked}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        air, w = scope.part(self.air), np.asarray(scope.decision(self.air)["precoder"])
        terminals, antennas, _ = self.channel.shape
        leaked = np.zeros((terminals, air.streams))
        for k in range(terminals):
            for s in range(air.streams):
                noise = self.noise_w * np.eye(antennas, dtype=complex)
                for j in range(terminals):
                    for stream in range(w.shape[1]):
                        if (j, stream) != (k, s):
                            heard = self.channel[j] @ w[j, stream]
                            noise += np.outer(heard, heard.conj())
                signal = self.channel[k] @ w[k, s]
                leaked[k, s] = np.log2(1 + np.real(signal.conj() @ np.linalg.solve(noise, signal)))
        leaked = leaked.reshape(scope.quantity(self.air, "rate").shape)
        rate = np.maximum(scope.quantity(self.air, "rate") - leaked, 0.0)
        return {"rate": rate, "rate_bps": np.asarray(air.bandwidth_hz * rate), "leaked": leaked}

    def relax(self, view: View) -> None:
        """No more is secret than is received."""
        for name in ("rate", "rate_bps"):
            received = Quantity(self.air.index, name, (), NUMBER)
            view.state(name, lambda received=received: replace(view.known(received), lower=None))

    def __str__(self) -> str:
        return f"an eavesdropper of {self.channel.shape[1]} antennas"
