"""The air of an uplink: terminals that send to access points with linear receivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Bool, Complex, Float

from trinode.compose.expression import Shape
from trinode.compose.part import Numbers, Part, complex_, real
from trinode.errors import InputError
from trinode.numerics.matrices import weighed

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope

RECEIVERS = ("local", "joint")


@final
class Uplink(Part):
    """Terminals with several antennas, received by the best linear filters against noise and all other streams.

    Access point m receives ``sum_k channel[k, m] @ x_k`` and noise, ``x_k = sum_s precoder[k, s] d_s`` with independent
    streams of unit power.

    Parameters
    ----------
    channel : (K, M, A, T) complex
        Amplitudes from the antennas of terminal k to those of access point m.
    noise_w : float or (M,)
        Noise power per antenna, W.
    max_power_w : float or (K,)
        Of each terminal, W.
    bandwidth_hz : float
        For ``rate_bps``.
    serving : (K, M) bool, optional
        Which access points serve a terminal; all if absent.
    receiver : {"local", "joint"}
        One stream per link, received at its access point alone; or one stream per terminal, received by its access
        points together.
    sensing_stream : bool
        Whether each terminal has a stream without data besides.

    Raises
    ------
    InputError
        A wrong shape, a number out of its range, a terminal that nobody who serves it hears.

    Notes
    -----
    Quantities: ``sinr``, ``rate`` (bit/s/Hz) and ``rate_bps`` of each stream with data, (K, M) with local receivers, 0
    where an access point does not serve, and (K,) with joint ones; ``power_w`` (K,). Decision: ``precoder`` (K, S, T),
    the stream without data last.
    """

    word: ClassVar[str] = "air"
    channel: Complex[Numbers, "K M A T"]
    noise_w: Float[Numbers, " M"]
    max_power_w: Float[Numbers, " K"]
    bandwidth_hz: Float[Numbers, ""]
    serving: Bool[Numbers, "K M"]
    receiver: str = eqx.field(static=True)
    sensing_stream: bool = eqx.field(static=True)

    def __init__(
        self,
        channel: Any,
        noise_w: Any,
        max_power_w: Any,
        bandwidth_hz: Any = 1.0,
        serving: Any = None,
        receiver: str = "local",
        sensing_stream: bool = False,
    ) -> None:
        given = complex_("channel", channel, ("K", "M", "A", "T"))
        terminals, points, _, _ = given.shape
        served = np.ones((terminals, points), bool) if serving is None else np.asarray(serving)
        if served.shape != (terminals, points) or served.dtype != bool:
            raise InputError(
                "serving", f"{served.dtype} of shape {served.shape}", f"bool of shape {(terminals, points)}"
            )
        alone = np.flatnonzero(~np.any(served & np.any(given != 0, axis=(2, 3)), axis=1))
        if alone.size:
            raise InputError("channel", f"only zeros where terminal {alone[0]} is served", "a terminal that is heard")
        noise = real("noise_w", noise_w, (points,) if np.ndim(noise_w) else (), 0.0, above=True)
        power = real("max_power_w", max_power_w, (terminals,) if np.ndim(max_power_w) else (), 0.0, above=True)
        if receiver not in RECEIVERS:
            raise InputError("receiver", receiver, "one of " + ", ".join(RECEIVERS))
        self.channel, self.serving, self.receiver, self.sensing_stream = given, served, receiver, bool(sensing_stream)
        self.noise_w = np.broadcast_to(noise, (points,)).copy()
        self.max_power_w = np.broadcast_to(power, (terminals,)).copy()
        self.bandwidth_hz = real("bandwidth_hz", bandwidth_hz, (), 0.0, above=True)

    @property
    def streams(self) -> int:
        """Streams with data of each terminal."""
        return self.channel.shape[1] if self.receiver == "local" else 1

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        terminals, points, _, _ = self.channel.shape
        each = (terminals, points) if self.receiver == "local" else (terminals,)
        return {
            "sinr": (each, "1"),
            "rate": (each, "bit/s/Hz"),
            "rate_bps": (each, "bit/s"),
            "power_w": ((terminals,), "W"),
        }

    def _shape(self) -> tuple[int, int, int]:
        terminals, _, _, antennas = self.channel.shape
        return terminals, self.streams + self.sensing_stream, antennas

    @property
    def size(self) -> int:
        return 2 * int(np.prod(self._shape())) + self.channel.shape[0]

    def _used(self) -> Any:
        """Streams that may be sent at all, (K, S)."""
        used = self.serving if self.receiver == "local" else jnp.ones((len(self.serving), 1), bool)
        extra = jnp.ones((len(self.serving), int(self.sensing_stream)), bool)
        return jnp.concatenate([jnp.asarray(used), extra], axis=1)

    def decide(self, x: Any) -> dict[str, Any]:
        """Precoders within all limits, ``sqrt(limit) z / sqrt(|z|^2 + slack^2)`` of each terminal."""
        shape = self._shape()
        count = int(np.prod(shape))
        real_part, imaginary, slack = lax.split(x, (count, count, shape[0]))
        z = jnp.where(self._used()[..., None], lax.complex(real_part.reshape(shape), imaginary.reshape(shape)), 0.0)
        norm = jnp.sqrt(jnp.sum(z.real**2 + z.imag**2, axis=(1, 2)) + slack**2)
        return {"precoder": (jnp.sqrt(self.max_power_w) / norm)[:, None, None] * z}

    def _scaled(self) -> Any:
        return self.channel / jnp.sqrt(self.noise_w)[:, None, None]

    def starts(self, aims: Any, avoided: Any) -> list[Any]:
        """Beams along the strongest direction of each link, or of all together, at full power and at a tenth."""
        shape = self._shape()
        scaled = jnp.where(self.serving[..., None, None], self._scaled(), 0.0)
        white = jnp.eye(shape[2], dtype=complex)[None]
        if avoided is not None:  # what is avoided counts as noise at the sender
            gram = avoided.conj().swapaxes(1, 2) @ avoided * self.max_power_w[:, None, None]
            white = jnp.linalg.inv(jnp.linalg.cholesky(white + gram)).conj().swapaxes(1, 2)
            scaled = scaled @ white[:, None]
        together = scaled.reshape(shape[0], 1, -1, shape[2])
        _, strength, right = jnp.linalg.svd(scaled if self.receiver == "local" else together, full_matrices=False)
        strongest = jnp.einsum(
            "kst,kut->ksu", right[:, :, 0].conj(), jnp.broadcast_to(white, (shape[0], *white.shape[1:]))
        )
        beams = strongest * jnp.where(strength[..., :1] > 0, strength[..., :1], 0.0)
        if self.sensing_stream:
            aim = jnp.ones((shape[0], shape[2]), complex) if aims is None else aims[: shape[0]]
            aim = aim / jnp.linalg.norm(aim, axis=1, keepdims=True)
            beams = jnp.concatenate([beams, (aim * 0.5 * jnp.max(strength[..., 0], axis=1)[:, None])[:, None]], axis=1)
        beams = jnp.where(self._used()[..., None], beams, 0.0)
        beams = beams / jnp.sqrt(jnp.sum(jnp.abs(beams) ** 2, axis=(1, 2), keepdims=True))
        found = []
        for power in (0.9, 0.1):
            z = jnp.sqrt(power) * beams
            parts = [z.real.reshape(-1), z.imag.reshape(-1), jnp.full(shape[0], jnp.sqrt(1 - power))]
            found.append(jnp.concatenate(parts))
        return found

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        w = decision["precoder"]
        terminals, points, antennas, _ = self.channel.shape
        heard = jnp.einsum("kmat,kst->mksa", self._scaled(), w)
        if self.receiver == "local":
            every = heard.reshape(points, -1, antennas)
            covariance = jnp.eye(antennas) + every.swapaxes(1, 2) @ every.conj()
            own = heard[np.arange(points)[:, None], np.arange(terminals)[None], np.arange(points)[:, None]]  # (M, K, A)
            left = 1 - weighed(covariance, own).T
        else:
            mask = jnp.repeat(self.serving, antennas, axis=1)  # (K, M * A)
            every = heard.transpose(1, 2, 0, 3).reshape(terminals, -1, points * antennas)
            seen = jnp.where(
                mask[:, None], every.reshape(1, -1, points * antennas), 0.0
            )  # by each terminal's receivers
            covariance = jnp.eye(points * antennas) + seen.swapaxes(1, 2) @ seen.conj()
            own = jnp.where(mask, every[:, 0], 0.0)
            left = 1 - weighed(covariance, own[:, None])[:, 0]
        sinr = 1 / jnp.maximum(left, 1e-14) - 1
        sinr = jnp.where(self.serving, sinr, 0.0) if self.receiver == "local" else sinr
        rate = jnp.log2(1 + sinr)
        power = jnp.sum(jnp.abs(w) ** 2, axis=(1, 2))
        return {"sinr": sinr, "rate": rate, "rate_bps": self.bandwidth_hz * rate, "power_w": power}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        w = decision["precoder"]
        terminals, points, _, _ = self.channel.shape
        local = self.receiver == "local"
        sinr = np.zeros((terminals, points) if local else (terminals, 1))
        for k in range(terminals):
            for s in range(self.streams):
                if local and not self.serving[k, s]:
                    continue
                at = [s] if local else np.flatnonzero(self.serving[k])
                noise = np.concatenate([np.full(self.channel.shape[2], self.noise_w[m]) for m in at])
                covariance = np.diag(noise).astype(complex)
                own = np.zeros(0)
                for j in range(terminals):
                    for stream in range(w.shape[1]):
                        heard = np.concatenate([self.channel[j, m] @ w[j, stream] for m in at])
                        if (j, stream) == (k, s):
                            own = heard
                        else:
                            covariance += np.outer(heard, heard.conj())
                sinr[k, s] = np.real(own.conj() @ np.linalg.solve(covariance, own))
        sinr = sinr if local else sinr[:, 0]
        rate = np.log2(1 + sinr)
        power = np.sum(np.abs(w) ** 2, axis=(1, 2))
        return {"sinr": sinr, "rate": rate, "rate_bps": np.asarray(self.bandwidth_hz * rate), "power_w": power}

    def limits(self, decision: Mapping[str, np.ndarray]) -> dict[str, float]:
        spent = np.sum(np.abs(decision["precoder"]) ** 2, axis=(1, 2))
        return {"power": float(np.max(spent / self.max_power_w - 1))}

    def relax(self, view: View) -> None:
        from trinode.compose import uplink_relaxed

        uplink_relaxed.state(self, view)

    def __str__(self) -> str:
        terminals, points, antennas, transmit = self.channel.shape
        text = f"uplink, {terminals} terminals of {transmit} antennas to {points} access points of {antennas}"
        text += {"local": ", a stream per link", "joint": ", access points receive together"}[self.receiver]
        return text + (", a stream without data each" if self.sensing_stream else "")
