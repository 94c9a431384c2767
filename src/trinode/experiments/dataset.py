"""Finished items joined to one labelled dataset."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.errors import MissingExtraError
from trinode.experiments.items import expand
from trinode.experiments.store import Store
from trinode.systems.decision import Status
from trinode.systems.figure import Sweep
from trinode.systems.registry import system as find_system

if TYPE_CHECKING:
    import xarray

_PER_SCHEME = ("objective", "feasible", "status", "iterations", "worst_residual")


def gather(sweep: Sweep, folder: str | Path) -> xarray.Dataset:
    """Dataset of what the store holds of a sweep.

    Dimensions are ``series``, the swept parameter, ``scheme`` and ``trial`` (and ``step`` of a history); a
    dimension that the sweep does not have is left out. What has not been computed is NaN, or False where it
    is yes or no.

    ``kept`` says which trials are met by every scheme at every point, by the system's own judgement: averages
    over them compare like with like. ``possible`` says which are met by some scheme at every point. The counts are
    attributes: ``trials``, ``trials_kept``, ``trials_possible``, ``trials_infeasible``, ``trials_missing``, and
    ``answers_violated`` for answers that a scheme calls feasible and the system does not.
    """
    import xarray

    blocks, found = _read(sweep, Store(folder))
    data = {name: xarray.Variable(dims, values) for name, (dims, values) in blocks.items()}
    dataset = xarray.Dataset(data, coords=_coordinates(sweep))
    whole = found.all(axis=tuple(range(found.ndim - 1)))
    feasible = dataset["feasible"].transpose(..., "scheme", "trial")
    met = np.asarray(feasible.all(feasible.dims[:-1]).values)
    possible = np.asarray(feasible.any("scheme").all(feasible.dims[:-2]).values) & whole
    dataset["kept"] = ("trial", met & whole)
    dataset["possible"] = ("trial", possible)
    dataset["objective"].attrs = _objective_attributes(sweep)
    dataset.attrs = {
        "system": sweep.system,
        "seed": sweep.seed,
        "fixed": json.dumps(dict(sweep.fixed)),
        "series": json.dumps({label: dict(more) for label, more in sweep.series.items()}),
        "measures": json.dumps([asdict(measure) for measure in sweep.measures]),
        "trials": sweep.trials,
        "trials_kept": int((met & whole).sum()),
        "trials_possible": int(possible.sum()),
        "trials_infeasible": int((~met & whole).sum()),
        "trials_missing": int((~whole).sum()),
        "answers_violated": int(((dataset["status"] != Status.INFEASIBLE) & ~dataset["feasible"] & found).sum()),
    }
    return _squeeze(dataset, sweep)


def write(dataset: xarray.Dataset, folder: str | Path, zarr: bool = False) -> list[Path]:
    """Write a dataset as NetCDF and, where asked for, as a zarr store (extra ``cluster``); returns what was written."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files = [place / "dataset.nc"]
    dataset.to_netcdf(files[0], engine="scipy")
    if zarr:
        try:
            import zarr as _  # noqa: F401
        except ImportError as fault:
            raise MissingExtraError("zarr", "cluster") from fault
        files.append(place / "dataset.zarr")
        dataset.to_zarr(files[1], mode="w", zarr_format=2, consolidated=True)
    return files


def _read(sweep: Sweep, store: Store) -> tuple[dict[str, tuple[tuple[str, ...], np.ndarray]], np.ndarray]:
    """Variables over (series, value, scheme, trial), and which of these entries were found."""
    value_dim = sweep.parameter or "point"
    shape = (max(len(sweep.series), 1), max(len(sweep.values), 1), len(sweep.schemes), sweep.trials)
    dims = ("series", value_dim, "scheme", "trial")
    names = [*_PER_SCHEME, *(measure.name for measure in sweep.measures)]
    per_scheme: dict[str, np.ndarray] = {name: np.full(shape, np.nan) for name in names}
    bounds: dict[str, np.ndarray] = {}
    histories: dict[tuple[int, int, int, int], np.ndarray] = {}
    found = np.zeros(shape, dtype=bool)
    for item in expand(sweep):
        arrays = store.load(item)
        if arrays is None:
            continue
        trials = slice(item.trials.start, item.trials.stop)
        if not item.scheme:
            bound = bounds.setdefault(item.family, np.full((*shape[:2], sweep.trials), np.nan))
            bound[item.series, item.value, trials] = arrays["bound"]
            continue
        scheme = sweep.schemes.index(item.scheme)
        found[item.series, item.value, scheme, trials] = True
        for name in names:
            if arrays[name].ndim > 1 and per_scheme[name].ndim == len(dims):  # a measure kept entry by entry
                per_scheme[name] = np.full((*shape, arrays[name].shape[1]), np.nan)
            per_scheme[name][item.series, item.value, scheme, trials] = arrays[name]
        if sweep.history:
            histories[item.series, item.value, scheme, trials.start] = arrays["history"]

    blocks: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        name: (dims if values.ndim == len(dims) else (*dims, f"{name}_entry"), values)
        for name, values in per_scheme.items()
    }
    blocks["feasible"] = (dims, per_scheme["feasible"] == 1)
    unknown = np.full((*shape[:2], sweep.trials), np.nan)
    if sweep.bound:
        blocks["bound"] = (("series", value_dim, "trial"), bounds.get("", unknown))
    if sweep.bound and sweep.scheme_bound:
        families = [find_system(sweep.system).scheme(name).family for name in sweep.schemes]
        blocks["scheme_bound"] = (
            dims,
            np.stack([bounds.get(family, unknown) for family in families], axis=2),
        )
    if histories:
        blocks["history"] = ((*dims, "step"), _join_histories(histories, shape))
    return blocks, found


def _join_histories(histories: dict[tuple[int, int, int, int], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    longest = max(block.shape[1] for block in histories.values())
    joined = np.full((*shape, longest), np.nan)
    for (series, value, scheme, first), block in histories.items():
        joined[series, value, scheme, first : first + len(block), : block.shape[1]] = block
    return joined


def _coordinates(sweep: Sweep) -> dict[str, Any]:
    return {
        "series": list(sweep.series) or [""],
        sweep.parameter or "point": list(sweep.values) or [0],
        "scheme": list(sweep.schemes),
        "trial": np.arange(sweep.trials),
    }


def _objective_attributes(sweep: Sweep) -> dict[str, str]:
    system = find_system(sweep.system)
    return {"long_name": system.objective_name, "units": system.objective_unit, "sense": system.sense}


def _squeeze(dataset: xarray.Dataset, sweep: Sweep) -> xarray.Dataset:
    absent = [name for name, there in (("series", sweep.series), ("point", sweep.values)) if not there]
    return dataset.squeeze(absent, drop=True)
