"""The paper's proposed method: SCA outside, ADMM inside (Algorithms 1 and 2)."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, Int

from trinode.numerics.loops import while_loop
from trinode.radio import reduced
from trinode.radio.reduced import Listeners
from trinode.systems.contract import Scheme
from trinode.systems.energy import optimise, search
from trinode.systems.energy import problem as problems
from trinode.systems.energy.optimise import Decision, Outcome, Problem
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.solution import EnergySolution

PENALTIES = 0.025, 0.025, 12.5, 400.0, 400.0
"""Penalties of the consensus of the data and the sensing covariances, of the echoes, of both latencies."""
SLOWEST = 1e-9
"""Least frequency of a processor, over the fastest there is."""


class Frozen(NamedTuple):
    """The linearised problem (P3) at one point: rates (24), echoes (20), everything of the other terminals fixed."""

    rate: Float[Array, " K"]
    of_data: Complex[Array, "K D D"]  # gradient of the rate in F, (26) in (25)
    of_sensing: Complex[Array, "K D D"]  # in R, (28) in (25)
    echo: Complex[Array, "K D D"]  # gradient (22); (21) is minus the requirement times it
    noise: Float[Array, " K"]  # echo noise and the other terminals' signals, in units of the noise
    data: Complex[Array, "K D D"]
    sensing: Complex[Array, "K D D"]

    def rates(self, data: Complex[Array, "K D D"], sensing: Complex[Array, "K D D"]) -> Float[Array, " K"]:
        """(24), bit/s; kept above a thousandth of the rate at the point, where the line is no rate any more."""
        line = self.rate + _dot(self.of_data, data - self.data) + _dot(self.of_sensing, sensing - self.sensing)
        return jnp.maximum(line, 1e-3 * self.rate)

    def slack(
        self, need: Float[Array, " K"], data: Complex[Array, "K D D"], sensing: Complex[Array, "K D D"]
    ) -> Float[Array, " K"]:
        """(19), which is linear at fixed combiners, in units of the noise."""
        return _dot(self.echo, sensing) - need * (_dot(self.echo, data) + self.noise)


class Inner(NamedTuple):
    """Variables of Algorithm 1."""

    share: Float[Array, " K"]
    local: Float[Array, " K"]
    remote: Float[Array, " K"]
    data: Complex[Array, "K D D"]
    sensing: Complex[Array, "K D D"]
    data_copy: Complex[Array, "K D D"]
    sensing_copy: Complex[Array, "K D D"]
    slack: Float[Array, "3 K"]  # of echo, offloading, local
    dual: Float[Array, "3 K"]
    data_dual: Complex[Array, "K D D"]
    sensing_dual: Complex[Array, "K D D"]
    residual: Float[Array, ""]
    made: Int[Array, ""]


@final
class ScaAdmm(Scheme):
    """Section V of the paper as it can work.

    Departures, each because the printed step is wrong or silent: (43) with the squares of the frequencies; (59)
    without beta and (60) with the bandwidth, (61) with the radar's combiner; best combiners in closed form at every
    linearisation (there the gradient (27) vanishes, so (39) leaves them); slacks begin at ``max(0, F)`` and are updated
    before their duals; (17e) by scaling; echo residuals in units of the noise; the update of the copies (48)-(49) in
    closed form. The point that is reported has the beams and shares of the last step and, since ADMM ends with
    residuals, powers and frequencies repaired to meet all constraints exactly; where none do, shares as well. What is
    left as printed: gradients ignore what a terminal does to others, and the linearised rate is above the true one, so
    neither loop need descend; a share that reaches 0 or 1 stays there, because its own frequency falls with it and
    makes returning expensive.

    Attributes
    ----------
    outer, inner : int
        Most steps of both loops.
    penalties : tuple of float
        rho_1 to rho_5; not printed, chosen. In units of the problem: energies in what the largest power limit spends
        until the deadline, powers in that limit, times in that deadline.
    tolerance : float
        Relative change of the energy at which the outer loop stops.
    """

    name: ClassVar[str] = "sca-admm"
    summary: ClassVar[str] = "the paper's proposed method: SCA outside, ADMM inside"
    iterates: ClassVar[bool] = False
    evenness: ClassVar[float] = 0.05
    outer: int = eqx.field(static=True, default=10)
    inner: int = eqx.field(static=True, default=60)
    penalties: tuple[float, ...] = eqx.field(static=True, default=PENALTIES)
    tolerance: float = eqx.field(static=True, default=1e-4)

    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        problem = problems.build(scenario)
        air, work = problem.air, problem.work
        k = air.limit.shape[0]
        echoes = search.echo_limits(air)
        beams = jnp.where(echoes.margin >= 1, optimise.starting_beams(air, null=False), echoes.beams)
        data, sensing = _outer(beams[:, 0]), _outer(beams[:, 1])
        zero = jnp.zeros_like(data)
        first = Inner(
            share=jnp.where(problem.nats > 0, (work.lowest + 1) / 2, 0.0),
            local=jnp.maximum(scenario.terminal_max_frequency_hz, _slowest(problem, scenario)),
            remote=jnp.maximum(jnp.full(k, work.capacity / k), _slowest(problem, scenario)),
            data=data,
            sensing=sensing,
            data_copy=data,
            sensing_copy=sensing,
            slack=jnp.zeros((3, k)),
            dual=jnp.zeros((3, k)),
            data_dual=zero,
            sensing_dual=zero,
            residual=jnp.asarray(jnp.inf),
            made=jnp.asarray(0),
        )

        class Turn(NamedTuple):
            x: Inner
            best: Decision
            history: Float[Array, " H"]
            last: Float[Array, ""]
            change: Float[Array, ""]
            made: Int[Array, ""]
            steps: Int[Array, ""]

        def one(t: Turn) -> Turn:
            frozen = _freeze(problem, scenario.bandwidth_hz, t.x)
            x = self._admm(problem, scenario, frozen, t.x, t.made == 0)
            now = _as_decision(problem, x)
            best = optimise.better(now, t.best)
            change = jnp.abs(t.last - now.energy) / now.energy
            change = jnp.where(jnp.isfinite(now.energy), change, jnp.inf)
            return Turn(
                x, best, t.history.at[t.made].set(best.energy), now.energy, change, t.made + 1, t.steps + x.made
            )

        blank = optimise.nothing(problem, beams)
        begun = Turn(
            first,
            blank,
            jnp.full(self.outer, jnp.nan),
            jnp.asarray(jnp.inf),
            jnp.asarray(jnp.inf),
            jnp.asarray(0),
            jnp.asarray(0),
        )
        most = jnp.where(echoes.margin >= 1, self.outer, 1)
        last = while_loop(lambda t: (t.made < most) & ~(t.change <= self.tolerance), one, begun)
        # where its shares cannot be served, they are repaired as well
        best = optimise.better(last.best, optimise.settle(problem, last.best.beams))
        best = jax.tree.map(lambda a, b: jnp.where(jnp.isfinite(last.best.energy), a, b), last.best, best)
        outcome = Outcome(best, last.change <= self.tolerance, last.history, last.steps)
        return search.finish(scenario, problem, outcome, echoes)

    def _admm(self, problem: Problem, s: EnergyScenario, frozen: Frozen, x: Inner, fresh: Array) -> Inner:
        """Algorithm 1 at one linearisation."""
        air, work = problem.air, problem.work
        cycles, tau = work.cycles, work.deadline
        watt, second, slowest = jnp.max(air.limit), jnp.max(tau), _slowest(problem, s)
        watt = jnp.where(watt > 0, watt, 1.0)
        units = second / watt, second / watt, watt * second, watt / second, watt / second
        rho1, rho2, rho3, rho4, rho5 = (penalty * unit for penalty, unit in zip(self.penalties, units))
        bits = s.task_bits
        eye = jnp.eye(air.toward.shape[1])
        need = air.need

        def times(x: Inner) -> tuple[Float[Array, " K"], Float[Array, " K"], Float[Array, " K"]]:
            upload = x.share * bits / frozen.rates(x.data, x.sensing)  # (31)
            return upload, cycles * x.share / x.remote, cycles * (1 - x.share) / x.local

        def one(x: Inner) -> Inner:
            power = _trace(x.data_copy + x.sensing_copy)
            rate = frozen.rates(x.data, x.sensing)
            off = x.slack[1] + x.dual[1] - tau  # c_1
            own = x.slack[2] + x.dual[2] - tau  # c_2
            a, d = bits / rate + cycles / x.remote, cycles / x.local
            gain = work.local_weight * x.local**2 * cycles - work.remote_weight * x.remote**2 * cycles
            top = gain - power * bits / rate - rho4 * a * off + rho5 * d**2 + rho5 * d * own
            share = jnp.clip(top / (rho4 * a**2 + rho5 * d**2), 0.0, 1.0)  # (43), (44)
            share = jnp.where(bits > 0, share, 0.0)
            most = jnp.maximum(s.terminal_max_frequency_hz, slowest)
            local = _quartic(2 * work.local_weight, rho5 * own, rho5 * cycles * (1 - share), slowest, most)  # (45)
            upload = share * bits / rate
            most, late = jnp.maximum(work.capacity, slowest), rho4 * (upload + off)
            remote = _quartic(2 * work.remote_weight, late, rho4 * cycles * share, slowest, most)  # (46)
            remote = remote * jnp.minimum(1.0, work.capacity / jnp.sum(remote))
            x = x._replace(share=share, local=local, remote=jnp.maximum(remote, slowest))

            def pull(x: Inner, of_rate: Complex[Array, "K D D"], of_echo: Complex[Array, "K D D"]):
                """Gradient of (41), (42) without the copies' term, and its curvature."""
                rate = frozen.rates(x.data, x.sensing)
                upload, remote_s, _ = times(x)
                off = upload + remote_s - tau + x.slack[1] + x.dual[1]
                echo = x.slack[0] + x.dual[0] - frozen.slack(need, x.data, x.sensing)
                slope = -(x.share * bits / rate**2)[:, None, None] * of_rate
                force = (power + rho4 * off)[:, None, None] * slope - (rho3 * echo)[:, None, None] * of_echo
                bend = rho3 * _size(of_echo) ** 2 + rho4 * _size(slope) ** 2
                return force, bend

            force, bend = pull(x, frozen.of_data, -need[:, None, None] * frozen.echo)
            force = force + rho1 * (x.data - x.data_copy + x.data_dual)
            data = _psd(x.data - force / (rho1 + bend)[:, None, None])
            data, sensing = _within(data, x.sensing, air.limit)  # (63)
            x = x._replace(data=data, sensing=sensing)
            force, bend = pull(x, frozen.of_sensing, frozen.echo)
            force = force + rho2 * (x.sensing - x.sensing_copy + x.sensing_dual)
            sensing = _psd(x.sensing - force / (rho2 + bend)[:, None, None])
            data, sensing = _within(x.data, sensing, air.limit)
            upload = times(x)[0][:, None, None]
            data_copy = _psd(data + x.data_dual - upload / rho1 * eye)  # (48)
            sensing_copy = _psd(sensing + x.sensing_dual - upload / rho2 * eye)  # (49)
            x = x._replace(data=data, sensing=sensing, data_copy=data_copy, sensing_copy=sensing_copy)

            upload, remote_s, local_s = times(x)
            value = jnp.stack([-frozen.slack(need, data, sensing), upload + remote_s - tau, local_s - tau])
            slack = jnp.maximum(0.0, -value - x.dual)  # (55)-(57)
            dual = x.dual + value + slack  # (52)-(54)
            apart = jnp.sqrt(_size(data - data_copy) ** 2 + _size(sensing - sensing_copy) ** 2) / air.limit
            late = jnp.max(jnp.abs(value + slack)[1:] / tau)
            residual = jnp.maximum(jnp.max(apart), late)
            return x._replace(
                slack=slack,
                dual=dual,
                data_dual=x.data_dual + data - data_copy,  # (50)
                sensing_dual=x.sensing_dual + sensing - sensing_copy,  # (51)
                residual=residual,
                made=x.made + 1,
            )

        upload, remote_s, local_s = times(x)
        room = jnp.stack([frozen.slack(need, x.data, x.sensing), tau - upload - remote_s, tau - local_s])
        slack = jnp.where(fresh, jnp.maximum(room, 0.0), x.slack)
        begun = x._replace(slack=slack, residual=jnp.asarray(jnp.inf), made=jnp.asarray(0))
        return while_loop(lambda x: (x.made < self.inner) & (x.residual > 1e-4), one, begun)


