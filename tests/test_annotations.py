"""Shapes and kinds of arrays are what annotations say."""

from __future__ import annotations

import pytest

import fresh


def test_what_goes_through_systems_and_problems_is_as_annotated(tmp_path):
    pytest.importorskip("beartype")
    ended = fresh.Process("import annotated; annotated.main()", folder=tmp_path, logs=tmp_path).end(timeout=400)
    assert ended.code == 0, ended.err
