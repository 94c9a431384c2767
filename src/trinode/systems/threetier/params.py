"""Parameters of the three-tier system: the paper's Table III, and a stated value where the paper is silent."""

from __future__ import annotations

import math

from jaxtyping import Array, Float

from trinode.systems.params import Params, count, nonnegative, number, positive

Scalar = float | Float[Array, ""]


class ThreetierParams(Params):
    """Parameters of the three-tier system (Table III and Section IV-A of the paper).

    Integer fields set array shapes and are static; all others are numbers that may be swept.

    Attributes
    ----------
    terminals : int
        Number of terminals, K.
    access_points : int
        Number of access points (base stations), L. Three stand where the paper puts them, another number on a ring of
        ``ring_radius_m`` around the same centre.
    ap_antennas : int
        Antennas of an access point, M (called A in files).
    terminal_antennas : int
        Transmit antennas of a terminal, N_t (T).
    radar_antennas : int
        Receive antennas of a terminal's radar, N_r (R).
    area_m : float
        Side of the square around the centre in which terminals fall.
    ring_radius_m : float
        Radius of the ring on which access points stand where they are not three.
    least_distance_m : float
        No link is shorter for the path loss; not printed. At least 1 m, where the reference is.
    reference_gain_db : float
        Power gain at 1 m, at most 0 dB; gains fall with the square of the distance.
    echo_path_exponent : float
        Exponent of the target's distance in the echo's power: 2 is the only one under which Table III can be met;
        6 is (6) as printed, 4 the two-way echo of a point target.
    element_spacing : float
        Between the antennas of all arrays.
    bandwidth_hz : float
        Band that all terminals share.
    noise_density_dbm_hz : float
        Noise power density at base stations and at radars.
    task_bits_per_hz : float
        Z_k grows with the bandwidth (Nyquist): 100 KB at 10 MHz, 1 KB being 8000 bit.
    echo_looks : float
        Echoes that are accumulated before a detection; the data grow with them (Fig. 11).
    cycles_per_bit : float
        Processing density.
    terminal_frequency_hz : float
        Processor frequency of a terminal.
    edge_frequency_hz : float
        Processor frequency that a terminal gets at an edge server.
    cloud_frequency_hz : float
        Processor frequency that a terminal gets in the cloud.
    edge_capacity_hz : float
        Processor frequency of an edge server, for all its terminals together.
    backhaul_bps : float
        Rate of the backhaul from the base stations to the cloud, for each terminal.
    terminal_capacitance : float
        Effective switched capacitance of a terminal's processor: power is this times the cubed frequency.
    terminal_max_power_dbm : float
        Largest power of a terminal, radiated and of its processor.
    reflection_min, reflection_max : float
        Radar cross-section of the targets, uniform between the two.
    target_distance_min_m, target_distance_max_m : float
        Distance of the targets, uniform between the two.
    sensing_sinr_min_db : float
        Echo SINR requirement of every terminal.
    """

    terminals: int = count(9)
    access_points: int = count(3)
    ap_antennas: int = count(16)
    terminal_antennas: int = count(8)
    radar_antennas: int = count(8)
    area_m: Scalar = positive(1000.0)
    ring_radius_m: Scalar = nonnegative(350.0)
    least_distance_m: Scalar = number(10.0, within=(1.0, math.inf))
    reference_gain_db: Scalar = number(-60.0, within=(-math.inf, 0.0))
    echo_path_exponent: Scalar = nonnegative(2.0)
    element_spacing: Scalar = nonnegative(0.5)
    bandwidth_hz: Scalar = positive(10e6)
    noise_density_dbm_hz: Scalar = -174.0
    task_bits_per_hz: Scalar = nonnegative(0.08)
    echo_looks: Scalar = nonnegative(1.0)
    cycles_per_bit: Scalar = nonnegative(400.0)
    terminal_frequency_hz: Scalar = nonnegative(0.5e9)
    edge_frequency_hz: Scalar = nonnegative(3e9)
    cloud_frequency_hz: Scalar = nonnegative(10e9)
    edge_capacity_hz: Scalar = nonnegative(9e9)
    backhaul_bps: Scalar = nonnegative(10e6)
    terminal_capacitance: Scalar = nonnegative(1e-28)
    terminal_max_power_dbm: Scalar = 30.0
    reflection_min: Scalar = nonnegative(0.8)
    reflection_max: Scalar = nonnegative(1.0)
    target_distance_min_m: Scalar = number(30.0, within=(1.0, math.inf))
    target_distance_max_m: Scalar = number(70.0, within=(1.0, math.inf))
    sensing_sinr_min_db: Scalar = 2.0
