"""A scenario as NumPy arrays without units, and the paper's physics on them in plain NumPy.

Units: powers of terminal k in its own maximum, noise 1, rates in the bandwidth B, tasks in the largest task
D, so times in D/B, and processing speeds (a CPU frequency over its cycles per bit) in B too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root_scalar

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Network:
    """What the convex problems read.

    Attributes
    ----------
    uplink : (K, M, A, T)
        Channel over the noise amplitude of the access point, times the root of the terminal's maximum power.
    echo : (K, T)
        Row e with echo power ``|e @ u|**2`` for a beam u of at most unit norm, over the radar's noise in (7).
    crosstalk : (K, K, R, T)
        ``[k, j]`` from terminal j into k's radar, likewise.
    requirement : (K,)
        Echo SINR of (23h).
    task : (K,)
        D_k.
    edge_limit, edge_power_limit : (M,)
        Largest sum of speeds at an access point by (23e), and largest speed of a lone terminal by (23d).
    fronthaul_limit : (M,)
        (23f); 0 at an access point without power.
    cloud_limit : float
        (23g) as a speed.
    local_time : (K,)
        T_loc at the largest frequency that (23c) allows without radiating.
    raw : namespace
        The scenario's arrays as NumPy, in SI units, under their own names.
    """

    serving: Bool
    amplitude: Real
    uplink: Complex
    echo: Complex
    crosstalk: Complex
    requirement: Real
    task: Real
    edge_limit: Real
    edge_power_limit: Real
    fronthaul_limit: Real
    cloud_limit: float
    local_time: Real
    bit_unit: float
    rate_unit: float
    raw: Any

    @property
    def terminals(self) -> int:
        return self.serving.shape[0]

    @property
    def access_points(self) -> int:
        return self.serving.shape[1]

    @property
    def antennas(self) -> int:
        return self.uplink.shape[3]

    @property
    def time_unit(self) -> float:
        """Seconds."""
        return self.bit_unit / self.rate_unit


def network(scenario: Any) -> Network:
    """Read a :class:`~trinode.systems.latency.scenario.LatencyScenario`."""
    arrays = {name: np.asarray(value) for name, value in vars(scenario).items() if value is not None}
    s: Any = SimpleNamespace(**arrays)
    bit_unit = float(np.max(s.task_bits, initial=0.0)) or 1.0
    rate_unit = float(s.bandwidth_hz)
    amplitude = np.sqrt(s.terminal_max_power_w)
    radar = np.sqrt(s.terminal_channel.shape[2] * s.radar_noise_w)
    reception = s.echo_gain * np.linalg.norm(s.receive_steering, axis=1)
    local = terminal_frequency(s, np.zeros_like(amplitude))
    return Network(
        serving=s.serving,
        amplitude=amplitude,
        uplink=s.uplink_channel * amplitude[:, None, None, None] / np.sqrt(s.ap_noise_w)[:, None, None],
        echo=(reception * amplitude / radar)[:, None] * s.transmit_steering.conj(),
        crosstalk=s.terminal_channel * amplitude[:, None, None] / radar[:, None, None, None],
        requirement=s.sensing_sinr_min,
        task=s.task_bits / bit_unit,
        edge_limit=speed(s.edge_max_frequency_hz, s.edge_cycles_per_bit, rate_unit),
        edge_power_limit=speed(cube_root_ratio(s.ap_max_power_w, s.edge_capacitance), s.edge_cycles_per_bit, rate_unit),
        # an access point without any power may not even receive for the cloud, by (23d)
        fronthaul_limit=np.where(s.ap_max_power_w > 0, s.fronthaul_max_bps, 0.0) / rate_unit,
        cloud_limit=float(speed(s.cloud_max_frequency_hz, s.cloud_cycles_per_bit, rate_unit)),
        local_time=ratio(s.terminal_cycles_per_bit * s.task_bits, local) * rate_unit / bit_unit,
        bit_unit=bit_unit,
        rate_unit=rate_unit,
        raw=s,
    )


def ratio(amount: Any, rate: Any) -> Real:
    """Time for an amount at a rate: 0/0 is 0, and nothing else finite comes of a rate of 0."""
    amount, rate = np.broadcast_arrays(np.asarray(amount, float), np.asarray(rate, float))
    return np.where(rate > 0, amount / np.where(rate > 0, rate, 1.0), np.where(amount > 0, np.inf, 0.0))


def speed(frequency_hz: Any, cycles_per_bit: Any, rate_unit: float) -> Real:
    """Bits per time that a CPU handles; infinite where a bit needs no cycles."""
    cycles = np.asarray(cycles_per_bit, float)
    return np.where(cycles > 0, frequency_hz / np.where(cycles > 0, cycles, 1.0), np.inf) / rate_unit


def cube_root_ratio(power_w: Any, capacitance: Any) -> Real:
    """Frequency at which ``capacitance * frequency**3`` is a power."""
    capacitance = np.asarray(capacitance, float)
    positive = capacitance > 0
    return np.where(positive, np.cbrt(np.maximum(power_w, 0) / np.where(positive, capacitance, 1.0)), np.inf)


def terminal_frequency(raw: Any, radiated_w: Any) -> Real:
    """Largest frequency of each terminal's own CPU by (23c) and its limit, Hz."""
    spare = raw.terminal_max_power_w - radiated_w
    return np.minimum(raw.terminal_max_frequency_hz, cube_root_ratio(spare, raw.terminal_capacitance))


