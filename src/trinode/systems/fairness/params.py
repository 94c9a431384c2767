"""Parameters of the fairness system: the paper's Section V-A, and a stated value where the paper is silent."""

from __future__ import annotations

import equinox as eqx
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from trinode.errors import InputError
from trinode.systems import allowed
from trinode.systems.show import Shown

Scalar = float | Float[Array, ""]


class FairnessParams(Shown):
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

    terminals: int = eqx.field(static=True, default=10)
    access_points: int = eqx.field(static=True, default=64)
    ap_antennas: int = eqx.field(static=True, default=1)
    subcarriers: int = eqx.field(static=True, default=1)
    layout: str = eqx.field(static=True, default="cell-free")
    interference: str = eqx.field(static=True, default="received")
    noise: str = eqx.field(static=True, default="combined")
    path_loss: str = eqx.field(static=True, default="power")
    radius_m: Scalar = 1000.0
    ap_height_m: Scalar = 10.0
    path_loss_1m_db: Scalar = 30.5
    path_loss_per_decade_db: Scalar = 36.7
    shadowing_db: Scalar = 4.0
    bandwidth_hz: Scalar = 20e6
    noise_density_dbm_hz: Scalar = -174.0
    terminal_max_power_w: Scalar = 0.01
    task_bits: Scalar = 1e3
    cycles_per_bit: Scalar = 1e3
    terminal_frequency_hz: Scalar = 1e9
    server_frequency_hz: Scalar = 5e9
    task_spread: Scalar = 0.0

    def __check_init__(self):
        allowed.check(self, positive=_POSITIVE, nonnegative=_NONNEGATIVE, choices=CHOICES)
        if not isinstance(self.task_spread, Tracer) and np.any(np.asarray(self.task_spread) > 1):
            raise InputError("task_spread", self.task_spread, "a number from 0 to 1")


CHOICES = {
    "layout": ("cell-free", "bs-centred"),
    "interference": ("received", "printed"),
    "noise": ("combined", "printed"),
    "path_loss": ("power", "amplitude"),
}
_POSITIVE = ("radius_m", "ap_height_m", "bandwidth_hz", "server_frequency_hz")
_NONNEGATIVE = (
    "path_loss_1m_db",
    "path_loss_per_decade_db",
    "shadowing_db",
    "terminal_max_power_w",
    "task_bits",
    "cycles_per_bit",
    "terminal_frequency_hz",
    "task_spread",
)
