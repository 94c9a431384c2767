"""Parameters of the three-tier system: the paper's Table III, and a stated value where the paper is silent."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Float

from trinode.systems import allowed

Scalar = float | Float[Array, ""]


class ThreetierParams(eqx.Module):
    """Parameters of the three-tier system (Table III and Section IV-A of the paper).

    Integer fields set array shapes and are static; all others are numbers that may be swept.

    Attributes
    ----------
    terminals, access_points : int
        K and L. Three access points (base stations) stand where the paper puts them; another number of them stands
        on a ring of ``ring_radius_m`` around the same centre.
    ap_antennas, terminal_antennas, radar_antennas : int
        M (called A in files), N_t (T) and N_r (R).
    area_m : float
        Side of the square around the centre in which terminals fall.
    least_distance_m : float
        No link is shorter for the path loss; not printed.
    reference_gain_db : float
        Power gain at 1 m; gains fall with the square of the distance.
    echo_path_exponent : float
        Exponent of the target's distance in the echo's power: 2 is the only one under which Table III can be met;
        6 is (6) as printed, 4 the two-way echo of a point target.
    noise_density_dbm_hz : float
        Noise power density at base stations and at radars.
    task_bits_per_hz : float
        Z_k grows with the bandwidth (Nyquist): 100 KB at 10 MHz, 1 KB being 8000 bit.
    echo_looks : float
        Echoes that are accumulated before a detection; the data grow with them (Fig. 11).
    reflection_min, reflection_max, target_distance_min_m, target_distance_max_m : float
        Radar cross-sections and distances of the targets, uniform between the two.
    """

    terminals: int = eqx.field(static=True, default=9)
    access_points: int = eqx.field(static=True, default=3)
    ap_antennas: int = eqx.field(static=True, default=16)
    terminal_antennas: int = eqx.field(static=True, default=8)
    radar_antennas: int = eqx.field(static=True, default=8)
    area_m: Scalar = 1000.0
    ring_radius_m: Scalar = 350.0
    least_distance_m: Scalar = 10.0
    reference_gain_db: Scalar = -60.0
    echo_path_exponent: Scalar = 2.0
    element_spacing: Scalar = 0.5
    bandwidth_hz: Scalar = 10e6
    noise_density_dbm_hz: Scalar = -174.0
    task_bits_per_hz: Scalar = 0.08
    echo_looks: Scalar = 1.0
    cycles_per_bit: Scalar = 400.0
    terminal_frequency_hz: Scalar = 0.5e9
    edge_frequency_hz: Scalar = 3e9
    cloud_frequency_hz: Scalar = 10e9
    edge_capacity_hz: Scalar = 9e9
    backhaul_bps: Scalar = 10e6
    terminal_capacitance: Scalar = 1e-28
    terminal_max_power_dbm: Scalar = 30.0
    reflection_min: Scalar = 0.8
    reflection_max: Scalar = 1.0
    target_distance_min_m: Scalar = 30.0
    target_distance_max_m: Scalar = 70.0
    sensing_sinr_min_db: Scalar = 2.0

    def __check_init__(self):
        allowed.check(self, positive=_POSITIVE, nonnegative=_NONNEGATIVE)


_POSITIVE = ("area_m", "least_distance_m", "bandwidth_hz", "target_distance_min_m", "target_distance_max_m")
_NONNEGATIVE = (
    "ring_radius_m",
    "echo_path_exponent",
    "element_spacing",
    "task_bits_per_hz",
    "echo_looks",
    "cycles_per_bit",
    "terminal_frequency_hz",
    "edge_frequency_hz",
    "cloud_frequency_hz",
    "edge_capacity_hz",
    "backhaul_bps",
    "terminal_capacitance",
    "reflection_min",
    "reflection_max",
)