def _freeze(problem: Problem, bandwidth_hz: Float[Array, ""], x: Inner) -> Frozen:
    """Best combiners and the linearisation at the present point."""
    ears: Listeners = reduced.listen(problem.air, _beams(x))
    k = x.share.shape[0]
    own = jnp.arange(k)
    away = 1 - jnp.eye(k)

    def power(by: Complex[Array, "K K D"], of: Complex[Array, "K D D"]) -> Float[Array, "K K"]:
        return jnp.einsum("jkd,kde,jke->jk", by.conj(), of, by).real

    at_ap, at_ap_sensing = power(ears.data, x.data), power(ears.data, x.sensing)
    disturbed = 1 + jnp.sum(away * at_ap + at_ap_sensing, axis=1)
    sinr = at_ap[own, own] / disturbed
    towards = _outer(ears.data[own, own])
    per_sinr = bandwidth_hz / (jnp.log(2.0) * (1 + sinr))  # (25)
    others = 1 + jnp.sum(away * (power(ears.radar, x.data) + power(ears.radar, x.sensing)), axis=1)
    return Frozen(
        rate=jnp.maximum(bandwidth_hz * jnp.log2(1 + sinr), 1e-6 * bandwidth_hz),
        of_data=(per_sinr / disturbed)[:, None, None] * towards,
        of_sensing=-(per_sinr * sinr / disturbed)[:, None, None] * towards,
        echo=_outer(ears.radar[own, own]),
        noise=others,
        data=x.data,
        sensing=x.sensing,
    )


