"""Measurements that take little: the smallest sections of the benches, on one network."""

import pytest

from trinode.experiments.bench import latency, threetier

pytestmark = pytest.mark.slow


def rows(tables):
    """Rows of the first table by column."""
    first = tables[0]
    return [dict(zip(first["columns"], row)) for row in first["rows"]]


def test_resource_steps_beside_cvxpy():
    measured = rows(latency.SECTIONS["resource"](1, lambda _: None))
    errors = {row["what"]: row["value"] for row in measured if "difference" in row["what"]}
    assert len(errors) == 2
    assert all(0 <= error < 1e-6 for error in errors.values())


def test_offloading_beside_an_integer_program():
    measured = rows(threetier.SECTIONS["offloading"](2, lambda _: None))
    assert measured
    assert all(0 <= row["largest difference"] < 1e-9 for row in measured)
