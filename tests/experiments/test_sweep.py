"""Sweeps: items, the store, resuming, and the dataset."""

import dataclasses
import os
import signal
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import fresh
import toy
import trinode.experiments.execute as executing
from trinode import _pool
from trinode.errors import InputError
from trinode.experiments import Measure, Store, Sweep, code, expand, gather, items, run, runner
from trinode.experiments.execute import execute
from trinode.experiments.places import compute
from trinode.experiments.runner import run_all
from trinode.systems.registry import system as find_system

SWEEP = dataclasses.replace(toy.SWEEP, values=(5.0, 10.0), trials=7, block=3)
ITEMS = 2 * 3 * (2 + 2)  # values, blocks, two schemes and a bound for each of two families


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Dataset of a sweep that nothing disturbed."""
    from trinode.systems import registry

    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._loaded, "toy", toy.system)
        summary = run(SWEEP, folder)
        assert (summary.total, summary.computed, summary.failed) == (ITEMS, ITEMS, ())
        return gather(SWEEP, folder)


def test_a_second_run_computes_nothing(tmp_path, whole):
    run(SWEEP, tmp_path)
    again = run(SWEEP, tmp_path, execute=lambda item: pytest.fail("computed again"))
    assert (again.reused, again.computed) == (ITEMS, 0)
    assert gather(SWEEP, tmp_path).identical(whole)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_run_resumes_to_the_same_dataset(tmp_path, whole, stop):
    done = []

    def stopped(item):
        if len(done) == 5:
            raise stop
        done.append(item)
        return execute(item)

    with pytest.raises(stop):
        run(SWEEP, tmp_path, execute=stopped)
    part = gather(SWEEP, tmp_path)
    assert part.attrs["trials_missing"] > 0
    summary = run(SWEEP, tmp_path)
    assert (summary.reused, summary.computed) == (5, ITEMS - 5)
    assert gather(SWEEP, tmp_path).identical(whole)


def test_a_killed_process_leaves_a_store_that_resumes(tmp_path, whole):
    """The process dies while its fourth file is written but has not got its name."""
    script = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import dataclasses, toy
import trinode
from trinode.experiments import run
trinode.register(toy.system)
moves = []
move = os.replace
def replace(source, target):
    if str(target).startswith({str(tmp_path)!r}):
        moves.append(target)
        if len(moves) == 4:
            os.kill(os.getpid(), signal.SIGKILL)
    move(source, target)
os.replace = replace
run(dataclasses.replace(toy.SWEEP, values=(5.0, 10.0), trials=7, block=3), {str(tmp_path)!r})
"""
    logs = tmp_path.parent / f"{tmp_path.name}-logs"
    logs.mkdir()
    ended = fresh.Process(script, folder=logs, logs=logs).end(timeout=300)
    assert ended.code == -signal.SIGKILL, ended.err
    assert len(list(tmp_path.glob("items/*.npz"))) == 3
    assert len(list(tmp_path.glob("items/*.partial"))) == 1
    summary = run(SWEEP, tmp_path)
    assert (summary.reused, summary.computed) == (3, ITEMS - 3)
    assert gather(SWEEP, tmp_path).identical(whole)


@pytest.mark.parametrize("damage", ["truncate", "empty", "flip"])
def test_a_damaged_item_is_found_and_redone(tmp_path, whole, damage):
    run(SWEEP, tmp_path)
    path = sorted(tmp_path.glob("items/*.npz"))[2]
    content = path.read_bytes()
    if damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        middle = content.index(b"NUMPY") + 130  # inside the first array's data
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
    summary = run(SWEEP, tmp_path)
    assert (summary.reused, summary.computed) == (ITEMS - 1, 1)
    assert gather(SWEEP, tmp_path).identical(whole)


