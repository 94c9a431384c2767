"""Mutated scenario files, solution files, sweep specs and channels from elsewhere: each is read, or refused by name.

python benchmarks/fuzz.py [--count 10000] [--seed 0] [--system NAME]

Nothing else may happen. "channels" as the name of a system is what :func:`trinode.channels.read` takes.

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

    kinds = ("scenario", "solution", "sweep")

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
            kind = self.kinds[index % len(self.kinds)]
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
            made = self.system.read_scenario(path, []) if kind == "scenario" else self.system.read_solution(path, [])[0]
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


class Imports:
    """Mutated channels from elsewhere, in every format."""

    def __init__(self, seed: int):
        self.dice = random.Random(f"channels {seed}")
        self.place = tempfile.TemporaryDirectory(prefix="trinode-fuzz-")
        self.folder = Path(self.place.name)
        self.given = write_channels(self.folder)
        self.whole = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        self.kinds = tuple(self.given)

    def run(self, count: int) -> collections.Counter[str]:
        """``count`` cases in turn over the formats; what came of them."""
        seen: collections.Counter[str] = collections.Counter()
        for index in range(count):
            kind = self.kinds[index % len(self.kinds)]
            seen[f"{kind} {self.outcome(kind, self.case(kind))}"] += 1
        return seen

    def case(self, kind: str) -> bytes:
        """The bytes of one mutated file, after the name of the one it stands for."""
        source = self.given[kind][0]
        path = self.dice.choice(sorted(path for path in self.whole if path == source or source in path.parents))
        data = self.whole[path]
        raw = self.dice.random() < 0.5
        for _ in range(self.dice.choice([1, 1, 1, 2, 3])):
            data = mutate_bytes(data, self.dice) if raw else self.mutate(path, data)
        return str(path.relative_to(self.folder)).encode() + b"\n" + data

    def mutate(self, path: Path, data: bytes) -> bytes:
        """One change of what a file says, where it still says anything."""
        import json

        import scipy.io

        try:
            if path.suffix == ".json":
                tree = json.loads(data)
                within, key = self.dice.choice(list(_places(tree)))
                within[key] = self.dice.choice([*WILD, 10**25, -3, True, None, "", [], {}, "x" * 400, 1.5, [[1]]])
                return json.dumps(tree).encode()
            buffer = io.BytesIO(data)
            if path.suffix == ".mat" and not data[:8].startswith(b"\x89HDF"):
                arrays = {key: one for key, one in scipy.io.loadmat(buffer).items() if not key.startswith("__")}
                buffer = io.BytesIO()
                scipy.io.savemat(buffer, mutate_arrays(arrays, self.dice), do_compression=self.dice.random() < 0.5)
                return buffer.getvalue()
            if path.suffix == ".mat":
                return mutate_hdf5(data, self.dice)
            with np.load(buffer, allow_pickle=False) as found:
                return pack(mutate_arrays(dict(found), self.dice), self.dice.random() < 0.5)
        except Exception:  # what a change before has left is beyond another one of this kind
            return mutate_bytes(data, self.dice)

    def outcome(self, kind: str, case: bytes) -> str:
        """``read`` or ``refused``; anything else is raised."""
        from trinode.channels import read

        name, _, data = case.partition(b"\n")
        path = self.folder / name.decode()
        path.write_bytes(data)
        source, options = self.given[kind]
        try:
            found = read(source, silence=["aligned-phases"], **options)
        except InputError as fault:
            check_words(fault)
            return "refused"
        finally:
            path.write_bytes(self.whole[path])
        assert np.all(np.isfinite(found.array)), "accepted with NaN or infinity"
        assert found.array.ndim == 5, found.array.shape
        return "read"


def write_channels(folder: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Small channels in every format: where they are, and how they are read."""
    import json

    import scipy.io

    rng = np.random.default_rng(0)
    a = 1e-4 * (
        rng.normal(size=(2, 3, 4, 2, 3)) + 1j * rng.normal(size=(2, 3, 4, 2, 3))
    )  # rx, rx_ant, tx, tx_ant, path
    tau = 1e-7 * rng.uniform(1, 2, size=(2, 4, 3))
    paths = {"carrier_hz": 3.5e9, "direction": "uplink"}
    made: dict[str, tuple[Path, dict[str, Any]]] = {}

    def add(name: str, write: Callable[[Path], Any], kind: str, **options: Any) -> None:
        made[name] = folder / name, {"kind": kind, **options}
        write(made[name][0])

    add("rt.npz", lambda path: np.savez(path, a=a, tau=tau), "sionna", **paths)
    add(
        "cir.npz", lambda path: np.savez(path, a=a[..., None], tau=tau), "sionna-cir", subcarrier_hz=[0.0, 1e6], **paths
    )
    add("cfr.npz", lambda path: np.savez_compressed(path, h=np.complex64(a[..., None, :])), "sionna-cfr", **paths)
    plain = {"axes": "ap ap_antenna terminal terminal_antenna subcarrier", "subcarrier": "mean"}
    add("h.npy", lambda path: np.save(path, a), "array", **plain)
    for name, packed in (("v5.mat", False), ("v7.mat", True)):
        add(name, lambda path, packed=packed: scipy.io.savemat(path, {"H": a}, do_compression=packed), "mat", **plain)
    link = {"coeff": a[0, :, 0], "delay": np.broadcast_to(tau[0, 0], (3, 2, 3)), "center_frequency": 3.5e9}
    add(
        "link.mat",
        lambda path: scipy.io.savemat(path, link | {"name": "Tx1_Rx2"}),
        "quadriga",
        subcarrier_hz=[1e6],
        **paths,
    )
    try:
        import h5py  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        h5py = None
    if h5py:

        def write(path: Path) -> None:
            with h5py.File(path, "w") as file:
                stored = np.empty(a.T.shape, [("real", "f8"), ("imag", "f8")])
                stored["real"], stored["imag"] = a.T.real, a.T.imag
                file.create_dataset("H", data=stored, chunks=True, compression=4).attrs["MATLAB_class"] = np.bytes_(
                    "double"
                )

        add("v73.mat", write, "mat", **plain)
    scenario = folder / "scenario"
    scenario.mkdir()
    each = {"id": 1, "is_tx": True, "is_rx": False, "num_points": 2, "num_ant": 1, "dual_pol": False}
    sets = {"txrx_set_1": each, "txrx_set_2": each | {"id": 2, "is_tx": False, "is_rx": True, "num_points": 4}}
    tracer = {"frequency": 3.5e9, "raytracer_name": "Sionna Ray Tracing"}
    params = {"rt_params": tracer, "txrx_sets": sets, "scene": {"num_scenes": 1}}
    (scenario / "params.json").write_text(json.dumps(params))
    for tx in range(2):
        found = {"power": -80 + tau[0] * 1e7, "phase": 1e9 * tau[1], "delay": tau[tx], "rx_pos": 1e7 * tau[0]}
        found |= {f"{way}_{angle}": 1e9 * tau[tx] for way in ("aoa", "aod") for angle in ("az", "el")}
        for name, array in (found | {"tx_pos": np.ones((1, 3))}).items():
            np.savez(scenario / f"{name}_t001_tx{tx:03d}_r002.npz", **{name: np.float32(array)})
    made["scenario"] = scenario, {"kind": "deepmimo", "ap_elements": 3, "terminal_elements": 2}
    return made


