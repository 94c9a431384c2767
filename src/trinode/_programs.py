"""Programs that outlive the process: traced once, kept as StableHLO, so that a later process need not trace again.

JAX's own cache keeps what was compiled, but finds it only after tracing, which takes longer than everything else in a
short command. A kept program is found by the functions' source (all of trinode), the versions, and the shapes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from threading import Lock, RLock, Semaphore, Thread, current_thread, main_thread
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.export
import jax.numpy as jnp
import numpy as np

from trinode import _cache, _flags
from trinode.systems.decision import Solution
from trinode.systems.network import Scenario
from trinode.systems.report import Report


class Program:
    """A program whose results are put together again; compiled in its first call at the latest.

    Parameters
    ----------
    exported : jax.export.Exported
        What is to be compiled, of a list of arrays.
    shape : dict
        What the results are, in words (`_pack`).
    """

    def __init__(self, exported: Any, shape: Any) -> None:
        self.exported, self.shape = exported, shape
        self.native: Any = None

    def compile(self) -> Program:
        """The same, compiled."""
        leaves = [jax.ShapeDtypeStruct(one.shape, one.dtype) for one in self.exported.in_avals]
        lowered = jax.jit(self.exported.call).lower(leaves)
        self.native = _compiled_with(lowered, _options())
        return self

    def __call__(self, leaves: list[Any]) -> Any:
        native = self.native or self.compile().native
        return _unpack(self.shape, iter(native(leaves)))


_ARRAYS = (jax.Array, np.ndarray, np.generic, bool, int, float, complex)
_ready: dict[Any, Callable[..., Any]] = {}
coming: dict[str, Future[Program | None]] = {}
"""Programs that are being loaded before they are called (`cli/_head_start.py`)."""
called: list[str] = []
"""Names on disk of the programs that were called, in the order of their first calls."""
_known: set[Any] = set()
_locks: dict[Any, Lock] = {}
_guard = Lock()
_tracing = RLock()
_turns: Semaphore | None = None
_long: ContextVar[bool] = ContextVar("_long", default=False)
_once: ContextVar[bool] = ContextVar("_once", default=False)
_alone: ContextVar[bool] = ContextVar("_alone", default=False)


def interruptible(work: Callable[[], Any]) -> Any:
    """``work()`` in a thread beside the main one, which would not hear of an interrupt before the compiler is done."""
    if current_thread() is not main_thread():
        return work()
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as fault:
            outcome.set_exception(fault)

    Thread(target=run, daemon=True).start()
    return outcome.result()


@contextmanager
def long_runs(wanted: bool = True) -> Iterator[None]:
    """Within it programs are compiled well also where they would be compiled quickly: for those that run long."""
    before = _long.set(wanted)
    try:
        yield
    finally:
        _long.reset(before)


@contextmanager
def run_once() -> Iterator[None]:
    """Within it programs are compiled quickly rather than well, unless runs are long: for one network at a time.

    That takes about a third of the time; what then runs a few milliseconds would have to run thousands of times to
    repay the rest.
    """
    before = _once.set(True)
    try:
        yield
    finally:
        _once.reset(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it programs are compiled for one thread.

    Of matrices of a few rows threads save nothing, and where others keep the machine busy each product waits for them.
    """
    before = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(before)


def _options() -> dict[str, Any]:
    once = _once.get() and jax.default_backend() == "cpu"  # what they spare is a CPU's compiler
    return _flags.options(_long.get(), once, _alone.get())


def _compiled_with(lowered: Any, options: dict[str, Any]) -> Any:
    """A program, compiled with the options that this XLA knows."""
    try:
        return interruptible(partial(lowered.compile, compiler_options=options))
    except jax.errors.JaxRuntimeError as fault:
        named = {name for name in options if f"No such compile option: '{name}'" in str(fault)}
        if not named:
            raise
        _flags.unknown.update(named)
        return _compiled_with(lowered, {name: value for name, value in options.items() if name not in named})


