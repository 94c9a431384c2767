"""The judge of the fairness system: SINRs, rates, latencies and every constraint, as the paper writes them.

Equation numbers are those of Nguyen, Bui, Le, Nguyen-Duy-Nhat, Nguyen-Le and Tran, "Latency Fairness for MEC-Enabled
Cell-free massive MIMO: ICA- and AI-based Approaches". Two departures, without which (3) has no space in it: terminal j
disturbs terminal k through the combiner of k, and noise passes through that combiner too.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.solution import FairnessSolution
from trinode.systems.report import Report


def evaluate(scenario: FairnessScenario, solution: FairnessSolution) -> Report:
    """Score a decision.

    Returns
    -------
    Report
        ``objective`` is the largest latency (s). Metrics: ``latency_s`` (K,),
        its parts ``local_s``, ``upload_s`` and ``server_s`` (K,), ``rate_bps`` (K,), ``sinr`` (S, K),
        ``offload_fraction`` (K,), ``power_w`` (K,), ``largest_latency_s`` and ``gini``, which says how uneven the
        latencies of the terminals with a task are, and nothing about how long they are.
    """
    s, x = scenario, solution
    combiner = receive_combiner(s) if x.combiner is None else x.combiner
    power = x.subcarrier_use * x.power_fraction * s.terminal_max_power_w  # of (1), W
    ratio = sinr(s, combiner, power)
    rate = jnp.sum(s.subcarrier_bandwidth_hz * jnp.log1p(ratio) / jnp.log(2.0), axis=0)  # (4)
    cycles = s.task_bits * s.cycles_per_bit
    local = _times(1 - x.offload_fraction, _time(cycles, s.terminal_frequency_hz))  # (5)
    upload = _times(x.offload_fraction, _time(s.task_bits, rate))
    server = _times(x.offload_fraction, cycles / s.server_frequency_hz)
    latency = jnp.maximum(local, upload + server)  # (6), (7)
    residuals = {
        "8c powers": -x.power_fraction.min(axis=0),
        "8d power of a terminal": x.power_fraction.sum(axis=0) - 1,
        "8e offloading ratio": jnp.maximum(-x.offload_fraction, x.offload_fraction - 1),
    }
    metrics = {
        "latency_s": latency,
        "local_s": local,
        "upload_s": upload,
        "server_s": server,
        "rate_bps": rate,
        "sinr": ratio,
        "offload_fraction": x.offload_fraction,
        "power_w": power.sum(axis=0),
        "largest_latency_s": latency.max(),
        "gini": gini(latency, s.task_bits > 0),
    }
    objective = latency.max()  # (8a)
    return Report(objective=objective, metrics=metrics, residuals=residuals)


def receive_combiner(s: FairnessScenario) -> Complex[Array, "S K M A"]:
    """The scenario's combiners; maximum ratio, of unit norm over all antennas, where it has none."""
    if s.combiner is not None:
        return s.combiner
    norm = jnp.sqrt(jnp.sum(jnp.abs(s.uplink_channel) ** 2, axis=(2, 3), keepdims=True))
    return s.uplink_channel / jnp.where(norm > 0, norm, 1.0)


def sinr(s: FairnessScenario, combiner: Complex[Array, "S K M A"], power: Float[Array, "S K"]) -> Float[Array, "S K"]:
    """SINR (3) of each terminal on each subcarrier; 0 where it does not send."""
    through = jnp.abs(jnp.einsum("skma,sjma->skj", combiner.conj(), s.uplink_channel)) ** 2
    received = through * power[:, None, :]
    signal = jnp.einsum("skk->sk", received)
    interference = jnp.sum(received * (1 - jnp.eye(s.terminals)), axis=2)
    noise = jnp.einsum("m,skma->sk", s.ap_noise_w, jnp.abs(combiner) ** 2)
    return jnp.where(signal > 0, signal / jnp.where(signal > 0, interference + noise, 1.0), 0.0)


def gini(values: Float[Array, " K"], counted: Bool[Array, " K"]) -> Float[Array, ""]:
    """Gini index over the counted entries: mean absolute difference over twice the mean; 0 when all are zero.

    An infinite entry counts as NaN.
    """
    value = jnp.where(counted, values, 0.0)
    pairs = jnp.where(counted[:, None] & counted[None, :], jnp.abs(value[:, None] - value[None, :]), 0.0)
    total = jnp.sum(counted) * jnp.sum(value)
    return jnp.where(total > 0, jnp.sum(pairs) / (2 * jnp.where(total > 0, total, 1.0)), 0.0)


def _time(amount: Float[Array, "..."], speed: Float[Array, "..."]) -> Float[Array, "..."]:
    """Time for an amount at a speed: 0/0 is 0."""
    positive = speed > 0
    return jnp.where(positive, amount / jnp.where(positive, speed, 1.0), jnp.where(amount > 0, jnp.inf, 0.0))


def _times(share: Float[Array, "..."], time: Float[Array, "..."]) -> Float[Array, "..."]:
    """A share of zero takes no time, not even of an infinite one."""
    none = jnp.abs(share) < 1e-12
    return jnp.where(none, 0.0, share * jnp.where(none, 0.0, time))
