"""Uplinks, their echoes, eavesdroppers, and tasks sent over them, against closed forms and programs written apart."""

from __future__ import annotations

import cvxpy as cp
import jax
import numpy as np
import pytest
import scipy.linalg

import trinode as tn
from trinode.compose.scope import Scope


def gaussian(rng, *shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


def both_ways(problem, x):
    """All quantities at variables: as they are descended, and as they are judged."""
    program = problem.program

    @jax.jit
    def descended(x):
        decisions = program.decide(x)
        return decisions, Scope(program, decisions, jax.numpy).values

    decisions, fast = descended(x)
    plain = [{name: np.asarray(value) for name, value in one.items()} for one in decisions]
    return fast, Scope(program, plain, np).values


@pytest.mark.parametrize("receiver", ["local", "joint"])
def test_what_is_descended_is_what_is_judged(receiver):
    rng = np.random.default_rng(4)
    terminals, points, antennas, transmit, radar_antennas = 4, 3, 5, 2, 6
    serving = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0], [1, 1, 1]], bool)
    air = tn.Uplink(
        1e-6 * gaussian(rng, terminals, points, antennas, transmit),
        1e-13 * np.array([1.0, 2.0, 3.0]), 0.2, 5e6, serving, receiver, sensing_stream=True,
    )  # fmt: skip
    crosstalk = 1e-7 * gaussian(rng, terminals, terminals, radar_antennas, transmit)
    crosstalk[range(terminals), range(terminals)] = 0
    steering = gaussian(rng, terminals, transmit), gaussian(rng, terminals, radar_antennas)
    radar = tn.Echo(air, crosstalk, rng.uniform(1e-7, 1e-6, terminals), *steering, 2e-13)
    secret = tn.Secrecy(air, 1e-7 * gaussian(rng, terminals, 7, transmit), 3e-13)
    work = tn.Offloading(air.rate_bps, 1e6, 300.0, 1e9, 2e9, 9e9, 4e8, 1e-28, air.power_w)
    problem = tn.Problem(tn.Minimize(tn.largest(work.latency_s)), [radar.sinr >= 1.0, secret.rate >= 0.1])
    fast, plain = both_ways(problem, rng.normal(size=problem.program.size))
    for one, other in zip(fast, plain):
        for name in one:
            nothing = 1e-12 * np.max(other[name])  # what is next to nothing of a secret rate falls off smoothly
            some = 2e-3 * np.max(plain[0][name]) if "leaked" in one and name != "leaked" else nothing
            np.testing.assert_allclose(one[name], other[name], rtol=1e-6, atol=some, err_msg=name)


def test_one_task_is_divided_so_that_terminal_and_server_end_together():
    channel, power, noise, hz = 3e-6, 0.2, 1e-13, 2e6
    bits, cycles, local, edge = 1.6e6, 400.0, 0.3e9, 3e9
    problem = tn.problems.offloading(np.full((1, 1, 1, 1), channel), noise, power, hz, bits, cycles, local, edge)
    answer = tn.solve(problem)
    rate = hz * np.log2(1 + power * channel**2 / noise)
    away = (cycles / local) / (cycles / local + 1 / rate + cycles / edge)
    np.testing.assert_allclose(answer.value, (1 - away) * bits * cycles / local, rtol=1e-6)
    np.testing.assert_allclose(answer["local_share"], [1 - away], rtol=1e-5)
    np.testing.assert_allclose(answer.bound, answer.value, rtol=1e-6)


def test_servers_are_shared_as_a_convex_program_shares_them():
    """Terminals that do not disturb each other, so that all is convex."""
    rng = np.random.default_rng(8)
    terminals, points, antennas, hz, power, noise = 4, 3, 5, 5e6, 0.1, 1e-13
    basis, _ = np.linalg.qr(gaussian(rng, points, antennas, antennas))
    gain = 1e-6 * rng.uniform(0.5, 3.0, (terminals, points))
    channel = np.einsum("mak,km->kma", basis[:, :, :terminals], gain)[..., None]
    serving = np.zeros((terminals, points), bool)
    serving[range(terminals), [0, 1, 1, 2]] = True  # one link each, so that full power is best
    bits, cycles, local = 1e6 * rng.uniform(0.5, 2, terminals), 300.0, 1e9 * rng.uniform(0.1, 1, terminals)
    edge, cloud, front = 1e9 * rng.uniform(1, 4, points), 8e9, 1e8 * rng.uniform(1, 3, points)
    problem = tn.problems.offloading(channel, noise, power, hz, bits, cycles, local, edge, cloud, front, serving)
    answer = tn.solve(problem)
    rate = hz * np.log2(1 + power * gain**2 / noise)
    at, share, far, over = [0, 1, 1, 2], cp.Variable(terminals), cp.Variable(terminals), cp.Variable(terminals)
    limits = [
        cp.sum(far) <= 1,
        *(cp.sum(each[np.flatnonzero(np.equal(at, m))]) <= 1 for each in (share, over) for m in range(points)),
    ]
    speeds = []
    for k, m in enumerate(at):
        work = bits[k] * cycles
        near = cp.hstack([rate[k, m] / bits[k], share[k] * edge[m] / work])
        away = cp.hstack([rate[k, m] / bits[k], over[k] * front[m] / bits[k], far[k] * cloud / work])
        speeds.append(local[k] / work + cp.harmonic_mean(near) / 2 + cp.harmonic_mean(away) / 3)
    least = cp.Problem(cp.Maximize(cp.min(cp.hstack(speeds))), limits)
    least.solve(solver="CLARABEL")
    np.testing.assert_allclose(answer.value, 1 / least.value, rtol=1e-5)
    assert answer.bound <= answer.value * (1 + 1e-7)
    assert answer.gap < 1e-4