def test_an_item_of_other_parameters_is_not_believed(tmp_path, toy_system):
    """Even under the right name: what counts is what the file says it was made from."""
    store = Store(tmp_path)
    mine, other = (next(expand(dataclasses.replace(SWEEP, seed=seed))) for seed in (0, 1))
    store.save(other, execute(other))
    os.replace(store.path(other), store.path(mine))
    assert store.load(mine) is None


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
@pytest.mark.parametrize("name", ["slowest", "größte", "遅延"])
def test_items_come_back_as_they_were(tmp_path, toy_system, name):
    store, item = Store(tmp_path), next(expand(SWEEP))
    kept = {name: np.arange(6.0).reshape(3, 2), "feasible": np.array([True, False, True]), "one": np.array(2.5)}
    store.save(item, kept)
    found = store.load(item)
    assert found is not None
    assert list(found) == list(kept)
    for key, array in kept.items():
        assert np.array_equal(found[key], array)
        assert found[key].dtype == array.dtype


def test_everything_that_matters_is_in_the_key(toy_system, monkeypatch):
    def first_solve(sweep):
        return next(item.key for item in expand(sweep) if item.scheme == "balance")

    key = first_solve(SWEEP)
    assert first_solve(SWEEP) == key
    changed = [
        dataclasses.replace(SWEEP, values=(5.5, 10.0)),
        dataclasses.replace(SWEEP, fixed={"quality_min": 0.1}),
        dataclasses.replace(SWEEP, fixed={"terminals": 4}),
        dataclasses.replace(SWEEP, seed=1),
        dataclasses.replace(SWEEP, block=4),
        dataclasses.replace(SWEEP, measures=(Measure("slowest", "latency_s", "min"),)),
        dataclasses.replace(SWEEP, history=True),
    ]
    assert len({key, *map(first_solve, changed)}) == len(changed) + 1
    # a parameter given at its default's value is the same item
    assert first_solve(dataclasses.replace(SWEEP, fixed={"terminals": 3})) == key
    settings = {**toy.system.schemes, "balance": toy.Balance(rate=0.4)}
    monkeypatch.setitem(
        sys.modules["trinode.systems.registry"]._loaded,
        "toy",
        dataclasses.replace(toy.system, schemes=settings),
    )
    assert first_solve(SWEEP) != key
    monkeypatch.undo()


def test_items_of_other_code_are_computed_anew_and_that_is_said(tmp_path, whole, monkeypatch):
    run(SWEEP, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(items, "code_of", lambda system: "another code")
        summary = run(SWEEP, tmp_path, execute=execute)
    assert (summary.reused, summary.computed, summary.outdated) == (0, ITEMS, ITEMS)
    assert f"({ITEMS} of them anew: the code that computes them has changed)" in str(summary)
    again = run(SWEEP, tmp_path)
    assert (again.reused, again.outdated) == (ITEMS, 0)
    for path in [*tmp_path.glob("items/*.npz")]:  # as they were named before they knew their code
        path.rename(path.with_stem(path.stem.partition("-")[0]))
    assert run(SWEEP, tmp_path).outdated == ITEMS


def test_the_code_of_an_item_is_what_computes_it(toy_system, monkeypatch):
    read = []
    plain = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.as_posix()) or plain(path))
    for system, others in (("energy", "latency"), ("latency", "energy")):
        read.clear()
        code._code_in.cache_clear()
        code.code_of(find_system(system))
        assert any(f"systems/{system}/model.py" in path for path in read)
        assert not any(word in path for path in read for word in (f"systems/{others}/", "plots", "cli", "figures.py"))
    assert code.code_of(toy_system) != code.code_of(find_system("energy"))


def test_a_scheme_that_comes_later_belongs_to_the_code_as_long_as_it_is_there(toy_system, monkeypatch):
    class Later(toy.Even):
        name = "later"

    before = code.code_of(toy_system)
    with monkeypatch.context() as patch:
        patch.setitem(toy_system.schemes, "later", Later())
        assert code.code_of(toy_system) != before
    assert code.code_of(toy_system) == before


@pytest.mark.parametrize("names", [("objective",), ("one", "one"), ("capacity",)])
def test_a_measure_has_a_name_of_its_own(names):
    with pytest.raises(InputError, match=f"measures: got {names[-1]}; allowed: names that all differ"):
        Sweep("toy", ("even",), "capacity", (1.0,), measures=tuple(Measure(name, "latency_s") for name in names))


