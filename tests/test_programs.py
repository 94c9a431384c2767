"""Programs kept between processes: the same results, found again, made anew when anything changed."""

import errno
import importlib.util
import os
import random
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from threading import Barrier, Event, Semaphore
from typing import get_args, get_type_hints

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import toy
from trinode import _batch, _cache, _pool, _programs, api
from trinode.systems.registry import system as find_system
from trinode.systems.registry import system_names

SPEC = importlib.util.spec_from_file_location("caches", Path(__file__).parents[1] / "benchmarks" / "caches.py")
caches = importlib.util.module_from_spec(SPEC)
sys.modules["caches"] = caches
SPEC.loader.exec_module(caches)
TRACES = []


def double(system, scenario, factor):
    """A program whose tracing can be counted; its result is a dataclass with a dictionary and more."""
    TRACES.append(system)
    solution = toy.system.schemes["balance"].solve(scenario)
    return {"solution": solution, "twice": factor * scenario.load, "none": None, "word": system}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TRINODE_CACHE_DIR", str(tmp_path))
    for name, empty in (("_usable", set()), ("_given_up", {}), ("_full", {})):
        monkeypatch.setattr(_cache, name, empty)
    monkeypatch.setattr(_programs, "_ready", {})
    TRACES.clear()
    return tmp_path / "programs"


def fraction(value):
    return {"fraction": Fraction(1, 2), "value": value}


def scenario(seed=0, **params):
    return toy.draw(toy.ToyParams(**params), jax.random.key(seed))


def new_process(monkeypatch):
    monkeypatch.setattr(_programs, "_ready", {})


def test_a_kept_program_is_found_and_gives_the_same(folder, monkeypatch):
    first = _programs.call(double, "toy", scenario(), 2.0)
    plain = double("toy", scenario(), 2.0)
    assert TRACES == ["toy", "toy"]
    new_process(monkeypatch)
    again = _programs.call(double, "toy", scenario(), 2.0)
    assert TRACES == ["toy", "toy"]
    assert type(again["solution"]) is toy.ToySolution
    assert (again["none"], again["word"]) == (None, "toy")
    for one, other, exact in zip(*map(jax.tree.leaves, (first, again, plain)), strict=True):
        np.testing.assert_array_equal(one, other)
        if not isinstance(exact, str):
            np.testing.assert_allclose(one, exact, rtol=1e-12)


def test_numbers_are_passed_and_everything_else_belongs_to_the_program(folder):
    one = _programs.call(double, "toy", scenario(seed=1), 3.0)
    np.testing.assert_allclose(one["twice"], 3 * scenario(seed=1).load)
    _programs.call(double, "toy", scenario(seed=2, line_bps=4.0), 5.0)
    assert len(TRACES) == 1
    _programs.call(double, "other", scenario(), 2.0)
    _programs.call(double, "toy", scenario(terminals=4), 2.0)
    assert len(TRACES) == 3


def test_other_source_or_damage_makes_it_anew(folder, monkeypatch):
    _programs.call(double, "toy", scenario(), 2.0)
    new_process(monkeypatch)
    monkeypatch.setattr(_programs, "fingerprint", lambda: "another version")
    _programs.call(double, "toy", scenario(), 2.0)
    assert len(TRACES) == 2
    assert len(list(folder.glob("*.hlo"))) == 2


def test_an_entry_that_is_damaged_swapped_or_not_ours_alone_is_made_anew(folder):
    """Nothing that it names is called; what is damaged heals, and the result is the same."""
    dice = random.Random(1)
    with caches.Cache(folder.parent) as cache:
        assert {cache.outcome(change, dice) for change in caches.CHANGES} == {"made anew"}


def test_a_result_holds_no_other_classes(folder):
    with pytest.raises(TypeError, match="holds a Fraction"):
        _programs.call(fraction, np.arange(3.0))


def test_a_cache_that_cannot_be_used_is_said_once_and_work_goes_on(folder, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRINODE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    for _ in range(2):
        new_process(monkeypatch)
        _programs.call(double, "toy", scenario(), 2.0)
    assert [one.message.partition(": [")[0] for one in caplog.records] == ["trinode: goes on without a cache"]
    assert "Not a directory" in _cache.reason()


def test_a_full_disk_costs_nothing_but_the_cache(folder, monkeypatch, caplog):
    """And what lies there already is still found."""
    _programs.call(double, "toy", scenario(), 2.0)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_cache.os, "replace", full)
    for size in (4, 3, 4):
        new_process(monkeypatch)
        _programs.call(double, "toy", scenario(terminals=size), 2.0)
    assert folder.parent in _cache._full
    assert [one.message for one in caplog.records] == len(_cache._full) * [
        "trinode: goes on, but keeps no more programs: [Errno 28] No space left on device"
    ]
    assert TRACES == 3 * ["toy"]
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("name", ["", "programs"])
def test_a_folder_that_others_can_write_is_refused(folder, monkeypatch, caplog, name):
    _programs.call(double, "toy", scenario(), 2.0)
    (folder.parent / name).chmod(0o777)
    monkeypatch.setattr(_cache, "_usable", set())
    new_process(monkeypatch)
    _programs.call(double, "toy", scenario(), 2.0)
    assert len(TRACES) == 2
    assert "can be written by others" in caplog.text


