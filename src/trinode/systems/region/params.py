"""Parameters of the region system: the paper's Table I, and a stated value where the paper is silent."""

from __future__ import annotations

import math

import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from trinode.errors import InputError
from trinode.systems.params import Params, check_echo, choice, count, flag, nonnegative, number, positive, probability

Scalar = float | Float[Array, ""]

"""The paper's Algorithm 1, and the same improved by moves and swaps (:mod:`trinode.radio.pilots`)."""


class RegionParams(Params):
    """Parameters of the region system (Table I of the paper).

    Integer fields set array shapes and are static, as are the choices; all others are numbers that may be swept, and so
    may ``pilots``, a count that no array's shape depends on.

    Attributes
    ----------
    terminals : int
        Number of terminals, K.
    access_points : int
        Number of access points, M.
    ap_antennas : int
        Antennas of an access point, N_T (A in files).
    targets : int
        Number of targets, T.
    pilots : int
        tau_p, the orthogonal pilots and their length; at most the number of terminals.
    directions : int
        N of (20), evenly from -90 to 90 degrees.
    targets_per_ap : int
        Most targets that one access point senses (1 in the paper).
    broadside : bool
        Whether each sensing array is turned to face what it senses (one target then is at 0 degrees, as the paper
        assumes from Fig. 4(c) on); otherwise all arrays lie along the x axis.
    pilot_rule : {"clustering", "spread"}
        The paper's Algorithm 1, or the same improved by moves and swaps (:mod:`trinode.radio.pilots`).
    central : bool
        Whether access point 0 stands in the middle of the area (for the cellular network of Fig. 4).
    area_m : float
        D, side of the square in which everything falls.
    ap_power_db : float
        p_m, power of an access point as a signal-to-noise ratio at unit gain.
    pilot_power_db : float
        p_p, power of the pilots as a signal-to-noise ratio at unit gain.
    ap_power_budget : float
        Where positive: total power in units of p_m; the sensing access points keep p_m each, the others share the
        rest (footnote 1 of the paper).
    reflection : float
        alpha_t, an amplitude.
    target_variance_db : float
        Variance of path amplitudes between access points and targets, sigma^2 of (3).
    terminal_target_variance_db : float
        Variance of path amplitudes between terminals and targets, sigma^2 of (5).
    steering_variance_db : float
        chi^2 of (3).
    beam_width_deg : float
        Width of the ideal beam.
    element_spacing : float
        Between the antennas of an access point; not printed.
    min_distance_m : float
        No path is counted shorter; not printed. At least 1 m: (1) would turn into a gain below 0.4 m.
    pattern_mse_max : float
        delta of (24b) in units where p_m is 1 in (19)-(20); NaN asks for communication only.
    detection_probability_min : float, optional
        Where given, what is asked of sensing in place of a pattern error: the probability with which each target's
        access point detects its echo (beyond the paper; see :mod:`trinode.systems.region.detection`).
    false_alarm : float
        Probability of a false alarm at which that is meant.
    radar_cross_section_m2 : float
        Of a target, for that probability alone: a car.
    wavelength_m : float
        For that probability alone: 2 GHz.
    coherence_symbols : float
        Symbols of a coherence interval, tau_c.
    """

    terminals: int = count(9)
    access_points: int = count(6)
    ap_antennas: int = count(12)
    targets: int = count(3)
    pilots: int = count(5, static=False)
    directions: int = count(181, least=2)
    targets_per_ap: int = count(1)
    broadside: bool = flag(True)
    pilot_rule: str = choice("clustering", "spread")
    central: bool = flag(False)
    area_m: Scalar = positive(2000.0)
    ap_power_db: Scalar = 125.0
    pilot_power_db: Scalar = 150.0
    ap_power_budget: Scalar = nonnegative(0.0)
    reflection: Scalar = nonnegative(0.8)
    target_variance_db: Scalar = -160.0
    terminal_target_variance_db: Scalar = -160.0
    steering_variance_db: Scalar = -30.0
    beam_width_deg: Scalar = positive(10.0)
    element_spacing: Scalar = positive(0.5)
    min_distance_m: Scalar = number(10.0, within=(1.0, math.inf))
    pattern_mse_max: Scalar = nonnegative(0.6, nan=True)
    detection_probability_min: Scalar | None = probability(None)
    false_alarm: Scalar = probability(1e-3)
    radar_cross_section_m2: Scalar = positive(10.0)
    wavelength_m: Scalar = positive(0.15)
    coherence_symbols: Scalar = positive(40.0)

    def check_together(self) -> None:
        name = "radar_cross_section_m2"
        check_echo(name, self.radar_cross_section_m2, self.wavelength_m, self.min_distance_m)
        if self.pilots > self.terminals:
            raise InputError("pilots", self.pilots, f"at most terminals = {self.terminals}: one each is enough")
        if not isinstance(self.coherence_symbols, Tracer) and np.any(self.coherence_symbols < self.pilots):
            raise InputError("coherence_symbols", self.coherence_symbols, f"at least pilots = {self.pilots}")
        if self.targets > self.access_points * self.targets_per_ap:
            most = self.access_points * self.targets_per_ap
            raise InputError("targets", self.targets, f"at most access_points x targets_per_ap = {most}")