def test_a_failing_item_is_recorded_and_the_rest_goes_on(tmp_path, whole):
    def failing(item):
        if item.scheme == "even" and item.given["line_bps"] == 5.0 and item.trials.start == 3:
            raise ValueError("no such luck")
        return execute(item)

    summary = run(SWEEP, tmp_path, execute=failing)
    assert summary.computed == ITEMS - 1
    assert len(summary.failed) == 1
    assert "no such luck" in summary.failed[0]
    assert "FAILED" in str(summary)
    record = next(tmp_path.glob("items/*.failed.txt")).read_text()
    assert "Traceback" in record
    assert "no such luck" in record
    part = gather(SWEEP, tmp_path)
    assert part.attrs["trials_missing"] == 3
    assert not part["kept"].values[3:6].any()
    assert run(SWEEP, tmp_path).computed == 1
    assert not list(tmp_path.glob("items/*.failed.txt"))
    assert gather(SWEEP, tmp_path).identical(whole)


def test_the_dataset_is_labelled_screened_and_counted(whole):
    assert dict(whole.sizes) == {"line_bps": 2, "scheme": 2, "trial": 7}
    assert whole["line_bps"].values.tolist() == [5.0, 10.0]
    assert whole["scheme"].values.tolist() == ["balance", "even"]
    met = whole["feasible"].values.all(axis=(0, 1))
    assert np.array_equal(whole["kept"].values, met)
    assert whole.attrs["trials_kept"] + whole.attrs["trials_infeasible"] == 7
    assert whole.attrs["trials_missing"] == whole.attrs["answers_violated"] == 0
    assert np.array_equal(np.isnan(whole["objective"].values), ~whole["feasible"].values)
    assert whole["objective"].attrs["units"] == "s"


def test_every_point_sees_the_same_networks(whole):
    """A line twice as fast halves every time exactly when the loads are the same."""
    slow, fast = (whole["bound"].sel(line_bps=value).values for value in (5.0, 10.0))
    assert np.allclose(slow, 2 * fast, rtol=1e-12)


def test_bounds_belong_to_families(whole):
    kept = whole.isel(trial=np.flatnonzero(whole["kept"].values))
    assert np.array_equal(kept["scheme_bound"].sel(scheme="balance"), kept["bound"])
    assert np.allclose(kept["scheme_bound"].sel(scheme="even"), kept["objective"].sel(scheme="even"))
    assert (kept["objective"] >= kept["bound"] * (1 - 1e-12)).all()


def test_bounds_of_families_may_be_left_out(tmp_path, toy_system):
    sweep = dataclasses.replace(SWEEP, values=(5.0,), trials=3, scheme_bound=False)
    assert run(sweep, tmp_path).total == 3
    data = gather(sweep, tmp_path)
    assert np.isfinite(data["bound"]).all()
    assert "scheme_bound" not in data


def test_measures_series_and_histories(tmp_path, toy_system):
    sweep = dataclasses.replace(
        SWEEP, values=(5.0,), trials=3, series={"3": {}, "4": {"terminals": 4}}, history=True, bound=False
    )
    run(sweep, tmp_path)
    data = gather(sweep, tmp_path)
    assert data["series"].values.tolist() == ["3", "4"]
    assert data["history"].dims == ("series", "line_bps", "scheme", "trial", "step")
    assert data.sizes["step"] == toy.STEPS
    assert data["history"].sel(scheme="even").isel(step=slice(1, None)).isnull().all()
    assert np.allclose(data["total_share"], 1)
    feasible = data["feasible"].values
    assert np.allclose(data["slowest"].values[feasible], data["objective"].values[feasible])


def test_a_single_point_needs_no_parameter(tmp_path, toy_system):
    sweep = Sweep(system="toy", schemes=("even",), trials=2)
    run(sweep, tmp_path)
    assert dict(gather(sweep, tmp_path).sizes) == {"scheme": 1, "trial": 2}


