"""The memory of L-BFGS against the two-loop recursion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.numerics import curvature


def two_loops(pairs, slope):
    """Nocedal and Wright, Numerical Optimization, Algorithm 7.4."""
    left, used = slope.copy(), []
    for move, bend in reversed(pairs):
        used.append(move @ left / (move @ bend))
        left = left - used[-1] * bend
    if pairs:
        move, bend = pairs[-1]
        left = left * (move @ bend) / (bend @ bend)
    for (move, bend), first in zip(pairs, reversed(used)):
        left = left + move * (first - bend @ left / (move @ bend))
    return -left


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_directions_are_those_of_the_two_loop_recursion(count):
    """Of a memory of 3 steps after so many, of which every fourth was not kept."""
    random = np.random.default_rng(count)
    root = random.normal(size=(5, 5))
    hessian = root @ root.T + np.eye(5)
    memory, pairs = curvature.nothing(5, 3), []
    for i in range(count):
        move = random.normal(size=5)
        bend = hessian @ move
        keep = i % 4 != 2
        memory = jax.jit(curvature.learn)(memory, move, bend if keep else np.full(5, np.nan), keep)
        pairs += [(move, bend)] * keep
    assert bool(curvature.known(memory)) == (count > 0)
    if count % 4 == 3:  # whoever learns anew overwrites what was not kept, here no numbers
        memory = curvature.learn(memory, jnp.zeros(5), jnp.zeros(5), jnp.asarray(False))
    slope = random.normal(size=5)
    found = jax.jit(curvature.direction)(memory, slope)
    np.testing.assert_allclose(found, two_loops(pairs[-3:], slope), rtol=1e-9, atol=1e-12)
