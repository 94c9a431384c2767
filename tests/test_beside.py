"""What shows and measures a system is named by it: modules that have what they promise, of outside systems too."""

import sys
from dataclasses import replace
from types import ModuleType

import jax
import numpy as np
import pytest

import toy
from trinode import plots
from trinode.cli import _answer, bench
from trinode.cli._show import Table
from trinode.errors import InputError
from trinode.systems import registry

PROMISED = {
    "tables": "terminal_table",
    "pictures": "PICTURES",
    "bench": "SECTIONS",
    "page": "drawing",
    "training": "MODELS",
}


@pytest.mark.parametrize("name", ["energy", "fairness", "latency", "region", "threetier"])
def test_modules_of_a_system_have_what_they_promise(name):
    system = registry.system(name)
    for what, promised in PROMISED.items():
        own = system.beside(what)
        assert hasattr(own, promised) if getattr(system, what) else own is None
    assert all(getattr(system, what) for what in ("tables", "pictures", "bench", "page"))


def test_a_system_from_outside_brings_its_own(monkeypatch, tmp_path):
    own = ModuleType("modules_of_toy")
    own.terminal_table = lambda scenario, solution, report: Table("Lines", [], [{"load": scenario.load.sum()}])
    own.PICTURES = {"nothing": lambda scenario, solution, report, title, building_lines: None}
    own.SECTIONS = {"speed": len}
    monkeypatch.setitem(sys.modules, own.__name__, own)
    monkeypatch.setattr(registry, "_loaded", dict(registry._loaded))
    registry.register(replace(toy.system, tables=own.__name__, pictures=own.__name__, bench=own.__name__))
    found = registry.system("toy")
    scenario, report = toy.draw(toy.ToyParams(), jax.random.key(0)), {}
    assert _answer.terminal_table(found, scenario, None, report).rows == [{"load": np.sum(scenario.load)}]
    assert plots.pictures("toy", scenario, None, report, tmp_path) == []
    assert bench._benchmarks("toy") == own.SECTIONS
    registry.register(toy.system)
    with pytest.raises(InputError, match="bench"):
        bench._benchmarks("toy")
