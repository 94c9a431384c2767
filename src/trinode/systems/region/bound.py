"""What no decision of a scenario can beat: dirty paper coding in uplink form, error noise included, powers in cells.

Let P_m in [0, 1] be the power that access point m sends in all. Terminal k has a noise of at least
``n_k(P) = 1 + sum_m e_mk P_m``, e_mk the smallest eigenvalue of its error covariance there. Linear precoding is no
better than dirty paper coding, and within the powers P every decision is within one limit that weighs them by any
``y_m > 0``. The dual of that is the uplink with noise y_m at access point m, whose terminals share their powers
(Viswanath and Tse 2003; Yu and Lan 2007):

    max over q of  log det(I + Y^-1 sum_k q_k g_k g_k^H)   where   sum_k q_k n_k(P) <= sum_m y_m P_m

The weights that fit depend on P, as it may pay to be silent where estimates are poor. So P is kept within cells, each
with weights of its own. In a cell terminal k alone has at most the power ``r_k = max over P of y . P / n_k(P)``, with
the P that it likes best; what is maximised is concave, and any X > 0 bounds it:

    log det X + K log((tr(X^-1) + max_k r_k h_k^H X^-1 h_k) / K),   h_k = Y^-1/2 g_k

The y and ``X = I + sum_k x_k h_k h_k^H`` of a cell are chosen by descent; whatever they are, the value holds. The
largest of all cells is the bound. The cell that it comes from is cut in two, again and again, at the access point over
whose power the terminals disagree most. Cells in which nobody may send at full power are left out: all powers together,
raised until somebody does, serve everybody better. Sensing only takes power, so all of it holds with sensing as well.
Access points that sense send at full power, which leaves less to be cut.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics import descent
from trinode.numerics.loops import while_loop
from trinode.systems.region.scenario import RegionScenario

SENSING = "sensing"
"""The family of decisions that meet what is asked of sensing."""
FAMILIES = {"": False, SENSING: True}
"""Whether it is met, by family."""
CONTESTED = 3
"""Access points at which powers are cut to begin with; later half as many cells are cut at a time as there are then."""
ROUNDS = 5
"""Most rounds of cuts."""
FIRST = 40
AGAIN = 20
"""Evaluations in each cell to begin with, and in each half of a cell."""
SOFTNESS = 0.03
"""Of the maximum over the terminals while a cell is descended in, nat."""
CLOSE = 1e-3
"""Cuts end where terminals disagree about less than this part of the bound, and the last ones gained less."""


class Cells(NamedTuple):
    """Powers of access points between two limits, variables of the bound over them, and what it is; one, or stacked.

    Attributes
    ----------
    low, high : (C, M)
    x : (C, M + K)
        Logarithms of weights, in units of 1 / high, and of x_k, in units of r_k.
    value : (C,)
        Nat; minus infinity where there is no such cell.
    doubt : (C, M)
        About how much of it, in nat, comes from terminals that disagree about an access point's power.
    """

    low: Float[Array, "*C M"]
    high: Float[Array, "*C M"]
    x: Float[Array, "*C n"]
    value: Float[Array, "*C"]
    doubt: Float[Array, "*C M"]


class _Run(NamedTuple):
    """Known cells, those to be looked at and their places among them, rounds, and the largest bound before."""

    cells: Cells
    new: Cells
    places: Int[Array, " C"]
    rounds: Int[Array, ""]
    before: Float[Array, ""]


def bound(scenario: RegionScenario, sensing: bool | Bool[Array, ""] = False) -> Float[Array, ""]:
    """Upper bound of the sum rate, bit/s/Hz.

    Parameters
    ----------
    sensing : bool
        Of those that meet what is asked of sensing only, of all decisions within the powers otherwise.
    """
    gram, error = _statistics(scenario)
    asked = scenario.targets is not None or ~jnp.isnan(scenario.pattern_mse_max)
    full = jnp.where(scenario.sensing_ap & asked & sensing, 1.0, 0.0)
    opening = _opening(error, full)
    lanes = len(opening.value)
    cuts = lanes // 2

    def going(run: _Run) -> Bool[Array, ""]:
        worst = jnp.argmax(run.cells.value)
        now = run.cells.value[worst]
        more = (jnp.max(run.cells.doubt[worst]) > CLOSE * now) | (run.before - now > CLOSE * now)
        return (run.rounds == 0) | ((run.rounds <= ROUNDS) & more)

    def step(run: _Run) -> _Run:
        cells, new, places, rounds, _ = run
        before = jnp.where(rounds == 0, jnp.inf, jnp.max(cells.value))
        new = _lowered(gram, error, new, jnp.where(rounds == 0, FIRST, AGAIN))
        cells = jax.tree.map(lambda old, new: old.at[places].set(new), cells, new)
        _, worst = lax.top_k(cells.value, cuts)
        halves = _halves(error, jax.tree.map(lambda leaf: leaf[worst], cells))
        places = jnp.concatenate([worst, lanes + rounds * cuts + jnp.arange(cuts)])
        return _Run(cells, halves, places, rounds + 1, before)

    room = lanes + ROUNDS * cuts
    cells = jax.tree.map(lambda leaf: jnp.full((room, *leaf.shape[1:]), -jnp.inf), opening)
    start = _Run(cells, opening, jnp.arange(lanes), jnp.asarray(0), jnp.asarray(jnp.inf))
    last = while_loop(going, step, start)
    return jnp.max(last.cells.value) / jnp.log(2.0) * (1 + 1e-9)


def _statistics(s: RegionScenario) -> tuple[Complex[Array, "M K K"], Float[Array, "M K"]]:
    """Inner products of the channels at each access point, and the smallest error noise e_mk there."""
    power = s.ap_power[:, None]
    channel = jnp.sqrt(power)[..., None] * s.channel_estimate
    gram = jnp.einsum("mka,mja->mkj", channel.conj(), channel)
    # diagonal blocks less what the others can take away (Gershgorin, by blocks)
    norm = jnp.sqrt(power * s.ap_power)[..., None] * jnp.linalg.norm(s.error_covariance, axis=(3, 4))
    at = jnp.arange(s.access_points)
    others = jnp.sum(norm.at[at, at].set(0.0), axis=1)
    own = s.error_covariance[at, at]
    lowest = jnp.linalg.eigvalsh((own + own.conj().swapaxes(-1, -2)) / 2)[..., 0]
    return gram, jnp.maximum(power * lowest - others, 0.0) * (1 - 1e-12)


def _middle(low: Float[Array, " n"], high: Float[Array, " n"], error: Float[Array, " n"]) -> Float[Array, " n"]:
    """Power at which the logarithm of an error noise, and 1, is halfway between those at two others."""
    error = jnp.maximum(error, 1e-300)
    return jnp.expm1(0.5 * (jnp.log1p(error * low) + jnp.log1p(error * high))) / error


def _opening(error: Float[Array, "M K"], full: Float[Array, " M"]) -> Cells:
    """All powers from some on, in cells, cut at the access points with the largest errors; nothing is known of them."""
    m, k = error.shape
    size = min(CONTESTED, m)
    upper = np.array(list(product([True, False], repeat=size)))
    worst = jnp.max(error, axis=1)
    contested = jnp.argsort(-jnp.where(full < 1, worst, -1.0))[:size]
    middle = _middle(full, jnp.ones(m), worst)[contested]
    low = jnp.tile(full, (len(upper), 1)).at[:, contested].set(jnp.where(upper, middle, full[contested]))
    high = jnp.ones_like(low).at[:, contested].set(jnp.where(upper, 1.0, middle))
    x = jnp.concatenate([jnp.zeros(m), jnp.full(k, -jnp.log(k))])
    return Cells(low, high, jnp.tile(x, (len(low), 1)), jnp.full(len(low), jnp.inf), jnp.zeros_like(low))


def _halves(error: Float[Array, "M K"], cells: Cells) -> Cells:
    """Both halves of every cell; what held for all of it is kept as their bound."""
    at = (jnp.arange(len(cells.value)), jnp.argmax(cells.doubt, axis=1))
    middle = _middle(cells.low[at], cells.high[at], jnp.max(error, axis=1)[at[1]])
    upper, lower = cells._replace(low=cells.low.at[at].set(middle)), cells._replace(high=cells.high.at[at].set(middle))
    return jax.tree.map(lambda *both: jnp.concatenate(both), upper, lower)


def _lowered(
    gram: Complex[Array, "M K K"], error: Float[Array, "M K"], cells: Cells, evaluations: Int[Array, ""]
) -> Cells:
    """Cells with bounds that are lower, from their variables on."""
    m = len(error)

    def value(limits: tuple[Array, Array], x: Float[Array, " n"], softness: float = SOFTNESS) -> Float[Array, ""]:
        weights = jax.nn.softmax(x[:m]) / limits[1]
        reach = _reach(weights, error, *limits)
        return _within(gram, weights, jnp.exp(x[m:]) * reach, reach, softness)

    lanes = len(cells.value)
    run = descent.descend_many(
        value,
        (cells.low, cells.high),
        jax.vmap(descent.begun)(cells.x),
        until=jnp.full(lanes, evaluations),
        tolerance=jnp.full(lanes, 1e-4),
    )

    def found(low: Float[Array, " M"], high: Float[Array, " M"], x: Float[Array, " n"], known: Array) -> Cells:
        limit = jnp.minimum(value((low, high), x, 0.0), known)
        return Cells(low, high, x, jnp.where(jnp.max(high) < 1, -jnp.inf, limit), _doubt(error, low, high, x))

    return jax.vmap(found)(cells.low, cells.high, run.x, cells.value)


def _doubt(
    error: Float[Array, "M K"], low: Float[Array, " M"], high: Float[Array, " M"], x: Float[Array, " n"]
) -> Float[Array, " M"]:
    """How much of a bound comes from terminals that disagree: the lesser of what either side of them would lose."""
    m, k = error.shape
    weights = jax.nn.softmax(x[:m]) / high
    on = weights[:, None] >= error * _reach(weights, error, low, high)
    liked = jnp.where(on, high[:, None], low[:, None])
    above, below = weights @ liked, 1 + jnp.sum(error * liked, axis=0)

    def instead(power: Float[Array, " M"]) -> Float[Array, "M K"]:
        """Logarithm of each terminal's power where one access point's is not as it likes best."""
        other = power[:, None] - liked
        return jnp.log(above + weights[:, None] * other) - jnp.log(below + error * other)

    gain = (instead(high) - instead(low)) * jax.nn.softmax(x[m:]) * k
    return jnp.minimum(jnp.sum(jnp.maximum(gain, 0.0), axis=1), jnp.sum(jnp.maximum(-gain, 0.0), axis=1))


def _within(
    gram: Complex[Array, "M K K"],
    weights: Float[Array, " M"],
    mix: Float[Array, " K"],
    reach: Float[Array, " K"],
    softness: float,
) -> Float[Array, ""]:
    """Bound over one cell, nat; all that is needed of the h_k is their inner products."""
    k = len(mix)
    inner = jnp.einsum("m,mij->ij", 1 / weights, gram)
    root = jnp.sqrt(mix)
    low = jnp.linalg.cholesky(jnp.eye(k) + root[:, None] * inner * root)
    alone = jnp.diagonal(inner).real
    # h_k^H X^-1 h_k: what X takes from |h_k|^2 or, where that is nearly all of it, what X^-1 leaves of 1, over x_k
    both = jax.scipy.linalg.solve_triangular(low, jnp.concatenate([root[:, None] * inner, jnp.eye(k)], 1), lower=True)
    taken, left = jnp.split(jnp.sum(both.real**2 + both.imag**2, axis=0), 2)
    strong = mix * alone > 1e6
    through = jnp.where(strong, (1 - left) / jnp.where(strong, mix, 1.0), alone - taken)
    trace = k - jnp.sum(mix * through) + _largest(through * reach, softness)
    return 2 * jnp.sum(jnp.log(jnp.diagonal(low).real)) + k * jnp.log(trace / k)


def _reach(
    weights: Float[Array, " M"], error: Float[Array, "M K"], low: Float[Array, " M"], high: Float[Array, " M"]
) -> Float[Array, " K"]:
    """Largest power r_k of each terminal alone, over the powers of a cell.

    Access points go from their lower to their upper limit in the order of falling ``y_m / e_mk``, as long as the ratio
    rises.
    """
    more = high - low
    order = jnp.argsort(error / weights[:, None], axis=0)
    gain = jnp.take_along_axis(jnp.broadcast_to((weights * more)[:, None], order.shape), order, axis=0)
    noise = jnp.take_along_axis(error * more[:, None], order, axis=0)
    none = jnp.zeros((1, order.shape[1]))
    above = low @ weights + jnp.concatenate([none, jnp.cumsum(gain, axis=0)])
    below = 1 + low @ error + jnp.concatenate([none, jnp.cumsum(noise, axis=0)])
    return jnp.max(above / below, axis=0)


def _largest(x: Float[Array, " n"], softness: float) -> Float[Array, ""]:
    return softness * jax.scipy.special.logsumexp(x / softness) if softness else jnp.max(x)
