"""Loops for batches: one that ends in them, and work on those lanes only that need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap

State = TypeVar("State")
Given = TypeVar("Given")


def while_loop(going: Callable[[State], Any], step: Callable[[State], State], start: State) -> State:
    """Repeat ``step`` while ``going`` holds; like :func:`jax.lax.while_loop`, and safe under ``vmap``.

    In a batch JAX evaluates the condition twice per trip: to go on, and to freeze the lanes that are done. The two are
    compiled apart and may round differently, and a lane that is done by the one and not by the other stands still for
    good. Here the condition is evaluated once and carried along. JAX also traces the step anew until it knows which
    parts of the state differ between lanes; in the end all do, as lanes end at different times, so that it is told.
    """

    def trip(carried: tuple[Any, State]) -> tuple[Any, State]:
        state = step(carried[1])
        return going(state), state

    return lax.while_loop(lambda carried: carried[0], trip, _together((going(start), start)))[1]


def _spread(size: int, batched: Any, tree: Any) -> Any:
    """A leaf for each lane, also where all lanes have the same."""

    def one(leaf: Any, own: bool) -> Any:
        return leaf if own else jnp.broadcast_to(leaf, (size, *jnp.shape(leaf)))

    return jax.tree.map(one, tree, batched)


@custom_vmap
def _together(tree: Any) -> Any:
    """The same; in a batch all leaves differ between lanes if any does."""
    return tree


@_together.def_vmap
def _(size: int, batched: Any, tree: Any) -> Any:
    return _spread(size, batched[0], tree), jax.tree.map(lambda _: True, tree)


def finish_open(
    going: Callable[[State], Any],
    finish: Callable[[Given, State], State],
    given: Given,
    state: State,
    width: int = 8,
) -> State:
    """``finish(given, state)``; in a batch only for lanes with ``going(state)``, ``width`` at a time.

    Parameters
    ----------
    finish : callable
        Has to leave a state as it is that is not going, and to use no arrays but those of its arguments.
    """

    @custom_vmap
    def run(given: Given, state: State) -> State:
        return finish(given, state)

    @run.def_vmap
    def _(size: int, batched: Any, given: Given, state: State) -> Any:
        lanes = _spread(size, tuple(batched), (given, state))
        still = jax.vmap(going)(lanes[1])
        order, count = jnp.argsort(~still), jnp.sum(still)
        some = min(width, size)

        def trip(carried: tuple[Any, State]) -> tuple[Any, State]:
            done, state = carried
            chosen = lax.dynamic_slice_in_dim(order, done, some)
            part = jax.tree.map(lambda leaf: leaf[chosen], (lanes[0], state))
            ended = jax.vmap(finish)(*part)
            return done + some, jax.tree.map(lambda leaf, new: leaf.at[chosen].set(new), state, ended)

        _, ended = lax.while_loop(lambda carried: carried[0] < count, trip, (jnp.zeros_like(count), lanes[1]))
        return ended, jax.tree.map(lambda _: True, ended)

    return run(given, state)


def in_turn(function: Callable[..., Any], width: int = 1) -> Callable[..., Any]:
    """The same function; in a batch it takes ``width`` lanes after the other, one by the very program that it is alone.

    For what a batch would slow down: loops of very different lengths, writing in place, branches, or more data than
    fits near the processor. The function has to use no arrays but those of its arguments.
    """

    @custom_vmap
    def run(*given: Any) -> Any:
        return function(*given)

    @run.def_vmap
    def _(size: int, batched: Any, *given: Any) -> Any:
        lanes = _spread(size, tuple(batched), given)
        some = None if width == 1 else min(width, size)
        result = lax.map(lambda lane: function(*lane), lanes, batch_size=some)
        return result, jax.tree.map(lambda _: True, result)

    return run
