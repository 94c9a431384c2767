"""Training of the fairness system's networks: one function each, resumable, on a CPU.

``unrolled`` learns from latency itself on networks that are never seen twice; the paper's network from labels. Needs
the extra ``learn``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode import api
from trinode.errors import InputError, MissingExtraError
from trinode.experiments.fairness_labels import LabelSet, channels_of
from trinode.systems.fairness import common, labels
from trinode.systems.fairness.learned import cnn_lstm, unrolled, write
from trinode.systems.fairness.scenario import noise_w
from trinode.systems.fairness.schemes.learned import kind
from trinode.systems.registry import system as find_system

Say = Callable[[int, int, float], None]
"""Told of step, steps and loss."""

SINGLE = (
    {"terminals": 5, "access_points": 24},
    {"terminals": 10, "access_points": 64},
    {"terminals": 16, "access_points": 48, "task_spread": 0.5},
    {"terminals": 30, "access_points": 64},
    {"terminals": 12, "access_points": 32, "layout": "bs-centred"},
)
SEVERAL = (
    {"terminals": 5, "access_points": 24, "subcarriers": 2},
    {"terminals": 10, "access_points": 64, "subcarriers": 4},
    {"terminals": 14, "access_points": 40, "subcarriers": 3, "task_spread": 0.5},
)
"""Networks that are trained on; sizes that are tested are others."""


def optax() -> Any:
    """The module ``optax``."""
    try:
        import optax as module
    except ImportError:
        raise MissingExtraError("optax", "learn") from None
    return module


def train_unrolled(
    out: Path, *, several: bool, steps: int, seed: int = 0, batch: int = 64, say: Say
) -> tuple[Path, list[str]]:
    """Train the steps on the largest latency itself, smoothed, relative to channel inversion's.

    A state beside the file lets the same call go on where it was; returns the file.
    """
    tools = optax()
    sizes = SEVERAL if several else SINGLE
    weights = unrolled.fresh(4 if several else 2, np.random.default_rng(seed))
    weights = jax.tree.map(jnp.asarray, weights)
    schedule = tools.cosine_decay_schedule(6e-3, steps)
    optimiser = tools.chain(tools.clip_by_global_norm(1.0), tools.adam(schedule))
    state = optimiser.init(weights)
    first, (weights, state) = _resume(out, (weights, state))
    programs = [_unrolled_step(given, optimiser, batch) for given in sizes]
    key = jax.random.key(seed)
    for step in range(first, steps):
        weights, state, loss = programs[step % len(programs)](weights, state, jax.random.fold_in(key, step))
        say(step + 1, steps, float(loss))
        if (step + 1) % 200 == 0 or step + 1 == steps:
            _keep(out, step + 1, (weights, state))
    path = out / f"{kind(2 if several else 1)}.npz"
    write(path, {name: np.asarray(value) for name, value in weights.items()})
    return path, []


def _unrolled_step(given: dict[str, Any], optimiser: Any, batch: int) -> Any:
    params = api.parameters(find_system("fairness"), given)

    def loss_of(weights: Any, key: Any) -> Any:
        def one(key: Any) -> Any:
            scenario = find_system("fairness").draw(params, key)
            air = labels.air(params, labels.channel(params, key, jnp.asarray(0)))
            tasks = common.tasks_of(scenario)
            on = common.active(air, tasks)
            start = common.inversion(air, tasks)
            bandwidth = scenario.subcarrier_bandwidth_hz
            power = unrolled.powers(weights, air, tasks, bandwidth, on, start)

            def worst(power: Any, sharpness: float) -> Any:
                speed = tasks.speed(bandwidth * jnp.log2(1 + air.sinr(power)).sum(axis=0))
                return jax.nn.logsumexp(-sharpness * jnp.log(speed)) / sharpness

            return worst(power, 300.0) - worst(start, 300.0)

        return jax.vmap(one)(jax.random.split(key, batch)).mean()

    @jax.jit
    def step(weights: Any, state: Any, key: Any) -> Any:
        loss, slope = jax.value_and_grad(loss_of)(weights, key)
        change, state = optimiser.update(slope, state)
        return jax.tree.map(jnp.add, weights, change), state, loss

    return step


def _state_path(out: Path) -> Path:
    return out / "state.npz"


def _keep(out: Path, step: int, tree: Any) -> None:
    out.mkdir(parents=True, exist_ok=True)
    leaves = {f"leaf{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}
    write(_state_path(out), {"step": np.asarray(step), **leaves})


def _resume(out: Path, tree: Any) -> tuple[int, Any]:
    if not _state_path(out).is_file():
        return 0, tree
    with np.load(_state_path(out), allow_pickle=False) as archive:
        kept = {name: archive[name] for name in archive.files}
    leaves, shape = jax.tree.flatten(tree)
    names = [f"leaf{i}" for i in range(len(leaves))]
    if any(name not in kept or kept[name].shape != np.shape(leaf) for name, leaf in zip(names, leaves)):
        raise InputError("out", out, "an empty folder, or one with the state of the same network")
    return int(kept["step"]), jax.tree.unflatten(shape, [jnp.asarray(kept[name]) for name in names])


def batches(pairs: np.ndarray, size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Pairs in a random order, a batch at a time; the rest that fills no batch is left out."""
    order = np.random.default_rng((seed, epoch)).permutation(len(pairs))
    for first in range(0, len(order) - size + 1, size):
        yield pairs[order[first : first + size]]


