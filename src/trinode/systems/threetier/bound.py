"""What no decision of a scenario can beat: links without interference, echo requirements priced, exact assignment.

Without the others a link carries ``B log2(1 + w^H G w)`` with ``G = H^H H / noise``. In the covariances
``Q_k = w_k w_k^H`` this and every echo requirement (18e) are concave and linear, so with a price ``m_k >= 0`` per
requirement everything separates into terminals and links. Whatever the prices,

    sum_k m_k noise_k + min over decisions of sum_k min over Q_k of (time(tr G_k Q_k) - tr(M_k Q_k))

is a lower bound; M_k holds what the beam of terminal k earns at its own radar and costs at all others. The inner
minimum is bounded by a tangent of the time, which leaves one largest eigenvalue; the outer one is an assignment. At
prices of zero this is the bound of terminals that are alone and need not sense. Interference is then added for pairs of
terminals (:mod:`trinode.systems.threetier.pairs`). Where the tasks have no places, or all the power is not enough for
the echoes, nothing is feasible and the bound is infinite.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float

from trinode.numerics import descent
from trinode.sensing import echo
from trinode.systems.report import FEASIBILITY_TOLERANCE
from trinode.systems.threetier.pairs import Links, paired, tangent
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.tiers import CLOUD, EDGE, KINDS, LOCAL, Decision, Tiers, tiers

SMOOTHING = (3e-3, 5e-4, 1e-4)
"""Of the largest eigenvalue, as a share of a mean upload, in successive rounds; each ends in a new assignment."""
EVALUATIONS = 40
"""Gradients of a round."""
STEPS = 12
"""Steps that look for the best tangent of each link."""
PAIRED = 64
"""With more terminals no pairs are formed: it would take longer than all the rest, and pairs count for little then."""


class Echoes(NamedTuple):
    """Requirements in shares ``X = Q / P`` of the permitted powers: ``sum_j tr(matrix[k, j] X_j) + noise[k] <= 0``,
    in units of the largest echo power that terminal k could hear."""

    matrix: Complex[Array, "K K T T"]
    noise: Float[Array, " K"]


FAMILIES = {name: name for name in KINDS}
"""Each has a program of its own: it leaves out the places that it does not know."""


def bound(scenario: ThreetierScenario, family: str = "") -> Float[Array, ""]:
    """Lower bound of the sum of latencies, s; infinite where no decision is feasible for certain.

    Parameters
    ----------
    family : {"", "edge", "local"}
        All decisions, those without the cloud, or those where every terminal computes itself.
    """
    t = tiers(scenario)
    alone = t.choose(t.alone(), KINDS[family])
    total = alone.latency
    if family != "local":  # who computes itself takes the same time however it senses
        total = jnp.maximum(total, _priced(t, alone, KINDS[family]))
    heard = echo_limit(t, KINDS[family]) >= 1 - FEASIBILITY_TOLERANCE
    return jnp.where(jnp.isfinite(alone.latency) & heard, total * (1 - 1e-12), jnp.inf)


def echo_limit(t: Tiers, kinds: tuple[int, ...]) -> Float[Array, ""]:
    """Factor on all echo requirements (18e) that none exceeds; below 1 they cannot be met together.

    Every terminal may radiate all that it has, less what its own processor takes where it can compute nowhere else.
    """
    link = t.upload_s(t.alone(), t.scenario.task_bits[:, None])
    away = jnp.full(t.scenario.terminals, jnp.inf)
    for kind, rest in ((EDGE, t.edge_s), (CLOUD, t.cloud_s)):
        away = jnp.minimum(away, jnp.min(link, axis=1) + rest) if kind in kinds else away
    power = t.budget(jnp.where(jnp.isfinite(away), EDGE, LOCAL))
    model = eqx.tree_at(lambda e: e.max_power_w, t.echo, power)
    return echo.largest_margin(model, t.scenario.sensing_sinr_min, verdict_only=True, max_rounds=0).upper


def _priced(t: Tiers, first: Decision, kinds: tuple[int, ...]) -> Float[Array, ""]:
    """The best bound over rounds of price ascent and assignment."""
    s = t.scenario
    k = s.terminals
    power = s.terminal_max_power_w
    bits = s.task_bits * jnp.log(2.0) / s.bandwidth_hz  # time = bits / spectral efficiency in nats
    gram = jnp.einsum("kmat,kmau->kmtu", t.channel.conj(), t.channel) * power[:, None, None, None]
    echoes = _echoes(t)
    alone = t.alone()
    open_ = alone > 0
    nats = jnp.where(open_, alone, 1.0)
    own_share = t.budget(jnp.full(k, LOCAL)) / jnp.where(power > 0, power, 1.0)
    scale = jnp.mean(jnp.where(jnp.any(open_, axis=1), bits / jnp.max(nats, axis=1), 0.0))
    scale = jnp.where(scale > 0, scale, 1.0)

    def prices(x: Float[Array, " n"]) -> tuple[Float[Array, " K"], Complex[Array, "K T T"]]:
        price = scale * jnp.exp(jnp.minimum(x[:k], 5.0))
        return price, jnp.sum(price[:, None, None, None] * echoes.matrix, axis=0)

    def everywhere(x: Float[Array, " n"]) -> tuple[Float[Array, ""], Decision, Links]:
        """Certified bound at the prices of x, the decision that has it, and what every link costs then."""
        price, cost = prices(x)

        def look(_, state):
            r, low, high, best = state
            value, top = tangent(bits[:, None], r)
            worth, vector = _largest(top[..., None, None] * gram - cost[:, None])
            best = jnp.maximum(best, value - jnp.maximum(worth, 0.0))
            reached = jnp.log1p(jnp.where(worth > 0, _form(gram, vector), 0.0))
            above = reached > r
            low, high = jnp.where(above, r, jnp.maximum(low, reached)), jnp.where(above, jnp.minimum(high, reached), r)
            return 0.5 * (low + high), low, high, best

        state = (nats * jnp.exp(x[k:, None]), jnp.zeros_like(nats), nats, jnp.full_like(nats, -jnp.inf))
        at, _, _, best = lax.fori_loop(0, STEPS, look, state)
        link = jnp.where(open_, best, jnp.inf)
        own = t.local_s - own_share * jnp.maximum(_largest(-cost)[0], 0.0)
        decision = t.place(link, own, kinds)
        return decision.latency + jnp.sum(price * echoes.noise), decision, Links(link, own, at, cost)

    def ascend(state, smooth: Float[Array, ""]):
        x, target, away, best = state
        g = jnp.take_along_axis(gram, target[:, None, None, None], axis=1)[:, 0]
        full = jnp.take_along_axis(nats, target[:, None], axis=1)[:, 0]
        share = jnp.where(away, 1.0, own_share)

        def missing(x: Float[Array, " n"]) -> Float[Array, ""]:
            price, cost = prices(x)
            value, top = tangent(bits, full * jnp.exp(x[k:]))
            worth = _soft_largest(jnp.where(away, top, 0.0)[:, None, None] * g - cost, smooth * scale)
            total = jnp.sum(jnp.where(away, value, 0.0) - share * worth) + jnp.sum(price * echoes.noise)
            return -total / (k * scale)

        found = descent.lbfgs(missing, x, max_evaluations=EVALUATIONS, tolerance=1e-7)
        total, decision, links = everywhere(found.point)
        state = (found.point, decision.target, decision.mode != LOCAL, jnp.maximum(best, total))
        return state, (decision, links)

    x = jnp.concatenate([jnp.full(k, -3.0), jnp.full(k, -0.01)])
    begin = (x, first.target, first.mode != LOCAL, jnp.asarray(-jnp.inf))
    (x, _, _, best), seen = lax.scan(ascend, begin, jnp.asarray(SMOOTHING))
    if not t.scenario.even_edge or k > PAIRED:
        return best
    decision, links = jax.tree.map(lambda leaf: leaf[-1], seen)
    return jnp.maximum(best, paired(t, links, decision, kinds) + jnp.sum(prices(x)[0] * echoes.noise))


def _echoes(t: Tiers) -> Echoes:
    e, need, power = t.echo, t.scenario.sensing_sinr_min, t.scenario.terminal_max_power_w
    asked = need > 0
    wanted = jnp.where(asked, need, 1.0)
    size = e.gain * power * jnp.sum(jnp.abs(e.steering) ** 2, axis=1) / wanted
    size = jnp.where(size > 0, size, 1.0)
    own = e.steering[:, :, None] * e.steering.conj()[:, None, :] * (e.gain * power / wanted)[:, None, None]
    matrix = e.leakage * power[None, :, None, None] - jnp.eye(len(need))[:, :, None, None] * own[:, None]
    matrix = jnp.where(asked[:, None, None, None], matrix / size[:, None, None, None], 0.0)
    return Echoes(matrix, jnp.where(asked, e.noise_w / size, 0.0))


def _form(matrix: Complex[Array, "... T T"], vector: Complex[Array, "... T"]) -> Float[Array, "..."]:
    return jnp.sum((vector.conj() * jnp.sum(matrix * vector[..., None, :], axis=-1)).real, axis=-1)


def _largest(matrix: Complex[Array, "... T T"]) -> tuple[Float[Array, "..."], Complex[Array, "... T"]]:
    values, vectors = jnp.linalg.eigh(matrix)
    return values[..., -1], vectors[..., -1]


@jax.custom_vjp
def _soft_largest(matrix: Complex[Array, "K T T"], smooth: Float[Array, ""]) -> Float[Array, " K"]:
    """Smooth, and at least the largest of 0 and the eigenvalues."""
    return _soft_forward(matrix, smooth)[0]


def _soft_forward(matrix, smooth):
    values, vectors = jnp.linalg.eigh(matrix)
    padded = jnp.concatenate([values, jnp.zeros_like(values[..., :1])], axis=-1) / smooth
    weight = jax.nn.softmax(padded, axis=-1)[..., :-1]
    covariance = jnp.sum((weight[..., None, :] * vectors)[..., :, None, :] * vectors.conj()[..., None, :, :], axis=-1)
    return smooth * jax.nn.logsumexp(padded, axis=-1), covariance


def _soft_backward(covariance, pull):
    # JAX's cotangent of a complex input is the conjugate of the direction of ascent
    return pull[..., None, None] * covariance.conj(), jnp.zeros(())


_soft_largest.defvjp(_soft_forward, _soft_backward)
