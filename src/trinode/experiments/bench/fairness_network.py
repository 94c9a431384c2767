"""The paper's network: tested on known and on new topologies, and tuned to another layout with few channels."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode.experiments import fairness_training as training
from trinode.experiments.bench import Say, table
from trinode.experiments.fairness_labels import LabelSet, channels_of
from trinode.systems.fairness import common, labels
from trinode.systems.fairness.learned import cnn_lstm, shipped
from trinode.systems.registry import system as find_system

SYSTEM = "fairness"
CENTRED = {"layout": "bs-centred"}
TUNING = ((1, 100), (20, 10), (200, 10))
"""Topologies and channels of each that a trained network is tuned on."""
TESTED = 500


def network(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Split by topology and by sample; trained on cell-free channels and tuned on a few BS-centred ones."""
    steps = trials or 2500
    known = shipped("cnn-lstm")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        say(f"  training by sample, {steps} steps")
        mixed = _load(training.train_cnn_lstm(place / "sample", by="sample", steps=steps, say=_quiet)[0])
        kept = LabelSet(place / "sample" / "labels")
        new = LabelSet(place / "new", topologies=TESTED, channels=1, seed=4242)
        new.make()
        everything = np.stack([np.arange(TESTED), np.zeros(TESTED, int)], axis=1)
        for split, weights in (("topology", known), ("sample", mixed)):
            train, test = kept.split(split)
            of_known = "channels kept for the test" + (", of known topologies" if split == "sample" else "")
            for name, source, pairs in (
                ("channels trained on", kept, train),
                (of_known, kept, test),
                ("new topologies", new, everything),
            ):
                rows.append([split, name, *_gaps(weights, source, pairs)])
                say(f"  by {split}: {name}")
        columns = ["split by", "tested on", "mean gap, own ratios (%)", "mean gap, best ratios (%)", "median (%)"]
        note = f"Gap of the largest latency to the optimum, {TESTED} channels each. Split by topology: as shipped."
        tables = [table("The paper's network on known and on new topologies", columns, rows, note)]

        far = LabelSet(place / "far", topologies=TESTED, channels=1, seed=4242, given=CENTRED)
        far.make()
        rows = [[0, 0, 0, *_gaps(known, far, everything)]]
        for topologies, channels in TUNING:
            tuned = _load(
                training.train_cnn_lstm(
                    place / f"tuned-{topologies}-{channels}",
                    steps=300,
                    topologies=topologies,
                    channels=channels,
                    given=CENTRED,
                    batch=32,
                    begin=known,
                    say=_quiet,
                )[0]
            )
            rows.append([topologies, channels, 300, *_gaps(tuned, far, everything)])
            say(f"  tuned on {topologies} x {channels}")
    columns = ["topologies tuned on", "channels of each", "steps", *columns[2:]]
    note = f"{TESTED} new BS-centred topologies, a channel of each; 0: the network as trained on cell-free channels. "
    note += "Four fifths of the topologies, or a single one, are trained on, 32 channels a step."
    return [*tables, table("Trained cell-free, tested BS-centred", columns, rows, note)]


def _gaps(weights: Mapping[str, np.ndarray], source: LabelSet, pairs: np.ndarray) -> list[float]:
    """Mean gap with its own ratios, mean and median with the best ones, in percent."""
    chosen = pairs[np.random.default_rng(1).permutation(len(pairs))[:TESTED]]
    numbers = sorted({int(t) for t in chosen[:, 0]})
    found = {t: source.read(t) for t in numbers}
    best = np.array([found[int(t)]["latency_s"][c] for t, c in chosen])  # type: ignore[index]
    keys = jnp.stack([source.key(int(t)) for t in chosen[:, 0]])
    own, ratio = _latencies(source.params, {n: jnp.asarray(v) for n, v in weights.items()}, keys, chosen[:, 1])
    apart = 100 * (np.asarray(ratio) / best - 1)
    return [float(100 * np.mean(np.asarray(own) / best - 1)), float(apart.mean()), float(np.median(apart))]


def _latencies(params: Any, weights: Any, keys: Any, index: Any) -> tuple[jax.Array, jax.Array]:
    """Largest latency of each channel by the network's powers: with its own ratios, and with the best."""
    example = find_system(SYSTEM).draw(params, keys[0])
    tasks, bandwidth = common.tasks_of(example), example.subcarrier_bandwidth_hz

    def one(uplink: jax.Array) -> tuple[jax.Array, jax.Array]:
        heard = cnn_lstm.amplitudes(uplink, example.terminal_max_power_w, example.ap_noise_w)
        power, share = cnn_lstm.decide(weights, heard)
        rate = bandwidth * jnp.log2(1 + labels.air(params, uplink).sinr(power)).sum(axis=0)
        away = share[0] * (tasks.bits / rate + tasks.server_s)
        return jnp.maximum((1 - share[0]) / tasks.local_speed, away).max(), 1 / tasks.speed(rate).min()

    return jax.jit(lambda keys, index: jax.lax.map(one, channels_of(params, keys, index), batch_size=50))(keys, index)


def _load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _quiet(done: int, total: int, loss: float) -> None:
    pass
