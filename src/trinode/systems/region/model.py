"""The judge of the region system: rates, beampatterns, pattern errors and every constraint, as the paper writes them.

Equation numbers are those of Mao, Lu, Chi, Ai, Zhong and Ding, "Communication-Sensing Region for Cell-Free Massive
MIMO ISAC Systems". The power p_m is 1 in (19) and (20): with the 125 dB of Table I a pattern error would be of the
order of 1e25. The second term of (18) is taken over all access points and all pairs m' != m of them, so that (18) is
the expectation it stands for.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from trinode.sensing import beampattern
from trinode.systems.region import detection
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.solution import RegionSolution
from trinode.systems.report import Report


def evaluate(scenario: RegionScenario, solution: RegionSolution) -> Report:
    """Score a decision.

    Returns
    -------
    Report
        ``objective`` is the sum rate (bit/s/Hz). Metrics: ``rate_bps_hz``,
        ``sinr``, ``interference``, ``error_noise``, ``sensing_noise`` (K,), ``ap_power_used`` and
        ``pattern_error`` (M,) with the given scales, their mean ``pattern_mse`` over the access points that sense,
        ``pattern_mse_best_scale`` and ``pattern_nmse`` (the error over the squared scale) with the best ones,
        and ``data_bits_per_hz``, the sum rate over a coherence interval (NaN where its length is unknown). Where a
        detection probability is asked for, ``detection_probability`` (T,).
    """
    s, x = scenario, solution
    sinr, parts = sinrs(s, x.precoder, x.sensing_covariance)
    rate = jnp.log2(1 + sinr)
    pattern = radiated(s, x.precoder, x.sensing_covariance)  # (19)
    power = jnp.sum(jnp.abs(x.precoder) ** 2, axis=(1, 2)) + jnp.trace(x.sensing_covariance, axis1=1, axis2=2).real

    error = jnp.mean((x.pattern_scale[:, None] * s.ideal_pattern - pattern) ** 2, axis=1)  # (20)
    mean_error = _over_sensing(s, error)
    scale = beampattern.best_scale(s.ideal_pattern, pattern)
    best = jnp.mean((scale[:, None] * s.ideal_pattern - pattern) ** 2, axis=1)

    senses = s.sensing_ap & jnp.any(jnp.abs(x.pattern_scale) > 1e-12)
    asked = jnp.any(senses) & ~jnp.isnan(s.pattern_mse_max)
    eigenvalue = jnp.linalg.eigvalsh((x.sensing_covariance + x.sensing_covariance.conj().swapaxes(1, 2)) / 2)[:, 0]
    skew = jnp.abs(x.sensing_covariance - x.sensing_covariance.conj().swapaxes(1, 2)).max(axis=(1, 2))
    elsewhere = jnp.where(s.sensing_ap, 0.0, jnp.abs(x.sensing_covariance).max(axis=(1, 2)))
    limit = jnp.where(asked, s.pattern_mse_max, 1.0)
    over = jnp.where(limit > 0, mean_error / jnp.where(limit > 0, limit, 1.0) - 1, jnp.inf)
    residuals = {
        "14 power": power - 1,
        "16 full power": jnp.where(senses, jnp.abs(power - 1), -1.0),
        "24b pattern error": jnp.where(asked, over, -1.0),
        "24c sensing covariance": jnp.maximum(jnp.maximum(-eigenvalue, skew), elsewhere),
    }
    objective = jnp.sum(rate)
    metrics = {
        "rate_bps_hz": rate,
        "sinr": sinr,
        **parts,
        "ap_power_used": power,
        "pattern_error": error,
        "pattern_mse": mean_error,
        "pattern_mse_best_scale": _over_sensing(s, best),
        "pattern_nmse": _over_sensing(s, best / jnp.where(scale > 0, scale, jnp.nan) ** 2),
        "data_bits_per_hz": s.downlink_symbols * jnp.sum(rate),
    }
    if s.targets is not None:
        found = s.targets.probability(_towards_targets(s, s.targets, x))
        metrics["detection_probability"] = found
        residuals["detection probability"] = jnp.where(jnp.any(senses), 1 - found / s.targets.probability_min, -1.0)
    return Report(objective=objective, metrics=metrics, residuals=residuals)


def sinrs(
    s: RegionScenario, precoder: Complex[Array, "M K A"], sensing: Complex[Array, "M A A"]
) -> tuple[Float[Array, " K"], dict[str, Float[Array, " K"]]]:
    """SINR of each terminal with the denominator A_k of (18), and the parts of that denominator beside the noise 1."""
    root = jnp.sqrt(s.ap_power)
    heard = jnp.einsum("m,mka,mja->kj", root, s.channel_estimate.conj(), precoder)  # stream j at terminal k
    signal = jnp.abs(jnp.diagonal(heard)) ** 2
    interference = jnp.sum(jnp.abs(heard) ** 2, axis=1) - signal
    sent = jnp.einsum("mja,njb->mnab", precoder, precoder.conj())  # sum over the streams of w_m w_n^H
    # E|sum_m sqrt(p_m) e_mk^H w_mj|^2, summed over all streams j
    error_noise = jnp.einsum("m,n,mnkab,mnab->k", root, root, s.error_covariance, sent.conj()).real
    through_estimate = jnp.einsum(
        "m,mka,mab,mkb->k", s.ap_power, s.channel_estimate.conj(), sensing, s.channel_estimate
    )
    own = jnp.einsum("mmkab->mkab", s.error_covariance)
    through_error = jnp.einsum("m,mkab,mba->k", s.ap_power, own, sensing)
    sensing_noise = (through_estimate + through_error).real
    parts = {"interference": interference, "error_noise": error_noise, "sensing_noise": sensing_noise}
    return signal / (interference + error_noise + sensing_noise + 1), parts


def radiated(
    s: RegionScenario, precoder: Complex[Array, "M K A"], sensing: Complex[Array, "M A A"]
) -> Float[Array, "M D"]:
    """Beampattern (19) of each access point at a power of 1."""
    covariance = jnp.einsum("mka,mkb->mab", precoder, precoder.conj()) + sensing
    return beampattern.pattern(covariance, s.direction_rad, s.element_spacing)


def _towards_targets(s: RegionScenario, targets: detection.Targets, x: RegionSolution) -> Float[Array, "M T"]:
    """(19) in the directions of the targets."""
    covariance = jnp.einsum("mka,mkb->mab", x.precoder, x.precoder.conj()) + x.sensing_covariance
    a = beampattern.steering(targets.direction_rad, s.antennas, s.element_spacing)
    return detection.radiated(a, covariance)


def _over_sensing(s: RegionScenario, each: Float[Array, " M"]) -> Float[Array, ""]:
    count = jnp.sum(s.sensing_ap)
    return jnp.where(count > 0, jnp.sum(jnp.where(s.sensing_ap, each, 0.0)) / jnp.maximum(count, 1), jnp.nan)