def train_cnn_lstm(
    out: Path,
    *,
    by: str = "topology",
    steps: int = 2500,
    topologies: int = 200,
    channels: int = 1000,
    given: dict[str, Any] | None = None,
    seed: int = 0,
    batch: int = 128,
    begin: Mapping[str, np.ndarray] | None = None,
    say: Say,
) -> tuple[Path, list[str]]:
    """Train the paper's network by (21) on labels, which are computed first where they are missing.

    Parameters
    ----------
    given : mapping
        Parameters that differ from the defaults; the size is that of the network.
    begin : mapping, optional
        Weights to go on from (fine-tuning), whose scales of inputs and outputs are kept.
    by : {"topology", "sample"}
        How samples are kept for the test (see :meth:`~.fairness_labels.LabelSet.split`).
    """
    tools = optax()
    kept = LabelSet(out / "labels", topologies, channels, seed, given)
    kept.make()
    found = [kept.read(t) for t in range(topologies)]
    power = np.stack([f["power_fraction"] for f in found if f is not None])
    target = np.concatenate([power, np.stack([f["offload_fraction"] for f in found if f is not None])], axis=2)
    train, _ = kept.split(by)
    seen = target[train[:, 0], train[:, 1]]
    low, high = seen.min(axis=0), seen.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    keys = jnp.stack([kept.key(t) for t in range(topologies)])
    params = kept.params
    some = train[np.random.default_rng(seed).permutation(len(train))[:512]]
    logs = np.log(np.asarray(jax.jit(_inputs)(params, keys[some[:, 0]], some[:, 1])))
    centre, spread = float(logs.mean()), float(logs.std())

    optimiser = tools.adam(tools.cosine_decay_schedule(1e-3, max(steps, 1)))
    weights = cnn_lstm.fresh(np.random.default_rng(seed))
    running = (jnp.zeros(cnn_lstm.FILTERS, jnp.float32), jnp.ones(cnn_lstm.FILTERS, jnp.float32))
    if begin is not None:
        weights = {name: begin[name].astype(np.float32) for name in weights}
        running = (jnp.asarray(begin["mean"]), jnp.asarray(begin["variance"]))
        low, width = begin["low"], begin["high"] - begin["low"]
        high, centre, spread = begin["high"], float(begin["centre"]), float(begin["width"])
    weights = jax.tree.map(jnp.asarray, weights)
    first, (weights, state, running) = _resume(out, (weights, optimiser.init(weights), running))

    def loss_of(weights: Any, x: Any, wanted: Any) -> Any:
        value, statistics = cnn_lstm.outputs(weights, x)
        return jnp.mean((value - wanted) ** 2), statistics

    @jax.jit
    def step(weights: Any, state: Any, running: Any, keys: Any, index: Any, wanted: Any) -> Any:
        x = cnn_lstm.features(_inputs(params, keys, index), centre, spread)
        (loss, statistics), slope = jax.value_and_grad(loss_of, has_aux=True)(weights, x, wanted)
        change, state = optimiser.update(slope, state)
        running = jax.tree.map(lambda old, new: 0.95 * old + 0.05 * new, running, statistics)
        return jax.tree.map(jnp.add, weights, change), state, running, loss

    done, loss = 0, None
    for epoch in count():
        for pairs in batches(train, batch, seed, epoch):
            done += 1
            if done > steps:
                break
            if done <= first:
                continue
            wanted = ((target[pairs[:, 0], pairs[:, 1]] - low) / width).astype(np.float32)
            weights, state, running, loss = step(weights, state, running, keys[pairs[:, 0]], pairs[:, 1], wanted)
            say(done, steps, float(loss))
            if done % 500 == 0 or done == steps:
                _keep(out, done, (weights, state, running))
        if done >= steps:
            break
    plain = {name: np.asarray(value) for name, value in weights.items()}
    plain |= {"gates": plain["gates"].astype(np.float16), "mean": np.asarray(running[0])}
    plain |= {"variance": np.asarray(running[1]), "low": low.astype(np.float32), "high": high.astype(np.float32)}
    plain |= {"centre": np.asarray(centre, np.float32), "width": np.asarray(spread, np.float32)}
    path = out / "cnn-lstm.npz"
    write(path, plain)
    return path, [f"mean squared error of the last step: {float(loss):.4f}"] if loss is not None else []


def _inputs(params: Any, keys: Any, index: Any) -> Any:
    """What the network sees of many channels."""
    uplink = channels_of(params, keys, index)[:, 0]
    most, noise = params.terminal_max_power_w, noise_w(params, uplink.shape[2])
    return cnn_lstm.amplitudes(uplink, jnp.full(uplink.shape[1], most), jnp.full(uplink.shape[2], noise))


def make_labels(
    out: Path, *, steps: int = 200, channels: int = 1000, seed: int = 0, say: Say
) -> tuple[Path, list[str]]:
    """Optimal powers of ``steps`` topologies, as a command of its own."""
    kept = LabelSet(out, steps, channels, seed)
    seconds = kept.make(lambda done, total: say(done, total, 0.0))
    return out, [f"{steps} topologies x {channels} channels in {seconds:.1f} s"]


MODELS: dict[str, Callable[..., tuple[Path, list[str]]]] = {
    "single": partial(train_unrolled, several=False, steps=20000),
    "several": partial(train_unrolled, several=True, steps=3000),
    "cnn-lstm": train_cnn_lstm,
    "cnn-lstm-by-sample": partial(train_cnn_lstm, by="sample"),
    "labels": make_labels,
}
"""By name: ``train(folder, seed, say, steps) -> file, what to say of it``."""
