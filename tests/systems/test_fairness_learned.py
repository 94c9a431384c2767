"""What networks may and may not do, their training and their labels."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode.errors import InputError
from trinode.experiments import fairness_training as training
from trinode.experiments.fairness_labels import LabelSet
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common
from trinode.systems.fairness.learned import shipped, unrolled

GIVEN = {"terminals": 4, "access_points": 6, "task_bits": 7e2, "bandwidth_hz": 8e6}


def test_steps_of_length_one_are_those_of_the_fixed_point():
    s = tn.draw("fairness", seed=4, **GIVEN)
    weights = {n: jnp.asarray(v) for n, v in unrolled.fresh(3, np.random.default_rng(0)).items()}

    @jax.jit
    def begun(s):
        air, tasks = air_of.fixed(s), common.tasks_of(s)
        on, power = common.active(air, tasks), common.inversion(air, tasks)
        found = unrolled.powers(weights, air, tasks, s.subcarrier_bandwidth_hz, on, power)
        return air.cross[0], air.noise[0], power[0], found[0]

    cross, noise, power, found = map(np.asarray, begun(s))
    for _ in range(3):
        power = cross @ power + noise
        power = power / power.max()
    np.testing.assert_allclose(found, power, rtol=1e-9)


def test_learned_powers_beat_inversion_on_networks_and_sizes_not_seen():
    scenarios = tn.draw_batch("fairness", seed=77, trials=20, terminals=9, access_points=41)
    value = {}
    for scheme in ("learned", "inversion", "exact"):
        report = tn.evaluate_batch(scenarios, tn.solve_batch(scenarios, scheme), bound=False)
        assert all(float(np.max(r)) <= 1e-12 for r in report.residuals.values())
        value[scheme] = np.asarray(report.objective)
    assert np.mean(value["learned"] / value["exact"]) < 1 + 0.3 * (np.mean(value["inversion"] / value["exact"]) - 1)


def test_the_paper_s_network_says_for_which_sizes_it_is():
    with pytest.raises(InputError, match="terminals: got 11"):
        tn.solve(tn.draw("fairness", terminals=11, access_points=12), "learned-cnn-lstm")


def test_labels_are_the_optimum_and_what_is_there_is_kept(tmp_path):
    given = {"task_bits": 7e2, "bandwidth_hz": 8e6}  # of a size that training labels below
    kept = LabelSet(tmp_path, topologies=2, channels=20, seed=5, given=given)
    kept.make()
    first = kept.read(1)
    assert first is not None
    np.testing.assert_allclose(first["latency_s"], first["bound_s"], rtol=1e-8)
    np.testing.assert_allclose(first["power_fraction"].max(axis=1), 1, rtol=1e-9)
    (tmp_path / "topology-00000.npz").write_bytes(b"damaged")
    stamp = (tmp_path / "topology-00001.npz").stat().st_mtime_ns
    kept.make()
    assert kept.read(0) is not None
    assert (tmp_path / "topology-00001.npz").stat().st_mtime_ns == stamp
    assert LabelSet(tmp_path, topologies=2, channels=20, seed=6, given=given).read(0) is None


def test_splits_keep_topologies_apart_or_mix_them(tmp_path):
    kept = LabelSet(tmp_path, topologies=10, channels=20)
    train, test = kept.split("topology")
    assert not set(train[:, 0]) & set(test[:, 0])
    train, test = kept.split("sample")
    assert set(test[:, 0]) <= set(train[:, 0])
    assert len(train) + len(test) == 200
    assert not {tuple(p) for p in train} & {tuple(p) for p in test}


def test_training_goes_on_where_it_was(tmp_path):
    pytest.importorskip("optax")
    losses: list[float] = []

    def train(folder: Path, steps: int) -> dict[str, np.ndarray]:
        path, _ = training.train_cnn_lstm(
            folder, steps=steps, topologies=2, channels=20, batch=8, say=lambda *told: losses.append(told[2])
        )
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}

    whole = train(tmp_path / "one", 3)
    assert len(losses) == 3
    assert np.isfinite(losses).all()
    again = train(tmp_path / "one", 3)
    assert len(losses) == 3  # nothing was left to do
    for name, value in whole.items():
        np.testing.assert_array_equal(value, again[name])
    assert jax.tree.leaves(whole)[0].dtype in (np.float32, np.float16)


def test_tuning_begins_with_the_weights_given(tmp_path):
    pytest.importorskip("optax")
    known = shipped("cnn-lstm")
    path, _ = training.train_cnn_lstm(
        tmp_path, steps=0, topologies=1, channels=2, given={"layout": "bs-centred"}, begin=known, say=lambda *told: None
    )
    with np.load(path, allow_pickle=False) as archive:
        assert set(archive.files) == set(known)
        for name, value in known.items():
            np.testing.assert_allclose(archive[name], value, rtol=1e-6, err_msg=name)
