"""Split tasks against pencil and paper and against brute force over the share."""

import jax.numpy as jnp
import numpy as np
import pytest

from trinode.computing.split import split_tasks

BITS = np.array([700.0, 1300.0, 400.0])
CYCLES = np.array([900.0, 1100.0, 650.0])
LOCAL = np.array([0.7e9, 1.3e9, 0.9e9])
SERVER = 4.2e9
TASKS = split_tasks(*map(jnp.asarray, (BITS, CYCLES, LOCAL)), jnp.asarray(SERVER))


def test_speed_and_share_are_the_best_of_all_shares():
    rate = np.array([2.1e6, 0.4e6, 9.0e6])
    share = np.linspace(0, 1, 200001)[:, None]
    latency = np.maximum((1 - share) * BITS * CYCLES / LOCAL, share * (BITS / rate + BITS * CYCLES / SERVER))
    np.testing.assert_allclose(1 / TASKS.speed(jnp.asarray(rate)), latency.min(0), rtol=1e-5)
    np.testing.assert_allclose(TASKS.share(jnp.asarray(rate)), share[latency.argmin(0), 0], atol=1e-5)


def test_rate_inverts_speed_with_its_slope():
    rate = np.array([2.1e6, 0.4e6, 9.0e6])
    speed = np.asarray(TASKS.speed(jnp.asarray(rate)))
    for k in range(3):
        back, slope = TASKS.rate(jnp.asarray(speed[k]))
        assert float(back[k]) == pytest.approx(rate[k], rel=1e-12)
        step = 1e-4 * speed[k]
        ahead, behind = TASKS.rate(jnp.asarray(speed[k] + step))[0][k], TASKS.rate(jnp.asarray(speed[k] - step))[0][k]
        assert float(slope[k]) == pytest.approx(float(ahead - behind) / (2 * step), rel=1e-5)


def test_what_the_terminal_does_alone_needs_no_rate_and_what_the_server_cannot_do_none_is_enough_for():
    rate, slope = TASKS.rate(TASKS.local_speed[0])
    assert float(rate[0]) == 0
    assert float(slope[0]) == 0
    limit = TASKS.local_speed[0] + 1 / TASKS.server_s[0]
    assert np.isinf(float(TASKS.rate(limit * 1.001)[0][0]))


def test_without_local_computing_everything_is_offloaded():
    away = split_tasks(*map(jnp.asarray, (BITS, CYCLES, LOCAL)), jnp.asarray(SERVER), local=False)
    rate = jnp.array([2.1e6, 0.0, 9.0e6])
    np.testing.assert_array_equal(away.share(rate), [1, 1, 1])
    heard = np.array([0, 2])
    latency = BITS[heard] / np.asarray(rate)[heard] + (BITS * CYCLES / SERVER)[heard]
    np.testing.assert_allclose(away.speed(rate)[heard], 1 / latency)
    assert float(away.speed(rate)[1]) == 0


def test_nothing_to_do_is_idle():
    idle = split_tasks(jnp.zeros(3), *map(jnp.asarray, (CYCLES, LOCAL)), jnp.asarray(SERVER))
    assert bool(idle.idle.all())
    np.testing.assert_array_equal(idle.share(jnp.zeros(3)), [0, 0, 0])
