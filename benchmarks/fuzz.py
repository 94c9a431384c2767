"""Mutated scenario files, solution files and sweep specs: each is read, or refused by name; nothing else may happen.

python benchmarks/fuzz.py [--count 10000] [--seed 0] [--system NAME]

Every case is a valid file with one to three changes: arrays dropped, renamed, retyped, reshaped, swapped, filled with
NaN, infinity, negative, zero or huge numbers; bytes flipped, cut or doubled; lines and values of a YAML file changed.
Accepted scenarios must hold finite numbers only, and the system's model must not answer NaN for them.
"""

from __future__ import annotations

import argparse
import collections
import copy
import io
import random
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from trinode import api
from trinode.channels.files import Schema
from trinode.errors import InputError
from trinode.systems.registry import system as find_system
from trinode.systems.registry import system_names

SMALL: dict[str, dict[str, Any]] = {
    "latency": {"terminals": 2, "access_points": 3, "ap_antennas": 4, "terminal_antennas": 5, "radar_antennas": 6},
    "threetier": {"terminals": 2, "access_points": 4, "ap_antennas": 3, "terminal_antennas": 5, "radar_antennas": 6},
    "region": {"terminals": 4, "access_points": 2, "ap_antennas": 3, "targets": 1, "pilots": 3, "directions": 7},
    "fairness": {"terminals": 2, "access_points": 3, "ap_antennas": 4, "subcarriers": 5},
    "energy": {"terminals": 2, "ap_antennas": 3, "terminal_antennas": 4, "radar_antennas": 5},
}
WILD = (float("nan"), float("inf"), -float("inf"), -1.0, 0.0, 1e308, -1e308, 5e-324, 1e-300, 1e30, -0.0)
KINDS = ("U", "S", "complex128", "int8", "uint64", "f2", "g", "?")
FORMATS = ("", "trinode//1", "trinode/latency-scenario/1", "\x00")
MARKS = ("*a", "!", "\t", "\n", "\x00", "? ", "!!float ", "<<", "1e999")
HANG_S = 20


class Hang(Exception):
    """A case took longer than :data:`HANG_S`."""


def scenario_arrays(name: str) -> dict[str, np.ndarray]:
    """A small drawn network of a system, as its file holds it."""
    system = find_system(name)
    drawn = api.draw(name, seed=1, **SMALL.get(name, {}))
    return {key: np.asarray(getattr(drawn, key)) for key in system.scenario_schema if getattr(drawn, key) is not None}


def solution_arrays(name: str, scenario: dict[str, np.ndarray], dice: random.Random) -> dict[str, np.ndarray]:
    """Arrays of the right kinds and shapes; whether they are a good decision is for the model to say."""
    system, sizes = find_system(name), {"*": 3}
    for key, array in scenario.items():
        sizes.update(zip(system.scenario_schema[key].dims, array.shape))
    made: dict[str, np.ndarray] = {}
    for key, field in system.solution_schema.items():
        if not sizes.keys() >= set(field.dims):
            continue  # of what this network does not have
        shape = tuple(sizes[letter] for letter in field.dims)
        values = np.array([dice.random() for _ in range(int(np.prod(shape)))]).reshape(shape)
        match field.kind:
            case "text":
                made[key] = np.asarray(field.choices[0])
            case "complex":
                made[key] = 1e-3 * values * np.exp(2j * np.pi * values)
            case "bool":
                made[key] = np.ones(shape, dtype=bool)
            case "int":
                made[key] = np.full(shape, 7)
            case _:
                made[key] = values
    return made


def mutate_arrays(arrays: dict[str, np.ndarray], dice: random.Random) -> dict[str, Any]:
    """One change of names, kinds, shapes or values."""
    made: dict[str, Any] = dict(arrays)
    key = dice.choice(sorted(made))
    other = dice.choice(sorted(made))
    array = np.asarray(made[key])

    def fill(value: Any) -> np.ndarray:
        changed = array.astype(complex if array.dtype.kind == "c" else float)
        changed.reshape(-1)[dice.randrange(changed.size) if changed.size else 0 :][:1] = value
        return changed

    changes: list[Callable[[], Any]] = [
        lambda: made.pop(key),
        lambda: made.update({key + dice.choice("_ sX2"): made.pop(key)}),
        lambda: made.update({key: array.astype(dice.choice(KINDS))}),
        lambda: made.update({key: array[..., None] if dice.random() < 0.5 else array[None]}),
        lambda: made.update({key: array.reshape(-1)}),
        lambda: made.update({key: np.swapaxes(array, 0, -1)}),
        lambda: made.update({key: np.repeat(array, 2, axis=dice.randrange(array.ndim))}),
        lambda: made.update({key: np.take(array, [], axis=dice.randrange(array.ndim))}),
        lambda: made.update({key: fill(dice.choice(WILD))}),
        lambda: made.update({key: fill(dice.choice(WILD))}),
        lambda: made.update({key: fill(dice.choice(WILD))}),
        lambda: made.update({key: np.full_like(array, dice.choice(WILD))}),
        lambda: made.update({key: -array}),
        lambda: made.update({key: array * dice.choice([1e200, 1e-200, 1j, 0])}),
        lambda: made.update({key: made[other], other: made[key]}),
        lambda: made.update({key: np.asarray(dice.choice(["", "nan", "converged", "x" * 500]))}),
        lambda: made.update({key: np.asarray(dice.choice([None, {}, "a", 10**400]), dtype=object)}),
        lambda: made.update({key: np.zeros(array.shape, dtype=[("a", "f8"), ("b", "i4")])}),
        lambda: made.update({"format": np.asarray(str(made.get("format", "")).replace("1", dice.choice(["2", ""])))}),
        lambda: made.update({"format": np.asarray(dice.choice(FORMATS))}),
        lambda: made.update(dict.fromkeys("abc", array)),
    ]
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dice.choice(changes)()
    except (ValueError, TypeError, IndexError, OverflowError, np.exceptions.AxisError):
        pass  # a change that this array does not admit
    return made


