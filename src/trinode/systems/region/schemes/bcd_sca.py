"""The paper's Algorithm 3: communication and sensing, by convex approximations."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from trinode.errors import InputError
from trinode.numerics.loops import in_turn
from trinode.radio.downlink import covariance
from trinode.sensing import beampattern
from trinode.systems.contract import Scheme
from trinode.systems.region import optimise, sensing_only
from trinode.systems.region.downlink import downlink
from trinode.systems.region.optimise import Beams
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.schemes.bcd import quadratic
from trinode.systems.region.sensing_only import PatternLimit
from trinode.systems.region.solution import RegionSolution


@final
class BlockConvex(Scheme):
    """Algorithm 3 for P3, in the reading that works.

    Each round fixes iota (39) and kappa (40), replaces (24b) by the convex restriction (48)-(54) at the current beams
    and moves all beams for that. Departures: A_k is used as it is, since it is convex (the difference of convex
    functions (42)-(46) is an identity, but its linearisation pins every access point but the first to where it is);
    (16) is kept by scaling instead of the penalty (49)-(52d), under which the power ends below 1; the scale of the
    ideal pattern stays within a round; the sensing signal of an access point is one stream; each convex program is
    descended by the engine, not solved to the end.

    Attributes
    ----------
    rounds, evaluations : int
        Most convex programs, and evaluations in each.
    tolerance : float
        Gain of a step, and a tenth of the gain of a round, at which to stop: nat, or of the sum rate below 1 nat.
    """

    name: ClassVar[str] = "bcd-sca"
    summary: ClassVar[str] = "the paper's Algorithm 3 within the pattern error, convex programs in turn"
    family: ClassVar[str] = "sensing"
    evenness: ClassVar[float] = 5e-2
    part: ClassVar[int] = 1
    rounds: int = eqx.field(static=True, default=40)
    evaluations: int = eqx.field(static=True, default=40)
    tolerance: float = eqx.field(static=True, default=3e-4)

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return in_turn(self._solve)(scenario, start)

    def _solve(self, s: RegionScenario, start: RegionSolution | None) -> RegionSolution:
        d = downlink(s)
        if s.targets is not None:
            raise InputError("scheme", self.name, "isac, sensing, zf or mrt where a detection probability is asked for")
        sensing = sensing_only.solve(s)
        need = PatternLimit(sensing, s.pattern_mse_max)
        a = beampattern.steering(s.direction_rad, s.antennas, s.element_spacing)

        def surrogate(at: Beams):
            q = quadratic(d, at.data, at.sensing)
            gamma = jnp.expm1(d.rates(*at))
            before = covariance(*at)
            scale = beampattern.best_scale(
                s.ideal_pattern, beampattern.pattern(before, s.direction_rad, s.element_spacing)
            )

            def value(b: Beams) -> Float[Array, ""]:
                # (38): what is received in all, from the rates of the beams themselves
                w = b.data.reshape(d.channel.shape[1], -1)
                signal = jnp.sum(d.channel.conj() * w.T, axis=1)
                power = jnp.abs(signal) ** 2
                rate = d.rates(*b)
                total = power / -jnp.expm1(-jnp.maximum(rate, 1e-12))
                gain = 2 * (q.push.conj() * signal).real - q.weight * total
                return jnp.sum(jnp.log1p(gamma) - gamma + gain)

            def towards(x: Array) -> Array:
                return jnp.einsum("da,ma...->md...", a.conj(), x)

            fixed = towards(at.data)

            def excess(b: Beams) -> Float[Array, " 1"]:
                data, radar = towards(b.data), jnp.abs(towards(b.sensing)) ** 2
                pattern = jnp.sum(jnp.abs(data) ** 2, axis=2) + radar
                line = jnp.sum((fixed.conj() * (2 * data - fixed)).real, axis=2) + radar  # (54)
                wanted = scale[:, None] * s.ideal_pattern
                worst = jnp.maximum(pattern - wanted, wanted - line)  # (48b), (52c)
                return need.scaled(sensing.mean(jnp.mean(worst**2, axis=1)))

            return value, excess

        run = optimise.with_sensing(
            d,
            need,
            optimise.start_beams(d, start),
            optimise.as_given(d, need, start),
            surrogate,
            opening=self.evaluations,
            evaluations=self.evaluations,
            rounds=self.rounds,
            tolerance=self.tolerance,
            free=start is None,
            # what weighs interference suits the rates, not what stands for them here
            shape=optimise.sensing_shape(need, None),
        )
        return optimise.finish(
            s,
            run.best,
            need=need,
            senses=need.asked,
            converged=run.calm > 0,
            iterations=run.rounds,
            history=run.history,
        )
