"""Parameters of the latency system: the paper's Table I, and a stated value where the paper is silent."""

from __future__ import annotations

from jaxtyping import Array, Float

from trinode.errors import InputError
from trinode.radio.propagation import COST_231
from trinode.systems.params import Params, count, nonnegative, number, positive

Scalar = float | Float[Array, ""]
_LONGEST = COST_231["distance_m"][1]


class LatencyParams(Params):
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

    terminals: int = count(6)
    access_points: int = count(6)
    ap_antennas: int = count(8)
    terminal_antennas: int = count(8)
    radar_antennas: int = count(8)
    serving: int = count(3)
    area_m: Scalar = positive(200.0, within=(0.0, _LONGEST / 2**0.5))
    carrier_hz: Scalar = number(1.9e9, within=COST_231["carrier_hz"])
    ap_height_m: Scalar = number(15.0, within=COST_231["ap_height_m"])
    terminal_height_m: Scalar = number(1.65, within=COST_231["terminal_height_m"])
    element_spacing: Scalar = nonnegative(0.5)
    bandwidth_hz: Scalar = positive(10e6)
    noise_figure_db: Scalar = 9.0
    temperature_k: Scalar = positive(290.0)
    task_bits: Scalar = nonnegative(1.6e6)
    terminal_cycles_per_bit: Scalar = nonnegative(400.0)
    edge_cycles_per_bit: Scalar = nonnegative(400.0)
    cloud_cycles_per_bit: Scalar = nonnegative(400.0)
    terminal_max_frequency_hz: Scalar = nonnegative(0.3e9)
    edge_max_frequency_hz: Scalar = nonnegative(3e9)
    cloud_max_frequency_hz: Scalar = nonnegative(10e9)
    fronthaul_max_bps: Scalar = nonnegative(0.5e9)
    terminal_capacitance: Scalar = nonnegative(1e-28)
    edge_capacitance: Scalar = nonnegative(1e-28)
    terminal_max_power_w: Scalar = nonnegative(10**-0.7)
    ap_max_power_w: Scalar = nonnegative(1.0)
    reflection_min: Scalar = nonnegative(0.8)
    reflection_max: Scalar = nonnegative(1.0)
    target_distance_min_m: Scalar = number(40.0, within=(0.0, _LONGEST))
    target_distance_max_m: Scalar = number(50.0, within=(0.0, _LONGEST))
    sensing_sinr_min_db: Scalar = 1.0

    def check_together(self) -> None:
        if self.serving > self.access_points:
            raise InputError("serving", self.serving, f"at most access_points = {self.access_points}")