def mutate_bytes(data: bytes, dice: random.Random) -> bytes:
    """One change of the raw file."""
    if not data:
        return bytes(dice.randrange(256) for _ in range(9))
    at, length = dice.randrange(len(data)), dice.randint(1, 40)
    noise = bytes(dice.randrange(256) for _ in range(length))
    flipped = bytes([data[at] ^ (1 << dice.randrange(8))])
    return dice.choice(
        [
            data[:at],
            data[at:],
            data[:at] + flipped + data[at + 1 :],
            data[:at] + noise + data[at + length :],
            data[:at] + data[at + length :],
            data[:at] + data[max(at - length, 0) : at] + data[at:],
            data + data,
            data + noise,
            b"",
        ]
    )


def pack(arrays: dict[str, Any], compressed: bool) -> bytes:
    """An ``.npz`` of any arrays, also of those that trinode would not write."""
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def spec_of(name: str) -> dict[str, Any]:
    """A valid sweep of a system."""
    system = find_system(name)
    return {
        "system": name,
        "schemes": list(system.schemes)[:2],
        "parameter": "terminals",
        "values": [5, 6],
        "fixed": {"bandwidth_hz" if name != "region" else "area_m": 2e3},
        "series": {"one": {}, "two": {"element_spacing" if name != "fairness" else "radius_m": 0.4}},
        "trials": 3,
        "seed": 1,
        "block": 2,
        "measures": [{"name": "it", "metric": "rate_bps", "reduce": "max"}],
        "bound": False,
        "history": True,
    }