def mutate_hdf5(data: bytes, dice: random.Random) -> bytes:
    """One change of the array in an HDF5 file."""
    import h5py  # pyright: ignore[reportMissingImports]

    with h5py.File(io.BytesIO(data)) as file:
        arrays = mutate_arrays({name: file[name][()] for name in file}, dice)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in arrays.items():
            kind = dice.choice(["double", "double", "double", "char", "cell"])
            file.create_dataset(name or "x", data=array).attrs["MATLAB_class"] = np.bytes_(kind)
    return buffer.getvalue()


def check_message(fault: InputError, path: Path, names: Schema) -> None:
    """A refusal names the file or the array, what is there, and what would do."""
    known = any(word in str(fault) for word in (path.name, "format", *names))
    assert known, str(fault)
    check_words(fault)


def check_words(fault: InputError) -> None:
    """A refusal says what is there, and what would do."""
    text = str(fault)
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
    names = [given.system] if given.system else [*system_names(), "channels"]
    total: collections.Counter[str] = collections.Counter()
    broken = 0
    for name in names:
        fuzzer = Imports(given.seed) if name == "channels" else Fuzzer(name, given.seed, judge=True)
        seen: collections.Counter[str] = collections.Counter()
        for index in range(given.count // len(names)):
            kind = fuzzer.kinds[index % len(fuzzer.kinds)]
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
