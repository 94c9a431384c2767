"""What terminals lose to each other: the bound's largest eigenvalue, and two terminals at one station."""

import itertools

import jax
import numpy as np

from trinode.systems.threetier import pairs, system
from trinode.systems.threetier.params import ThreetierParams


def test_largest_eigenvalue_less_two_of_rank_one():
    rng = np.random.default_rng(3)
    cases = []
    for lengths in ((1.0, 2.0), (1e-3, 4.0), (0.0, 0.0), (50.0, 30.0)):
        diagonal = np.sort(rng.normal(size=9)) * 3
        first, second = (length * (rng.normal(size=9) + 1j * rng.normal(size=9)) for length in lengths)
        cases += [(diagonal, first, second), (diagonal, first, 2j * first), (np.full(9, 1.5), first, second)]
    found = jax.jit(jax.vmap(pairs._largest))(*(np.stack(part) for part in zip(*cases, strict=True)))
    for value, (diagonal, first, second) in zip(np.asarray(found), cases, strict=True):
        matrix = np.diag(diagonal) - np.outer(first, first.conj()) - np.outer(second, second.conj())
        truth, scale = np.linalg.eigvalsh(matrix)[-1], np.linalg.norm(matrix, 2)
        assert truth <= value <= truth + 1e-6 * scale


def test_two_terminals_at_one_station():
    """Below the best of a fine grid of beams, and far closer to it than two terminals that never meet."""
    shape = {"terminals": 2, "access_points": 1, "ap_antennas": 2, "terminal_antennas": 2, "radar_antennas": 3}
    s = jax.jit(system.draw)(
        ThreetierParams(**shape, edge_capacity_hz=1e12, sensing_sinr_min_db=-300.0, terminal_max_power_dbm=15.0),
        jax.random.key(4),
    )
    angle, phase = np.linspace(0, np.pi / 2, 25), np.linspace(0, 2 * np.pi, 48, endpoint=False)
    beams = np.stack([[np.cos(a), np.sin(a) * np.exp(1j * p)] for a, p in itertools.product(angle, phase)])
    h = np.asarray(s.uplink_channel)[:, 0] / np.sqrt(float(s.ap_noise_w[0]))
    power = np.asarray(s.terminal_max_power_w)
    mine, other = (np.sqrt(power[k]) * beams @ h[k].T for k in range(2))
    strong = [np.sum(np.abs(y) ** 2, axis=1) for y in (mine, other)]
    crossed = np.abs(mine.conj() @ other.T) ** 2
    sinr = (strong[0][:, None] - crossed / (1 + strong[1]), strong[1] - crossed / (1 + strong[0][:, None]))
    speed = float(s.bandwidth_hz) / np.asarray(s.task_bits)
    best = np.min(sum(1 / (speed[k] * np.log2(1 + sinr[k])) for k in range(2)))
    alone = sum(1 / (speed[k] * np.log2(1 + strong[k].max())) for k in range(2))
    rest = float(np.sum(np.asarray(s.cycles_per_bit * s.task_bits / s.edge_frequency_hz)))
    bound = float(jax.jit(system.bound)(s)) - rest
    assert alone < bound <= best
    assert best - bound < 0.5 * (best - alone)
