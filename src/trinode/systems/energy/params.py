"""Parameters of the energy system: the paper's Table I, and a stated value where the paper is silent."""

from __future__ import annotations

from jaxtyping import Array, Float

from trinode.radio import propagation
from trinode.systems.params import Params, check_echo, choice, count, flag, nonnegative, number, positive

Scalar = float | Float[Array, ""]
_LONGEST = propagation.MICRO_CELL["distance_m"][1]


class EnergyParams(Params):
    """Parameters of the energy system (Table I of the paper; what it does not state is marked "chosen").

    Integer fields, ``cross_echo`` and ``aligned_target`` are static; all others are numbers that may be swept.

    Attributes
    ----------
    terminals : int
        Number of terminals, K.
    ap_antennas : int
        Antennas of the access point, M_a (called A in files).
    terminal_antennas : int
        Transmit antennas of a terminal, M_u^t (T).
    radar_antennas : int
        Receive antennas of a terminal's radar, M_u^r (R).
    scattered_paths : int
        Paths beside the line of sight; chosen.
    cross_echo : {"literal", "physical"}
        What terminal k's radar hears of terminal j's signal. ``literal`` is (6), (8) and (23) as printed: the echo
        that terminal j itself receives. ``physical`` is the bistatic echo of the common target, which arrives from
        where terminal k's own echo arrives; no receiver separates the two, and 0 dB becomes impossible for K = 2.
    aligned_target : bool
        Whether the target stands at ``bearing_offset`` from the access point's bearing, seen from every terminal.
    bearing_offset : float
        Difference of the two sines; used when ``aligned_target``.
    carrier_hz : float
        Carrier frequency, 0.5 to 100 GHz, for which the path loss holds; no link is counted shorter than its 10 m.
    target_distance_m : float
        From the access point to the common target; chosen.
    terminal_distance_min_m, terminal_distance_max_m : float
        From the target to the terminals, uniform between the two; chosen so that 0 dB can be met.
    ap_height_m : float
        Height of the access point; chosen.
    terminal_height_m : float
        Height of the terminals; chosen.
    rician_db : float
        Power of the line of sight over that of the scattered paths; chosen.
    cross_section_m2 : float
        Radar cross-section of the target; chosen.
    element_spacing : float
        Between the antennas of all arrays.
    bandwidth_hz : float
        Band that all terminals share.
    terminal_max_power_w : float
        Largest radiated power of a terminal.
    ap_noise_dbm : float
        Noise power at the access point, per antenna.
    radar_noise_dbm : float
        Noise power at a radar, per antenna.
    task_bits : float
        Size of every task.
    cycles_per_bit : float
        Processing density.
    terminal_max_frequency_hz : float
        Largest processor frequency C^u of the first terminal.
    terminal_max_frequency_step_hz : float
        How much more each following terminal has (Fig. 8).
    ap_max_frequency_hz : float
        Processor frequency that the terminals at the access point share.
    terminal_capacitance : float
        Effective switched capacitance of a terminal's processor: energy is this times the squared frequency, per cycle.
    ap_capacitance : float
        The same of the access point.
    ap_energy_weight : float
        What a joule at the access point counts, beta, for the first terminal.
    ap_energy_weight_step : float
        How much more it counts for each following terminal (Fig. 8).
    sensing_sinr_min_db : float
        Echo SINR requirement of every terminal.
    latency_max_s : float
        Deadline of every task.
    channel_error : float, optional
        Largest spectral norm of the error of an uplink channel, over the norm of the channel (Fig. 9). Decisions see
        the channels of the scenario, which are then estimates; the report says what errors do to them.
    """

    terminals: int = count(2)
    ap_antennas: int = count(64)
    terminal_antennas: int = count(64)
    radar_antennas: int = count(64)
    scattered_paths: int = count(3, least=0)
    cross_echo: str = choice("literal", "physical")
    aligned_target: bool = flag(False)
    bearing_offset: Scalar = 0.0
    carrier_hz: Scalar = number(28e9, within=propagation.MICRO_CELL["carrier_hz"])
    target_distance_m: Scalar = number(50.0, within=(0.0, _LONGEST))
    terminal_distance_min_m: Scalar = positive(10.0, within=(0.0, _LONGEST))
    terminal_distance_max_m: Scalar = positive(30.0, within=(0.0, _LONGEST))
    ap_height_m: Scalar = nonnegative(10.0)
    terminal_height_m: Scalar = nonnegative(1.5)
    rician_db: Scalar = 10.0
    cross_section_m2: Scalar = nonnegative(10.0)
    element_spacing: Scalar = nonnegative(0.5)
    bandwidth_hz: Scalar = positive(20e6)
    terminal_max_power_w: Scalar = nonnegative(0.01)
    ap_noise_dbm: Scalar = -85.0
    radar_noise_dbm: Scalar = -85.0
    task_bits: Scalar = nonnegative(1e6)
    cycles_per_bit: Scalar = nonnegative(1000.0)
    terminal_max_frequency_hz: Scalar = nonnegative(1e9)
    terminal_max_frequency_step_hz: Scalar = nonnegative(0.0)
    ap_max_frequency_hz: Scalar = nonnegative(10e9)
    terminal_capacitance: Scalar = nonnegative(1e-28)
    ap_capacitance: Scalar = nonnegative(1e-28)
    ap_energy_weight: Scalar = nonnegative(0.1)
    ap_energy_weight_step: Scalar = nonnegative(0.0)
    sensing_sinr_min_db: Scalar = 0.0
    latency_max_s: Scalar = positive(0.4)
    channel_error: Scalar | None = nonnegative(None)

    def check_together(self) -> None:
        wavelength_m = propagation.LIGHT_M_S / self.carrier_hz
        for distance_m in (self.terminal_distance_min_m, self.terminal_distance_max_m):
            check_echo("cross_section_m2", self.cross_section_m2, wavelength_m, distance_m)
