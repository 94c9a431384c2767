"""The paper's Algorithm 2: communication only, by blocks."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics.loops import while_loop
from trinode.radio.downlink import Downlink
from trinode.systems.contract import Scheme
from trinode.systems.region import optimise
from trinode.systems.region.downlink import downlink
from trinode.systems.region.optimise import Answer
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.solution import RegionSolution


class Quadratic(NamedTuple):
    """The fractional transforms (29), (36) at some precoders: weights of the signals and of what is received."""

    push: Complex[Array, " K"]
    weight: Float[Array, " K"]


class _State(NamedTuple):
    data: Complex[Array, "M A K"]
    best: Answer
    history: Float[Array, " H"]
    sweeps: Int[Array, ""]
    gain: Float[Array, ""]


@final
class BlockDescent(Scheme):
    """Algorithm 2 for P2: gamma (29), g (36), then P2.6 for one access point after the other, exactly.

    The blocks are taken in turn. "In parallel", as printed, every access point answers to what the others did before:
    the rate then falls as often as it rises, and ``parallel`` is there to show that; what is returned is the best
    sweep. A sweep solves P2.6 once per access point, with gamma and g brought up to date before each.

    Attributes
    ----------
    sweeps : int
        Most sweeps over the access points.
    tolerance : float
        Gain of a sweep at which to stop: nat, or of the sum rate where that is below 1 nat.
    parallel : bool
        All access points at once, as printed.
    """

    name: ClassVar[str] = "bcd"
    summary: ClassVar[str] = "the paper's Algorithm 2 for communication only, access points in turn"
    evenness: ClassVar[float] = 5e-2
    part: ClassVar[int] = 1
    sweeps: int = eqx.field(static=True, default=100)
    tolerance: float = eqx.field(static=True, default=1e-3)
    parallel: bool = eqx.field(static=True, default=False)

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        s = scenario
        d = downlink(s)
        root = jnp.sqrt(s.ap_power)
        error = root[:, None, None, None, None] * root[:, None, None, None] * s.error_covariance
        channel = root[:, None, None] * s.channel_estimate  # (M, K, A)
        silent = optimise.nothing(d).covariance
        begin = jnp.swapaxes(start.precoder, 1, 2) if start is not None else optimise.maximum_ratio(d)
        given = optimise.as_given(d, None, start)

        def worth(data: Complex[Array, "M A K"]) -> Float[Array, ""]:
            return optimise.sum_rate(d, data, silent)

        def sweep(state: _State) -> _State:
            def one(m: Int[Array, ""], data: Complex[Array, "M A K"]) -> Complex[Array, "M A K"]:
                seen = state.data if self.parallel else data
                return data.at[m].set(subproblem(channel, error, seen, m, quadratic(d, seen)))

            data = lax.fori_loop(0, channel.shape[0], one, state.data)
            value = worth(data)
            better = value > state.best.value
            best = Answer(jnp.where(better, data, state.best.data), silent, jnp.maximum(value, state.best.value))
            shown = value if self.parallel else best.value
            history = state.history.at[state.sweeps].set(shown / jnp.log(2.0))
            return _State(data, best, history, state.sweeps + 1, jnp.abs(value - worth(state.data)))

        first = _State(begin, given, jnp.full(self.sweeps, jnp.nan), jnp.asarray(0), jnp.asarray(jnp.inf))

        def rests(x: _State) -> Bool[Array, ""]:
            return x.gain <= self.tolerance * optimise.unit(x.best.value)

        last = while_loop(lambda x: (x.sweeps < self.sweeps) & ~rests(x), sweep, first)
        return optimise.finish(
            s,
            last.best,
            need=None,
            senses=False,
            converged=rests(last),
            iterations=last.sweeps,
            history=last.history,
        )


def quadratic(d: Downlink, data: Complex[Array, "M A K"], sensing: Complex[Array, "M A"] | None = None) -> Quadratic:
    """gamma (29) and g (36) at these precoders, as they enter (35): ``sqrt(1 + gamma) g`` and ``|g|^2``."""
    none = jnp.zeros(d.shape, complex) if sensing is None else sensing
    gamma = jnp.expm1(d.rates(data, none))
    signal = jnp.sum(d.channel.conj() * data.reshape(d.channel.shape[1], -1).T, axis=1)
    power = jnp.abs(signal) ** 2
    # all that is received is signal power (1 + 1/gamma)
    total = jnp.where(gamma > 0, power * (1 + 1 / jnp.where(gamma > 0, gamma, 1.0)), 1.0)
    push = (1 + gamma) * signal / total
    return Quadratic(push, (1 + gamma) * power / total**2)


def subproblem(
    channel: Complex[Array, "M K A"],
    error: Complex[Array, "M M K A A"],
    data: Complex[Array, "M A K"],
    m: Int[Array, ""],
    q: Quadratic,
) -> Complex[Array, "A K"]:
    """P2.6: the best precoders of access point m within a power of 1, all others fixed.

    A concave quadratic over a ball: ``(Q + mu I)^-1 b``, mu by Newton's method on the secular equation.
    """
    own = channel[m]  # (K, A)
    heard = jnp.einsum("nka,naj->kj", channel.conj(), data) - own.conj() @ data[m]
    curve = jnp.einsum("k,ka,kb->ab", q.weight, own, own.conj()) + jnp.einsum("k,kab->ab", q.weight, error[m, m])
    across = jnp.einsum("k,nkab->nab", q.weight, error[m])
    across = across.at[m].set(0.0)
    slope = own.T * q.push - own.T @ (q.weight[:, None] * heard) - jnp.einsum("nab,nbj->aj", across, data)
    value, vector = jnp.linalg.eigh((curve + curve.conj().T) / 2)
    value = jnp.maximum(value, 0.0)
    turned = vector.conj().T @ slope
    size = jnp.sum(jnp.abs(turned) ** 2, axis=1)
    floor = 1e-14 * (value[-1] + jnp.sqrt(jnp.sum(size)) + 1e-300)

    def norm(mu: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.sum(size / (value + mu) ** 2)

    def newton(_: Int[Array, ""], mu: Float[Array, ""]) -> Float[Array, ""]:
        # 1 / norm is nearly straight in mu: no overshoot from the left
        root = jnp.sqrt(norm(mu))
        bend = jnp.sum(size / (value + mu) ** 3) / root**2
        return jnp.maximum(mu + jnp.maximum(root - 1, 0.0) / bend, floor)

    mu = lax.fori_loop(0, 25, newton, floor)
    w = vector @ (turned / (value + mu)[:, None])
    w = jnp.where(jnp.sum(size) > 0, w, 0.0)
    return w / jnp.maximum(jnp.sqrt(jnp.sum(jnp.abs(w) ** 2)), 1.0)
