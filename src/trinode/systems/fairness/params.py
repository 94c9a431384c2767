"""Parameters of the fairness system: the paper's Section V-A, and a stated value where the paper is silent."""

from __future__ import annotations

from jaxtyping import Array, Float

from trinode.systems.params import Params, choice, count, nonnegative, positive, share

Scalar = float | Float[Array, ""]


class FairnessParams(Params):
    """Parameters of the fairness system (Section V-A of the paper).

    Integer and text fields are static; all others are numbers that may be swept.

    Attributes
    ----------
    terminals : int
        Number of terminals, K.
    access_points : int
        Number of access points, M.
    ap_antennas : int
        Antennas of each access point (A in files).
    subcarriers : int
        Number of subcarriers, N (S in files).
    layout : {"cell-free", "bs-centred"}
        Access points all over the disc, or one base station with ``access_points * ap_antennas`` antennas in its
        middle, the paper's rival.
    interference : {"received", "printed"}
        ``received``: through the receiver's own combiner. ``printed``: (3) to the letter, where every terminal
        interferes with the power of its own combiner's output; such a network is one on a single direction.
    noise : {"combined", "printed"}
        ``combined``: through the combiner. ``printed``: the sum over all access points, as below (3).
    path_loss : {"power", "amplitude"}
        ``power``: the large-scale gain is one of power, so its root multiplies the fading. ``amplitude``: as printed.
    radius_m : float
        Of the disc.
    ap_height_m : float
        How far access points are above terminals.
    path_loss_1m_db : float
        Loss at 1 m; not printed, chosen. No link is counted shorter, and none gains power.
    path_loss_per_decade_db : float
        How much the loss grows where the distance is ten times as long; not printed, chosen.
    shadowing_db : float
        Standard deviation of the shadowing; not printed, chosen.
    bandwidth_hz : float
        Of the whole system, shared by the subcarriers.
    noise_density_dbm_hz : float
        Noise power density of the receivers.
    terminal_max_power_w : float
        Largest radiated power of each terminal.
    task_bits : float
        Size of every task.
    cycles_per_bit : float
        Processing density.
    terminal_frequency_hz : float
        Processor frequency of a terminal.
    server_frequency_hz : float
        Processor frequency of the server, for each terminal.
    task_spread : float
        Unequal tasks: bits, cycles per bit and frequency of each terminal are multiplied with independent uniform
        numbers from 1 - task_spread to 1 + task_spread.
    """

    terminals: int = count(10)
    access_points: int = count(64)
    ap_antennas: int = count(1)
    subcarriers: int = count(1)
    layout: str = choice("cell-free", "bs-centred")
    interference: str = choice("received", "printed")
    noise: str = choice("combined", "printed")
    path_loss: str = choice("power", "amplitude")
    radius_m: Scalar = positive(1000.0)
    ap_height_m: Scalar = positive(10.0)
    path_loss_1m_db: Scalar = nonnegative(30.5)
    path_loss_per_decade_db: Scalar = nonnegative(36.7)
    shadowing_db: Scalar = nonnegative(4.0)
    bandwidth_hz: Scalar = positive(20e6)
    noise_density_dbm_hz: Scalar = -174.0
    terminal_max_power_w: Scalar = nonnegative(0.01)
    task_bits: Scalar = nonnegative(1e3)
    cycles_per_bit: Scalar = nonnegative(1e3)
    terminal_frequency_hz: Scalar = nonnegative(1e9)
    server_frequency_hz: Scalar = positive(5e9)
    task_spread: Scalar = share(0.0)