def _as_decision(problem: Problem, x: Inner) -> Decision:
    """Rank-one beams, powers repaired, the share of the algorithm, frequencies that meet the deadline."""
    work = problem.work
    share = jnp.clip(x.share, work.lowest, jnp.maximum(work.highest, work.lowest))
    fixed = eqx.tree_at(lambda p: (p.work.lowest, p.work.highest), problem, (share, share))
    return optimise.settle(fixed, _beams(x))


def _beams(x: Inner) -> Complex[Array, "K 2 D"]:
    return jnp.stack([_rank_one(x.data), _rank_one(x.sensing)], axis=1)


def _rank_one(matrix: Complex[Array, "K D D"]) -> Complex[Array, "K D"]:
    value, vector = jnp.linalg.eigh(matrix)
    return jnp.sqrt(jnp.maximum(value[:, -1], 0.0))[:, None] * vector[..., -1]


def _psd(matrix: Complex[Array, "K D D"]) -> Complex[Array, "K D D"]:
    value, vector = jnp.linalg.eigh((matrix + matrix.conj().swapaxes(1, 2)) / 2)
    return (vector * jnp.maximum(value, 0.0)[:, None]) @ vector.conj().swapaxes(1, 2)


def _within(
    data: Complex[Array, "K D D"], sensing: Complex[Array, "K D D"], limit: Float[Array, " K"]
) -> tuple[Complex[Array, "K D D"], Complex[Array, "K D D"]]:
    used = _trace(data + sensing)
    scale = jnp.minimum(1.0, limit / jnp.maximum(used, 1e-300))[:, None, None]
    return scale * data, scale * sensing


