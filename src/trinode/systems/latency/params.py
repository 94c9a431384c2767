"""Parameters of the latency system: the paper's Table I, and a stated value where the paper is silent."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Float

from trinode.errors import InputError
from trinode.systems import allowed

Scalar = float | Float[Array, ""]


class LatencyParams(eqx.Module):
    """Parameters of the latency system (Table I of the paper; [29] of it for what the table omits).

    Integer fields set array shapes and are static; all others are numbers that may be swept.

    Attributes
    ----------
    terminals, access_points : int
        K and M.
    ap_antennas, terminal_antennas, radar_antennas : int
        N (called A in files), N_t (T) and N_r (R).
    serving : int
        Size of the serving cluster M_k of every terminal.
    area_m : float
        Side of the square in which access points and terminals fall.
    carrier_hz, ap_height_m, terminal_height_m : float
        For the path loss (54)-(55); not printed, chosen after [29].
    noise_figure_db, temperature_k : float
        For the noise power (56).
    reflection_min, reflection_max, target_distance_min_m, target_distance_max_m : float
        Targets of the terminals, uniform between the two.
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
        allowed.check(self, positive=_POSITIVE, nonnegative=_NONNEGATIVE)
        if self.serving > self.access_points:
            raise InputError("serving", self.serving, f"at most access_points = {self.access_points}")


_POSITIVE = ("area_m", "carrier_hz", "ap_height_m", "terminal_height_m", "bandwidth_hz", "temperature_k")
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
    "target_distance_min_m",
    "target_distance_max_m",
)
