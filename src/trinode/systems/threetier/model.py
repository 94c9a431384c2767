"""The judge of the three-tier system: rates, echoes, latencies, energies and every constraint, as the paper has them.

Equation numbers are those of Liu et al., "Joint Offloading and Beamforming Design in Integrating Sensing,
Communication, and Computing Systems: A Distributed Approach". Read with these corrections: radiated power is
``||w||^2`` in (11) and (13), which print the square of the Frobenius norm of ``w w^H``; the interference in (8) is
``||H w||^2``; rates are in bit/s, so the logarithm of (3) has base 2.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from trinode.sensing import detection
from trinode.systems.report import Report
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.solution import ThreetierSolution


def evaluate(scenario: ThreetierScenario, solution: ThreetierSolution) -> Report:
    """Score a decision.

    Returns
    -------
    Report
        ``objective`` is the sum of latencies (s). Metrics, each (K,):
        ``latency_s`` and its parts ``upload_s``, ``backhaul_s``, ``compute_s``; ``rate_bps`` to the chosen access
        point; ``echo_sinr`` (8) and ``echo_sinr_combined``, the same after the best linear receive combining;
        ``detection_1``, ``detection_4``, the probability of detecting the echo in 1 and in 4 accumulated looks (the
        likelihood ratio test of Fig. 11 with one false alarm in 1000); ``echo_missed``, 1 where (18e) is broken;
        ``transmit_power_w``, ``terminal_power_w``; ``energy_j``, the power times the latency as in Fig. 4;
        ``energy_full_power_j``, the same as if all the permitted power were spent; ``edge_terminal``,
        ``cloud_terminal``, 1 for who computes there.
    """
    s, x = scenario, solution
    edge, cloud = x.edge_choice, x.cloud_choice
    at_edge, in_cloud = edge.any(axis=1), cloud.any(axis=1)
    offloaded = at_edge | in_cloud
    rate = jnp.sum(jnp.where(edge | cloud, link_rates(s, x.precoder), 0.0), axis=1)
    cycles = s.cycles_per_bit * s.task_bits

    upload = jnp.where(offloaded, ratio(s.task_bits, rate), 0.0)  # t_UP of (12), (15)
    backhaul = jnp.where(in_cloud, ratio(s.task_bits, s.backhaul_bps), 0.0)  # t_Bh of (15)
    compute = jnp.where(in_cloud, ratio(cycles, s.cloud_frequency_hz), ratio(cycles, s.terminal_frequency_hz))  # (10)
    compute = jnp.where(at_edge, ratio(cycles, s.edge_frequency_hz), compute)  # (12)
    latency = upload + backhaul + compute  # (16)

    radiated = jnp.sum(jnp.abs(x.precoder) ** 2, axis=1)
    own_cpu = s.terminal_capacitance * s.terminal_frequency_hz**3
    power = radiated + jnp.where(offloaded, 0.0, own_cpu)  # (17)
    echo = echo_sinr(s, x.precoder)
    choices = edge.sum(axis=1) + cloud.sum(axis=1)
    residuals = {
        "18a one place": choices - 1.0,
        "18c edge capacity": _excess(jnp.sum(edge * s.edge_frequency_hz[:, None], axis=0), s.edge_capacity_hz),
        "18d terminal power": _excess(power, s.terminal_max_power_w),
        "18e echo SINR": jnp.where(s.sensing_sinr_min > 0, 1 - echo / _or_one(s.sensing_sinr_min), -1.0),
    }
    metrics = {
        "latency_s": latency,
        "upload_s": upload,
        "backhaul_s": backhaul,
        "compute_s": compute,
        "rate_bps": rate,
        "echo_sinr": echo,
        "echo_sinr_combined": combined_echo_sinr(s, x.precoder),
        "detection_1": detection.unknown_amplitude(echo, 1.0),
        "detection_4": detection.unknown_amplitude(echo, 4.0),
        "echo_missed": (residuals["18e echo SINR"] > 1e-6).astype(float),
        "transmit_power_w": radiated,
        "terminal_power_w": power,
        "energy_j": power * latency,
        "energy_full_power_j": s.terminal_max_power_w * latency,
        "edge_terminal": at_edge.astype(float),
        "cloud_terminal": in_cloud.astype(float),
    }
    objective = latency.sum()
    return Report(objective=objective, metrics=metrics, residuals=residuals)


def link_rates(s: ThreetierScenario, precoder: Complex[Array, "K T"]) -> Float[Array, "K M"]:
    """Rate (3) from each terminal to each access point, bit/s."""
    received = jnp.einsum("kmat,kt->kma", s.uplink_channel, precoder)
    noise = s.ap_noise_w[:, None, None] * jnp.eye(s.uplink_channel.shape[2])
    everything = noise + jnp.einsum("kma,kmb->mab", received, received.conj())
    others = everything - jnp.einsum("kma,kmb->kmab", received, received.conj())  # D_lk of (4)
    sinr = jnp.einsum("kma,kma->km", received.conj(), jnp.linalg.solve(others, received[..., None])[..., 0]).real
    return s.bandwidth_hz * jnp.log1p(sinr) / jnp.log(2.0)  # log2(1 + sinr), exact for the weakest of links


def echo_sinr(s: ThreetierScenario, precoder: Complex[Array, "K T"]) -> Float[Array, " K"]:
    """Echo SINR (8): powers summed over receive antennas, radar noise counted once, as printed."""
    towards = jnp.abs(jnp.einsum("kt,kt->k", s.transmit_steering.conj(), precoder)) ** 2
    signal = s.echo_gain**2 * jnp.sum(jnp.abs(s.receive_steering) ** 2, axis=1) * towards
    heard = jnp.einsum("kjrt,jt->kjr", s.terminal_channel, precoder)
    return signal / (s.radar_noise_w + jnp.sum(jnp.abs(heard) ** 2, axis=(1, 2)))


def combined_echo_sinr(s: ThreetierScenario, precoder: Complex[Array, "K T"]) -> Float[Array, " K"]:
    """Echo SINR of (5) after the best linear combining of the receive antennas, noise per antenna as in (5)."""
    towards = s.echo_gain * jnp.einsum("kt,kt->k", s.transmit_steering.conj(), precoder)
    echo = towards[:, None] * s.receive_steering
    heard = jnp.einsum("kjrt,jt->kjr", s.terminal_channel, precoder)
    noise = s.radar_noise_w[:, None, None] * jnp.eye(s.terminal_channel.shape[2])
    others = noise + jnp.einsum("kjr,kjq->krq", heard, heard.conj())
    return jnp.einsum("kr,kr->k", echo.conj(), jnp.linalg.solve(others, echo[..., None])[..., 0]).real


def ratio(amount: Float[Array, "..."], speed: Float[Array, "..."]) -> Float[Array, "..."]:
    """Time for an amount at a speed: 0/0 is 0."""
    return jnp.where(speed > 0, amount / _or_one(speed), jnp.where(amount > 0, jnp.inf, 0.0))


def _or_one(value: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.where(value > 0, value, 1.0)


def _excess(used: Float[Array, "..."], limit: Float[Array, "..."]) -> Float[Array, "..."]:
    """Relative violation of used <= limit."""
    return jnp.where(limit > 0, used / _or_one(limit) - 1, jnp.where(used > 0, jnp.inf, 0.0))
