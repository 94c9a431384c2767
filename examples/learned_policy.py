"""What does a small policy learn, and how far is it from the optimum?

Fairness system, five terminals: a linear policy sees gains and queues and sets powers and offloading. It is trained by
the cross-entropy method on episodes of its own, and judged on others, where a random policy and trinode's own decision
are the two ends. Needs the extra `learn`.
"""

import numpy as np
import picture

import trinode as tn

SIZES = {"terminals": 5, "access_points": 7, "ap_antennas": 2}
ROUNDS, PEOPLE, KEPT, EPISODES = 12, 16, 4, 3


def linear(weights, shape):
    """A linear policy through a logistic function."""

    def policy(seen, _):
        matrix = weights.reshape(int(np.prod(shape)), seen.size + 1)
        return 1 / (1 + np.exp(-(matrix @ np.append(seen, 1.0)))).reshape(shape)

    return policy


def played(env, seeds, policy):
    """Mean gap to the bound, or mean reward without one, of some episodes."""
    told = []
    for seed in seeds:
        seen, _ = env.reset(seed=seed)
        done = False
        while not done:
            seen, reward, _, done, info = env.step(policy(seen, env))
            told.append(info.get("gap", reward))
    return float(np.mean(told))


def optimal(_, env):
    """Trinode's own decision as an action."""
    best, _ = env.best()
    return np.concatenate([np.asarray(best.power_fraction).T, np.asarray(best.offload_fraction)[:, None]], axis=1)


def main():
    dice = np.random.default_rng(0)
    quick = tn.gym.SlotEnv("fairness", slots=4, reference=False, **SIZES)
    judge = tn.gym.SlotEnv("fairness", slots=4, **SIZES)
    shape, size = quick.action_space.shape, quick.observation_space.shape[0] + 1
    mean, spread = np.zeros(int(np.prod(shape)) * size), np.ones(int(np.prod(shape)) * size)
    unseen = range(1000, 1010)
    gaps = []
    for turn in range(ROUNDS + 1):
        gaps.append(played(judge, unseen, linear(mean, shape)))
        print(f"round {turn}: {100 * gaps[-1]:.1f} % above the bound")
        people = mean + spread * dice.normal(size=(PEOPLE, mean.size))
        seeds = dice.integers(1000, size=EPISODES).tolist()
        worth = [played(quick, seeds, linear(one, shape)) for one in people]
        best = people[np.argsort(worth)[-KEPT:]]
        mean, spread = best.mean(axis=0), 0.8 * spread + 0.2 * best.std(axis=0)
    ends = {
        "random": played(judge, unseen, lambda seen, env: dice.random(shape)),
        "trinode": played(judge, unseen, optimal),
    }
    figure, axes = picture.new("What does a small policy learn?")
    axes.plot(100 * np.array(gaps), "o-", color=picture.COLOURS[0])
    for colour, (name, gap) in zip(picture.COLOURS[1:], ends.items()):
        axes.axhline(100 * max(gap, 1e-6), color=colour)
        picture.label(axes, ROUNDS, 100 * max(gap, 1e-6), name, colour, dy=8)
        print(f"{name}: {100 * gap:.2g} % above the bound")
    axes.set(xlabel="rounds of training", ylabel="largest latency above the bound (%)", yscale="log")
    axes.set_xlim(0, ROUNDS * 1.25)
    picture.save(figure, __file__)


if __name__ == "__main__":
    main()
