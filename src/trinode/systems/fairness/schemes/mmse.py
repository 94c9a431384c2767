"""Combiners and powers together: those of least mean square error, and the powers that suit them."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float

from trinode.radio.interference import Air, best_linear, relative
from trinode.systems.contract import Scheme
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common, convex, several, single
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.schemes.exact import CLOSED, begin
from trinode.systems.fairness.several import Effort
from trinode.systems.fairness.solution import FairnessSolution


@final
class Mmse(Scheme):
    """As ``exact``, with the combiners chosen too.

    One subcarrier: the global optimum over all linear combiners. Their least disturbance is a standard interference
    function whose slope is that of the combiners held fixed, so the same Newton steps and the same certificate serve.
    Several: combiners and powers in turn, a few times.

    Attributes
    ----------
    rounds : int
        Of combiners and powers in turn, on several subcarriers.
    """

    name: ClassVar[str] = "mmse"
    summary: ClassVar[str] = "combiners and powers together (global optimum on one subcarrier)"
    part: ClassVar[int] = 64
    effort: Effort = eqx.field(static=True, default=Effort())
    rounds: int = eqx.field(static=True, default=3)

    def solve(self, scenario: FairnessScenario, start: FairnessSolution | None = None) -> FairnessSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        s, tasks = scenario, common.tasks_of(scenario)
        gram = air_of.whitened(s)
        matched = matched_filter(gram)
        on = common.active(matched, tasks)
        power = begin(matched, tasks, on, start)
        if s.subcarriers == 1:

            def gains(p: Float[Array, " K"]) -> tuple[Array, Array]:
                best, _ = best_linear(gram[0], p)
                return best.cross[0], best.noise[0]

            found = single.fastest(gains, tasks, s.subcarrier_bandwidth_hz, on, power[0], constant=False, opening=8)
            power, steps, history = found.power[None], found.steps, None
            closed = found.limit - found.speed <= CLOSED * found.limit
        else:
            problem = convex.Problem(_best(gram, power), tasks, s.subcarrier_bandwidth_hz, on, True)
            starts = jnp.stack([power, common.inversion(matched, tasks)])
            found = several.search(problem, starts, self.effort)

            def turn(_: int, state: tuple[Array, Array]) -> tuple[Array, Array]:
                power, steps = state
                problem = convex.Problem(_best(gram, power), tasks, s.subcarrier_bandwidth_hz, on, True)
                better = convex.descend(problem, power, tolerance=1e-6, max_steps=4)
                return better.power, steps + better.steps

            power, steps = lax.fori_loop(0, self.rounds, turn, (found.power, found.steps))
            history, closed = found.history, jnp.asarray(True)
        rate = common.rates(s, _best(gram, power), power)
        combiner = _combiner(s, gram, power)
        return common.finish(
            s, tasks, rate, power, converged=closed, iterations=steps, history=history, combiner=combiner
        )


def matched_filter(gram: Complex[Array, "S K K"]) -> Air:
    """Gains through matched filters behind whitening."""
    snr = jnp.einsum("skk->sk", gram).real
    return relative(gram.real**2 + gram.imag**2, snr)


def _best(gram: Complex[Array, "S K K"], power: Float[Array, "S K"]) -> Air:
    found = jax.vmap(lambda g, p: best_linear(g, p)[0])(gram, power)
    return jax.tree.map(lambda leaf: leaf[:, 0], found)


def _combiner(
    s: FairnessScenario, gram: Complex[Array, "S K K"], power: Float[Array, "S K"]
) -> Complex[Array, "S K M A"]:
    """The combiners on the antennas, of unit norm."""
    weights = jax.vmap(lambda g, p: best_linear(g, p)[1])(gram, power)
    white = s.uplink_channel * jnp.sqrt(s.terminal_max_power_w[:, None] / s.ap_noise_w)[..., None]
    combiner = jnp.einsum("sjk,sjma->skma", weights, white) / jnp.sqrt(s.ap_noise_w)[:, None]
    norm = jnp.sqrt(jnp.sum(jnp.abs(combiner) ** 2, axis=(2, 3), keepdims=True))
    return combiner / jnp.where(norm > 0, norm, 1.0)
