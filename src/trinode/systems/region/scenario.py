"""A network of the region system: its arrays, drawn at random or brought from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Key

from trinode.errors import InputError
from trinode.numerics.assignment import assign
from trinode.radio import draws, estimation, pilots, propagation
from trinode.sensing import beampattern
from trinode.systems.declared import NAN, NONNEGATIVE, POSITIVE, hermitian
from trinode.systems.network import Scenario
from trinode.systems.region.detection import Targets, echo_gain, echo_snr
from trinode.systems.region.params import RegionParams

DETECTION = (
    "target_paired",
    "target_direction_rad",
    "target_echo_gain",
    "detection_probability_min",
    "false_alarm",
)
"""Arrays that are there where sensing is asked for as a detection probability: all of them, or none."""


class RegionScenario(Scenario):
    """One network of the region system; names, shapes and units are those of the file.

    Everything is normalised by the noise: user k hears ``sum_m sqrt(ap_power[m]) conj(h[m, k]) . x[m]`` and noise 1.

    Attributes
    ----------
    downlink_symbols : float
        tau_c - tau_p, symbols of a coherence interval that carry data; NaN where unknown.
    target_paired, target_direction_rad, target_echo_gain : (M, Q), optional
        Where sensing is asked for as a detection probability (``pattern_mse_max`` is NaN then): which access point
        senses which target, where each sees each, and the power of an echo at an antenna over the radiated power.
    detection_probability_min, false_alarm : float, optional
        The requirement, and the probability of a false alarm at which it is meant.
    """

    channel_estimate: Complex[Array, "M K A"]
    error_covariance: Complex[Array, "M M K A A"] = eqx.field(metadata=hermitian(1, 0, 2, 4, 3))
    ap_power: Float[Array, " M"] = eqx.field(metadata=NONNEGATIVE)
    sensing_ap: Bool[Array, " M"]
    direction_rad: Float[Array, " D"]
    ideal_pattern: Float[Array, "M D"] = eqx.field(metadata=NONNEGATIVE)
    element_spacing: Float[Array, ""] = eqx.field(metadata=POSITIVE)
    pattern_mse_max: Float[Array, ""] = eqx.field(metadata=NAN)
    terminal_position_m: Float[Array, "K dims"] | None = None
    ap_position_m: Float[Array, "M dims"] | None = None
    downlink_symbols: Float[Array, ""] | float = eqx.field(default=float("nan"), metadata=NONNEGATIVE | NAN)
    target_paired: Bool[Array, "M Q"] | None = None
    target_direction_rad: Float[Array, "M Q"] | None = None
    target_echo_gain: Float[Array, "M Q"] | None = eqx.field(default=None, metadata=NONNEGATIVE)
    detection_probability_min: Float[Array, ""] | None = None
    false_alarm: Float[Array, ""] | None = None

    @property
    def targets(self) -> Targets | None:
        """What detection probabilities depend on, where they are asked for."""
        paired, direction, gain = self.target_paired, self.target_direction_rad, self.target_echo_gain
        least, false_alarm = self.detection_probability_min, self.false_alarm
        if paired is None or direction is None or gain is None or least is None or false_alarm is None:
            return None
        snr = echo_snr(gain, self.ap_power, antennas=self.antennas, looks=self.downlink_symbols)
        return Targets(paired, direction, snr, least, false_alarm)

    @classmethod
    def check_together(cls, arrays: Mapping[str, Any]) -> None:
        """Refuse what is no network.

        Raises
        ------
        InputError
            Error covariances that are none; an ideal pattern that is not of 0 and 1; a requirement below 0, or one that
            no access point is there to meet.
        """
        covariance = np.asarray(arrays["error_covariance"])
        for one in covariance.reshape(-1, *covariance.shape[-5:]):
            _check_errors(one)
        ideal = np.asarray(arrays["ideal_pattern"])
        if np.any((ideal != 0) & (ideal != 1)):
            raise InputError("ideal_pattern", ideal[(ideal != 0) & (ideal != 1)][0], "0 or 1")
        limit, sensing = np.asarray(arrays["pattern_mse_max"]), np.asarray(arrays["sensing_ap"])
        wrong = (limit < 0) | np.isinf(limit)
        if np.any(wrong):
            allowed = "a finite number of at least 0, or NaN for communication only"
            raise InputError("pattern_mse_max", limit[wrong][0], allowed)
        asked = ~np.isnan(limit)
        if np.any(asked & ~sensing.any(axis=-1)):
            allowed = "at least one access point that senses, or pattern_mse_max NaN for communication only"
            raise InputError("sensing_ap", "no access point that senses", allowed)
        blank = np.argwhere(asked[..., None] & sensing & ~ideal.any(axis=-1))
        if blank.size:
            allowed = "a beam for every access point that senses"
            raise InputError("ideal_pattern", f"no 1 in row {blank[0, -1]}", allowed)
        _check_detection(arrays)

    @property
    def antennas(self) -> int:
        """A."""
        return self.channel_estimate.shape[2]


def draw(params: RegionParams, key: Key[Array, ""], places: Mapping[str, Array] | None = None) -> RegionScenario:
    """Draw a network: uniform positions, channels of Section II-A, pilots, estimates (10) and their errors (12).

    Every quantity has a key of its own and every entry too, so that a draw with more terminals or access points
    contains the positions and fading of the smaller one.
    """
    p = params
    k, m, a = p.terminals, p.access_points, p.ap_antennas
    drawn = draws.several(
        key,
        uniform={"ap position": (m, 2), "terminal position": (k, 2), "target position": (p.targets, 2)},
        normal={"fading": (m, k, a)} | _paths(m, k, a, p.targets),
    )
    area = jnp.asarray(p.area_m, dtype=float)
    ap, terminal, target = (drawn[f"{what} position"] * area for what in ("ap", "terminal", "target"))
    if p.central:
        ap = ap.at[0].set(area / 2)
    terminal, ap = draws.placed(places, terminal, ap)
    gain = path_gain(propagation.distance_m(ap[:, None], terminal[None]), p)
    return _assemble(p, drawn, gain, jnp.sqrt(gain)[..., None] * drawn["fading"], ap, terminal, target)


def from_channels(channels: Any, params: RegionParams, key: Key[Array, ""]) -> RegionScenario:
    """A network on channels from outside (see :class:`trinode.channels.traced.TracedChannels`).

    The first antenna of each terminal counts, and its uplink channel is, conjugated, the direct link (2). What
    estimation may assume of it is its mean power per antenna. Targets fall within the box around all positions;
    ``params.targets`` and ``params.pilots`` have to fit the sizes of the channels.
    """
    uplink = jnp.asarray(channels.uplink_channel)
    terminal, ap = jnp.asarray(channels.terminal_position_m), jnp.asarray(channels.ap_position_m)
    # received = conj(h) . x in the downlink, and H^T of the uplink by reciprocity
    direct = jnp.moveaxis(uplink[..., 0], 0, 1).conj()
    gain = jnp.mean(jnp.abs(direct) ** 2, axis=-1)
    everything = jnp.concatenate([terminal[:, :2], ap[:, :2]])
    low, high = everything.min(0), everything.max(0)
    m, k, a = direct.shape
    drawn = draws.several(key, uniform={"target position": (params.targets, 2)}, normal=_paths(m, k, a, params.targets))
    target = low + (high - low) * drawn["target position"]
    return _assemble(params, drawn, gain, direct, ap, terminal, target)


def path_gain(distance: Float[Array, "..."], p: RegionParams) -> Float[Array, "..."]:
    """Power gain, the square of the amplitude (1); the distance there is in km."""
    km = jnp.maximum(distance, p.min_distance_m) / 1e3
    return propagation.from_db(-(128.1 + 37.6 * jnp.log10(km)))


def _assemble(
    p: RegionParams,
    drawn: dict[str, Array],
    gain: Float[Array, "M K"],
    direct: Complex[Array, "M K A"],
    ap: Float[Array, "M dims"],
    terminal: Float[Array, "K dims"],
    target: Float[Array, "T 2"],
) -> RegionScenario:
    m, a = direct.shape[0], direct.shape[2]
    to_target = ap[:, None, :2] - target[None]
    bearing = jnp.arctan2(-to_target[..., 0], -to_target[..., 1])  # from the y axis: broadside of an array along x
    statistics = estimation.Statistics(
        direct=gain,
        terminal_target=path_gain(propagation.distance_m(terminal[:, None, :2], target[None]), p)
        + propagation.from_db(p.terminal_target_variance_db),
        target_mean=jnp.sqrt(path_gain(jnp.sqrt(jnp.sum(to_target**2, axis=-1)), p)),
        target_variance=jnp.full((m, p.targets), propagation.from_db(p.target_variance_db)),
        steering=beampattern.steering(bearing, a, p.element_spacing),
        steering_variance=jnp.full((m, p.targets), propagation.from_db(p.steering_variance_db)),
        reflection=jnp.full((p.targets,), p.reflection, dtype=float),
    )
    fading = estimation.Fading(
        direct=direct / jnp.sqrt(jnp.where(gain > 0, gain, 1.0))[..., None],
        terminal_target=drawn["terminal target fading"],
        target_amplitude=jnp.sqrt(2.0) * drawn["target amplitude"].real,
        terminal_target_amplitude=jnp.sqrt(2.0) * drawn["terminal target amplitude"].real,
        array=drawn["target array"],
    )
    variance = propagation.from_db(p.terminal_target_variance_db)
    mean = jnp.sqrt(jnp.maximum(statistics.terminal_target - variance, 0.0))
    channel = estimation.channel(statistics, fading, mean, jnp.full_like(mean, jnp.sqrt(variance)))

    apart = propagation.distance_m(terminal[:, None], terminal[None])
    count = jnp.asarray(p.pilots, dtype=int)
    label = {"clustering": pilots.clustering, "spread": pilots.spread}[p.pilot_rule](apart, count)
    energy = propagation.from_db(p.pilot_power_db) * p.pilots
    known = estimation.estimator(estimation.channel_covariance(statistics), label, energy)
    paired = pairing(jnp.sqrt(jnp.sum(to_target**2, axis=-1)), p.targets_per_ap)
    sensing = jnp.any(paired, axis=1)
    direction = jnp.linspace(-jnp.pi / 2, jnp.pi / 2, p.directions)
    heading = jnp.arctan2(
        jnp.sum(paired * jnp.sin(bearing), axis=1), jnp.sum(paired * jnp.cos(bearing), axis=1)
    )  # the middle of what it senses
    seen = bearing - (heading[:, None] if p.broadside else 0.0)
    seen = jnp.arcsin(jnp.clip(jnp.sin(seen), -1.0, 1.0))  # a linear array cannot tell front from back
    seen = jnp.where(jnp.abs(seen) < 1e-12, 0.0, seen)
    width = jnp.deg2rad(p.beam_width_deg)
    ideal = jax.vmap(lambda angle: beampattern.ideal(direction, angle, width))(jnp.where(paired, seen, jnp.nan))
    detected: dict[str, Any] = {}
    if p.detection_probability_min is not None:
        detected = {
            "target_paired": paired,
            "target_direction_rad": seen,
            "target_echo_gain": echo_gain(
                jnp.sqrt(jnp.sum(to_target**2, axis=-1)),
                cross_section_m2=p.radar_cross_section_m2,
                wavelength_m=p.wavelength_m,
                min_distance_m=p.min_distance_m,
            ),
            "detection_probability_min": jnp.asarray(p.detection_probability_min, dtype=float),
            "false_alarm": jnp.asarray(p.false_alarm, dtype=float),
        }
    return RegionScenario(
        channel_estimate=estimation.estimate(known, channel, label, energy, drawn["pilot noise"]),
        error_covariance=known.error_covariance,
        ap_power=_powers(p, sensing),
        sensing_ap=sensing,
        direction_rad=direction,
        ideal_pattern=ideal,
        element_spacing=jnp.asarray(p.element_spacing, dtype=float),
        pattern_mse_max=jnp.asarray(jnp.nan if detected else p.pattern_mse_max, dtype=float),
        terminal_position_m=terminal,
        ap_position_m=ap,
        downlink_symbols=jnp.asarray(p.coherence_symbols - p.pilots, dtype=float),
        **detected,
    )


def pairing(distance: Float[Array, "M T"], most: int = 1) -> Bool[Array, "M T"]:
    """Which access point senses which target: the pairing of least summed distance (Section III-B).

    Each target has one access point, and each access point at most ``most`` targets.
    """
    m = distance.shape[0]
    column = assign(jnp.tile(distance.T, (1, most)))
    return (column % m)[None] == jnp.arange(m)[:, None]


def _powers(p: RegionParams, sensing: Bool[Array, " M"]) -> Float[Array, " M"]:
    one = propagation.from_db(p.ap_power_db)
    others = jnp.sum(~sensing)
    left = jnp.maximum(p.ap_power_budget - jnp.sum(sensing), 0.0) / jnp.maximum(others, 1)
    share = jnp.where(sensing | (jnp.asarray(p.ap_power_budget) <= 0), 1.0, left)
    return one * share


def _paths(m: int, k: int, a: int, targets: int) -> dict[str, tuple[int, ...]]:
    """Shapes of what is normal besides the direct links; noise of as many pilots as there could be."""
    return {
        "terminal target fading": (k, targets),
        "target amplitude": (m, targets),
        "terminal target amplitude": (k, targets),
        "target array": (m, targets, a),
        "pilot noise": (m, k, a),
    }


def _check_detection(arrays: Mapping[str, Any]) -> None:
    """A detection probability needs all that it depends on, and stands in place of a pattern error."""
    there = [name for name in DETECTION if name in arrays]
    if not there:
        return
    for name in DETECTION:
        if name not in arrays:
            raise InputError(name, "nothing (missing)", f"an array, as {there[0]} is there")
    for name in ("detection_probability_min", "false_alarm"):
        value = np.asarray(arrays[name])
        if np.any((value <= 0) | (value >= 1)):
            raise InputError(name, value, "a number above 0 and below 1")
    limit, symbols = np.asarray(arrays["pattern_mse_max"]), np.asarray(arrays.get("downlink_symbols", np.nan))
    if not np.all(np.isnan(limit)):
        raise InputError("pattern_mse_max", limit, "NaN, as a detection probability is asked for")
    if not np.all(np.isfinite(symbols)):
        raise InputError("downlink_symbols", symbols, "a finite number, as a detection probability is asked for")
    paired = np.asarray(arrays["target_paired"])
    if np.any(paired.sum(axis=-2) != 1) or np.any(paired.any(axis=-1) & ~np.asarray(arrays["sensing_ap"])):
        raise InputError("target_paired", "another pairing", "one access point that senses for each target")


def _check_errors(covariance: np.ndarray) -> None:
    """Errors of each terminal, stacked over the access points, need a Hermitian covariance without negative powers."""
    m, _, k, a, _ = covariance.shape
    whole = np.moveaxis(covariance, 2, 0).transpose(0, 1, 3, 2, 4).reshape(k, m * a, m * a)
    size = np.abs(whole).max(axis=(1, 2), initial=0.0)
    if np.any(np.abs(whole - whole.conj().swapaxes(1, 2)).max(axis=(1, 2)) > 1e-9 * size):
        raise InputError(
            "error_covariance", "a matrix that is not Hermitian", "[m, n, k] = [n, m, k]^H for all m, n, k"
        )
    lowest = np.linalg.eigvalsh(whole)[:, 0]
    if np.any(lowest < -1e-9 * np.maximum(size, 1e-300) * m * a):
        raise InputError(
            "error_covariance", f"a negative eigenvalue ({lowest.min():g})", "positive semidefinite matrices"
        )
