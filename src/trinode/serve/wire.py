"""Networks, decisions and reports as they travel: as the files of trinode, or the same arrays as JSON.

In JSON a complex number is a pair, what is no finite number is null, and ``format`` says what it is, as in a file.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from trinode import _memory, api
from trinode._json import strict
from trinode._words import one_of
from trinode.channels import archive
from trinode.channels.files import Field, Schema, check_arrays
from trinode.channels.rounding import Repair
from trinode.errors import FileFormatError, InputError
from trinode.systems import doors
from trinode.systems.contract import System
from trinode.systems.decision import Status
from trinode.systems.declared import to_arrays
from trinode.systems.registry import system as find_system
from trinode.systems.registry import system_names
from trinode.systems.report import Report

MOST_ENTRIES = 100
"""Arrays of a file; no system has as many."""
_ENTRY = b"PK\x01\x02"
"""What every entry of an archive's directory begins with."""


def network(given: Any, most: int, repairs: list[Repair]) -> tuple[System, Any]:
    """A network from an object of JSON, the bytes of a file, or these in base64.

    Parameters
    ----------
    most : int
        Bytes that its arrays may take.
    repairs : list of Repair
        What had to be repaired of its rounding is told here.

    Raises
    ------
    InputError
        Names what is wrong with it.
    """
    if isinstance(given, Mapping):
        system, kind = _said(given)
        if kind != "scenario":
            raise InputError("format", given["format"], f"trinode/{system.name}-scenario/1")
        arrays = check_arrays(system.scenario_schema, _arrays(system.scenario_schema, given, most), repairs=repairs)
        return system, doors.trusted(system.Scenario.from_arrays(arrays))
    system, made = _from_file(given, "network", most, repairs)
    if not isinstance(made, system.Scenario):
        raise InputError("network", f"a solution of {system.name}", "a network")
    return system, made


def decision(system: System, given: Any, most: int, repairs: list[Repair]) -> Any:
    """A decision from an object of JSON, the bytes of a file, or these in base64; raises as :func:`network`."""
    if isinstance(given, Mapping):
        said, kind = _said(given)
        if kind != "solution" or said is not system:
            raise InputError("format", given["format"], f"trinode/{system.name}-solution/1")
        arrays = _arrays(system.solution_schema, given, most)
        return system.Solution.from_arrays(check_arrays(system.solution_schema, arrays, repairs=repairs))
    _, made = _from_file(given, "decision", most, repairs)
    if not isinstance(made, system.Solution):
        raise InputError("decision", "a file of something else", f"a solution of {system.name}")
    return made


def network_json(system: System, scenario: Any) -> dict[str, Any]:
    """A network as an object of JSON."""
    return _object(f"trinode/{system.name}-scenario/1", to_arrays(scenario, system.scenario_schema))


def decision_json(system: System, solution: Any, report: Report) -> dict[str, Any]:
    """A decision as an object of JSON, with what its file says."""
    return _object(f"trinode/{system.name}-solution/1", system.solution_arrays(solution, report))


def report_json(system: System, solution: Any, report: Report) -> dict[str, Any]:
    """What the judge says of a decision."""
    return {
        "status": Status(int(system.marked(solution, report.feasible).status)).label,
        "feasible": bool(report.feasible),
        "objective": float(report.objective),
        "objective_name": system.objective_name,
        "objective_unit": system.objective_unit,
        "bound": float(report.bound),
        "gap": float(report.gap),
        "worst_residual": float(report.worst_residual),
        "worst_constraint": str(report.worst_constraint),
        "iterations": int(solution.iterations),
        "metrics": dict(report.metrics),
        "residuals": dict(report.residuals),
    }


def file_bytes(scenario: Any, solution: Any = None, report: Report | None = None) -> bytes:
    """A network or, where one is given, a decision as the bytes of its file."""
    with TemporaryDirectory(prefix="trinode-") as folder:
        path = Path(folder) / "file.npz"
        api.save(path, scenario, solution, report)
        return path.read_bytes()


