"""The same sweep here, in processes, on a cluster, in shards, and under all sorts of misfortune: one dataset."""

import dataclasses
import errno
import os
import random
import signal
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky import process_executor

import fake_items
import fresh
import toy
from trinode import _pool
from trinode.errors import InputError, StoreError
from trinode.experiments import gather, run
from trinode.experiments.dataset import write
from trinode.experiments.places import Cluster, Processes, Shard

SWEEP = dataclasses.replace(toy.SWEEP, values=tuple(float(v) for v in range(1, 11)), trials=11, block=2)
ITEMS = 10 * 6 * (2 + 2)  # values, blocks, two schemes and a bound for each of two families

RUNNER = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import trinode, toy, fake_items
from trinode.experiments import run
from experiments.test_places import SWEEP
trinode.register(toy.system)
run(SWEEP, sys.argv[1], execute=fake_items.execute)
"""


def content(sweep, folder, to):
    """Bytes of the gathered dataset."""
    return write(gather(sweep, folder), to)[0].read_bytes()


@pytest.fixture
def undisturbed(tmp_path, toy_system):
    run(SWEEP, tmp_path / "undisturbed", execute=fake_items.execute)
    return content(SWEEP, tmp_path / "undisturbed", tmp_path / "undisturbed")


def start(folder, logs):
    logs.mkdir(exist_ok=True)
    return fresh.Process(RUNNER, str(folder), folder=folder.parent, logs=logs)


def kept(folder):
    names = os.listdir(folder / "items") if (folder / "items").exists() else []
    return sum(name.endswith(".npz") for name in names)


@pytest.mark.slow
def test_killed_at_twenty_instants(tmp_path, undisturbed):
    """Each of twenty runs is killed at some instant of its work, and goes on from what the others left."""
    dice = random.Random(7)
    counts = [0]
    for _ in range(20):
        runner = start(tmp_path / "s", tmp_path / "logs")
        target = counts[-1] + dice.randint(1, 11)
        while runner.running() and kept(tmp_path / "s") < target:
            time.sleep(3e-3)  # the core is the runner's
        runner.kill()
        ended = runner.end(timeout=120)
        assert ended.code in (0, -signal.SIGKILL), ended.err
        counts.append(kept(tmp_path / "s"))
    assert counts == sorted(counts)
    assert len(set(counts)) > 10, "the kills hit nothing"
    summary = run(SWEEP, tmp_path / "s", execute=fake_items.execute)
    assert (summary.total, summary.reused) == (ITEMS, counts[-1])
    assert content(SWEEP, tmp_path / "s", tmp_path) == undisturbed


def test_two_runners_at_once(tmp_path, undisturbed):
    runners = [start(tmp_path / "s", tmp_path / name) for name in ("one", "other")]
    for runner in runners:
        ended = runner.end(timeout=120)
        assert ended.code == 0, ended.err
    assert len(list((tmp_path / "s" / "items").iterdir())) == ITEMS
    assert content(SWEEP, tmp_path / "s", tmp_path) == undisturbed


def test_three_shards(tmp_path, undisturbed):
    parts = [run(SWEEP, tmp_path / "s", shard=Shard(i, 3), execute=fake_items.execute) for i in (3, 1, 2)]
    assert sum(part.computed for part in parts) == ITEMS
    assert all(part.total == part.computed for part in parts)
    assert content(SWEEP, tmp_path / "s", tmp_path) == undisturbed


def test_several_items_at_a_time_here(tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr(_pool, "programs", lambda: 2)
    pair = threading.Barrier(2, timeout=60)  # nobody passes alone

    def together(item):
        pair.wait()
        return fake_items.execute(item)

    assert run(SWEEP, tmp_path / "s", execute=together).computed == ITEMS
    assert content(SWEEP, tmp_path / "s", tmp_path) == undisturbed


COMMAND = f"""
import sys
from functools import partial
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import trinode, toy, fake_items
from trinode import experiments
from trinode.cli.main import run
trinode.register(toy.system)
experiments.run = partial(experiments.run, execute=fake_items.execute)
run()
"""


def test_a_command_with_processes_ends_with_its_work(tmp_path):
    """Workers that idle for minutes would hold it, and the memory of what they compiled."""
    file = tmp_path / "sweep.yaml"
    file.write_text("system: toy\nschemes: [even]\nparameter: line_bps\nvalues: [5, 8]\ntrials: 3\n")
    words = ("sweep", str(file), "--out", str(tmp_path / "s"), "--jobs", "2")
    ended = fresh.Process(COMMAND, *words, folder=tmp_path, logs=tmp_path).end(timeout=150)
    assert (ended.code, ended.err) == (0, "")
    assert "6 computed" in ended.out


def test_processes_solve_to_the_same_bits(tmp_path, toy_system):
    """And may grow: joblib would end one once compiled programs fill it."""
    assert 0 < process_executor._MAX_MEMORY_LEAK_SIZE < 2**40
    sweep = dataclasses.replace(SWEEP, values=(5.0, 6.0), trials=9, block=4)
    here = run(sweep, tmp_path / "here")
    there = run(sweep, tmp_path / "there", place=Processes(2), execute=fake_items.solved)
    assert there.computed == here.computed == there.total
    assert content(sweep, tmp_path / "here", tmp_path) == content(sweep, tmp_path / "there", tmp_path)


def test_a_process_that_dies_leaves_a_store_that_resumes(tmp_path, undisturbed):
    dying = partial(fake_items.deadly, mark=str(tmp_path / "mark"))
    with pytest.raises(StoreError, match="died"):
        run(SWEEP, tmp_path / "s", place=Processes(2), execute=dying)
    run(SWEEP, tmp_path / "s", place=Processes(2), execute=dying)
    assert content(SWEEP, tmp_path / "s", tmp_path) == undisturbed


@pytest.mark.slow
def test_a_cluster_and_the_death_of_a_worker(tmp_path, toy_system):
    distributed = pytest.importorskip("distributed")
    sweep = dataclasses.replace(SWEEP, values=SWEEP.values[:3])
    count = run(sweep, tmp_path / "here", execute=fake_items.execute).total
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        place = Cluster(cluster.scheduler_address)
        assert run(sweep, tmp_path / "s", place=place, execute=fake_items.execute).computed == count
        dying = partial(fake_items.deadly, mark=str(tmp_path / "mark"))
        summary = run(sweep, tmp_path / "d", place=place, execute=dying)
        assert (summary.computed, summary.failed) == (count, ())
        assert (tmp_path / "mark").exists()
    expected = content(sweep, tmp_path / "here", tmp_path)
    assert content(sweep, tmp_path / "s", tmp_path) == expected
    assert content(sweep, tmp_path / "d", tmp_path) == expected


def test_a_full_disk(tmp_path, undisturbed, monkeypatch):
    """Nothing half-written is believed or left, the fault is said, and the next run goes on."""
    sync, room = os.fsync, [20]

    def full(handle):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            run(SWEEP, tmp_path / "s", execute=fake_items.execute)
    kept = list((tmp_path / "s" / "items").iterdir())
    assert 0 < len(kept) < ITEMS
    assert all(path.suffix == ".npz" for path in kept)
    assert run(SWEEP, tmp_path / "s", execute=fake_items.execute).reused == len(kept)
    assert content(SWEEP, tmp_path / "s", tmp_path) == undisturbed


def test_memory_changes_no_bit(tmp_path, toy_system):
    sweep = dataclasses.replace(SWEEP, values=(5.0,), trials=19, block=19)
    for name, memory in (("wide", 2**30), ("narrow", 2000)):
        run(sweep, tmp_path / name, memory=memory)
    assert gather(sweep, tmp_path / "wide").identical(gather(sweep, tmp_path / "narrow"))


def test_a_zarr_store(tmp_path, toy_system):
    xarray, _ = pytest.importorskip("xarray"), pytest.importorskip("zarr")
    run(SWEEP, tmp_path, execute=fake_items.execute)
    dataset = gather(SWEEP, tmp_path)
    files = write(dataset, tmp_path, zarr=True)
    opened = xarray.open_zarr(files[1])
    assert np.array_equal(opened["objective"], dataset["objective"], equal_nan=True)
    assert opened.attrs == dataset.attrs


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Processes(0),
        lambda: Cluster(),
        lambda: Cluster("a", "b"),
        lambda: Shard(0, 3),
        lambda: Shard.parse("4/3"),
        lambda: Shard.parse("half"),
    ],
)
def test_impossible_places_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()
