"""The fairness paper's data set: optimal powers of many channels of many topologies, resumable, split two ways."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from trinode import _pool, api, networks
from trinode.errors import InputError
from trinode.experiments.items import describe_parameters
from trinode.systems.fairness import labels
from trinode.systems.registry import system as find_system

SYSTEM = "fairness"


@dataclass(frozen=True)
class LabelSet:
    """Which labels, and where they are kept: one file for each topology.

    Attributes
    ----------
    folder : Path
        Where the files are.
    topologies, channels : int
        How many, and channels of each.
    seed : int
        Of the topologies.
    given : mapping
        Parameters that differ from the defaults.
    """

    folder: Path
    topologies: int = 200
    channels: int = 1000
    seed: int = 0
    given: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name in ("topologies", "channels"):
            if getattr(self, name) < 1:
                raise InputError(name, getattr(self, name), "at least 1")
        if dict(self.given or {}).get("subcarriers", 1) != 1:
            raise InputError("subcarriers", dict(self.given or {})["subcarriers"], "1: labels need a certified optimum")

    @property
    def params(self) -> Any:
        """The parameters."""
        return api.parameters(find_system(SYSTEM), dict(self.given or {}))

    @property
    def record(self) -> str:
        """What determines every label, as a text that each file repeats."""
        described = describe_parameters(find_system(SYSTEM), dict(self.given or {}))
        return json.dumps({"channels": self.channels, "seed": self.seed, "params": described}, sort_keys=True)

    def key(self, topology: int) -> Any:
        """Random key of a topology."""
        return networks.trial_key(SYSTEM, self.seed, topology)

    def read(self, topology: int) -> dict[str, np.ndarray] | None:
        """Labels of a topology; None where they are missing, damaged or made from other parameters."""
        try:
            with np.load(self._path(topology), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except Exception:  # a damaged archive fails in many ways that share no base class
            return None
        return arrays if str(arrays.pop("record", "")) == self.record else None

    def make(self, say: Callable[[int, int], None] = lambda done, total: None) -> float:
        """Compute what is missing, on all cores; stopped at any time it goes on where it was. Returns seconds."""
        began = time.perf_counter()
        self.folder.mkdir(parents=True, exist_ok=True)
        missing = [t for t in range(self.topologies) if self.read(t) is None]
        done = self.topologies - len(missing)
        params = self.params

        def one(topology: int) -> None:
            found = _label(params, self.key(topology), self.channels)
            self._write(topology, {name: np.asarray(value) for name, value in found._asdict().items()})

        say(done, self.topologies)
        if missing:
            one(missing[0])  # alone, so that it is compiled once
            with ThreadPoolExecutor(_pool.programs()) as pool:
                for extra, _ in enumerate(pool.map(one, missing[1:]), 2):
                    say(done + extra, self.topologies)
        return time.perf_counter() - began

    def split(self, by: str, share: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (topology, channel) to train and to test on, (n, 2) each.

        Parameters
        ----------
        by : {"topology", "sample"}
            ``topology``: whole topologies are kept for the test. ``sample``: channels of all topologies, as the paper
            does, so that every topology of the test was trained on.
        """
        if by not in ("topology", "sample"):
            raise InputError("by", by, "topology or sample")
        pairs = np.stack(np.divmod(np.arange(self.topologies * self.channels), self.channels), axis=1)
        place = pairs[:, 0] if by == "topology" else np.arange(len(pairs))
        count = self.topologies if by == "topology" else len(pairs)
        order = np.random.default_rng(self.seed).permutation(count)
        train = np.isin(place, order[: max(1, round(share * count))])
        return pairs[train], pairs[~train]

    def _path(self, topology: int) -> Path:
        return self.folder / f"topology-{topology:05d}.npz"

    def _write(self, topology: int, arrays: dict[str, np.ndarray]) -> None:
        partial = self._path(topology).with_suffix(f".{os.getpid()}.partial")
        try:
            with open(partial, "wb") as handle:
                np.savez(handle, allow_pickle=False, record=np.asarray(self.record), **arrays)
            os.replace(partial, self._path(topology))
        finally:
            partial.unlink(missing_ok=True)


@eqx.filter_jit
def _label(params: Any, key: Any, channels: int) -> labels.Labels:
    return labels.label(params, key, channels)


def channels_of(params: Any, keys: Any, index: Any) -> jax.Array:
    """Channels (n, S, K, M, A) of pairs of topology key and number."""
    return jax.vmap(lambda key, i: labels.channel(params, key, i))(keys, index)
