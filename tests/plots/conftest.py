import pytest

import toy
from trinode.systems import registry


@pytest.fixture(autouse=True)
def toy_system(monkeypatch):
    """The toy system, known for the length of one test."""
    monkeypatch.setitem(registry._loaded, "toy", toy.system)
    return toy.system