def test_echoes_are_as_good_as_the_largest_root_says():
    """One antenna everywhere: the best least SINR is one over the largest spectral radius (Perron and Frobenius)."""
    rng = np.random.default_rng(2)
    terminals, power, noise = 4, 0.3, 1e-13
    gain = 1e-6 * rng.uniform(0.5, 2, terminals)
    crosstalk = 3e-7 * gaussian(rng, terminals, terminals, 1, 1)
    crosstalk[range(terminals), range(terminals)] = 0
    one = np.ones((terminals, 1))
    air = tn.Uplink(1e-6 * gaussian(rng, terminals, 1, 1, 1), noise, power)
    radar = tn.Echo(air, crosstalk, gain, one, one, noise)
    answer = tn.solve(tn.Problem(tn.Maximize(tn.smallest(radar.sinr))))
    leak = np.abs(crosstalk[:, :, 0, 0]) ** 2 / gain[:, None] ** 2
    radii = []
    for i in range(terminals):
        loaded = leak.copy()
        loaded[:, i] += noise / gain**2 / power
        radii.append(np.max(np.abs(np.linalg.eigvals(loaded))))
    np.testing.assert_allclose(answer.value, 1 / max(radii), rtol=2e-6)
    assert answer.value <= answer.bound * (1 + 1e-9)
    assert answer.gap < 1e-3


def test_a_secret_rate_is_that_of_the_best_beam():
    """One terminal, one stream: the generalised eigenvalue of both channels (Khisti and Wornell 2010)."""
    rng = np.random.default_rng(6)
    antennas, transmit, eavesdropper, power, noise, hz = 3, 4, 2, 0.2, 1e-13, 2e6
    channel, other = 1e-6 * gaussian(rng, antennas, transmit), 1e-6 * gaussian(rng, eavesdropper, transmit)
    problem = tn.problems.secure_offloading(
        channel[None, None], other[None], noise, noise, power, hz, 1e6, 300.0, 0.0, 2e9, artificial_noise=False
    )
    answer = tn.solve(problem)
    grams = [np.eye(transmit) + power / noise * h.conj().T @ h for h in (channel, other)]
    rate = hz * np.log2(scipy.linalg.eigh(*grams, eigvals_only=True)[-1])
    np.testing.assert_allclose(answer.value, 1e6 / rate + 1e6 * 300 / 2e9, rtol=1e-6)
    assert answer.bound <= answer.value


def test_energy_is_bounded_and_limited():
    rng = np.random.default_rng(9)
    terminals, points, antennas, transmit = 3, 2, 4, 2
    air = tn.Uplink(1e-6 * gaussian(rng, terminals, points, antennas, transmit), 1e-13, 0.2, 10e6)
    work = tn.Offloading(air.rate_bps, 1e6, 300.0, 0.5e9, 3e9, capacitance=1e-28, power_w=air.power_w)
    goal = tn.Minimize(tn.largest(work.latency_s))
    loose, tight = (tn.solve(tn.Problem(goal, [work.energy_j <= each])) for each in (1.0, 5e-3))
    assert np.max(tight["energy_j"]) <= 5e-3 * (1 + 1e-6) < np.max(loose["energy_j"])
    assert loose.value < tight.value
    assert loose.bound <= loose.value
    assert tight.bound <= tight.value
    # what a joule carries at most is known to the relaxation
    nothing = tn.solve(tn.Problem(goal, [work.energy_j <= 1e-9]))
    assert nothing.status == "infeasible"


def test_bad_parts_are_refused():
    rng = np.random.default_rng(0)
    channel = gaussian(rng, 3, 2, 4, 5)
    with pytest.raises(tn.InputError, match="receiver"):
        tn.Uplink(channel, 1.0, 1.0, receiver="global")
    with pytest.raises(tn.InputError, match="terminal 1"):
        tn.Uplink(np.where(np.arange(3)[:, None, None, None] == 1, 0, channel), 1.0, 1.0)
    air = tn.Uplink(channel, 1.0, 1.0)
    with pytest.raises(tn.InputError, match="bit/s"):
        tn.Offloading(air.rate, 1e6, 300.0, 1e9)
    with pytest.raises(tn.InputError, match="somewhere to compute"):
        tn.Offloading(air.rate_bps, 1e6, 300.0)
    with pytest.raises(tn.InputError, match="diagonal"):
        tn.Echo(air, np.ones((3, 3, 2, 5)), np.ones(3), np.ones((3, 5)), np.ones((3, 2)), 1.0)
    with pytest.raises(tn.InputError, match="channel"):
        tn.Secrecy(air, np.ones((3, 2, 4)), 1.0)
