"""Programs kept between processes: the same results, found again, made anew when anything changed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Semaphore

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import toy
from trinode import _batch, _pool, _programs

TRACES = []


def double(system, scenario, factor):
    """A program whose tracing can be counted; its result is a dataclass with a dictionary and more."""
    TRACES.append(system)
    solution = toy.system.schemes["balance"].solve(scenario)
    return {"solution": solution, "twice": factor * scenario.load, "none": None, "word": system}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TRINODE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_programs, "_ready", {})
    TRACES.clear()
    return tmp_path / "programs"


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
    for path in folder.glob("*.hlo"):
        path.write_bytes(path.read_bytes()[:100])
    new_process(monkeypatch)
    _programs.call(double, "toy", scenario(), 2.0)
    assert len(TRACES) == 3


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


def test_one_thread_makes_the_program_and_the_others_wait(folder, monkeypatch):
    monkeypatch.setattr(_programs, "_turns", Semaphore(2))
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(_programs.call, double, "toy", scenario(), float(k)) for k in range(6)]
    for k, one in enumerate(asked):
        np.testing.assert_allclose(one.result()["twice"], k * scenario().load)
    assert len(TRACES) == 1


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