def call(function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
    """``function(*arguments, **named)`` as a compiled program, kept from an earlier process where there is one.

    Arrays and numbers of the arguments are passed to the program; everything else is part of it. The function is one
    of trinode's own, and its result holds arrays in dictionaries, dataclasses and tuples.
    """
    given, structure = jax.tree.flatten((arguments, named))
    passed = [isinstance(one, _ARRAYS) for one in given]
    leaves = [one for one, is_array in zip(given, passed) if is_array]
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return function(*arguments, **named)
    # numbers of one kind, whether JAX calls their type weak or not, are one program's
    leaves = [leaf if isinstance(leaf, jax.Array) and not leaf.weak_type else np.asarray(leaf) for leaf in leaves]
    shapes = tuple((leaf.dtype, leaf.shape) for leaf in leaves)
    rest = tuple(None if is_array else one for one, is_array in zip(given, passed))
    here = (function, structure, rest, tuple(passed), shapes, tuple(_options().items()))
    ready = _ready.get(here)
    if ready is not None:
        return _run(ready, leaves)
    with _lock(here):  # one thread compiles, the others wait
        ready = _ready.get(here)
        if ready is None:
            words = (str(structure), repr(rest), repr([(str(kind), shape) for kind, shape in shapes]), repr(passed))
            said = [function.__module__, function.__qualname__, *words]
            key = hashlib.sha256("\n".join([fingerprint(), *said]).encode()).hexdigest()[:32]
            came = None if _alone.get() else _arrived(key)  # compiled for many threads
            ready = came or load(key) or _make(key, function, structure, rest, passed, leaves)
            result = _run(ready, leaves)
            _ready[here] = ready
            if isinstance(ready, Program):
                called.append(key)
            return result
    return _run(ready, leaves)


def call_unkept(function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
    """The same for functions whose source is elsewhere: kept in this process only."""
    leaves, structure = jax.tree.flatten((arguments, named))
    kind = tuple((leaf.dtype, leaf.shape) if isinstance(leaf, jax.Array | np.ndarray) else leaf for leaf in leaves)
    here = (function, structure, kind)
    if here in _known:
        return _compiled(function)(*arguments, **named)
    with _lock(here):  # one thread compiles, the others wait
        result = _compiled(function)(*arguments, **named)
        _known.add(here)
    return result


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return eqx.filter_jit(function)


def _lock(key: Any) -> Lock:
    with _guard:
        return _locks.setdefault(key, Lock())


def _run(ready: Callable[..., Any], leaves: list[Any]) -> Any:
    """Run a program, in the first call also compile it."""
    if _turns is None:
        return ready(leaves)
    with _turns:
        return jax.block_until_ready(ready(leaves))


def take_turns(count: int) -> None:
    """From now on at most ``count`` programs are compiled or run at a time, whatever the number of threads.

    Threads may then be as many as there is work: those that wait for a program that another one compiles take no turn.
    The first call counts.
    """
    global _turns
    with _guard:
        if _turns is None:
            _turns = Semaphore(count)


def forget() -> None:
    """Let go of the programs of this process; those kept on disk stay."""
    _ready.clear()
    called.clear()
    _known.clear()
    _locks.clear()


def _make(
    key: str, function: Callable[..., Any], structure: Any, rest: tuple[Any, ...], passed: list[bool], leaves: list[Any]
) -> Callable[..., Any]:
    """Trace and keep."""
    shape: list[Any] = []

    def flat(leaves: list[Any]) -> list[Any]:
        outcome: list[Any] = []
        each = iter(leaves)
        whole = [next(each) if is_array else one for one, is_array in zip(rest, passed)]
        arguments, named = jax.tree.unflatten(structure, whole)
        shape[:] = [_pack(function(*arguments, **named), outcome)]
        # of definite types, so that what takes them is the same program wherever they come from
        return [jnp.asarray(one, one.dtype) if getattr(one, "weak_type", False) else one for one in outcome]

    program = jax.jit(flat)
    try:
        with _tracing:  # one at a time, so that the first is ready soon
            exported = jax.export.export(program)(leaves)
    except NotImplementedError:  # a program that calls the host (an integer program) cannot be kept
        return lambda leaves: _unpack(shape[0], iter(program(leaves)))
    kept = folder()
    if kept is not None:
        _cache.write(kept / f"{key}.hlo", json.dumps(shape[0]).encode() + b"\n" + bytes(exported.serialize()))
    return Program(exported, shape[0])


def _arrived(key: str) -> Program | None:
    return coming.pop(key).result() if key in coming else None


def load(key: str) -> Program | None:
    """A program that an earlier process kept; None where there is none."""
    kept = folder()
    content = None if kept is None else _cache.read(kept / f"{key}.hlo")
    if content is None:
        return None
    shape, _, exported = content.partition(b"\n")
    try:
        return Program(jax.export.deserialize(bytearray(exported)), _checked(json.loads(shape)))
    except Exception:  # of another JAX, or of types that are no longer there: it is made anew
        return None


def _pack(value: Any, leaves: list[Any]) -> Any:
    """Structure of a result in words; its arrays are added to ``leaves``."""
    if eqx.is_array(value):
        leaves.append(value)
        return {"array": True}
    if isinstance(value, dict):
        return {"dict": {name: _pack(one, leaves) for name, one in value.items()}}
    if is_dataclass(value) and not isinstance(value, type) and _name(type(value)) in _results():
        packed = {f.name: _pack(getattr(value, f.name), leaves) for f in fields(value)}
        return {"class": _name(type(value)), "fields": packed}
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return {"tuple": [_pack(one, leaves) for one in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    raise TypeError(f"a program's result holds a {type(value).__name__}")


def _unpack(shape: Any, leaves: Any) -> Any:
    if "array" in shape:
        return next(leaves)
    if "dict" in shape:
        return {name: _unpack(one, leaves) for name, one in shape["dict"].items()}
    if "class" in shape:
        return _results()[shape["class"]](**{name: _unpack(one, leaves) for name, one in shape["fields"].items()})
    if "tuple" in shape:
        return tuple(_unpack(one, leaves) for one in shape["tuple"])
    return shape["value"]


def _checked(shape: Any) -> Any:
    """A structure that was read, if all of its classes are ones that a result may have; nothing is called meanwhile."""
    if "class" in shape and shape["class"] not in _results():
        raise TypeError(f"a program's result holds a {shape['class']}")
    for one in [*shape.get("dict", {}).values(), *shape.get("fields", {}).values(), *shape.get("tuple", [])]:
        _checked(one)
    return shape


def _results() -> dict[str, type]:
    """Classes that a program's result may hold, by name: scenarios, solutions and reports of the systems loaded."""
    found, more = {}, [Scenario, Solution, Report]
    while more:
        one = more.pop()
        found.setdefault(_name(one), one)
        more += one.__subclasses__()
    return found


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def folder() -> Path | None:
    """Where programs are kept; None where nothing is."""
    return _cache.part("programs")


@cache
def fingerprint() -> str:
    """Changes with every line of trinode, with JAX, and with the device."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.name.encode() + path.read_bytes())
    found.update(f"{jax.__version__} {np.__version__} {eqx.__version__} {jax.default_backend()}".encode())
    return found.hexdigest()