@pytest.mark.parametrize(
    "wrong",
    [
        {"schemes": ()},
        {"parameter": "line_bps"},
        {"values": (1.0,)},
        {"parameter": "line_bps", "values": (1.0, 1.0)},
        {"trials": 0},
        {"seed": -1},
        {"block": 2.5},
    ],
)
def test_impossible_sweeps_are_refused(wrong):
    with pytest.raises(InputError):
        Sweep(**{"system": "toy", "schemes": ("even",), **wrong})


def test_unknown_names_are_refused(tmp_path, toy_system):
    with pytest.raises(InputError, match="scheme"):
        run(dataclasses.replace(SWEEP, schemes=("no",)), tmp_path)
    with pytest.raises(InputError, match="no_parameter"):
        run(dataclasses.replace(SWEEP, parameter="no_parameter"), tmp_path)
    with pytest.raises(InputError, match="no_metric"):
        run(dataclasses.replace(SWEEP, measures=(Measure("a", "no_metric"),)), tmp_path)


def test_programs_are_let_go_before_there_are_too_many(tmp_path, monkeypatch):
    """Let go before every new shape, the dataset is that of a process that keeps them all."""
    sweep = dataclasses.replace(SWEEP, parameter="terminals", values=(2, 3, 4), trials=3)
    run(sweep, tmp_path / "all")
    let_go = []
    monkeypatch.setattr(executing, "CROWDED", 0.0)
    monkeypatch.setattr(executing, "_kept", set())
    monkeypatch.setattr(executing._programs, "forget", lambda: let_go.append(1))
    run(sweep, tmp_path / "few")
    assert gather(sweep, tmp_path / "few").identical(gather(sweep, tmp_path / "all"))
    assert len(let_go) >= 3
    assert len(executing._kept) == 1


def test_others_wait_while_programs_are_let_go(tmp_path, monkeypatch):
    """A stream of items that need nothing new does not put it off for ever."""
    sweep = dataclasses.replace(SWEEP, parameter="terminals", values=(2, 3, 4), trials=3)
    monkeypatch.setattr(_pool, "programs", lambda: 2)
    monkeypatch.setattr(executing, "_kept", set())
    monkeypatch.setattr(executing, "_crowded", lambda: len(executing._kept) > 0)
    running, let_go = [], []

    def forget():
        assert running == []
        let_go.append(1)

    def trials(item, *rest, plain=executing._trials):
        running.append(item)
        try:
            return plain(item, *rest)
        finally:
            running.remove(item)

    monkeypatch.setattr(executing._programs, "forget", forget)
    monkeypatch.setattr(executing, "_trials", trials)
    assert run(sweep, tmp_path).failed == ()
    assert let_go


def test_networks_are_drawn_once_for_all_schemes_of_a_point(tmp_path, toy_system, monkeypatch):
    drawn = []

    def draw_batch(system, seed, trials, plain=executing.api.draw_batch, **given):
        drawn.append((list(trials), given))
        return plain(system, seed, trials, **given)

    monkeypatch.setattr(executing, "_drawn", OrderedDict())
    monkeypatch.setattr(executing.api, "draw_batch", draw_batch)
    run(dataclasses.replace(SWEEP, seed=5), tmp_path / "a")
    assert len(drawn) == 2 * 3  # values, blocks
    monkeypatch.setattr(executing, "_drawn", OrderedDict())
    run(dataclasses.replace(SWEEP, seed=5), tmp_path / "b", memory=1)  # no room to remember anything
    assert len(drawn) > 2 * 2 * 3
    monkeypatch.setattr(executing, "_drawn", OrderedDict())
    sweeps = (tmp_path / "a", tmp_path / "b")
    assert gather(dataclasses.replace(SWEEP, seed=5), sweeps[0]).identical(
        gather(dataclasses.replace(SWEEP, seed=5), sweeps[1])
    )


