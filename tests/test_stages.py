"""Stages: part of their callers, unless they are compiled on their own, when all callers share one program."""

from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode import _programs, _runtime

TRACES = []


class Parts(NamedTuple):
    total: Any
    scaled: Any
    positive: Any


@_runtime.stage
def parts(x, factor=2.0):
    """A step whose tracing can be counted."""
    TRACES.append(x)
    return Parts(x.sum(), {"by": factor * x}, (jnp.where(x > 0, 1.0, 0.0), None))


@_runtime.in_stages
def twice(x):
    first = parts(x)
    return parts(first.scaled["by"], 1.0)


@pytest.fixture
def apart(tmp_path, monkeypatch):
    monkeypatch.setenv("TRINODE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_programs, "_ready", {})
    monkeypatch.setattr(_runtime, "_call", _programs.call)
    TRACES.clear()


def test_a_stage_is_a_part_of_its_caller(monkeypatch):
    monkeypatch.setattr(_programs, "_ready", {})
    monkeypatch.setattr(_runtime, "_call", None)
    assert not _runtime.stands_apart(twice)
    np.testing.assert_array_equal(jax.jit(twice)(jnp.arange(3.0)).scaled["by"], [0.0, 2.0, 4.0])
    assert not _programs._ready


def test_callers_share_one_program(apart):
    assert _runtime.stands_apart(twice)
    assert not _runtime.stands_apart(parts)
    last = twice(jnp.arange(3.0))
    assert type(last) is Parts
    assert float(last.total) == 6.0
    np.testing.assert_array_equal(last.scaled["by"], [0.0, 2.0, 4.0])
    np.testing.assert_array_equal(last.positive[0], [0.0, 1.0, 1.0])
    assert last.positive[1] is None
    other = parts(np.arange(3.0), factor=5.0)
    np.testing.assert_array_equal(other.scaled["by"], [0.0, 5.0, 10.0])
    parts(other.positive[0])  # of no less definite a type than any array
    assert len(TRACES) == 1
    parts(jnp.arange(4.0))
    assert len(TRACES) == 2


def test_in_a_transformation_it_is_a_part_all_the_same(apart):
    np.testing.assert_array_equal(jax.vmap(lambda x: twice(x).total)(jnp.ones((2, 3))), [6.0, 6.0])
    assert not _programs._ready


def test_one_thread_makes_the_program_and_the_others_wait(apart, monkeypatch):
    monkeypatch.setattr(_programs, "_turns", Semaphore(2))
    with ThreadPoolExecutor(6) as pool:
        totals = list(pool.map(lambda k: float(parts(np.full(5, float(k))).total), range(6)))
    assert totals == [5.0 * k for k in range(6)]
    assert len(TRACES) == 1
