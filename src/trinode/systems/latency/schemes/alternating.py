"""The paper's proposed method: offloading, beams and servers in turn (Algorithms 1 and 2 and problem (47))."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics import interior
from trinode.numerics.loops import while_loop
from trinode.numerics.matrices import hermitian_inverse
from trinode.radio import beams
from trinode.radio.streams import Uplink
from trinode.systems.contract import Scheme
from trinode.systems.latency import optimise, search
from trinode.systems.latency.optimise import Decision, Outcome
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, Tiers, tiers


class Frozen(NamedTuple):
    """Receivers and weights of (39) and (42), held fixed: rates below the true ones, equal at their own beams.

    The rate is ``ln V - V MSE + 1`` in nats; the printed (41) mixes log2 with it and is no lower bound.

    Attributes
    ----------
    useful : (K, S1) bool
        Streams that carry data.
    heard : (K, 2 N, 2 T)
        What the combiners of all N streams make of the signal of each terminal, in real numbers: a row for the real
        and one for the imaginary part.
    own : (K, S1, T)
        The same for each stream's own combiner and terminal.
    noise, weight : (K, S1)
        Noise behind the combiner, V of (42).
    """

    useful: Bool[Array, "K S1"]
    heard: Float[Array, "K N2 T2"]
    own: Complex[Array, "K S1 T"]
    noise: Float[Array, "K S1"]
    weight: Float[Array, "K S1"]

    def rates(self, precoder: Complex[Array, "K S1 T"]) -> Float[Array, "K S1"]:
        """Rates of the surrogate, nat/s/Hz."""
        sent = jnp.concatenate([precoder.real, precoder.imag], axis=2)
        parts = jnp.matmul(self.heard, sent.swapaxes(1, 2))  # (K, 2 N, S1)
        through = jnp.sum(parts**2, axis=(0, 2)).reshape(2, *self.noise.shape).sum(axis=0)
        error = 1 - 2 * jnp.sum((self.own * precoder).real, axis=-1) + through + self.noise  # (38)
        return jnp.where(self.useful, jnp.log(self.weight) - self.weight * error + 1, 0.0)


def freeze(uplink: Uplink, precoder: Complex[Array, "K S1 T"]) -> Frozen:
    """Best receivers (39) and weights (42) for given beams."""
    channel, target = uplink.channel, uplink.target
    received = jnp.sum(channel[:, :, None] * precoder[:, None, :, None], axis=-1)
    heard = jnp.moveaxis(received, 1, 0).reshape(channel.shape[1], -1, channel.shape[2])
    covariance = jnp.sum(heard[..., :, None] * heard.conj()[..., None, :], axis=1) + jnp.eye(channel.shape[2])
    own = jnp.take_along_axis(received, target[:, None, :, None], axis=1)[:, 0]
    combiner = jnp.sum(hermitian_inverse(covariance)[target] * own[:, :, None, :], axis=-1)
    error = 1 - jnp.sum((own.conj() * combiner).real, axis=-1)
    response = jnp.einsum("ksa,jksat->jkst", combiner.conj(), channel[:, target])
    flat = response.reshape(len(channel), target.size, -1)
    rows = [jnp.concatenate([flat.real, -flat.imag], axis=2), jnp.concatenate([flat.imag, flat.real], axis=2)]
    each = jnp.arange(len(channel))
    return Frozen(
        uplink.useful,
        jnp.concatenate(rows, axis=1),
        response[each, each],
        jnp.sum(jnp.abs(combiner) ** 2, axis=-1),
        1 / jnp.maximum(error, 1e-12),
    )


@final
class Alternating(Scheme):
    """Section III of the paper as it is meant.

    Departures, each because the printed step does not work: the surrogate rate uses natural logarithms; powers of
    streams add; stop tests use the absolute change. After Algorithm 1 a terminal takes the mode of its largest total
    share and splits so that its paths take equally long. The first offloading is the mean of the solutions of (33)
    and (34). Of the offloadings that a run of Algorithm 1 passes the quickest is taken, and it is dropped when it is
    slower than the one before: left alone, the penalty drives terminals home one by one.

    Attributes
    ----------
    turns : int
        Most outer turns.
    tolerance : float
        Relative change of the latency at which the turns stop.
    penalty, softening : float
        v of (28) and epsilon of (31).
    """

    name: ClassVar[str] = "alternating"
    summary: ClassVar[str] = "the paper's proposed method: offloading, beams, servers in turn"
    turns: int = eqx.field(static=True, default=12)
    beam_steps: int = eqx.field(static=True, default=6)
    offloading_steps: int = eqx.field(static=True, default=4)
    tolerance: float = eqx.field(static=True, default=1e-3)
    penalty: float = eqx.field(static=True, default=100.0)
    softening: float = eqx.field(static=True, default=1e-3)

    def solve(self, scenario: LatencyScenario, start: LatencySolution | None = None) -> LatencySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        k = scenario.terminals
        view = search.screen(t)
        even = jnp.where(t.linked, 1.0, 0.0) / jnp.maximum(t.linked.sum(1, keepdims=True), 1)
        modes0 = jnp.where(jnp.any(t.edge_able, axis=1), EDGE, jnp.where(jnp.any(t.cloud_able, axis=1), CLOUD, LOCAL))
        matched = optimise.repair(t, optimise.starting_beams(t, modes0, even, view.beam), modes0, view.beam)
        if start is None:
            beam0, had = matched, modes0
        else:
            had, beam0 = search.compact(t, start)

        class Turn(NamedTuple):
            precoder: Complex[Array, "K S1 T"]
            shares: tuple[Float[Array, "K S"], Float[Array, "K S"], Float[Array, " K"]]
            best: Decision
            history: Float[Array, " H"]
            change: Float[Array, ""]
            made: Int[Array, ""]

        crowd = jnp.zeros(scenario.access_points).at[t.index].add(t.linked)
        equal = jnp.where(t.linked, 1 / jnp.maximum(crowd, 1.0)[t.index], 0.0)
        equal = jnp.minimum(equal, _cubic_cap(t, equal))
        spread = (equal, jnp.where(t.linked, 1 / jnp.maximum(crowd, 1.0)[t.index], 0.0), jnp.full(k, 1.0 / k))
        blank = optimise.settle(t, had, beam0, jnp.asarray(0))
        given = search.as_is(t, had, beam0, view) if start is not None else blank._replace(latency=jnp.asarray(jnp.inf))

        def one(turn: Turn) -> Turn:
            fresh = (turn.made == 0) & (start is None)
            tried = self._offloading(t, turn.precoder, turn.shares, turn.best, fresh)
            # the first offloading is measured against all-edge
            before = jax.tree.map(lambda a, b: jnp.where(fresh, a, b), blank, turn.best)
            drop = tried.latency > before.latency
            held = jax.tree.map(lambda a, b: jnp.where(drop, a, b), before, tried)
            precoder, spent = self._beams(t, held, view)
            now = optimise.settle(t, held.modes, precoder, held.evaluations + spent)  # (47)
            now = jax.tree.map(lambda a, b: jnp.where(now.latency <= held.latency, a, b), now, held)
            better = now.latency < turn.best.latency
            best = jax.tree.map(lambda a, b: jnp.where(better, a, b), now, turn.best)
            best = best._replace(evaluations=now.evaluations)
            on_edge = (best.modes == EDGE)[:, None]
            on_cloud = best.modes == CLOUD
            # what a terminal does not use stays as it was
            shares = (
                jnp.where(on_edge, best.computing.share, turn.shares[0]),
                jnp.where(on_cloud[:, None], best.computing.share, turn.shares[1]),
                jnp.where(on_cloud, best.computing.serial_share, turn.shares[2]),
            )
            change = jnp.abs(turn.best.latency - best.latency) / best.latency
            history = turn.history.at[turn.made].set(best.latency)
            return Turn(best.precoder, shares, best, history, change, turn.made + 1)

        first = Turn(beam0, spread, given, jnp.full(self.turns, jnp.nan), jnp.asarray(jnp.inf), jnp.asarray(0))
        last = while_loop(
            lambda turn: (turn.made < self.turns) & ~(turn.change <= self.tolerance) & view.met, one, first
        )
        # without a feasible echo nothing is decided: report the start
        best = jax.tree.map(lambda a, b: jnp.where(view.met, a, b), last.best, blank)
        return search.finish(t, Outcome(best, last.change <= self.tolerance, last.history), view)

    def _beams(self, t: Tiers, held: Decision, view: search.Screen) -> tuple[Complex[Array, "K S1 T"], Int[Array, ""]]:
        """Algorithm 2: WMMSE receivers and the linearised echo (45)-(46), each program descended by the engine."""
        on_edge, on_cloud = held.modes == EDGE, held.modes == CLOUD
        k, links = t.snr.shape
        usable = jnp.where(on_edge[:, None], t.edge_able, t.cloud_able & on_cloud[:, None])
        split = optimise.splits(t, held)
        need = t.scenario.sensing_sinr_min
        budget = t.budget(held.modes == LOCAL)
        gate = jnp.concatenate([usable, jnp.ones((k, 1), bool)], axis=1)[..., None]
        used = optimise.in_loads(t.pool(held.modes, jnp.ones_like(t.snr)))
        fixed = used.cost / _safe(held.computing.share)
        serial = jnp.where(on_cloud, used.serial / _safe(held.computing.serial_share), 0.0)
        live = usable & (split > 1e-6)

        def worth(rate: Float[Array, "K S1"], w: Complex[Array, "K S1 T"], x: Float[Array, " n"]) -> Float[Array, ""]:
            # offloading and servers fixed: the slowest path of (36b), (36c)
            rate = jnp.maximum(rate[:, :links], 1e-3)
            time = jnp.where(live, split * (used.upload / rate + fixed) + serial[:, None], 0.0)
            return optimise.soft_max(
                time.reshape(-1), live.reshape(-1), sharpness=60.0
            )  # sharper ends sooner, at worse beams

        def step(_, carry):
            precoder, price, spent = carry
            frozen = freeze(t.uplink, precoder)
            at = jnp.sum(t.echo.steering.conj()[:, None] * precoder, axis=2)

            def shortfall(w: Complex[Array, "K S1 T"]) -> Float[Array, " K"]:
                now = jnp.sum(t.echo.steering.conj()[:, None] * w, axis=2)
                line = jnp.sum((at.conj() * (2 * now - at)).real, axis=1)  # Lemma 2, stream by stream
                wanted = need * (1 + optimise.ECHO_MARGIN) * (t.echo.noise_w + t.echo.parts(w)[1])
                return jnp.where(need > 0, 1 - t.echo.gain * line / jnp.where(need > 0, wanted, 1.0), -1.0)

            moved = beams.improve(
                frozen,
                worth,
                shortfall,
                precoder,
                jnp.zeros(0),
                price,
                budget,
                penalty=2.0,
                max_evaluations=40,
            )
            w = optimise.repair(t, jnp.where(gate, moved.precoder, 0.0), held.modes, view.beam)
            return w, moved.price, spent + moved.evaluations

        begin = optimise.repair(t, jnp.where(gate, held.precoder, 0.0), held.modes, view.beam)
        w, _, spent = lax.fori_loop(0, self.beam_steps, step, (begin, jnp.zeros(k), jnp.asarray(0)))
        return w, spent

    def _offloading(self, t: Tiers, precoder, shares, best: Decision, fresh: Bool[Array, ""]) -> Decision:
        """Algorithm 1: linear programs (32) with penalty (28) and weights (31), then the rounding.

        Its latency is infinite where no rounding leads to a decision.
        """
        k, links = t.snr.shape
        rate = jnp.maximum(t.uplink.rates(precoder)[:, :links], 1e-4)
        everyone = jnp.ones(k, bool)
        edge, cloud = t.edge_pool(everyone, rate), t.cloud_pool(everyone, rate)
        path_b = jnp.where(edge.usable, edge.upload + edge.cost / _safe(shares[0]), jnp.inf)
        path_c = jnp.where(cloud.usable, cloud.upload + cloud.cost / _safe(shares[1]), jnp.inf)
        serial = cloud.serial / _safe(shares[2])
        unit = jnp.max(jnp.where(jnp.isfinite(t.local_s), t.local_s, 0.0))
        unit = jnp.where(unit > 0, unit, 1.0)
        b, c = _equal_split(path_b), _equal_split(path_c)
        local = jnp.where(jnp.isfinite(t.local_s), t.local_s, 1e3 * unit) / unit
        edge_cubic = edge.cubic * shares[0] ** 3
        was_edge, was_cloud = (best.modes == EDGE)[:, None], (best.modes == CLOUD)[:, None]
        b0 = jnp.where(fresh, 0.5 * b, jnp.where(was_edge, b, 0.0))
        c0 = jnp.where(fresh, 0.5 * c, jnp.where(was_cloud, c, 0.0))

        allowed = jnp.stack([jnp.isfinite(t.local_s), jnp.any(edge.usable, 1), jnp.any(cloud.usable, 1)])

        def program(_, carry):
            b, c, chosen = carry
            b, c = _penalised_program(
                b, c, path_b / unit, path_c / unit, serial / unit, local, t, shares, edge_cubic, self
            )
            total = jnp.stack([1 - b.sum(1) - c.sum(1), b.sum(1), c.sum(1)])
            modes = jnp.argmax(jnp.where(allowed, total, -1.0), axis=0)
            settled = optimise.settle(t, modes, precoder, best.evaluations)
            better = settled.latency < chosen.latency
            return b, c, jax.tree.map(lambda new, old: jnp.where(better, new, old), settled, chosen)

        nothing = (b0, c0, best._replace(latency=jnp.asarray(jnp.inf)))
        return lax.fori_loop(0, self.offloading_steps, program, nothing)[2]


def _penalised_program(b0, c0, path_b, path_c, serial, local, t: Tiers, shares, edge_cubic, scheme: Alternating):
    """One linear program (32), solved by the interior-point method; x = (b, c, t_mec, t_cc, t), all at least 0."""
    k, links = b0.shape
    n = 2 * k * links + 2 * k + 1
    size = k * links
    can_b, can_c = jnp.isfinite(path_b), jnp.isfinite(path_c)
    path_b, path_c = jnp.where(can_b, path_b, 1e3), jnp.where(can_c, path_c, 1e3)
    xb, xc = b0.sum(1), c0.sum(1)
    tb = jnp.max(jnp.where(b0 > 0, b0 * path_b, 0.0), axis=1)
    tc = jnp.max(jnp.where(c0 > 0, c0 * path_c, 0.0), axis=1) + serial
    tb = jnp.where(xb > 1e-9, tb, 1 / jnp.sum(jnp.where(can_b, 1 / path_b, 1e-9), axis=1))
    tc = jnp.where(xc > 1e-9, tc, 1 / jnp.sum(jnp.where(can_c, 1 / path_c, 1e-9), axis=1) + serial)
    owner = jnp.repeat(jnp.eye(k), links, axis=1)
    rho_b = scheme.penalty * (1 - xb) * xb
    rho_c = scheme.penalty * (1 - xc) * xc
    # links that cannot be used are in no constraint, and a price sends them to zero
    live_b, live_c = can_b.reshape(-1), can_c.reshape(-1)
    own_b, own_c = owner * live_b, owner * live_c
    # (29): slope 1 - 2 x of each penalty
    push_b = jnp.where(live_b, owner.T @ (rho_b * (1 - 2 * xb)), 1.0)
    push_c = jnp.where(live_c, owner.T @ (rho_c * (1 - 2 * xc)), 1.0)
    cost = jnp.concatenate([push_b, push_c, jnp.full(2 * k, 1e-6), jnp.ones(1)])
    eye, zero = jnp.eye(k), jnp.zeros((k, 1))
    member = (t.index.reshape(-1)[None] == jnp.arange(t.scenario.access_points)[:, None]).astype(float)
    w_b = 1 / (b0.reshape(-1) + scheme.softening)
    w_c = 1 / (c0.reshape(-1) + scheme.softening)
    blank = jnp.zeros((member.shape[0], size))
    pad = jnp.zeros((member.shape[0], 2 * k + 1))
    rows = [
        # (32a): t - [local (1 - xb - xc) + linearised products] >= 0
        jnp.concatenate(
            [
                own_b * (local - tb)[:, None],
                own_c * (local - tc)[:, None],
                -eye * xb[:, None],
                -eye * xc[:, None],
                zero + 1,
            ],
            axis=1,
        ),
        # (26b), (26c)
        jnp.concatenate(
            [
                -jnp.diag(live_b * path_b.reshape(-1)),
                jnp.zeros((size, size)),
                own_b.T,
                0 * owner.T,
                jnp.zeros((size, 1)),
            ],
            axis=1,
        ),
        jnp.concatenate(
            [
                jnp.zeros((size, size)),
                -jnp.diag(live_c * path_c.reshape(-1)),
                0 * owner.T,
                own_c.T,
                jnp.zeros((size, 1)),
            ],
            axis=1,
        ),
        # (27a)
        jnp.concatenate([-own_b, -own_c, 0 * eye, 0 * eye, zero], axis=1),
        # (32c), (32b), (32d), (23g)
        jnp.concatenate([-member * (live_b * w_b * shares[0].reshape(-1)), blank, pad], axis=1),
        jnp.concatenate([-member * (live_b * w_b * edge_cubic.reshape(-1)), blank, pad], axis=1),
        jnp.concatenate([blank, -member * (live_c * w_c * shares[1].reshape(-1)), pad], axis=1),
        jnp.concatenate([jnp.zeros(size), -(owner.T @ shares[2]), jnp.zeros(2 * k + 1)])[None],
    ]
    offset = jnp.concatenate(
        [
            -local + xb * tb + xc * tc,
            jnp.where(live_b, 0.0, 1.0),
            jnp.where(live_c, -jnp.repeat(serial, links), 1.0),
            jnp.ones(k),
            jnp.ones(3 * member.shape[0]) * (1 + 1e-6),
            jnp.ones(1) * (1 + 1e-6),
        ]
    )
    matrix = jnp.concatenate(rows)
    small = 1e-4 / jnp.maximum(jnp.max(jnp.sum(can_b | can_c, axis=1)), 1)
    begin_b = jnp.full(size, small)
    high = 2 + jnp.max(local) + jnp.max(xb * tb + xc * tc)
    t_c = serial + 1.0
    begin = jnp.concatenate([begin_b, begin_b, jnp.ones(k), t_c, high + jnp.max(xb + xc * t_c, keepdims=True)])

    def values(x: Float[Array, " n"]) -> Float[Array, " m"]:
        return matrix @ x + offset

    def derivatives(x: Float[Array, " n"], z: Float[Array, " m"]):
        return values(x), matrix, jnp.zeros((n, n))

    best = interior.minimize_linear(cost, values, derivatives, begin, jnp.full(n, 1e3), tolerance=1e-4, max_steps=30)
    x = best.point
    good = jnp.all(jnp.isfinite(x))
    b = jnp.where(good & can_b, x[:size].reshape(k, links), b0)
    c = jnp.where(good & can_c, x[size : 2 * size].reshape(k, links), c0)
    return jnp.clip(b, 0.0, 1.0), jnp.clip(c, 0.0, 1.0)


def _equal_split(path: Float[Array, "K S"]) -> Float[Array, "K S"]:
    speed = 1 / path
    total = speed.sum(1, keepdims=True)
    return speed / jnp.where(total > 0, total, 1.0)


def _cubic_cap(t: Tiers, share: Float[Array, "K S"]) -> Float[Array, "K S"]:
    """Largest equal shares within the power of each access point."""
    everyone = jnp.ones(share.shape[0], bool)
    cubic = t.edge_pool(everyone, None).cubic
    burn = jnp.zeros(t.scenario.access_points).at[t.index].add(jnp.where(t.linked, cubic * share**3, 0.0))
    return share / jnp.maximum(1.0, jnp.cbrt(burn))[t.index]


def _safe(share: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.maximum(share, 1e-9)