def parallel(one: Any, other: Any) -> Real:
    """``1 / (1 / one + 1 / other)``: bits per time through two stages in turn; 0 where either is 0."""
    one, other = np.broadcast_arrays(np.asarray(one, float), np.asarray(other, float))
    low, high = np.minimum(one, other), np.maximum(one, other)
    return ratio(low, 1 + ratio(low, np.where(low > 0, high, 1.0)))


def root(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Where a function changes its sign between two points, to a relative tolerance."""
    found = root_scalar(function, bracket=(low, high), method="brentq", xtol=1e-300, rtol=tolerance)
    return float(found.root)


def receivers(net: Network, data: Complex, sensing: Complex) -> tuple[Complex, Real]:
    """MMSE receivers (39) and mean square errors (40), with the full interference of (5).

    Parameters
    ----------
    data : (K, M, T)
    sensing : (K, T)

    Returns
    -------
    combiner : (K, M, A)
    error : (K, M)
    """
    everything = np.einsum("kmt,kmu->ktu", data, data.conj()) + np.einsum("kt,ku->ktu", sensing, sensing.conj())
    covariance = np.einsum("kmat,ktu,kmbu->mab", net.uplink, everything, net.uplink.conj())
    covariance += np.eye(covariance.shape[-1])
    signal = np.einsum("kmat,kmt->kma", net.uplink, data)
    combiner = np.linalg.solve(covariance, signal[..., None])[..., 0]
    return combiner, 1 - np.einsum("kma,kma->km", signal.conj(), combiner).real


def rates(net: Network, data: Complex, sensing: Complex) -> Real:
    """Rates (4), (58) of all links, in B."""
    return -np.log2(receivers(net, data, sensing)[1])


def mean_square_error(net: Network, data: Complex, sensing: Complex, combiner: Complex) -> Real:
    """Mean square errors (38) of given receivers, with the full interference of (5)."""
    response = np.einsum("kma,jmat->kmjt", combiner.conj(), net.uplink)
    crossing = np.einsum("kmjt,jnt->kmjn", response, data)
    own = np.einsum("kmkm->km", crossing)
    power = np.sum(np.abs(crossing) ** 2, axis=(2, 3)) - np.abs(own) ** 2
    power += np.sum(np.abs(np.einsum("kmjt,jt->kmj", response, sensing)) ** 2, axis=2)
    return np.abs(1 - own) ** 2 + power + np.sum(np.abs(combiner) ** 2, axis=2)


def surrogate_rates(net: Network, data: Complex, sensing: Complex, combiner: Complex, weight: Real) -> Real:
    """Lower bound of the rates for given receivers and weights V, in B.

    (41) reads with the natural logarithm, ``(ln V - V MSE + 1) / ln 2``: only so is ``V = 1/MSE`` its
    maximiser and the rate its maximum; with the printed base 2 it exceeds the rate by up to 0.086 B.
    """
    error = mean_square_error(net, data, sensing, combiner)
    return (np.log(weight) - weight * error + 1) / np.log(2)


def echo_sinr(net: Network, data: Complex, sensing: Complex) -> Real:
    """Echo SINR (7) for independent streams, so powers add instead of the precoders."""
    streams = np.concatenate([data, sensing[:, None]], axis=1)
    signal = np.sum(np.abs(np.einsum("kt,kst->ks", net.echo, streams)) ** 2, axis=1)
    disturbance = np.sum(np.abs(np.einsum("kjrt,jst->kjrs", net.crosstalk, streams)) ** 2, axis=(1, 2, 3))
    return signal / (1 + disturbance)


def received_power_w(net: Network, data: Complex) -> Real:
    """Power ``|H w|**2`` of (23d) of each link, W; a vector inside the bars, so its squared norm."""
    amplitude = np.einsum("kmat,kmt->kma", net.uplink, data)
    return np.sum(np.abs(amplitude) ** 2, axis=2) * net.raw.ap_noise_w


def radiated_power_w(net: Network, data: Complex, sensing: Complex) -> Real:
    """Second term of (10) for independent streams, W."""
    share = np.sum(np.abs(data) ** 2, axis=(1, 2)) + np.sum(np.abs(sensing) ** 2, axis=1)
    return share * net.raw.terminal_max_power_w