def test_several_sweeps_are_one(tmp_path, whole, toy_system):
    """What they share is computed once, each ends in a dataset of its own, and they are told of in their order."""
    other = dataclasses.replace(SWEEP, values=(10.0, 20.0))
    done = []

    def counted(item):
        done.append(item.key)
        return execute(item)

    first, second, third = run_all(
        [(SWEEP, tmp_path / "a"), (other, tmp_path / "b"), (SWEEP, tmp_path / "a")], execute=counted
    )
    assert len(done) == len(set(done)) == ITEMS + ITEMS // 2
    assert (first.total, first.computed, second.computed, third.computed) == (ITEMS, ITEMS, ITEMS, ITEMS)
    assert gather(SWEEP, tmp_path / "a").identical(whole)
    both = gather(other, tmp_path / "b").sel(line_bps=10.0)
    assert both["objective"].identical(whole.sel(line_bps=10.0)["objective"])


def test_a_sweep_is_told_of_before_the_next_one_ends(tmp_path, toy_system):
    """And what fails in one is held against that one alone."""
    other = dataclasses.replace(SWEEP, values=(20.0,), seed=9)

    def breaks(item):
        if item.record["seed"] == 9:
            raise ValueError("a bug")
        return execute(item)

    told = run_all([(SWEEP, tmp_path / "a"), (other, tmp_path / "b")], execute=breaks, place=OneByOne())
    assert (next(told).failed, len(list((tmp_path / "b").glob("items/*.failed.txt")))) == ((), 0)
    assert len(next(told).failed) == ITEMS // 2
    assert next(told, None) is None


class OneByOne:
    """A place that begins an item once the one before is kept."""

    def work(self, items, execute, begin):
        return (compute(item, execute) for item in items)


@pytest.mark.parametrize("quick", [True, False])
def test_programs_are_compiled_well_where_they_solve_many(tmp_path, toy_system, monkeypatch, quick):
    monkeypatch.setattr(runner._flags, "quick", lambda: quick)
    monkeypatch.setitem(toy.system.schedule.repaid, "even", lambda params: 14)
    seen = {}

    def look(item):
        seen.setdefault((item.scheme or item.family, item.given["terminals"]), set()).add(item.often)
        return execute(item)

    twice = {"two": {"terminals": 2}, "again": {"terminals": 2, "line_bps": 7.0}, "three": {"terminals": 3}}
    run(dataclasses.replace(SWEEP, parameter="", values=(), series=twice), tmp_path, execute=look)
    well = {name for name, often in seen.items() if True in often}
    assert well == ({("even", 2)} if quick else set())


def test_items_of_the_host_lie_evenly_among_the_others_and_none_is_last(tmp_path, toy_system, monkeypatch):
    monkeypatch.setattr(type(toy.system.schemes["even"]), "host", True)
    begun = []
    run(SWEEP, tmp_path, execute=lambda item: begun.append(item) or {"objective": np.zeros(len(item.trials))},
        place=OneByOne())  # fmt: skip
    host = [n for n, item in enumerate(begun) if item.host]
    gaps = np.diff(host)
    assert len(host) > 2
    assert gaps.max() - gaps.min() <= 1
    assert host[-1] < 0.9 * len(begun)
    for kind in (True, False):
        kept = [item.key for item in expand(SWEEP) if item.host is kind]
        assert [item.key for item in begun if item.host is kind] == kept


def test_items_that_wait_for_each_others_programs_do_not_begin_together(tmp_path, toy_system):
    class Two:
        """A place that begins an item before the one begun last is over."""

        def work(self, items, execute, begin):
            held = []
            for item in items:
                held.append(item)
                together.append(tuple(held))
                if len(held) == 2:
                    yield compute(held.pop(0), execute)
            yield from (compute(item, execute) for item in held)

    together = []
    sweep = dataclasses.replace(SWEEP, parameter="terminals", values=(2, 3, 4))
    run(sweep, tmp_path, execute=lambda item: {"objective": np.zeros(len(item.trials))}, place=Two())
    first = next(n for n, held in enumerate(together) if len(held) == 2)
    one, other = together[first]
    assert one.sizes != other.sizes  # though the next one in the list has the same sizes
    clashes = [n for n, held in enumerate(together) if len(held) == 2 and held[0].compiled & held[1].compiled]
    assert clashes[0] >= len(sweep.values)  # later on programs are there, and nobody waits