def test_what_belongs_to_somebody_else_is_refused(folder, monkeypatch, caplog):
    _programs.call(double, "toy", scenario(), 2.0)
    me = os.geteuid()
    monkeypatch.setattr(_cache.os, "geteuid", lambda: me + 1)
    new_process(monkeypatch)
    _programs.call(double, "toy", scenario(), 2.0)  # the folder was looked at before; now it is the file
    monkeypatch.setattr(_cache, "_usable", set())
    new_process(monkeypatch)
    _programs.call(double, "toy", scenario(), 2.0)
    assert len(TRACES) == 3
    assert "belongs to somebody else" in caplog.text


def test_what_jax_compiles_is_kept_whole_or_not_at_all(tmp_path):
    """A truncated entry would be read, and complained about, by every later process."""
    (tmp_path / "compiled").mkdir(mode=0o700)
    path = tmp_path / "compiled" / "key-cache"
    _cache.write(path, b"program")
    assert _cache.read(path) == b"program"
    assert path.stat().st_mode & 0o777 == 0o600
    os.replace(path, path.with_name("other-cache"))
    assert _cache.read(path.with_name("other-cache")) is None
    path.write_bytes(b"program")
    assert _cache.read(path) is None
    _cache.write(path, b"program")
    assert _cache.read(path) == b"program"


def test_what_was_used_longest_ago_makes_room(tmp_path, monkeypatch):
    monkeypatch.setattr(_cache, "LIMIT", 10 * (32 + 8))
    kept = tmp_path / "compiled"
    kept.mkdir(mode=0o700)
    for i in range(12):
        _cache.write(kept / f"{i}-cache", b"8 bytes.")
        os.utime(kept / f"{i}-cache", (i, i))
    assert len(list(kept.iterdir())) == 12  # it looks once in a process, before it writes first
    assert _cache.read(kept / "0-cache") == b"8 bytes."  # so that it was used last
    monkeypatch.setattr(_cache, "_looked_at", set())
    _cache.write(kept / "12-cache", b"8 bytes.")
    assert {path.name for path in kept.iterdir()} == {f"{i}-cache" for i in (0, 6, 7, 8, 9, 10, 11, 12)}


def test_nothing_is_kept_without_a_folder(folder, monkeypatch):
    monkeypatch.setenv("TRINODE_CACHE_DIR", "")
    _programs.call(double, "toy", scenario(), 2.0)
    assert not folder.exists()


def test_inside_a_transformation_it_is_an_ordinary_function(folder):
    loads = jax.vmap(lambda f: _programs.call(double, "toy", scenario(), f)["twice"])(jnp.arange(3.0))
    np.testing.assert_allclose(loads, np.arange(3.0)[:, None] * scenario().load)


def test_a_result_is_of_no_less_definite_a_type_than_any_array(folder):
    first = _programs.call(double, "toy", scenario(), 2.0)
    made = jax.tree.map(lambda leaf: leaf * 1.0, scenario())
    _programs.call(double, "toy", made.__class__(**{**vars(made), "load": first["twice"]}), 2.0)
    assert len(TRACES) == 1


def test_numbers_whose_type_jax_calls_weak_need_no_program_of_their_own(folder):
    _programs.call(double, "toy", scenario(), 2.0)
    weak = eqx.tree_at(lambda one: one.line_bps, scenario(), jnp.asarray(7.0))
    assert weak.line_bps.weak_type
    found = _programs.call(double, "toy", weak, 2.0)
    plain = double("toy", scenario(line_bps=7.0), 2.0)
    np.testing.assert_allclose(found["solution"].share, plain["solution"].share, rtol=1e-12)
    assert len(TRACES) == 2


def test_one_thread_makes_the_program_and_the_others_wait(folder, monkeypatch):
    monkeypatch.setattr(_programs, "_turns", Semaphore(2))
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(_programs.call, double, "toy", scenario(), float(k)) for k in range(6)]
    for k, one in enumerate(asked):
        np.testing.assert_allclose(one.result()["twice"], k * scenario().load)
    assert len(TRACES) == 1


def test_an_interrupt_is_heard_while_the_compiler_works():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # where it is ignored, as in the background
    over = Event()

    def work():
        os.kill(os.getpid(), signal.SIGINT)
        over.wait(60)

    with pytest.raises(KeyboardInterrupt):
        _programs.interruptible(work)
    over.set()
    with pytest.raises(ZeroDivisionError):
        _programs.interruptible(lambda: 1 / 0)
    assert _programs.interruptible(lambda: 7) == 7
    signal.signal(signal.SIGINT, before)


