"""The air of a downlink: access points that transmit together, users that take other streams as noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Complex, Float

from trinode.compose import worst_case
from trinode.compose.expression import Shape
from trinode.compose.part import Numbers, Part, complex_, real
from trinode.errors import InputError
from trinode.numerics.matrices import weighed

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class Downlink(Part):
    """Coherent joint transmission to users with linear receivers.

    User k receives ``sum_m channel[k, :, m] @ x_m`` and noise, ``x_m = sum_s precoder[m, s] d_s`` with independent
    streams of unit power. Streams of a user stand beside each other, users in order, streams without data last; each
    is received by the linear filter that is best against noise and all other streams, the user's own included.

    Parameters
    ----------
    channel : complex
        Amplitudes from the antennas of the access points to those of the users, axes as named.
    noise_w : float or (K,)
        Noise power per receive antenna, W.
    max_power_w : None, float, (M,) or (M, A)
        No limit, or one on the sum, on each access point, or on each antenna, W; (A,) of one transmitter's antennas.
    streams : int
        Streams of each user.
    sensing_streams : int
        Streams without data.
    bandwidth_hz : float
        For ``rate_bps``.
    error_norm : float or (K,), optional
        The channel of user k is known up to an error of at most this norm, over all transmit antennas together.
    error_covariance : float, (K, M) or (K, M * A, M * A), optional
        ``channel`` is an estimate, and this is the covariance ``E[e conj(e)^T]`` of what it is off by: of the error e
        of user k over the antennas of all access points, one after another, or that multiple of the identity for each
        access point, (K,) for one transmitter. Errors are independent of the estimate and, of several antennas of a
        user, of each other and alike. What they let through is noise, ``sum over s of E[abs(e . w_s)^2]`` at each
        receive antenna, and rates are those that the estimate guarantees (use and then forget; Hassibi and Hochwald
        2003).
    axes : str
        Of ``channel``: ``user ap ap_antenna`` (3 axes), ``user user_antenna ap ap_antenna`` (4), ``user ap_antenna``
        (2), or ``user user_antenna ap_antenna``. Where there is no ``ap``, there is one transmitter, and precoders,
        powers and targets have no such axis either.

    Raises
    ------
    InputError
        A wrong shape, a number out of its range, a user without any channel, or whose channel may be none. With
        ``error_norm``, users of several antennas. Both kinds of errors; a matrix that is no covariance.

    Notes
    -----
    Quantities: ``sinr`` (K,), or (K, streams) where a user has several, with ``error_norm`` the least over all errors
    (:mod:`trinode.compose.worst_case`) and rates with it; ``rate`` (K,) in bit/s/Hz, the sum over the
    user's streams of ``log2(1 + sinr)``; ``rate_bps`` (K,); ``power_w`` (M,) spent by each access point;
    ``antenna_power_w`` (M, A). Decision: ``precoder`` (M, S, A).
    """

    word: ClassVar[str] = "air"
    channel: Complex[Numbers, "K R M A"]
    noise_w: Float[Numbers, " K"]
    max_power_w: Any
    bandwidth_hz: Float[Numbers, ""]
    error_norm: Any
    error_covariance: Any
    streams: int = eqx.field(static=True)
    sensing_streams: int = eqx.field(static=True)
    limit: str = eqx.field(static=True)
    single: bool = eqx.field(static=True)

    def __init__(
        self,
        channel: Any,
        noise_w: Any,
        max_power_w: Any = None,
        streams: int = 1,
        sensing_streams: int = 0,
        bandwidth_hz: Any = 1.0,
        axes: str = "",
        error_norm: Any = None,
        error_covariance: Any = None,
    ) -> None:
        given, self.single = _canonical(channel, axes)
        self.channel = given
        users, receive, points, antennas = self.channel.shape
        deaf = np.flatnonzero(~np.any(self.channel != 0, axis=(1, 2, 3)))
        if deaf.size:
            raise InputError("channel", f"only zeros for user {deaf[0]}", "a user that can be reached")
        noise = real("noise_w", noise_w, (users,) if np.ndim(noise_w) else (), 0.0, above=True)
        self.noise_w = np.broadcast_to(noise, (users,)).copy()
        own = (antennas,) if self.single else (points, antennas)
        shapes = {own: "antenna", **({} if self.single else {(points,): "access point"}), (): "sum"}
        self.limit, self.max_power_w = "none", None
        if max_power_w is not None:
            limit = real("max_power_w", max_power_w, tuple("abcd"[: np.ndim(max_power_w)]), 0.0)
            if limit.shape not in shapes:
                raise InputError("max_power_w", f"shape {limit.shape}", "one of " + ", ".join(map(str, shapes)))
            if not np.any(limit > 0):
                raise InputError("max_power_w", 0.0, "power above 0 somewhere")
            self.limit = shapes[limit.shape]
            self.max_power_w = limit[None] if self.single and limit.ndim else limit
        if not isinstance(streams, int) or not 1 <= streams <= receive:
            raise InputError("streams", streams, f"an integer from 1 to the {receive} antennas of a user")
        if not isinstance(sensing_streams, int) or sensing_streams < 0:
            raise InputError("sensing_streams", sensing_streams, "an integer of at least 0")
        self.streams, self.sensing_streams = streams, sensing_streams
        self.bandwidth_hz = real("bandwidth_hz", bandwidth_hz, (), 0.0, above=True)
        if error_norm is not None and error_covariance is not None:
            raise InputError("error_covariance", "given", "nothing, as error_norm is given: one kind of errors")
        self.error_norm = None if error_norm is None else self._known_up_to(error_norm)
        self.error_covariance = None if error_covariance is None else self._off_by(error_covariance)

    def _known_up_to(self, error_norm: Any) -> Any:
        users, receive, _, _ = self.channel.shape
        if receive > 1:
            raise InputError("error_norm", f"users of {receive} antennas", "none, or users of one antenna")
        found = real("error_norm", error_norm, (users,) if np.ndim(error_norm) else (), 0.0)
        found = np.broadcast_to(found, (users,)).copy()
        lost = np.flatnonzero(found >= np.linalg.norm(self.channel.reshape(users, -1), axis=1))
        if lost.size:
            raise InputError("error_norm", found[lost[0]], f"below the norm of the channel of user {lost[0]}")
        return found

    def _off_by(self, covariance: Any) -> Any:
        users, _, points, antennas = self.channel.shape
        name, size = "error_covariance", points * antennas
        if np.ndim(covariance) < 3:
            given = (users,) if self.single else (users, points)
            found = real(name, covariance, given if np.ndim(covariance) else (), 0.0)
            return np.broadcast_to(found.reshape(-1, 1) if self.single else found, (users, points)).copy()
        found = complex_(name, covariance, (users, size, size))
        largest = np.max(np.abs(found), axis=(1, 2))
        if np.any(np.max(np.abs(found - found.conj().swapaxes(1, 2)), axis=(1, 2)) > 1e-9 * largest):
            raise InputError(name, "a matrix that is not Hermitian", "covariances")
        found = (found + found.conj().swapaxes(1, 2)) / 2
        lowest = np.linalg.eigvalsh(found)[:, 0]
        if np.any(lowest < -1e-9 * size * largest):
            raise InputError(name, f"a negative eigenvalue ({np.min(lowest):g})", "covariances")
        return found

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        users, _, points, antennas = self.channel.shape
        return {
            "sinr": ((users,) if self.streams == 1 else (users, self.streams), "1"),
            "rate": ((users,), "bit/s/Hz"),
            "rate_bps": ((users,), "bit/s"),
            "power_w": (() if self.single else (points,), "W"),
            "antenna_power_w": ((antennas,) if self.single else (points, antennas), "W"),
        }

    @property
    def total_streams(self) -> int:
        """Streams of all users and those without data."""
        return self.channel.shape[0] * self.streams + self.sensing_streams

    @property
    def size(self) -> int:
        _, _, points, antennas = self.channel.shape
        slack = {"none": 0, "sum": 1, "access point": points, "antenna": points * antennas}[self.limit]
        return 2 * points * self.total_streams * antennas + slack

    def decide(self, x: Any) -> dict[str, Any]:
        """Precoders within all limits: ``sqrt(limit) z / sqrt(|z|^2 + slack^2)`` for what a limit speaks of."""
        _, _, points, antennas = self.channel.shape
        shape = (points, self.total_streams, antennas)
        count = int(np.prod(shape))
        real_part, imaginary, slack = lax.split(x, (count, count, x.size - 2 * count))
        z = lax.complex(real_part.reshape(shape), imaginary.reshape(shape))
        if self.limit == "none":
            return {"precoder": self._amplitude() * z}
        norm = jnp.sqrt(self._per_limit(jnp.abs(z) ** 2) + slack.reshape(self._slack_shape()) ** 2)
        return {"precoder": self._over_streams(self._amplitude() / norm) * z}

    def _slack_shape(self) -> tuple[int, ...]:
        _, _, points, antennas = self.channel.shape
        return {"sum": (), "access point": (points,), "antenna": (points, antennas)}[self.limit]

    def _per_limit(self, power: Any) -> Any:
        """What is spent of each limit, of a power per entry of the precoder."""
        return power.sum(axis={"sum": (0, 1, 2), "access point": (1, 2), "antenna": 1}[self.limit])

    def _over_streams(self, each: Any) -> Any:
        """A number per limit, spread over the precoder."""
        return {"sum": lambda: each, "access point": lambda: each[:, None, None], "antenna": lambda: each[:, None]}[
            self.limit
        ]()

    def _amplitude(self) -> Any:
        if self.limit == "none":  # what reaches the users about as strong as their noise
            gain = jnp.sum(jnp.abs(self.channel) ** 2, axis=(1, 2, 3))
            return jnp.sqrt(jnp.mean(self.noise_w / gain))
        return jnp.sqrt(self.max_power_w)

    def _error_noise(self, w: Any) -> Any:
        """What errors of the estimate make of what is sent, over the noise; (K,)."""
        if self.error_covariance is None:
            return jnp.zeros(len(self.noise_w))
        if self.error_covariance.ndim == 2:
            power = jnp.sum(w.real**2 + w.imag**2, axis=(1, 2))
            return self.error_covariance @ power / self.noise_w
        sent = w.swapaxes(0, 1).reshape(w.shape[1], -1)
        through = jnp.einsum("kab,ab->k", self.error_covariance, sent.T @ sent.conj()).real
        return jnp.maximum(through, 0.0) / self.noise_w

    def starts(self, aims: Any, avoided: Any) -> list[Any]:
        """Matched beams, and zero forcing regularised as for the mean square error, a tenth of it, and hardly."""
        users, receive, _, _ = self.channel.shape
        flat = self.channel.reshape(users, receive, -1) / jnp.sqrt(self.noise_w)[:, None, None]
        if receive == 1:
            rows = flat
        else:  # what the strongest receive directions of each user hear
            left, _, _ = jnp.linalg.svd(flat, full_matrices=False)
            rows = jnp.einsum("krd,krn->kdn", left[:, :, : self.streams].conj(), flat)
        rows = rows.reshape(users * self.streams, -1)
        budget = jnp.sum(self._amplitude() ** 2) if self.limit != "none" else jnp.asarray(1.0) * self._amplitude() ** 2
        gram = rows @ rows.conj().T
        even = jnp.trace(gram).real / len(rows)
        begun = []
        for level in (None, 1.0, 0.1, 1e-3):
            if level is None:
                beams = rows.conj()
            else:
                ridge = level * len(rows) / budget + 1e-9 * even
                beams = jnp.linalg.solve(gram + ridge * jnp.eye(len(rows)), rows).conj()
                # (G + r)^-1 H, conjugated: rows of the pseudoinverse, transposed
            beams = beams / (jnp.linalg.norm(beams, axis=1, keepdims=True) + 1e-300)
            begun.append(self._begun(beams, aims, own=level is None))
        return begun

    def _begun(self, beams: Any, aims: Any, own: bool) -> Any:
        """Variables of unit beams (streams, antennas), with streams without data added."""
        _, _, points, antennas = self.channel.shape
        extra = self.sensing_streams
        if extra:
            if aims is None:
                aims = jnp.eye(extra, points * antennas, dtype=complex)
            _, _, right = jnp.linalg.svd(aims, full_matrices=False)
            found = right.conj()[:extra]
            found = jnp.concatenate([found, jnp.zeros((extra - len(found), found.shape[1]), complex)])
            beams = jnp.concatenate([beams, found])
        w = beams.reshape(-1, points, antennas).swapaxes(0, 1)
        if self.limit == "none":
            z = w
            return jnp.concatenate([z.real.reshape(-1), z.imag.reshape(-1)])
        amplitude = self._amplitude()
        z = w / self._over_streams(jnp.where(amplitude > 0, amplitude, jnp.inf))
        spent = self._per_limit(jnp.abs(z) ** 2)
        fit = jnp.sqrt(spent if own else jnp.max(spent))
        z = 0.95 * z / self._over_streams(jnp.broadcast_to(jnp.where(fit > 0, fit, 1.0), spent.shape))
        slack = jnp.sqrt(1 - self._per_limit(jnp.abs(z) ** 2))
        return jnp.concatenate([z.real.reshape(-1), z.imag.reshape(-1), slack.reshape(-1)])

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        w = decision["precoder"]
        users, receive, points, antennas = self.channel.shape
        noise_w = jnp.repeat(self.noise_w, receive)
        flat = jnp.asarray(self.channel).reshape(users * receive, -1) / jnp.sqrt(noise_w)[:, None]
        heard = (flat @ w.swapaxes(1, 2).reshape(points * antennas, -1)).reshape(users, receive, -1)
        own = np.arange(users * self.streams).reshape(users, self.streams)
        noise = 1 + self._error_noise(w)
        if self.error_norm is not None:
            beams = w.swapaxes(0, 1).reshape(-1, points * antennas)
            sinr = worst_case.guaranteed(flat, self.error_norm / jnp.sqrt(self.noise_w), beams)[:, None]
        elif receive == 1:
            # without what would be subtracted again where it is most of the sum
            power = jnp.abs(heard[:, 0]) ** 2
            others = jnp.where(np.arange(heard.shape[2])[None, None] != own[..., None], power[:, None], 0.0)
            sinr = jnp.take_along_axis(power, own, axis=1) / (noise[:, None] + jnp.sum(others, axis=2))
        else:
            mine = jnp.take_along_axis(heard, own[:, None], axis=2).swapaxes(1, 2)  # (K, streams, R)
            covariance = noise[:, None, None] * jnp.eye(receive) + heard @ heard.conj().swapaxes(1, 2)
            # 1 / (1 + sinr), own stream among the others
            left = 1 - weighed(covariance, mine)
            sinr = 1 / jnp.maximum(left, 1e-14) - 1
        rate = jnp.sum(jnp.log2(1 + sinr), axis=1)
        power = jnp.sum(jnp.abs(w) ** 2, axis=1)
        return {
            "sinr": sinr[:, 0] if self.streams == 1 else sinr,
            "rate": rate,
            "rate_bps": self.bandwidth_hz * rate,
            "power_w": jnp.sum(power[0] if self.single else power, axis=-1),
            "antenna_power_w": power[0] if self.single else power,
        }

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        w = decision["precoder"]
        users, receive, _, _ = self.channel.shape
        sinr = np.zeros((users, self.streams))
        for k in range(users):
            if self.error_norm is not None:
                noise = np.sqrt(self.noise_w[k])
                beams = w.swapaxes(0, 1).reshape(w.shape[1], -1)
                sinr[k] = worst_case.judged(
                    np.asarray(self.channel[k]).reshape(-1) / noise, self.error_norm[k] / noise, beams, k
                )
                continue
            heard = np.einsum("rma,msa->rs", self.channel[k], w)
            floor = self.noise_w[k] + self._judged_error_noise(w, k)
            for i in range(self.streams):
                stream = k * self.streams + i
                others = np.delete(heard, stream, axis=1)
                noise = floor * np.eye(receive) + others @ others.conj().T
                y = heard[:, stream]
                sinr[k, i] = np.real(y.conj() @ np.linalg.solve(noise, y))
        rate = np.log2(1 + sinr).sum(axis=1)
        power = np.sum(np.abs(w) ** 2, axis=1)
        return {
            "sinr": sinr[:, 0] if self.streams == 1 else sinr,
            "rate": rate,
            "rate_bps": self.bandwidth_hz * rate,
            "power_w": np.sum(power[0] if self.single else power, axis=-1),
            "antenna_power_w": power[0] if self.single else power,
        }

    def _judged_error_noise(self, w: np.ndarray, k: int) -> float:
        """Of one user, W."""
        if self.error_covariance is None:
            return 0.0
        if self.error_covariance.ndim == 2:
            return float(sum(of * np.sum(np.abs(sent) ** 2) for of, sent in zip(self.error_covariance[k], w)))
        beams = w.swapaxes(0, 1).reshape(w.shape[1], -1)
        return float(sum(max(np.real(one @ self.error_covariance[k] @ one.conj()), 0.0) for one in beams))

    def shown(self, decision: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        w = decision["precoder"]
        return {"precoder": w[0] if self.single else w}

    def limits(self, decision: Mapping[str, np.ndarray]) -> dict[str, float]:
        if self.limit == "none":
            return {}
        spent = self._per_limit(np.abs(decision["precoder"]) ** 2)
        over = spent - self.max_power_w
        return {
            "power": float(np.max(over / np.where(self.max_power_w > 0, self.max_power_w, np.max(self.max_power_w))))
        }

    def relax(self, view: View) -> None:
        from trinode.compose import downlink_relaxed

        downlink_relaxed.state(self, view)

    def __str__(self) -> str:
        users, receive, points, antennas = self.channel.shape
        sender = (
            f"a transmitter of {antennas} antennas" if self.single else f"{points} access points of {antennas} antennas"
        )
        text = f"downlink, {sender} to {users} users of {receive}"
        text += ", channels known up to an error" if self.error_norm is not None else ""
        text += ", channels estimated" if self.error_covariance is not None else ""
        text += f", {self.streams} streams each" if self.streams > 1 else ""
        text += f", {self.sensing_streams} streams without data" if self.sensing_streams else ""
        return text + {"none": ", power not limited"}.get(
            self.limit, f", power limited per {self.limit}".replace("per sum", "in sum")
        )


_AXES = {
    "user ap_antenna": ("K", "A"),
    "user ap ap_antenna": ("K", "M", "A"),
    "user user_antenna ap_antenna": ("K", "R", "A"),
    "user user_antenna ap ap_antenna": ("K", "R", "M", "A"),
}


def _canonical(channel: Any, axes: str) -> tuple[Any, bool]:
    """A channel of four axes, and whether it is that of one transmitter."""
    usual = {2: "user ap_antenna", 4: "user user_antenna ap ap_antenna"}
    axes = axes or usual.get(np.ndim(channel), "user ap ap_antenna")
    if axes not in _AXES:
        raise InputError("axes", axes, "one of " + ", ".join(_AXES))
    letters = _AXES[axes]
    given = complex_("channel", channel, letters)
    if "R" not in letters:
        given = given[:, None]
    return (given, False) if "M" in letters else (given[:, :, None], True)
