"""How the tests share machines: which run one after the other, and what they leave in memory."""

import os

# what is tested is small and runs once: compiling it without optimisation halves the time of everything
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import jax
import pytest

from trinode import _programs


def pytest_collection_modifyitems(items):
    """One file after the other on each worker; the contract one system after the other, since it takes longest."""
    for item in items:
        system = item.callspec.params.get("name", "") if item.path.name == "test_contract.py" else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.parent.name}-{item.path.stem}{system}"))


@pytest.fixture(autouse=True, scope="module")
def forget_programs():
    """Compiled programs of a file are of no use to the next, and take gigabytes together."""
    yield
    _programs.forget()
    jax.clear_caches()