def _slowest(problem: Problem, s: EnergyScenario) -> Float[Array, ""]:
    """Least frequency of a processor, Hz: nothing is divided by zero."""
    fastest = jnp.maximum(jnp.max(s.terminal_max_frequency_hz), problem.work.capacity)
    return jnp.where(fastest > 0, SLOWEST * fastest, 1.0)


def _quartic(
    a: Float[Array, " K"], b: Float[Array, " K"], c: Float[Array, " K"], low: Float[Array, ""], high: Float[Array, "*K"]
) -> Float[Array, " K"]:
    """The one positive root of ``a x^4 - b x - c`` within limits by bisection of its logarithm; a, c >= 0."""

    def one(_, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        x = jnp.exp(middle)
        above = a * x**4 - b * x - c > 0
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    wide = jnp.ones_like(a + b + c)
    return jnp.exp(lax.fori_loop(0, 50, one, (jnp.log(low) * wide, jnp.log(high) * wide))[1])


def _outer(row: Complex[Array, "K D"]) -> Complex[Array, "K D D"]:
    return row[:, :, None] * row.conj()[:, None, :]


def _dot(one: Complex[Array, "K D D"], other: Complex[Array, "K D D"]) -> Float[Array, " K"]:
    return jnp.sum((one.conj() * other).real, axis=(1, 2))


def _trace(matrix: Complex[Array, "K D D"]) -> Float[Array, " K"]:
    return jnp.trace(matrix, axis1=1, axis2=2).real


def _size(matrix: Complex[Array, "K D D"]) -> Float[Array, " K"]:
    return jnp.sqrt(jnp.sum(jnp.abs(matrix) ** 2, axis=(1, 2)))
