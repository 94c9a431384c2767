"""The pieces of Algorithm 2 of the paper, each with only the data that the station computing it has.

Channels are divided by the noise amplitude, rates are in nat/s/Hz.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trinode.numerics import qcqp

Complex = npt.NDArray[np.complex128]
Real = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


def spectral_efficiency(channel: Complex, precoder: Complex) -> Real:
    """Rate (3) of every terminal to one station; channel (K, A, T), nat/s/Hz."""
    received = np.einsum("kat,kt->ka", channel, precoder)
    inverse = np.linalg.inv(received.T @ received.conj() + np.eye(channel.shape[1]))
    share = np.einsum("ka,ab,kb->k", received.conj(), inverse, received).real  # 1 - E of (47)
    return -np.log1p(-np.clip(share, 0.0, 1 - 1e-15))


LEAST_SHARE = 1e-3
"""A beam step that raises the upload time is halved down to this share of it."""


def at_rest(gained: float, share: float, tolerance: float) -> bool:
    """Whether a step that gained no more than the tolerance says that beams rest: cut short it has to gain less."""
    return bool(-tolerance <= gained <= share * tolerance)


class Receivers(NamedTuple):
    """Weighted receivers of the terminals decoded at one station; see :class:`.agents.messages.Prices`."""

    vectors: Complex
    pull: Real
    upload: Real


def receivers(channel: Complex, precoder: Complex, served: Int, task_bits: Real) -> Receivers:
    """(46), (49) and (41) for those decoded at one station, seen by every terminal through its channel."""
    received = np.einsum("kat,kt->ka", channel, precoder)
    inverse = np.linalg.inv(received.T @ received.conj() + np.eye(channel.shape[1]))
    combiner = received[served].conj() @ inverse  # rows u_k of (46)
    share = np.einsum("na,na->n", combiner, received[served]).real
    error = np.clip(1 - share, 1e-15, None)  # (47)
    nats = -np.log(error)
    weight = np.sqrt(task_bits[served] / np.maximum(nats, 1e-12) ** 2 / error)  # sqrt(c^2 V), (41) and (49)
    vectors = weight[:, None, None] * np.einsum("kat,na->nkt", channel.conj(), combiner.conj())
    return Receivers(vectors, weight, task_bits[served] / np.maximum(nats, 1e-12))


class Sensing(NamedTuple):
    """What (55) and (56a) need of one terminal: its echo, its requirement, Gram matrices (K, T, T) into radars."""

    gain: float
    steering: Complex
    noise_w: float
    need: float
    leakage: Complex
    budget_w: float

    def echo(self, precoder: Complex) -> float:
        """Echo power of a beam, W."""
        return float(self.gain * abs(self.steering.conj() @ precoder) ** 2)


PROX = 1e-6
"""Weight on the distance to the present beam, of the trace of the quadratic form, where that is flat."""


def _pressed(vectors: Complex) -> tuple[Complex, Real]:
    """Quadratic forms (..., T, T) of receivers (I, ..., T), and what holds each beam to the present one.

    Fewer streams than antennas, or base stations with few antennas, leave directions that cost nothing, and the prices
    of the radars no scale: there the beam is held back, slightly, which keeps the step a descent. Whom no station hears
    has no scale of its own: any will do.
    """
    quadratic = np.einsum("i...t,i...u->...tu", vectors, vectors.conj())
    trace = np.trace(quadratic, axis1=-2, axis2=-1).real
    trace = np.where(trace > 0, trace, 1.0)
    flat = np.linalg.eigvalsh(quadratic)[..., 0] < 1e-10 * trace
    return quadratic, np.where(flat, PROX, 1e-12) * trace


def improve_one(
    terminal: Sensing, vectors: Complex, linear: Complex, precoder: Complex, ceiling: Real, heard: float
) -> tuple[Complex, bool]:
    """Solve problem (56) of one terminal; its present beam, which is feasible, and False where that fails.

    Parameters
    ----------
    vectors : (I, T)
        See :class:`.agents.messages.Prices`; ``linear`` (T,) is the pull on this beam.
    ceiling : (K,)
        Largest leakage into each radar (56a); infinite where there is none.
    heard : float
        Bound on what the own radar hears, without noise.
    """
    unit = np.sqrt(terminal.budget_w)
    if unit <= 0:
        return np.zeros_like(precoder), True
    start = precoder / unit
    quadratic, held = _pressed(vectors)
    quadratic = unit**2 * (quadratic + held * np.eye(len(start)))
    linear = linear + held * precoder
    matrices, offsets, bends = [np.eye(len(start), dtype=complex)], [-1.0], [np.zeros_like(start)]
    for j in np.flatnonzero(np.isfinite(ceiling)):
        if ceiling[j] > 0:
            matrices.append(unit**2 * terminal.leakage[j] / ceiling[j])
            bends.append(np.zeros_like(start))
            offsets.append(-1.0)
    if terminal.need > 0:
        at = terminal.steering.conj() @ start
        scale = terminal.gain * unit**2 * abs(at) ** 2
        wanted = terminal.need * (1 + 1e-9) * (heard + terminal.noise_w)
        if scale <= 0:
            return precoder, False
        matrices.append(np.zeros_like(matrices[0]))
        bends.append(-2 * terminal.gain * unit**2 * at * terminal.steering / scale)
        offsets.append(wanted / scale + 1.0)  # (55)
    program = qcqp.QuadraticProgram(
        2 * qcqp.real_matrix(quadratic)[None],
        -2 * qcqp.real_vector(unit * linear)[None],
        2 * qcqp.real_matrix(np.stack(matrices))[:, None],
        qcqp.real_vector(np.stack(bends))[:, None],
        np.asarray(offsets),
    )
    best = qcqp.minimize(program, qcqp.real_vector(start)[None])
    if not best.residual <= 1e-6:
        return precoder, False
    return unit * qcqp.complex_vector(best.point[0]), True


def improve_all(terminals: list[Sensing], vectors: Complex, linear: Complex, precoder: Complex) -> tuple[Complex, bool]:
    """The beam step for all terminals at once, coupled by (55) with the true leakages; (K, T).

    The present beams and False where the program is not solved.
    """
    k, t = precoder.shape
    unit = np.sqrt(np.asarray([x.budget_w for x in terminals]))
    safe = np.where(unit > 0, unit, 1.0)
    start = precoder / safe[:, None]
    quadratic, held = _pressed(vectors)
    quadratic = unit[:, None, None] ** 2 * (quadratic + held[:, None, None] * np.eye(t))
    linear = linear + held[:, None] * precoder
    leakage = np.stack([x.leakage for x in terminals], axis=1) * (unit**2)[None, :, None, None]  # [j, k]
    matrices, bends, offsets = [], [], []
    for i, own in enumerate(terminals):
        matrix, bend = np.zeros((k, t, t), complex), np.zeros((k, t), complex)
        matrix[i] = np.eye(t)
        matrices.append(matrix)
        bends.append(bend)
        offsets.append(-1.0)
        at = own.steering.conj() @ start[i]
        scale = own.gain * unit[i] ** 2 * abs(at) ** 2
        if own.need <= 0:
            continue
        if scale <= 0:
            return precoder, False
        need = own.need * (1 + 1e-9)
        bend = np.zeros((k, t), complex)
        bend[i] = -2 * own.gain * unit[i] ** 2 * at * own.steering / scale
        matrices.append(need * leakage[i] / scale)
        bends.append(bend)
        offsets.append(need * own.noise_w / scale + 1.0)
    program = qcqp.QuadraticProgram(
        2 * qcqp.real_matrix(quadratic),
        -2 * qcqp.real_vector(unit[:, None] * linear),
        2 * qcqp.real_matrix(np.stack(matrices)),
        qcqp.real_vector(np.stack(bends)),
        np.asarray(offsets),
    )
    best = qcqp.minimize(program, qcqp.real_vector(start))
    if not best.residual <= 1e-6:
        return precoder, False
    return unit[:, None] * qcqp.complex_vector(best.point), True


class Response(NamedTuple):
    """Beam of one terminal for given prices, with its parts of the dual; see :class:`.agents.messages.Load`."""

    precoder: Complex
    value: float
    violation: Real
    slope: Real


class PricedProblem(NamedTuple):
    """The beam step of one terminal where every radar's requirement has a price instead of leakage bounds.

    Requirement j, relative: ``sum_k weight_j w_k^H L_jk w_k + weight_j sigma_j^2 + 1 - 2 Re(d_j^H w_j) <= 0``, which
    is (55) with the true leakages, divided by the present echo power. Its terms separate over terminals.
    """

    terminal: int
    quadratic: Complex
    linear: Complex
    own: Complex
    leaks: Complex
    constant: float
    budget_w: float

    @classmethod
    def build(
        cls, sensing: Sensing, terminal: int, vectors: Complex, linear: Complex, precoder: Complex, weight: Real
    ) -> PricedProblem:
        """From the prices of the stations (see :class:`Receivers`) and the present beam."""
        quadratic, ridge = _pressed(vectors)
        linear = linear + ridge * precoder
        at = sensing.steering.conj() @ precoder
        asked = weight[terminal] > 0
        own = sensing.steering * at / abs(at) ** 2 if asked else np.zeros_like(precoder)
        leaks = weight[:, None, None] * sensing.leakage
        constant = weight[terminal] * (1 + 1e-9) * sensing.noise_w + 1.0 if asked else 0.0
        return cls(
            terminal, quadratic + ridge * np.eye(len(linear)), linear, own, (1 + 1e-9) * leaks, constant,
            sensing.budget_w,
        )  # fmt: skip

    def respond(self, price: Real) -> Response:
        """Best beam for given prices: one eigendecomposition, the power's price by a secular equation."""
        k = len(price)
        matrix = self.quadratic + np.einsum("j,jtu->tu", price, self.leaks)
        pull = self.linear + price[self.terminal] * self.own
        values, basis = np.linalg.eigh(matrix)
        values = np.maximum(values, 1e-100)  # their cubes are divided by
        turned = basis.conj().T @ pull
        shift = _power_price(values, np.abs(turned) ** 2, self.budget_w)
        w = basis @ (turned / (values + shift))
        bent = np.einsum("jtu,u->jt", self.leaks, w)
        violation = np.einsum("t,jt->j", w.conj(), bent).real
        violation[self.terminal] += self.constant - 2 * (self.own.conj() @ w).real
        forces = bent.copy()
        forces[self.terminal] -= self.own
        inverse = (basis / (values + shift)) @ basis.conj().T
        moved = forces @ inverse.T  # rows X^-1 v_j
        slope = -2 * (forces.conj() @ moved.T).real
        if shift > 0:
            along = inverse @ w
            press = (forces.conj() @ along).real
            slope = slope + 2 * np.outer(press, press) / (w.conj() @ along).real
        own_value = (w.conj() @ self.quadratic @ w).real - 2 * (self.linear.conj() @ w).real
        return Response(w, float(own_value + price @ violation), violation, slope.reshape(k, k))


def _power_price(values: Real, energy: Real, budget: float) -> float:
    """Least shift >= 0 for which ``sum energy / (values + shift)^2`` is at most the budget."""

    def spent(shift: float) -> float:
        return float(np.sum(energy / (values + shift) ** 2))

    if spent(0.0) <= budget:
        return 0.0
    if budget <= 0:
        return np.inf
    shift = max(0.0, float(np.sqrt(energy.max() / budget)) - float(values[np.argmax(energy)]))
    low, high = 0.0, float(np.sqrt(energy.sum() / budget))
    shift = min(max(shift, low), high)
    for _ in range(100):
        now = spent(shift)
        low, high = (shift, high) if now > budget else (low, shift)
        # Newton on 1 / sqrt(spent), which is almost linear
        slope = -2 * float(np.sum(energy / (values + shift) ** 3))
        ahead = shift + 2 * (now / slope) * (1 - np.sqrt(now / budget)) if slope < 0 else 0.5 * (low + high)
        ahead = ahead if low < ahead < high else 0.5 * (low + high)
        if abs(ahead - shift) <= 1e-15 * ahead:
            break
        shift = ahead
    return shift
