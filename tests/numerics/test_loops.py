"""The while loop against plain Python, alone and in a batch."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap

from trinode.numerics.loops import finish_open, in_turn, while_loop


def root(x):
    """Newton's iteration for a square root, until it no longer changes by more than rounding."""
    return while_loop(
        lambda s: jnp.abs(s[0] * s[0] / x - 1) > 1e-12, lambda s: ((s[0] + x / s[0]) / 2, s[1] + 1), (x + 1.0, 0)
    )


def test_a_batch_takes_as_many_trips_as_each_alone():
    values = jnp.array([0.3, 2.0, 1e6, 7.5])
    batch, trips = jax.vmap(root)(values)
    np.testing.assert_allclose(batch, np.sqrt(values), rtol=1e-12)
    assert trips.tolist() == [int(root(x)[1]) for x in values]
    assert len(set(trips.tolist())) > 1


def test_nothing_is_done_where_nothing_is_to_do():
    assert int(root(jnp.asarray(1.0) * 4 / 4)[1]) > 0
    value, trips = while_loop(lambda s: s[0] < 0, lambda s: (s[0] - 1, s[1] + 1), (jnp.asarray(3.0), jnp.asarray(0)))
    assert (float(value), int(trips)) == (3.0, 0)


def test_a_batch_is_told_at_once_what_differs_between_lanes():
    told = []

    @custom_vmap
    def noted(x):
        return x

    @noted.def_vmap
    def _(size, batched, x):
        told.append(size)
        return x, batched[0]

    def chain(x):
        # what differs between lanes would reach the first a trip at a time
        return while_loop(lambda s: s[0] < 2.5, lambda s: (s[1], s[2], noted(s[3]), s[3] - 1.0), (0.0, 1.0, 2.0, x))[0]

    np.testing.assert_array_equal(jax.jit(jax.vmap(chain))(jnp.array([5.0, 7.0, 9.0])), [5.0, 7.0, 9.0])
    assert told == [3]


def test_open_lanes_are_finished_a_few_at_a_time_and_the_others_left_alone():
    def going(state):
        return state[0] > 0.5

    def finish(step, state):
        return while_loop(going, lambda s: (s[0] - step, s[1] + 1), state)

    start = jnp.array([0.2, 3.0, 0.1, 7.5, 1.0, -4.0, 2.0]), jnp.zeros(7, int)
    value, trips = jax.vmap(lambda s: finish_open(going, finish, jnp.asarray(1.0), s, width=3))(start)
    np.testing.assert_allclose(value, [0.2, 0, 0.1, 0.5, 0, -4, 0])
    assert trips.tolist() == [0, 3, 0, 7, 1, 0, 2]
    alone = finish_open(going, finish, jnp.asarray(1.0), (jnp.asarray(7.5), jnp.asarray(0)))
    assert (float(alone[0]), int(alone[1])) == (0.5, 7)


def test_lanes_in_turn_are_the_same_lanes():
    values, factor = jnp.array([0.3, 2.0, 1e6, 7.5, 1.0]), jnp.asarray(3.0)
    for width in (1, 2):
        found = jax.vmap(lambda x, width=width: in_turn(lambda x, y: root(x)[0] * y, width)(x, factor))(values)
        np.testing.assert_allclose(found, 3 * np.sqrt(values), rtol=1e-12)
