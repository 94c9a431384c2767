"""Parameters of the latency system: the paper's Table I, and a stated value where the paper is silent."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Float

from trinode.errors import InputError
from trinode.radio.propagation import COST_231
from trinode.systems import allowed
from trinode.systems.show import Shown

Scalar = float | Float[Array, ""]


class LatencyParams(Shown):
    """Parameters of the latency system (Table I of the paper; [29] of it for what the table omits).

    Integer fields set array shapes and are static; all others are numbers that may be swept.

    Attributes
    ----------
    terminals : int
        Number of terminals, K.
    access_points : int
        Number of access points, M.
    ap_antennas : int
        Antennas of an access point, N (called A in files).
    terminal_antennas : int
        Transmit antennas of a terminal, N_t (T).
    radar_antennas : int
        Receive antennas of a terminal's radar, N_r (R).
    serving : int
        Size of the serving cluster M_k of every terminal.
    area_m : float
        Side of the square in which access points and terminals fall.
    carrier_hz : float
        Carrier frequency, 1.5 to 2 GHz, for which the path loss (54)-(55) holds; not printed, chosen after [29].
    ap_height_m : float
        Height of the access points, 4 to 200 m; not printed, chosen after [29].
    terminal_height_m : float
        Height of the terminals, 1 to 10 m; not printed, chosen after [29].
    element_spacing : float
        Between the antennas of all arrays.
    bandwidth_hz : float
        Band that all terminals share, B.
    noise_figure_db : float
        Of all receivers, for the noise power (56).
    temperature_k : float
        For the noise power (56).
    task_bits : float
        Size of every task, D.
    terminal_cycles_per_bit : float
        Processing density at a terminal.
    edge_cycles_per_bit : float
        Processing density at an edge server.
    cloud_cycles_per_bit : float
        Processing density in the cloud.
    terminal_max_frequency_hz : float
        Largest processor frequency of a terminal.
    edge_max_frequency_hz : float
        Processor frequency that the terminals at an edge server share.
    cloud_max_frequency_hz : float
        Processor frequency that the terminals in the cloud share.
    fronthaul_max_bps : float
        Rate of the fronthaul from an access point to the cloud.
    terminal_capacitance : float
        Effective switched capacitance of a terminal's processor: power is this times the cubed frequency.
    edge_capacitance : float
        The same of an edge server.
    terminal_max_power_w : float
        Largest power of a terminal, radiated and of its processor.
    ap_max_power_w : float
        Largest power of an access point with its server.
    reflection_min, reflection_max : float
        Reflection of the terminals' targets, uniform between the two.
    target_distance_min_m, target_distance_max_m : float
        Distance of the terminals' targets, uniform between the two.
    sensing_sinr_min_db : float
        Echo SINR requirement of every terminal.
    """

    terminals: int = eqx.field(static=True, default=6)
    access_points: int = eqx.field(static=True, default=6)
    ap_antennas: int = eqx.field(static=True, default=8)
    terminal_antennas: int = eqx.field(static=True, default=8)
    radar_antennas: int = eqx.field(static=True, default=8)
    serving: int = eqx.field(static=True, default=3)
    area_m: Scalar = 200.0
    carrier_hz: Scalar = 1.9e9
    ap_height_m: Scalar = 15.0
    terminal_height_m: Scalar = 1.65
    element_spacing: Scalar = 0.5
    bandwidth_hz: Scalar = 10e6
    noise_figure_db: Scalar = 9.0
    temperature_k: Scalar = 290.0
    task_bits: Scalar = 1.6e6
    terminal_cycles_per_bit: Scalar = 400.0
    edge_cycles_per_bit: Scalar = 400.0
    cloud_cycles_per_bit: Scalar = 400.0
    terminal_max_frequency_hz: Scalar = 0.3e9
    edge_max_frequency_hz: Scalar = 3e9
    cloud_max_frequency_hz: Scalar = 10e9
    fronthaul_max_bps: Scalar = 0.5e9
    terminal_capacitance: Scalar = 1e-28
    edge_capacitance: Scalar = 1e-28
    terminal_max_power_w: Scalar = 10**-0.7
    ap_max_power_w: Scalar = 1.0
    reflection_min: Scalar = 0.8
    reflection_max: Scalar = 1.0
    target_distance_min_m: Scalar = 40.0
    target_distance_max_m: Scalar = 50.0
    sensing_sinr_min_db: Scalar = 1.0

    def __check_init__(self):
        allowed.check(self, positive=_POSITIVE, nonnegative=_NONNEGATIVE, ranges=_RANGES)
        if self.serving > self.access_points:
            raise InputError("serving", self.serving, f"at most access_points = {self.access_points}")


_POSITIVE = ("area_m", "bandwidth_hz", "temperature_k")
_NONNEGATIVE = (
    "element_spacing",
    "task_bits",
    "terminal_cycles_per_bit",
    "edge_cycles_per_bit",
    "cloud_cycles_per_bit",
    "terminal_max_frequency_hz",
    "edge_max_frequency_hz",
    "cloud_max_frequency_hz",
    "fronthaul_max_bps",
    "terminal_capacitance",
    "edge_capacitance",
    "terminal_max_power_w",
    "ap_max_power_w",
    "reflection_min",
    "reflection_max",
)
_LONGEST = COST_231["distance_m"][1]
_RANGES = {
    **{name: COST_231[name] for name in ("carrier_hz", "ap_height_m", "terminal_height_m")},
    "area_m": (0.0, _LONGEST / 2**0.5),
    "target_distance_min_m": (0.0, _LONGEST),
    "target_distance_max_m": (0.0, _LONGEST),
}