def json_bytes(value: Any) -> bytes:
    """Strict JSON."""
    return json.dumps(strict(value), allow_nan=False, separators=(",", ":")).encode()


def object_of(body: bytes) -> dict[str, Any]:
    """The object that a body of JSON holds.

    Raises
    ------
    InputError
        It holds none.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as fault:  # not JSON, not UTF-8, or too deep
        raise InputError("body", type(fault).__name__, "JSON") from None
    if not isinstance(found, dict):
        raise InputError("body", f"JSON of another kind ({type(found).__name__})", "an object")
    return found


def _said(given: Mapping[str, Any]) -> tuple[System, str]:
    said = given.get("format")
    for name in system_names():
        for kind in ("scenario", "solution"):
            if said == f"trinode/{name}-{kind}/1":
                return find_system(name), kind
    allowed = ", ".join(f"trinode/{name}-{kind}/1" for name in system_names() for kind in ("scenario", "solution"))
    raise InputError("format", "nothing (missing)" if said is None else said, f"one of {allowed}")


def _arrays(schema: Schema, given: Mapping[str, Any], most: int) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name, value in given.items():
        if name == "format":
            continue
        if name not in schema:
            raise InputError(name, "an unknown name", one_of(name, sorted(schema)))
        if value is not None or not schema[name].optional:
            found[name] = _array(name, schema[name], value)
    _check_size({name: one.nbytes for name, one in found.items()}, most)
    return found


def _array(name: str, field: Field, value: Any) -> np.ndarray:
    shape = f"numbers in lists, shape ({', '.join(field.dims)})" if field.dims else "a number"
    try:
        if field.kind == "text":
            return np.asarray(value)
        array = np.asarray(value)
        if array.dtype.kind == "O" and field.kind in ("float", "complex"):
            array = np.asarray(value, dtype=float)  # null is NaN
    except (ValueError, TypeError, OverflowError):
        raise InputError(name, "lists of unequal lengths, or of other things", shape) from None
    if array.dtype.kind not in "biuf":
        raise InputError(name, f"a value of type {type(value).__name__}", shape)
    if field.kind == "complex":
        if array.ndim == 0 or array.shape[-1] != 2 or array.dtype.kind == "b":
            raise InputError(name, f"shape {array.shape}", f"pairs of real and imaginary parts, {shape}")
        parts = array.astype(float)
        return parts[..., 0] + 1j * parts[..., 1]
    return array


def _from_file(given: Any, what: str, most: int, repairs: list[Repair]) -> tuple[System, Any]:
    if isinstance(given, str):
        try:
            given = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            raise InputError(what, "a text that is no base64", "an object, or a file in base64") from None
    if not isinstance(given, bytes):
        raise InputError(what, "nothing (missing)" if given is None else given, "an object, or a file in base64")
    if given.count(_ENTRY) > MOST_ENTRIES:
        raise FileFormatError(what, "an archive of very many entries", f"a file of at most {MOST_ENTRIES} arrays")
    with TemporaryDirectory(prefix="trinode-") as folder:
        path = Path(folder) / f"{what}.npz"
        path.write_bytes(given)
        try:
            try:
                headers = archive.headers(path)
            except Exception:  # damaged archives fail in many ways; reading says which
                headers = {}
            _check_size({name: one.count * one.dtype.itemsize for name, one in headers.items()}, most)
            name, kind = api.file_kind(path)
            system = find_system(name)
            if kind == "scenario":
                return system, doors.trusted(system.read_scenario(path, repairs))
            return system, system.read_solution(path, repairs)[0]
        except InputError as fault:
            value = str(fault.value).replace(str(path), path.name)
            raise type(fault)(fault.field, value, fault.allowed) from None


def _check_size(taken: Mapping[str, int], most: int) -> None:
    whole = sum(taken.values())
    if whole > most:
        largest = max(taken, key=lambda name: taken[name])
        raise InputError(largest, f"{_memory.words(whole)} with the others", f"at most {_memory.words(most)} here")


def _object(said: str, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {"format": said, **arrays}
