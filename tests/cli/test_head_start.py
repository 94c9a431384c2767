"""A command's programs are there before they are called, if the last such command called them."""

import numpy as np
import pytest

from trinode import _programs
from trinode.cli._head_start import head_start


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TRINODE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_programs, "_ready", {})
    return tmp_path / "programs"


def times(scenario_load, factor):
    return {"load": scenario_load * factor}


def command(monkeypatch, *sizes):
    """A command in a new process; the names of the programs that were under way before it called any."""
    monkeypatch.setattr(_programs, "_ready", {})
    with head_start("command"):
        coming = sorted(_programs.coming)
        for size in sizes:
            given = np.arange(float(size))
            np.testing.assert_allclose(_programs.call(times, given, 3.0)["load"], 3 * given)
        assert not _programs.coming.keys() & set(_programs.called)
    assert not _programs.coming
    return coming


def test_the_last_command_tells_what_is_loaded(folder, monkeypatch):
    assert command(monkeypatch, 3, 5) == []
    kept = sorted(path.stem for path in folder.glob("*.hlo"))
    assert len(kept) == 2
    assert command(monkeypatch, 3) == kept
    (three,) = command(monkeypatch, 4)
    (four,) = command(monkeypatch, 3, 4, 5)
    assert three in kept
    assert four not in kept
    assert command(monkeypatch) == sorted([*kept, four])
    assert command(monkeypatch) == []


def test_loading_early_runs_the_same_program(folder, monkeypatch):
    command(monkeypatch, 3)
    monkeypatch.setattr(_programs, "_make", None)  # would be called for a program that was not found
    monkeypatch.setattr(_programs, "_ready", {})
    with head_start("command"):
        (coming,) = _programs.coming.values()
        assert coming.result().native is not None
        np.testing.assert_allclose(_programs.call(times, np.arange(3.0), 2.0)["load"], 2 * np.arange(3.0))


@pytest.mark.parametrize("damage", ["task", "hlo"])
def test_damage_costs_the_head_start_only(folder, monkeypatch, damage):
    command(monkeypatch, 3)
    (path,) = folder.glob(f"*.{damage}")
    path.write_bytes(b"\xff" + path.read_bytes()[: path.stat().st_size // 2])
    command(monkeypatch, 3)
    assert len(command(monkeypatch, 3)) == 1


def test_another_command_expects_nothing(folder, monkeypatch):
    command(monkeypatch, 3)
    with head_start("other"):
        assert not _programs.coming


def test_without_a_cache_there_is_none(folder, monkeypatch):
    monkeypatch.setenv("TRINODE_CACHE_DIR", "")
    assert command(monkeypatch, 3) == command(monkeypatch, 3) == []
    assert not folder.exists()
