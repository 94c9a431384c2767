"""The air of powers alone: terminals that send at once, beams and combiners given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from trinode.compose.expression import Shape
from trinode.compose.part import Numbers, Part, real
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class Powers(Part):
    """Transmit powers of terminals over subcarriers, beams and combiners given, up or down or from pair to pair.

    Behind the combiner of terminal k on subcarrier s, ``sinr[s, k] = gain[s, k, k] p[s, k] / (noise_w[s, k] + sum over
    j != k of gain[s, k, j] p[s, j])``.

    Parameters
    ----------
    gain : (S, K, K) or (K, K)
        [s, k, j] power that arrives behind the combiner of k for each watt that j sends on subcarrier s. Without an
        axis of subcarriers there is one band, and no quantity has such an axis either.
    noise_w : float, (K,) or (S, K)
        Noise power behind the combiners, on one subcarrier, W.
    max_power_w : float or (K,)
        Of each terminal, over all subcarriers together, W.
    bandwidth_hz : float
        Of the whole band, each subcarrier an S-th of it; for ``rate_bps``.

    Raises
    ------
    InputError
        A wrong shape, a number out of its range, a terminal that is not heard on any subcarrier.

    Notes
    -----
    Quantities: ``sinr`` (S, K) or (K,); ``rate`` (K,) in bit/s/Hz of the whole band, the mean of ``log2(1 + sinr)``
    over the subcarriers; ``rate_bps`` (K,); ``power_w`` (K,), over all subcarriers together. Decision:
    ``transmit_power_w``, (S, K) or (K,).
    """

    word: ClassVar[str] = "air"
    gain: Float[Numbers, "S K K"]
    noise_w: Float[Numbers, "S K"]
    max_power_w: Float[Numbers, " K"]
    bandwidth_hz: Float[Numbers, ""]
    single: bool = eqx.field(static=True)

    def __init__(self, gain: Any, noise_w: Any, max_power_w: Any, bandwidth_hz: Any = 1.0) -> None:
        self.single = np.ndim(gain) == 2
        given = real("gain", gain, ("K", "K") if self.single else ("S", "K", "K"), 0.0)
        given = given[None] if self.single else given
        carriers, terminals, _ = given.shape
        deaf = np.flatnonzero(~np.any(np.diagonal(given, axis1=1, axis2=2) > 0, axis=0))
        if deaf.size:
            raise InputError("gain", f"0 from terminal {deaf[0]} to its own combiner", "a terminal that is heard")
        shapes: dict[int, tuple[int, ...]] = {0: (), 1: (terminals,)}
        noise = real("noise_w", noise_w, shapes.get(np.ndim(noise_w), (carriers, terminals)), 0.0, above=True)
        power = real("max_power_w", max_power_w, (terminals,) if np.ndim(max_power_w) else (), 0.0, above=True)
        self.gain = given
        self.noise_w = np.broadcast_to(noise, (carriers, terminals)).copy()
        self.max_power_w = np.broadcast_to(power, (terminals,)).copy()
        self.bandwidth_hz = real("bandwidth_hz", bandwidth_hz, (), 0.0, above=True)

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        carriers, terminals, _ = self.gain.shape
        each = (terminals,)
        return {
            "sinr": (each if self.single else (carriers, terminals), "1"),
            "rate": (each, "bit/s/Hz"),
            "rate_bps": (each, "bit/s"),
            "power_w": (each, "W"),
        }

    @property
    def ambiguous(self) -> bool:
        return len(self.gain) > 1  # who sends where

    @property
    def size(self) -> int:
        carriers, terminals, _ = self.gain.shape
        return (carriers + 1) * terminals

    def decide(self, x: Any) -> dict[str, Any]:
        """Powers within the limits, ``limit z^2 / (sum over subcarriers of z^2 + slack^2)``.

        z is counted in amplitudes that arrive equally strong, so that near and far terminals move alike.
        """
        every = x.reshape(-1, self.gain.shape[1]) ** 2
        part = self._inverted() * every[:-1]
        return {"transmit_power_w": self.max_power_w * part / (jnp.sum(part, axis=0) + every[-1])}

    def _snr(self) -> Any:
        """Undisturbed, at the limits, (S, K)."""
        return jnp.diagonal(jnp.asarray(self.gain), axis1=1, axis2=2) * self.max_power_w / self.noise_w

    def _inverted(self) -> Any:
        """Powers over their limits with which all arrive as strong as the weakest, (K,)."""
        heard = jnp.sum(self._snr(), axis=0)
        return jnp.min(heard) / heard

    def starts(self, aims: Any, avoided: Any) -> list[Any]:
        """All arrive equally strong, also at a tenth; full power; and subcarriers left to who gains most on them."""
        snr = self._snr()
        even = (snr > 0) / jnp.sum(snr > 0, axis=0)
        found = [even * self._inverted(), 0.1 * even * self._inverted(), even]
        if len(snr) > 1:
            own, other = snr**2, (snr / jnp.sum(snr, axis=0)) ** 4  # against the noise, and against other subcarriers
            other = other / jnp.max(other, axis=1, keepdims=True) + 1e-3
            turns = np.arange(len(snr))[:, None] == np.arange(snr.shape[1]) % len(snr)
            found += [each / jnp.sum(each, axis=0) for each in (own, other, jnp.where(turns, 1.0, 1e-3))]
        return [self._begun(0.95 * share) for share in found]

    def _begun(self, share: Any) -> Any:
        """Variables of powers over their limits."""
        rest = 1 - jnp.sum(share, axis=0, keepdims=True)
        return jnp.sqrt(jnp.concatenate([share / self._inverted(), rest])).reshape(-1)

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        p = decision["transmit_power_w"]
        apart = jnp.where(np.eye(p.shape[1], dtype=bool), 0.0, self.gain)
        own = jnp.diagonal(jnp.asarray(self.gain), axis1=1, axis2=2)
        sinr = own * p / (self.noise_w + jnp.einsum("skj,sj->sk", apart, p))
        rate = jnp.mean(jnp.log1p(sinr), axis=0) / jnp.log(2.0)
        found = {"rate": rate, "rate_bps": self.bandwidth_hz * rate, "power_w": jnp.sum(p, axis=0)}
        return found | {"sinr": sinr[0] if self.single else sinr}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        p = decision["transmit_power_w"]
        sinr = np.zeros(p.shape)
        for s, k in np.ndindex(*p.shape):
            arrived = self.gain[s, k] * p[s]
            sinr[s, k] = arrived[k] / (self.noise_w[s, k] + np.delete(arrived, k).sum())
        rate = np.mean(np.log1p(sinr), axis=0) / np.log(2)
        found = {"rate": rate, "rate_bps": np.asarray(self.bandwidth_hz * rate), "power_w": p.sum(axis=0)}
        return found | {"sinr": sinr[0] if self.single else sinr}

    def shown(self, decision: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        p = decision["transmit_power_w"]
        return {"transmit_power_w": p[0] if self.single else p}

    def limits(self, decision: Mapping[str, np.ndarray]) -> dict[str, float]:
        share = decision["transmit_power_w"] / self.max_power_w
        return {"power": float(max(np.max(share.sum(axis=0) - 1), -np.min(share)))}

    def relax(self, view: View) -> None:
        from trinode.compose import powers_relaxed

        powers_relaxed.state(self, view)

    def __str__(self) -> str:
        carriers, terminals, _ = self.gain.shape
        over = f" over {carriers} subcarriers" if carriers > 1 else ""
        return f"powers of {terminals} terminals{over}, beams and combiners given"