def mutate_spec(text: str, dice: random.Random) -> str:
    """One change of the text or of the tree of a YAML file."""
    import yaml

    if dice.random() < 0.4:
        letters = list(text)
        at = dice.randrange(len(letters) + 1)
        letters[at : at + dice.randint(0, 3)] = dice.choice(["", " ", ":", "-", "[", "}", "é", "9", "&a", *MARKS])
        return "".join(letters)
    try:
        tree = yaml.safe_load(text)
        within, key = dice.choice(list(_places(tree)))
    except (yaml.YAMLError, ValueError, IndexError):
        return text  # changed beyond that before
    match dice.randrange(4):
        case 0:
            del within[key]
        case 1 if isinstance(within, dict):
            within[dice.choice(["seed", "trials", "values", "x", 7, None, 1.5])] = within.pop(key)
        case 2 if isinstance(within, list):
            within.append(copy.deepcopy(within[key]))
        case _:
            wild = [*WILD, 10**25, -3, 2**31, True, None, "", "nan", [], {}, [[1]], {"a": {"b": 1}}, "x" * 400, 1.5]
            within[key] = dice.choice(wild)
    return yaml.safe_dump(tree)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every key of every mapping and list of a tree."""
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from _places(tree[key])


class Fuzzer:
    """Mutated files of one system; ``judge`` also asks the model about every accepted scenario of unchanged shape."""

    def __init__(self, name: str, seed: int, judge: bool = False):
        self.name, self.system, self.judge = name, find_system(name), judge
        self.dice = random.Random(f"{name} {seed}")
        self.scenario = scenario_arrays(name)
        self.solution = solution_arrays(name, self.scenario, self.dice)
        self.spec = spec_of(name)
        self.place = tempfile.TemporaryDirectory(prefix="trinode-fuzz-")
        self.folder = Path(self.place.name)
        self.base = self.system.scenario_from(self.scenario)
        self.model = eqx.filter_jit(self.system.evaluate)
        self.answer = self.system.Solution.from_arrays(self.solution)

    def run(self, count: int) -> collections.Counter[str]:
        """``count`` cases in turn over the three kinds of file; what came of them."""
        seen: collections.Counter[str] = collections.Counter()
        for index in range(count):
            kind = ("scenario", "solution", "sweep")[index % 3]
            data = self.case(kind)
            seen[f"{kind} {self.outcome(kind, data)}"] += 1
        return seen

    def case(self, kind: str) -> bytes:
        """The bytes of one mutated file."""
        import yaml

        changes = self.dice.choice([1, 1, 1, 2, 3])
        if kind == "sweep":
            text = yaml.safe_dump(self.spec, sort_keys=False)
            for _ in range(changes):
                text = mutate_spec(text, self.dice)
            return text.encode()
        arrays: dict[str, Any] = dict(self.scenario if kind == "scenario" else self.solution)
        arrays["format"] = np.asarray(f"trinode/{self.name}-{kind}/1")
        raw = self.dice.random() < 0.25
        for _ in range(0 if raw else changes):
            arrays = mutate_arrays(arrays, self.dice)
        data = pack(arrays, self.dice.random() < 0.5)
        for _ in range(changes if raw else 0):
            data = mutate_bytes(data, self.dice)
        return data

    def outcome(self, kind: str, data: bytes) -> str:
        """``read``, ``judged`` too, or ``refused``; anything else is raised."""
        path = self.folder / ("sweep.yaml" if kind == "sweep" else f"{kind}.npz")
        path.write_bytes(data)
        try:
            if kind == "sweep":
                from trinode.experiments.spec import read_sweep

                read_sweep(path)
                return "read"
            made = self.system.read_scenario(path) if kind == "scenario" else self.system.read_solution(path)[0]
        except InputError as fault:
            check_message(fault, path, self.system.scenario_schema | self.system.solution_schema)
            return "refused"
        schema = self.system.scenario_schema if kind == "scenario" else self.system.solution_schema
        check_finite(made, schema)
        return "judged" if self.judge and self.check_judged(kind, made) else "read"

    def check_judged(self, kind: str, made: Any) -> bool:
        """Whether there is a program for these shapes already; its objective then is a number, or infinite."""
        import jax

        pair = (made, self.answer) if kind == "scenario" else (self.base, made)
        known = (self.base, self.answer)
        if jax.tree.structure(pair) != jax.tree.structure(known):
            return False
        if any(np.shape(a) != np.shape(b) for a, b in zip(jax.tree.leaves(pair), jax.tree.leaves(known))):
            return False
        if np.isnan(np.asarray(self.model(*pair).objective)):
            raise AssertionError(f"{kind} accepted, and the model says NaN")
        return True


def check_message(fault: InputError, path: Path, names: Schema) -> None:
    """A refusal names the file or the array, what is there, and what would do."""
    text = str(fault)
    known = any(word in text for word in (path.name, "format", *names))
    assert known, text
    assert "got " in text, text
    assert "allowed: " in text, text
    assert fault.allowed, text
    assert len(text) < 3000, text[:3000]


def check_finite(made: Any, schema: Schema) -> None:
    """What was accepted holds no NaN or infinity but where the format allows it."""
    for name, field in schema.items():
        value = getattr(made, name, None)
        if value is not None and field.kind in ("float", "complex") and not field.nan and not field.optional:
            assert np.all(np.isfinite(np.asarray(value))), f"{name} was accepted with NaN or infinity"


def _alarm(*_: Any) -> None:
    raise Hang(f"more than {HANG_S} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--system", default="")
    parser.add_argument("--keep", type=Path, help="folder for files that broke something")
    given = parser.parse_args()
    signal.signal(signal.SIGALRM, _alarm)
    names = [given.system] if given.system else list(system_names())
    total: collections.Counter[str] = collections.Counter()
    broken = 0
    for name in names:
        fuzzer = Fuzzer(name, given.seed, judge=True)
        seen: collections.Counter[str] = collections.Counter()
        for index in range(given.count // len(names)):
            kind = ("scenario", "solution", "sweep")[index % 3]
            data = fuzzer.case(kind)
            signal.alarm(HANG_S)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    seen[f"{kind} {fuzzer.outcome(kind, data)}"] += 1
            except Exception as fault:  # whatever it is, it is what this script looks for
                broken += 1
                place = (given.keep or Path(tempfile.mkdtemp(prefix="trinode-broken-"))) / f"{name}-{kind}-{index}"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
                print(f"BROKEN {place}: {type(fault).__name__}: {str(fault)[:300]}", flush=True)
            finally:
                signal.alarm(0)
        total += seen
        print(f"{name:10s}", ", ".join(f"{key} {number}" for key, number in sorted(seen.items())), flush=True)
    print(f"{sum(total.values()) + broken} cases: {sum(total.values())} read or refused by name, {broken} broken")
    sys.exit(broken > 0)


if __name__ == "__main__":
    main()