def test_functions_from_elsewhere_are_traced_by_one_thread_and_run_by_all(monkeypatch):
    monkeypatch.setattr(_programs, "_known", set())
    traces, meeting = [], Barrier(1, timeout=60)

    def meet(value):
        meeting.wait()
        return np.asarray(value)

    def function(word, value):
        traces.append(word)
        return jax.pure_callback(meet, jax.ShapeDtypeStruct((), float), 2 * value)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: float(_programs.call_unkept(function, "word", jnp.asarray(1.0 * k))), range(4)))
    assert found == [0.0, 2.0, 4.0, 6.0]
    assert traces == ["word"]
    meeting = Barrier(2, timeout=60)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda k: float(_programs.call_unkept(function, "word", jnp.asarray(1.0 * k))), range(2)))
    assert traces == ["word"]


def test_long_runs_are_compiled_well_where_the_process_compiles_quickly(folder, monkeypatch):
    """An option of the one program; what is compiled otherwise stays another program."""
    asked = []
    plain = jax.stages.Lowered.compile

    def compile(self, compiler_options=None):
        asked.append(compiler_options)
        return plain(self, compiler_options=compiler_options)

    monkeypatch.setattr(jax.stages.Lowered, "compile", compile)
    monkeypatch.setattr(_programs._flags, "quick", lambda: True)
    for _ in range(2):
        _programs.call(double, "toy", scenario(), 2.0)
        with _programs.long_runs():
            _programs.call(double, "toy", scenario(), 2.0)
            with _programs.long_runs(False):
                _programs.call(double, "toy", scenario(), 2.0)
    assert asked == [{}, dict(_programs._flags.WELL)]
    monkeypatch.setattr(_programs._flags, "quick", lambda: False)
    new_process(monkeypatch)
    with _programs.long_runs():
        _programs.call(double, "toy", scenario(), 2.0)
    assert asked[2:] == [{}]


def test_one_network_is_solved_by_a_program_compiled_quickly(folder, monkeypatch):
    """A batch, and whoever says that runs are long, by one that is compiled well."""
    asked = []
    monkeypatch.setenv("XLA_FLAGS", "")
    plain = _programs.Program.compile
    monkeypatch.setattr(_programs.Program, "compile", lambda self: asked.append(_programs._options()) or plain(self))
    well, once = _programs._flags.PROGRAM, _programs._flags.PROGRAM | _programs._flags.ONCE
    shape = {"subcarriers": 2, "terminals": 3}
    network, two = api.draw("fairness", **shape), api.draw_batch("fairness", trials=2, **shape)
    asked.clear()
    answer = api.solve(network, "full-power")
    with _programs.long_runs():
        again = api.solve(network, "full-power")
    batch = api.solve_batch(two, "full-power")
    assert asked == [once, well, well]
    for other in (again, api.unstack(batch)[0]):
        np.testing.assert_allclose(other.power_fraction, answer.power_fraction, rtol=1e-9)


def test_parts_of_a_batch_know_of_long_runs(monkeypatch):
    """Also where they are solved by other threads."""
    monkeypatch.setattr(_pool, "programs", lambda: 2)
    monkeypatch.setattr(_programs._flags, "quick", lambda: True)
    known = []

    def one(row):
        known.append(_programs._options())
        return row

    with _programs.long_runs():
        _batch.map_parts(one, one, (np.arange(5.0),), 1)
    assert known == 5 * [dict(_programs._flags.WELL)]


def test_whatever_a_scenario_or_solution_holds_is_a_result():
    """Of every system: a program that gives it can be kept, and is believed."""
    for system in map(find_system, system_names()):
        for kind in (system.Scenario, system.Solution):
            held = [one for hint in get_type_hints(kind).values() for one in (hint, *get_args(hint))]
            objects = [one for one in held if isinstance(one, type) and issubclass(one, eqx.Module)]
            assert {_programs._name(one) for one in [kind, *objects]} <= set(_programs._results())


def test_an_option_that_the_compiler_does_not_know_is_left_out(folder, monkeypatch):
    """In the environment XLA would end the process for it."""
    monkeypatch.setattr(_programs._flags, "unknown", set())
    monkeypatch.setattr(_programs._flags, "PROGRAM", {"xla_of_another_time": True})
    found = _programs.call(double, "toy", scenario(), 2.0)
    np.testing.assert_allclose(found["twice"], 2 * scenario().load)
    assert _programs._flags.unknown == {"xla_of_another_time"}
    assert _programs._options() == {}


def test_programs_are_compiled_with_options_of_their_own(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_llvm_disable_expensive_passes=false")
    assert _programs._options() == {"xla_cpu_use_fusion_emitters": False}


def test_the_tests_themselves_compile_quickly():
    """What set the flags came before the first array: afterwards XLA would not read them any more."""
    loop = jax.jit(lambda x: jax.lax.fori_loop(0, 7, lambda i, y: jnp.sin(y) + i, x)).lower(1.0)
    assert "known_trip_count" not in loop.compile().as_text()  # what a pass of those left out adds
