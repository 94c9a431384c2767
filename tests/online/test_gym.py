"""Environments for learning: Gymnasium's own checks, episodes to the bit, the optimum beside every action."""

import warnings

import numpy as np
import pytest

import trinode as tn
from trinode import online
from trinode.errors import InputError

gymnasium = pytest.importorskip("gymnasium", reason="the extra learn is not installed")

SIZES = {
    "fairness": {"terminals": 5, "access_points": 7, "ap_antennas": 2},
    "energy": {"terminals": 2, "ap_antennas": 9, "terminal_antennas": 8, "radar_antennas": 7},
}


def environment(system, **more):
    return tn.gym.SlotEnv(system, slots=3, **SIZES[system], **more)


@pytest.mark.parametrize("system", SIZES)
def test_gymnasium_finds_nothing_wrong(system):
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(infinity|normalize|spec|render).*")
        check_env(environment(system, reference=False), skip_render_check=True)


def episode(environment, seed, policy):
    seen, _ = environment.reset(seed=seed)
    trace = [seen]
    while True:
        seen, reward, ended, cut, info = environment.step(policy(environment))
        trace += [seen, np.float64(reward)]
        assert not ended
        if cut:
            return np.concatenate([np.ravel(one) for one in trace]), info


def test_the_same_seed_is_the_same_episode_to_the_bit():
    def policy(env):
        return env.action_space.sample()

    traces = []
    for seed in (3, 3, 4):
        env = environment("fairness", reference=False)
        env.action_space.seed(1)
        traces.append(episode(env, seed, policy)[0])
    np.testing.assert_array_equal(traces[0], traces[1])
    assert not np.array_equal(traces[0], traces[2])


def test_the_optimum_stands_beside_every_action():
    env = environment("fairness")
    env.action_space.seed(0)
    _, info = episode(env, 2, lambda env: env.action_space.sample())
    assert info["feasible"]
    assert info["objective"] > info["best"] >= info["bound"] * (1 - 1e-9)
    np.testing.assert_allclose(info["regret"], info["objective"] / info["best"] - 1, rtol=1e-9)
    assert info["gap"] >= info["regret"] - 1e-9

    def optimal(env):
        best, _ = env.best()
        return np.concatenate([np.asarray(best.power_fraction).T, np.asarray(best.offload_fraction)[:, None]], axis=1)

    _, info = episode(env, 2, optimal)
    assert abs(info["regret"]) < 1e-6, "trinode's own decision, set as an action, is itself"


def test_what_is_not_done_waits():
    env = environment("energy", reference=False)
    env.reset(seed=1)
    task = float(env._task[0])
    before = env._queue.copy()
    assert np.all((before >= 0.5 * task) & (before <= 1.5 * task))
    nothing = np.zeros(env.action_space.shape, np.float32)
    _, reward, _, _, info = env.step(nothing)
    waits = not info["feasible"]
    assert (reward == -10.0) == waits
    grown = env._queue - (before if waits else 0)
    assert np.all((grown >= 0.5 * task * (1 - 1e-12)) & (grown <= 1.5 * task * (1 + 1e-12)))


def test_quotas_add_up_and_follow_the_rates():
    network = tn.draw("fairness", seed=3, **SIZES["fairness"])
    solution = tn.solve(network)
    found = online.quotas(network, solution, blocks=50)
    assert found.blocks.sum() == 50
    np.testing.assert_allclose(found.share.sum(), 1)
    assert np.all(np.abs(found.blocks - 50 * found.share) < 1)
    report = tn.evaluate(network, solution, bound=False)
    np.testing.assert_allclose(found.power_w, report.metrics["power_w"])
    alone = np.log2(1 + found.power_w * online.link_gain("fairness", network).max(axis=1))
    band = float(network.subcarrier_bandwidth_hz)
    part = np.asarray(report.metrics["rate_bps"]) / (band * alone)
    np.testing.assert_allclose(found.share, part / part.sum())


def test_wrong_actions_are_refused_by_name():
    network = tn.draw("fairness", seed=3, **SIZES["fairness"])
    with pytest.raises(InputError, match="action"):
        online.acted(network, np.zeros((5, 3)))
    with pytest.raises(InputError, match="action"):
        online.acted(network, np.full((5, 2), np.nan))
    with pytest.raises(InputError, match="system"):
        tn.gym.SlotEnv("toy")
    with pytest.raises(InputError, match="blocks"):
        online.quotas(network, tn.solve(network), blocks=0)
