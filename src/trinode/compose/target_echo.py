"""Echoes of targets among clutter, at a receiver beside the transmitter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jaxtyping import Complex, Float

from trinode.compose.downlink import Downlink
from trinode.compose.expression import Shape
from trinode.compose.part import Numbers, Part, complex_, real
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class TargetEcho(Part):
    """Signal to clutter and noise of each target, behind a receive filter of its own.

    What arrives of target q is ``target[q] @ x``, x being everything that is sent. Its filter u is the best one:
    ``scnr[q] = max over u of |u^H target[q] W|^2 / (|u^H (the other targets, clutter) W|^2 + noise_w |u|^2)``, W the
    precoders of all streams.

    Parameters
    ----------
    air : Downlink
        Of one transmitter.
    target, clutter : (Q, R, A) and (C, R, A) complex
        Two-way channels from the antennas of the transmitter to those of the receiver; C may be 0.
    noise_w : float
        Noise power per receive antenna, W.

    Raises
    ------
    InputError
        A wrong shape, or a target that gives no echo.
    """

    word: ClassVar[str] = "radar"
    air: Any
    target: Complex[Numbers, "Q R A"]
    clutter: Complex[Numbers, "C R A"]
    noise_w: Float[Numbers, ""]

    def __init__(self, air: Downlink, target: Any, clutter: Any, noise_w: Any) -> None:
        if not isinstance(air, Downlink) or not air.single:
            raise InputError("air", air, "a Downlink of one transmitter")
        antennas = air.channel.shape[3]
        self.air = air
        self.target = complex_("target", target, ("Q", "R", antennas))
        self.clutter = complex_("clutter", clutter, ("C", self.target.shape[1], antennas))
        self.noise_w = real("noise_w", noise_w, (), 0.0, above=True)
        dark = np.flatnonzero(~np.any(self.target != 0, axis=(1, 2)))
        if dark.size or not len(self.target):
            raise InputError("target", f"only zeros for target {dark[:1]}", "targets that give an echo")

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        return {"scnr": ((len(self.target),), "1")}

    def aims(self) -> Any:
        _, _, right = jnp.linalg.svd(self.target, full_matrices=False)
        return self.air, right[:, 0]

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        w = scope.decision(self.air)["precoder"][0]
        noise = jnp.sqrt(self.noise_w)
        echo = self.target @ w.T / noise  # (Q, R, S)
        count, receive, _ = echo.shape
        around = jnp.concatenate([echo, self.clutter @ w.T / noise])
        each = around @ around.conj().swapaxes(1, 2)
        others = jnp.eye(receive) + jnp.sum(each, axis=0) - each[:count]
        # the filter is the best one, so that it counts as fixed in slopes
        root = jnp.linalg.cholesky(jax.lax.stop_gradient(others))
        white = solve_triangular(root, jax.lax.stop_gradient(echo), lower=True)
        _, vectors = jnp.linalg.eigh(white @ white.conj().swapaxes(1, 2))
        filters = solve_triangular(root.conj().swapaxes(1, 2), vectors[:, :, -1:], lower=False)
        filters = jax.lax.stop_gradient(filters[:, :, 0].conj())
        power = jnp.sum(jnp.abs(jnp.einsum("qr,nrs->qns", filters, around)) ** 2, axis=2)  # (Q, Q + C)
        own = jnp.diagonal(power)
        mask = ~np.eye(*power.shape, dtype=bool)
        heard = jnp.sum(jnp.where(mask, power, 0.0), axis=1)
        return {"scnr": own / (heard + jnp.sum(jnp.abs(filters) ** 2, axis=1))}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        import scipy.linalg  # a quarter of a second, which other problems need not pay

        w = scope.decision(self.air)["precoder"][0]
        scnr = np.zeros(len(self.target))
        for q in range(len(self.target)):
            signal = self.target[q] @ w.T
            noise = self.noise_w * np.eye(len(signal), dtype=complex)
            for other in [*self.target[:q], *self.target[q + 1 :], *self.clutter]:
                heard = other @ w.T
                noise += heard @ heard.conj().T
            scnr[q] = scipy.linalg.eigh(signal @ signal.conj().T, noise, eigvals_only=True)[-1]
        return {"scnr": np.maximum(scnr, 0.0)}

    def relax(self, view: View) -> None:
        """Without clutter and other targets, and with the trace for the largest eigenvalue, it is linear."""
        import cvxpy as cp

        from trinode.compose.downlink_relaxed import doubled
        from trinode.compose.relaxation import Data, Limits

        covariance, reference, own = view.of(self.air, "covariance"), view.of(self.air, "reference"), view.own
        size = 2 * self.target.shape[2]

        def gram(data: Data, q: int) -> np.ndarray:
            part = own(data)
            channel = np.asarray(part.target)[q] * np.sqrt(reference(data) / np.asarray(part.noise_w))
            return doubled(channel.conj().T @ channel).T / 2

        def build() -> Limits:
            grams = [view.number((size, size), lambda data, q=q: gram(data, q)) for q in range(len(self.target))]
            return Limits(upper=cp.hstack([cp.sum(cp.multiply(one, covariance)) for one in grams]))

        view.state("scnr", build)

    def __str__(self) -> str:
        count, receive, _ = self.target.shape
        return f"echoes of {count} targets among {len(self.clutter)} of clutter at {receive} antennas"
