"""The judge of the energy system: SINRs, latencies, energies and every constraint, as the paper writes them.

Equation numbers are those of Dong, Wang, Vorobyov, Han and Taleb, "Energy-Efficient Beamforming and Adaptive
Computational Task Offloading in ISCC Systems". The processing time t^p of (15), which the paper does not define, is
t^proc of (11).
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.solution import EnergySolution
from trinode.systems.report import Report


def evaluate(scenario: EnergyScenario, solution: EnergySolution) -> Report:
    """Score a decision.

    Returns
    -------
    Report
        ``objective`` is the weighted energy (17a), J. Metrics, all (K,):
        ``energy_j`` (weighted) and its parts ``radio_j``, ``local_j``, ``ap_j`` (the last not weighted), ``latency_s``
        and its parts ``local_s``, ``upload_s``, ``ap_s``, ``rate_bps``, ``uplink_sinr``, ``echo_sinr``, ``power_w``,
        ``offload_fraction``, ``ap_frequency_hz`` and ``served`` (58); and ``unweighted_j``, the energy at beta = 1.
    """
    s, x = scenario, solution
    uplink, echo = uplink_sinr(s, x), echo_sinr(s, x)
    power = jnp.sum(jnp.abs(x.precoder) ** 2 + jnp.abs(x.sensing_precoder) ** 2, axis=-1)  # (2)
    band = s.bandwidth_hz if x.subband_hz is None else x.subband_hz
    rate = band * jnp.log2(1 + uplink)  # (9)
    away = _share(x.offload_fraction) * s.task_bits
    home = _share(1 - x.offload_fraction) * s.task_bits

    local = _ratio(s.cycles_per_bit * home, x.terminal_frequency_hz)  # (10)
    upload = _ratio(away, rate)  # (11)
    remote = _ratio(s.cycles_per_bit * away, x.ap_frequency_hz)
    latency = jnp.maximum(local, upload + remote)  # (12)

    radio_j = jnp.where(upload > 0, power * upload, 0.0)  # (13)
    local_j = s.terminal_capacitance * x.terminal_frequency_hz**2 * s.cycles_per_bit * home  # (14)
    ap_j = s.ap_capacitance * x.ap_frequency_hz**2 * s.cycles_per_bit * away  # (15)
    energy = radio_j + local_j + s.ap_energy_weight * ap_j  # (16), (17a)

    used = jnp.sum(jnp.where(away > 0, x.ap_frequency_hz, 0.0))
    residuals = {
        "17b echo SINR": jnp.where(s.sensing_sinr_min > 0, 1 - echo / _safe(s.sensing_sinr_min), -1.0),
        "17c local latency": local / s.latency_max_s - 1,
        "17c offloading latency": (upload + remote) / s.latency_max_s - 1,
        "17d terminal frequency": _excess(x.terminal_frequency_hz, s.terminal_max_frequency_hz),
        "17e access point frequency": _excess(used, s.ap_max_frequency_hz),
        "17f offload fraction": jnp.maximum(-x.offload_fraction, x.offload_fraction - 1),
        "17g power": _excess(power, s.terminal_max_power_w),
    }
    if x.subband_hz is not None:
        residuals["sub-bands"] = _excess(jnp.sum(x.subband_hz), s.bandwidth_hz)
    metrics = {
        "energy_j": energy,
        "radio_j": radio_j,
        "local_j": local_j,
        "ap_j": ap_j,
        "unweighted_j": radio_j + local_j + ap_j,
        "latency_s": latency,
        "local_s": local,
        "upload_s": upload,
        "ap_s": remote,
        "rate_bps": rate,
        "uplink_sinr": uplink,
        "echo_sinr": echo,
        "power_w": power,
        "offload_fraction": x.offload_fraction,
        "ap_frequency_hz": x.ap_frequency_hz,
        "served": jnp.where(x.terminal_feasible, 1.0, 0.0),
    }
    if s.channel_error is not None:
        metrics |= under_errors(s, x, remote)
    objective = jnp.sum(energy)
    return Report(objective=objective, metrics=metrics, residuals=residuals)


def uplink_sinr(s: EnergyScenario, x: EnergySolution) -> Float[Array, " K"]:
    """Data SINR (7); in sub-bands of their own terminals do not meet, and noise scales with the sub-band."""
    data = jnp.einsum("jat,jt->ja", s.uplink_channel, x.precoder)
    sensing = jnp.einsum("jat,jt->ja", s.uplink_channel, x.sensing_precoder)
    from_data = jnp.abs(jnp.einsum("ka,ja->kj", x.combiner.conj(), data)) ** 2
    from_sensing = jnp.abs(jnp.einsum("ka,ja->kj", x.combiner.conj(), sensing)) ** 2
    own = jnp.eye(s.terminals, dtype=bool)
    meets = own if x.subband_hz is not None else jnp.ones_like(own)
    noise = _noise(s.ap_noise_w, s, x) * jnp.sum(jnp.abs(x.combiner) ** 2, axis=1)
    others = jnp.sum(jnp.where(meets, from_sensing, 0.0) + jnp.where(meets & ~own, from_data, 0.0), axis=1)
    return jnp.diagonal(from_data) / _safe(others + noise)


def echo_sinr(s: EnergyScenario, x: EnergySolution) -> Float[Array, " K"]:
    """Sensing SINR (8); the own data stream disturbs the own radar, and so do both streams of all others."""
    data = jnp.einsum("kjre,jte,jt->kjr", s.echo_receive, s.echo_transmit.conj(), x.precoder)
    sensing = jnp.einsum("kjre,jte,jt->kjr", s.echo_receive, s.echo_transmit.conj(), x.sensing_precoder)
    from_data = jnp.abs(jnp.einsum("kr,kjr->kj", x.radar_combiner.conj(), data)) ** 2
    from_sensing = jnp.abs(jnp.einsum("kr,kjr->kj", x.radar_combiner.conj(), sensing)) ** 2
    own = jnp.eye(s.terminals, dtype=bool)
    meets = own if x.subband_hz is not None else jnp.ones_like(own)
    noise = _noise(s.radar_noise_w, s, x) * jnp.sum(jnp.abs(x.radar_combiner) ** 2, axis=1)
    others = jnp.sum(jnp.where(meets, from_data, 0.0) + jnp.where(meets & ~own, from_sensing, 0.0), axis=1)
    return jnp.diagonal(from_sensing) / _safe(others + noise)


def under_errors(s: EnergyScenario, x: EnergySolution, remote: Float[Array, " K"]) -> dict[str, Float[Array, " K"]]:
    """What errors of the uplink channels do to a decision that stays as it is (Fig. 9).

    The errors of all terminals have the spectral norm phi (Section VI). ``random_upload_s`` is the time on the air for
    one fixed error with independent Gaussian entries. ``worst_upload_s`` is a time that no errors within the norm
    exceed: a combiner of norm 1 hears at most ``phi |z|`` more, or less, of a stream z, here of all streams at once.
    ``worst_lateness`` is by how much the offloaded part then misses the deadline, relatively. Echoes do not change: (8)
    does not contain the uplink channels.
    """
    k, a, t = s.uplink_channel.shape
    draw = np.random.default_rng(0).standard_normal((2, k, a, t))
    noise = draw[0] + 1j * draw[1]
    noise = noise / np.linalg.norm(noise, ord=2, axis=(1, 2), keepdims=True)
    size = s.channel_error * jnp.linalg.norm(s.uplink_channel, ord=2, axis=(1, 2))
    true = eqx.tree_at(lambda s: s.uplink_channel, s, s.uplink_channel + size[:, None, None] * noise)
    random = uplink_sinr(true, x)

    streams = jnp.stack([x.precoder, x.sensing_precoder], axis=1)
    heard = jnp.abs(jnp.einsum("ka,jat,jst->kjs", x.combiner.conj(), s.uplink_channel, streams))
    norm = jnp.sqrt(jnp.sum(jnp.abs(x.combiner) ** 2, axis=1))
    more = norm[:, None, None] * size[:, None] * jnp.sqrt(jnp.sum(jnp.abs(streams) ** 2, axis=2))
    own = jnp.arange(k)
    meets = jnp.eye(k)[..., None] if x.subband_hz is not None else 1.0
    worst = meets * (heard + more) ** 2
    others = jnp.sum(worst, axis=(1, 2)) - worst[own, own, 0]
    wanted = jnp.maximum(heard[own, own, 0] - more[own, own, 0], 0.0) ** 2
    worst = wanted / _safe(others + _noise(s.ap_noise_w, s, x) * norm**2)

    band = s.bandwidth_hz if x.subband_hz is None else x.subband_hz
    bits = _share(x.offload_fraction) * s.task_bits
    times = {name: _ratio(bits, band * jnp.log2(1 + sinr)) for name, sinr in (("random", random), ("worst", worst))}
    return {
        "random_upload_s": times["random"],
        "worst_upload_s": times["worst"],
        "worst_lateness": jnp.maximum((times["worst"] + remote) / s.latency_max_s - 1, 0.0),
    }


def _noise(power: Float[Array, "..."], s: EnergyScenario, x: EnergySolution) -> Float[Array, "..."]:
    return power if x.subband_hz is None else power * x.subband_hz / s.bandwidth_hz


def _safe(value: Float[Array, "..."]) -> Float[Array, "..."]:
    positive: Bool[Array, "..."] = value > 0
    return jnp.where(positive, value, 1.0)


def _share(share: Float[Array, "..."]) -> Float[Array, "..."]:
    """A share that is zero up to rounding is none: it needs no processor."""
    return jnp.where(jnp.abs(share) < 1e-12, 0.0, share)


def _ratio(amount: Float[Array, "..."], speed: Float[Array, "..."]) -> Float[Array, "..."]:
    """Time for an amount at a speed: 0/0 is 0."""
    return jnp.where(speed > 0, amount / _safe(speed), jnp.where(amount > 0, jnp.inf, 0.0))


def _excess(used: Float[Array, "..."], limit: Float[Array, "..."]) -> Float[Array, "..."]:
    """Relative violation of used <= limit."""
    return jnp.where(limit > 0, used / _safe(limit) - 1, jnp.where(used > 0, jnp.inf, 0.0))
