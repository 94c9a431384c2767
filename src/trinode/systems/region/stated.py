"""The region system stated in parts: an account of the paper that shares no code with its schemes.

Powers are in units of what an access point may send, as the paper's patterns are read. Sensing signals of their own are
left out: what is decided is a decision of the paper whose Z_m are zero, and its bound is for such decisions.
"""

from __future__ import annotations

import numpy as np

from trinode.compose.beampattern import Beampattern
from trinode.compose.downlink import Downlink
from trinode.compose.expression import total
from trinode.compose.problem import Maximize, Problem
from trinode.errors import InputError
from trinode.systems.region.scenario import RegionScenario


def problem(scenario: RegionScenario) -> Problem:
    """Send as much as possible while access points that sense, at full power, keep to their patterns.

    Parameters
    ----------
    scenario : RegionScenario
        With or without a pattern error.

    Raises
    ------
    InputError
        A detection probability is asked for.
    """
    s = scenario
    if s.detection_probability_min is not None:
        raise InputError("detection_probability_min", s.detection_probability_min, "none: this states a pattern error")
    points, users, antennas = s.channel_estimate.shape
    root = np.sqrt(np.asarray(s.ap_power))
    channel = (root[:, None, None] * np.asarray(s.channel_estimate)).conj().swapaxes(0, 1)  # (7), (14)
    error = np.einsum("m,n,mnkab->kmanb", root, root, np.asarray(s.error_covariance).conj())
    size = points * antennas
    air = Downlink(channel, 1.0, np.ones(points), error_covariance=error.reshape(users, size, size))  # (18)
    if np.isnan(s.pattern_mse_max):
        return Problem(Maximize(total(air.rate)))
    phase = float(s.element_spacing) * np.sin(np.asarray(s.direction_rad))[:, None] * np.arange(antennas)
    radar = Beampattern(air, np.exp(2j * np.pi * phase), s.ideal_pattern)  # (19), (20)
    senses = np.asarray(s.sensing_ap, float)
    mean = total(radar.pattern_error, senses / senses.sum())
    return Problem(Maximize(total(air.rate)), [mean <= s.pattern_mse_max, air.power_w >= senses])  # (24b), (16)
