"""Networks that guess powers, and where their weights are kept: plain arrays in ``.npz`` files, no pickles."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from trinode.errors import InputError

Weights = dict[str, np.ndarray]


@cache
def shipped(name: str) -> Weights:
    """Weights that come with the package.

    Raises
    ------
    InputError
        There are none of that name.
    """
    place = files("trinode.systems.fairness") / "weights" / f"{name}.npz"
    if not place.is_file():
        raise InputError("weights", name, "a name of shipped weights; train them with `trinode train fairness`")
    with place.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def write(path: Path, weights: Weights) -> None:
    """Keep weights in a file."""
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, **weights)
    partial.replace(path)
