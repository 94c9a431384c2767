"""The judge of the latency system: rates, echoes, latencies and every constraint, as the paper writes them.

Equation numbers are those of Peng et al., "Latency-Aware Resource Allocation for Integrated Communications,
Computation, and Sensing in Cell-Free mMIMO Systems". Streams are independent, so powers of streams add; this is
what (7) and (10) mean, though they print the sum of the precoders.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int

from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.report import Report


def evaluate(scenario: LatencyScenario, solution: LatencySolution) -> Report:
    """Score a decision.

    Returns
    -------
    Report
        ``objective`` is the largest latency (s). Metrics: ``latency_s`` (K,),
        its parts ``upload_s``, ``fronthaul_s``, ``compute_s`` (K,) on the slowest path, ``rate_bps`` (K, M),
        ``echo_sinr`` (K,), ``transmit_power_w``, ``terminal_power_w`` (K,), ``ap_power_w`` (M,) and the shares.
    """
    s, x = scenario, solution
    rate = link_rates(s, x.precoder, x.sensing_precoder)
    echo = echo_sinr(s, x.precoder, x.sensing_precoder)
    radiated = transmit_power(x.precoder, x.sensing_precoder)
    edge_share, cloud_share = _share(x.edge_share), _share(x.cloud_share)
    on_edge, on_cloud = edge_share > 0, cloud_share > 0
    edge, cloud = edge_share.sum(1), cloud_share.sum(1)

    upload_edge = _ratio(edge_share * s.task_bits[:, None], rate)  # (11)
    compute_edge = _ratio(s.edge_cycles_per_bit * edge_share * s.task_bits[:, None], x.edge_frequency_hz)  # (12)
    upload_cloud = _ratio(cloud_share * s.task_bits[:, None], rate)  # (16)
    fronthaul = _ratio(cloud_share * s.task_bits[:, None], x.fronthaul_bps)  # (17)
    slow_edge = jnp.argmax(upload_edge + compute_edge, axis=1)  # (13)
    slow_cloud = jnp.argmax(upload_cloud + fronthaul, axis=1)  # (19)

    def at(part: Float[Array, "K M"], path: Int[Array, " K"]) -> Float[Array, " K"]:
        return jnp.take_along_axis(part, path[:, None], axis=1)[:, 0]

    compute_cloud = _ratio(s.cloud_cycles_per_bit * s.task_bits, x.cloud_frequency_hz)  # (18)
    compute_local = _ratio(s.terminal_cycles_per_bit * s.task_bits, x.terminal_frequency_hz)  # (9)
    upload = _times(edge, at(upload_edge, slow_edge)) + _times(cloud, at(upload_cloud, slow_cloud))
    relay = _times(cloud, at(fronthaul, slow_cloud))
    compute = (
        _times(1 - edge - cloud, compute_local)
        + _times(edge, at(compute_edge, slow_edge))
        + _times(cloud, compute_cloud)
    )
    latency = upload + relay + compute  # (22)

    local_cpu = jnp.where(edge + cloud > 0, 0.0, s.terminal_capacitance * x.terminal_frequency_hz**3)
    terminal_power = local_cpu + radiated  # (10)
    received = jnp.sum(jnp.abs(jnp.einsum("kmat,kmt->kma", s.uplink_channel, x.precoder)) ** 2, axis=2)
    ap_power = jnp.sum(
        on_edge * s.edge_capacitance * x.edge_frequency_hz**3 + on_cloud * received, axis=0
    )  # (15), (23d)

    whole = jnp.stack([edge, cloud, edge + cloud])
    residuals = {
        "23a whole tasks": jnp.max(jnp.minimum(jnp.abs(whole), jnp.abs(whole - 1)), axis=0),
        "23b shares": jnp.maximum(
            jnp.maximum(-x.edge_share, x.edge_share - 1), jnp.maximum(-x.cloud_share, x.cloud_share - 1)
        ).max(axis=1),
        "23c terminal power": _excess(terminal_power, s.terminal_max_power_w),
        "23d access point power": _excess(ap_power, s.ap_max_power_w),
        "23e edge frequency": _excess(jnp.sum(on_edge * x.edge_frequency_hz, axis=0), s.edge_max_frequency_hz),
        "23f fronthaul": _excess(jnp.sum(on_cloud * x.fronthaul_bps, axis=0), s.fronthaul_max_bps),
        "23g cloud frequency": _excess(jnp.sum(cloud * x.cloud_frequency_hz), s.cloud_max_frequency_hz),
        "23h echo SINR": jnp.where(s.sensing_sinr_min > 0, 1 - echo / s.sensing_sinr_min, -1.0),
        "terminal frequency": _excess(x.terminal_frequency_hz, s.terminal_max_frequency_hz),
        "serving cluster": jnp.where(
            s.serving,
            0.0,
            jnp.maximum(
                jnp.maximum(x.edge_share, x.cloud_share),
                _ratio(jnp.sum(jnp.abs(x.precoder) ** 2, axis=2), s.terminal_max_power_w[:, None]),
            ),
        ).max(axis=1),
    }
    objective = latency.max()
    metrics = {
        "latency_s": latency,
        "upload_s": upload,
        "fronthaul_s": relay,
        "compute_s": compute,
        "rate_bps": rate,
        "echo_sinr": echo,
        "transmit_power_w": radiated,
        "terminal_power_w": terminal_power,
        "ap_power_w": ap_power,
        "edge_terminal": edge,
        "cloud_terminal": cloud,
    }
    return Report(objective=objective, metrics=metrics, residuals=residuals)


def transmit_power(precoder: Complex[Array, "K M T"], sensing_precoder: Complex[Array, "K T"]) -> Float[Array, " K"]:
    """Radiated power of each terminal, W; the second term of (10) for independent streams."""
    return jnp.sum(jnp.abs(precoder) ** 2, axis=(1, 2)) + jnp.sum(jnp.abs(sensing_precoder) ** 2, axis=1)


def transmit_covariance(
    precoder: Complex[Array, "K M T"], sensing_precoder: Complex[Array, "K T"]
) -> Complex[Array, "K T T"]:
    """Covariance of (1), W."""
    data = jnp.einsum("kmt,kmu->ktu", precoder, precoder.conj())
    return data + jnp.einsum("kt,ku->ktu", sensing_precoder, sensing_precoder.conj())


def link_rates(
    s: LatencyScenario, precoder: Complex[Array, "K M T"], sensing_precoder: Complex[Array, "K T"]
) -> Float[Array, "K M"]:
    """Rate of each link (4)-(5), bit/s."""
    h = s.uplink_channel
    noise = s.ap_noise_w[:, None, None] * jnp.eye(h.shape[2])
    covariance = transmit_covariance(precoder, sensing_precoder)
    everything = noise + jnp.einsum("kmat,ktu,kmbu->mab", h, covariance, h.conj())
    signal = jnp.einsum("kmat,kmt->kma", h, precoder)
    others = everything - jnp.einsum("kma,kmb->kmab", signal, signal.conj())  # N_km of (5)
    sinr = jnp.einsum("kma,kma->km", signal.conj(), jnp.linalg.solve(others, signal[..., None])[..., 0]).real
    return s.bandwidth_hz * jnp.log2(1 + sinr)


def echo_sinr(
    s: LatencyScenario, precoder: Complex[Array, "K M T"], sensing_precoder: Complex[Array, "K T"]
) -> Float[Array, " K"]:
    """Echo SINR (7), with the interference of the other terminals and independent streams."""
    covariance = transmit_covariance(precoder, sensing_precoder)
    towards = jnp.einsum("kt,ktu,ku->k", s.transmit_steering.conj(), covariance, s.transmit_steering).real
    signal = s.echo_gain**2 * jnp.sum(jnp.abs(s.receive_steering) ** 2, axis=1) * towards
    crosstalk = jnp.einsum("kjrt,jtu,kjru->k", s.terminal_channel, covariance, s.terminal_channel.conj()).real
    noise = s.terminal_channel.shape[2] * s.radar_noise_w
    return signal / (noise + crosstalk)


def _ratio(amount: Float[Array, "..."], speed: Float[Array, "..."]) -> Float[Array, "..."]:
    """Time for an amount at a speed: 0/0 is 0."""
    positive = speed > 0
    return jnp.where(positive, amount / jnp.where(positive, speed, 1.0), jnp.where(amount > 0, jnp.inf, 0.0))


def _share(share: Float[Array, "..."]) -> Float[Array, "..."]:
    """A share that is zero up to rounding is none: it needs no server."""
    return jnp.where(jnp.abs(share) < 1e-12, 0.0, share)


def _times(share: Float[Array, "..."], time: Float[Array, "..."]) -> Float[Array, "..."]:
    """A share of zero takes no time, not even of an infinite one; sums of shares are zero up to rounding."""
    none = _share(share) == 0
    return jnp.where(none, 0.0, share * jnp.where(none, 0.0, time))


def _excess(used: Float[Array, "..."], limit: Float[Array, "..."]) -> Float[Array, "..."]:
    """Relative violation of used <= limit."""
    return jnp.where(limit > 0, used / jnp.where(limit > 0, limit, 1.0) - 1, jnp.where(used > 0, jnp.inf, 0.0))
