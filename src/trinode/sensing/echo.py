"""Echo SINR of many radars that share the air, and the largest one that all can reach at once.

Terminal k radiates streams x_k and hears its own target's echo, ``echo_gain * a_r (conj(a_t) . x_k)``, under the
signals of the others. With independent streams everything is linear in the transmit covariances, so the largest
common margin is a quasi-convex problem. It is solved exactly in its dual, which has two numbers a terminal.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from trinode.numerics import interior
from trinode.numerics.loops import while_loop
from trinode.numerics.matrices import product

COMFORTABLE = 1.25
"""Margin at which a mere verdict stops looking for a larger one."""


class EchoModel(eqx.Module):
    """What the echo SINR of each terminal depends on.

    Attributes
    ----------
    gain : (K,)
        Echo power per radiated power towards the target, summed over receive antennas.
    steering : (K, T)
        Transmit array response towards the target.
    leakage : (K, K, T, T)
        ``[k, j]``: Gram matrix of the channel from terminal j into the radar of terminal k; zero at [k, k].
    rows : (K, K * T * 2 T)
        The same in real numbers: what the covariances of all terminals are multiplied by.
    noise_w : (K,)
        Noise power in the denominator.
    max_power_w : (K,)
        Power limit.
    """

    gain: Float[Array, " K"]
    steering: Complex[Array, "K T"]
    leakage: Complex[Array, "K K T T"]
    rows: Float[Array, "K L"]
    noise_w: Float[Array, " K"]
    max_power_w: Float[Array, " K"]

    @classmethod
    def build(
        cls,
        channel: Complex[Array, "K K R T"],
        echo_gain: Float[Array, " K"],
        transmit_steering: Complex[Array, "K T"],
        receive_steering: Complex[Array, "K R"],
        noise_w: Float[Array, " K"],
        max_power_w: Float[Array, " K"],
    ) -> EchoModel:
        """From channels; ``noise_w`` is the whole noise power of the denominator."""
        gain = echo_gain**2 * jnp.sum(jnp.abs(receive_steering) ** 2, axis=1)
        leakage = jnp.sum(channel.conj()[..., :, None] * channel[..., None, :], axis=2)
        rows = jnp.concatenate([leakage.real, leakage.imag], axis=-1).reshape(len(gain), -1)
        return cls(gain, transmit_steering, leakage, rows, noise_w, max_power_w)

    def sinr(self, precoder: Complex[Array, "K S T"]) -> Float[Array, " K"]:
        """Echo SINR of each terminal for its streams."""
        signal, interference = self.parts(precoder)
        return signal / (self.noise_w + interference)

    def alone(self, requirement: Float[Array, " K"]) -> Float[Array, " K"]:
        """Factor on the requirement of each terminal that none of its beams exceeds, even if the others are silent."""
        asked = requirement > 0
        most = self.gain * self.max_power_w * jnp.sum(jnp.abs(self.steering) ** 2, axis=1) / self.noise_w
        return jnp.where(asked, most / jnp.where(asked, requirement, 1.0), jnp.inf)

    def parts(self, precoder: Complex[Array, "K S T"]) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
        """Echo power and interference power of each terminal, W."""
        towards = jnp.sum(self.steering.conj()[:, None] * precoder, axis=2)
        turned = product(precoder.conj().swapaxes(1, 2), precoder)  # the covariance, transposed
        # tr(leakage covariance), both Hermitian: one real product of a matrix and a vector
        heard = self.rows @ jnp.concatenate([turned.real, -turned.imag], axis=-1).reshape(-1)
        return self.gain * jnp.sum(jnp.abs(towards) ** 2, axis=1), heard


class EchoLimit(NamedTuple):
    """The largest common factor on all requirements.

    Attributes
    ----------
    margin : float
        Reached by ``precoder``; infinite where nothing is required.
    upper : float
        Certified: no beams reach more.
    precoder : (K, T)
        One stream per terminal that reaches the margin within the power limits.
    """

    margin: Float[Array, ""]
    upper: Float[Array, ""]
    precoder: Complex[Array, "K T"]


@partial(jax.jit, static_argnames=("verdict_only", "tolerance", "sweeps", "max_rounds"))
def largest_margin(
    model: EchoModel,
    requirement: Float[Array, " K"],
    *,
    verdict_only: bool = False,
    tolerance: float = 1e-7,
    sweeps: int = 300,
    max_rounds: int = 12,
) -> EchoLimit:
    """Largest factor by which every requirement can be multiplied and still be met.

    With l_k the price of requirement k and v_j that of power j, ``B_j = sum_k l_k L_kj + v_j I`` and sum v = sum l,
    the margin is at most ``max_j l_j C_j a_j^H B_j^{-1} a_j``, and the smallest such value is the margin itself.
    Cheap sweeps come first: prices that equalise the terms (Perron's iteration), power prices that rise where power
    exceeds its limit, and beams along ``B_j^{-1} a_j`` with the powers of the matching Perron vector; each sweep gives
    both a bound and beams. What they leave open is closed exactly: ``1 / (a^H B^{-1} a)`` is concave, so this is a
    generalised fractional program, solved by Dinkelbach's iteration on interior-point solves with 2K + 1 variables,
    whose multipliers are the powers.

    Parameters
    ----------
    requirement : (K,)
        Linear echo SINR; terminals with 0 require nothing and stay silent in ``precoder``.
    verdict_only : bool
        Stop at a margin of :data:`COMFORTABLE`, and go beyond the sweeps only where they leave open whether the
        margin reaches 1. ``margin`` and ``upper`` are then the two ends of what is known.
    """
    k, t = model.steering.shape
    asked = requirement > 0
    need = jnp.where(asked, requirement, 1.0)
    reach = model.gain * model.max_power_w / (model.noise_w * need)
    deaf = jnp.any(asked & ~(reach * jnp.sum(jnp.abs(model.steering) ** 2, axis=1) > 0))
    size = jnp.max(jnp.where(asked, reach, 0.0))
    size = jnp.where(size > 0, size, 1.0)
    reach = jnp.where(asked & (reach > 0), reach, size) / size
    both = asked[:, None] & asked[None, :]
    leak = model.leakage * (both * model.max_power_w[None, :] / model.noise_w[:, None])[..., None, None]
    leak = jnp.moveaxis(leak, 0, 1)  # [j, k]
    eye = jnp.eye(t)
    count = jnp.maximum(asked.sum(), 1)

    def worth(x: Float[Array, " n"]):
        """mu_j = 1 / (C_j a_j^H B_j^-1 a_j), with what its derivatives need."""
        lam, v = x[:k], x[k : 2 * k]
        b = jnp.sum(lam[None, :, None, None] * leak, axis=1) + v[:, None, None] * eye
        inverse = jnp.linalg.inv(b)
        d = jnp.sum(inverse * model.steering[:, None, :], axis=2)
        phi = jnp.sum((model.steering.conj() * d).real, axis=1)
        return 1 / (reach * phi), phi, d, inverse

    silent = jnp.where(asked, 0.0, 1e-3)
    cost = jnp.concatenate([silent, silent, jnp.full(1, -1.0)])
    upper = jnp.concatenate([jnp.ones(2 * k), jnp.full(1, 10.0)])

    def program(
        factor: Float[Array, ""],
        weight: Float[Array, " K"],
        start: Float[Array, " n"],
        shift: Float[Array, ""],
        steps: Array,
    ):
        def gather(mu: Float[Array, " K"], x: Float[Array, " n"]) -> Float[Array, " m"]:
            lam, v = x[:k] * asked, x[k : 2 * k] * asked
            met = jnp.where(asked, (factor * mu - lam) / weight - (x[-1] - shift), 1.0)
            return jnp.concatenate([met, jnp.stack([lam.sum() - v.sum(), 1 - lam.sum()])])

        def values(x: Float[Array, " n"]) -> Float[Array, " m"]:
            return gather(worth(x)[0], x)

        def derivatives(x: Float[Array, " n"], z: Float[Array, " m"]):
            mu, phi, d, inverse = worth(x)
            pushed = jnp.sum(leak * d[:, None, None, :], axis=3)  # L_kj d_j: [j, k, t]
            columns = jnp.concatenate([pushed, d[:, None, :]], axis=1)  # [j, k+1, t]
            phi_1 = -jnp.sum((d.conj()[:, None] * columns).real, axis=2)  # [j, k+1]
            turned = jnp.sum(inverse[:, None] * columns[:, :, None, :], axis=3)
            phi_2 = 2 * jnp.sum((columns.conj()[:, :, None] * turned[:, None]).real, axis=3)
            ratio = mu / phi
            mu_1 = -ratio[:, None] * phi_1
            mu_2 = ratio[:, None, None] * (2 * phi_1[:, :, None] * phi_1[:, None, :] / phi[:, None, None] - phi_2)
            gate = jnp.where(asked, factor / weight, 0.0)
            by_lam = mu_1[:, :k] * gate[:, None] - jnp.diag(asked / weight)
            each = asked.astype(float)
            rows = jnp.concatenate([by_lam, jnp.diag(mu_1[:, k] * gate), -each[:, None]], axis=1)
            sums = jnp.pad(
                jnp.stack([jnp.concatenate([each, -each]), jnp.concatenate([-each, 0 * each])]), ((0, 0), (0, 1))
            )
            curve = -(z[:k] * gate)[:, None, None] * mu_2
            cross = curve[:, :k, k]
            by_prices = jnp.concatenate([curve[:, :k, :k].sum(0), cross.T], axis=1)
            by_powers = jnp.concatenate([cross, jnp.diag(curve[:, k, k])], axis=1)
            hessian = jnp.pad(jnp.concatenate([by_prices, by_powers]), (0, 1))
            return gather(mu, x), jnp.concatenate([rows, sums]), hessian

        return interior.minimize_linear(cost, values, derivatives, start, upper, tolerance=1e-9, max_steps=steps)

    class Round(NamedTuple):
        start: Float[Array, " n"]
        upper: Float[Array, ""]
        weight: Float[Array, " K"]
        margin: Float[Array, ""]
        precoder: Complex[Array, "K T"]
        rounds: Array

    def closed(r: Round | Sweep) -> Bool[Array, ""]:
        near = r.upper - r.margin <= tolerance * r.upper
        return near | (r.margin * size >= COMFORTABLE) if verdict_only else near

    def settled(r: Round) -> Bool[Array, ""]:
        known = (r.margin * size >= 1) | (r.upper * size < 1)
        return closed(r) | known if verdict_only else closed(r)

    def inside(lam: Float[Array, " K"], v: Float[Array, " K"]) -> Float[Array, " n"]:
        # prices of power shrunk a little more than prices of echoes, none left at zero
        return jnp.maximum(jnp.concatenate([0.95 * lam, 0.9 * v, jnp.array([0.5])]), 1e-6 / count)

    def one(r: Round) -> Round:
        far = jnp.max(jnp.where(asked, (r.start[:k] - r.upper * worth(r.start)[0]) / r.weight, 0.0))
        steps = jnp.where(settled(r), 0, 25)  # in a batch, whoever is done waits without working
        best = program(r.upper, r.weight, r.start, 1.0 + jnp.maximum(far, 0.0), steps)
        mu, _, d, _ = worth(best.point)
        bound = jnp.max(jnp.where(asked, best.point[:k] / mu, 0.0))
        # stationarity in v_j: the price of v_j's budget equals z_j * d mu_j/d v_j * factor / weight
        power = best.prices[:k] * r.upper / r.weight * mu**2 * reach
        beam = jnp.sqrt(jnp.where(asked, power, 0.0))[:, None] * d
        beam = beam / jnp.sqrt(jnp.max(jnp.sum(jnp.abs(beam) ** 2, axis=1)))
        margin = lowest(beam)
        better = margin > r.margin
        return Round(
            inside(best.point[:k], best.point[k : 2 * k]),
            jnp.minimum(r.upper, bound),
            bound * mu,
            jnp.maximum(r.margin, margin),
            jnp.where(better, beam, r.precoder),
            r.rounds + 1,
        )

    def lowest(beam: Complex[Array, "K T"]) -> Float[Array, ""]:
        signal = reach * jnp.abs(jnp.sum(model.steering.conj() * beam, axis=1)) ** 2
        moved = jnp.sum(leak * beam[:, None, None, :], axis=3)
        heard = jnp.sum((beam.conj()[:, None] * moved).real, axis=(0, 2))
        return jnp.min(jnp.where(asked, signal / (1 + heard), jnp.inf))

    idle = jnp.where(asked, 0.0, 1.0)

    class Sweep(NamedTuple):
        lam: Float[Array, " K"]
        v: Float[Array, " K"]
        power: Float[Array, " K"]
        upper: Float[Array, ""]
        margin: Float[Array, ""]
        precoder: Complex[Array, "K T"]
        rounds: Array

    def sweep(r: Sweep) -> Sweep:
        mu, _, d, _ = worth(jnp.concatenate([r.lam, r.v]))
        bound = jnp.max(jnp.where(asked, r.lam / mu, 0.0))
        d = d / jnp.linalg.norm(d, axis=1, keepdims=True)
        toward = reach * jnp.abs(jnp.sum(model.steering.conj() * d, axis=1)) ** 2
        moved = jnp.sum(leak * d[:, None, None, :], axis=3)
        heard = jnp.sum((d.conj()[:, None] * moved).real, axis=2)  # [j, k]
        power = r.power
        for _ in range(3):  # a few steps of the power method, warm
            power = (heard.T @ power + r.v @ power) / toward
            power = jnp.where(asked, power, 0.0) / jnp.max(jnp.where(asked, power, 0.0))
        beam = jnp.sqrt(power)[:, None] * d
        margin = lowest(beam)
        lam = jnp.where(asked, mu, 0.0)
        v = jnp.where(asked, jnp.maximum(r.v * power, 1e-13), 0.0)
        return Sweep(
            lam / lam.sum(),
            v / v.sum() + idle,  # who asks nothing keeps a regular B_j
            power,
            jnp.minimum(r.upper, bound),
            jnp.maximum(r.margin, margin),
            jnp.where(margin > r.margin, beam, r.precoder),
            r.rounds + 1,
        )

    zero = jnp.zeros((k, t), dtype=model.steering.dtype)
    even = jnp.where(asked, 1.0, 0.0) / count
    swept = while_loop(
        lambda r: ~closed(r) & (r.rounds < sweeps),
        sweep,
        Sweep(even, even + idle, even * count, jnp.asarray(1e100), jnp.asarray(0.0), zero, jnp.asarray(0)),
    )

    first = inside(swept.lam, swept.v)
    state = Round(first, swept.upper, swept.upper * worth(first)[0], swept.margin, swept.precoder, jnp.asarray(0))
    last = while_loop(lambda r: ~settled(r) & (r.rounds < max_rounds), one, state) if max_rounds else state
    none = ~jnp.any(asked)
    margin = jnp.where(none, jnp.inf, jnp.where(deaf, 0.0, last.margin * size))
    bound = jnp.where(none, jnp.inf, jnp.where(deaf, 0.0, last.upper * size))
    beam = jnp.sqrt(model.max_power_w)[:, None] * jnp.where(jnp.isfinite(last.precoder), last.precoder, 0.0)
    return EchoLimit(margin, bound, jnp.where(asked[:, None], beam, 0.0))
