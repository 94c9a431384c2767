"""Traces systems and problems with every annotation checked; :mod:`test_annotations` runs it in a new process.

jaxtyping's hook checks what functions are called with and what they return. What it leaves out is added here: fields of
named tuples, and of modules that set them in an ``__init__`` of their own. A named tuple is checked where trinode's own
code makes it, since JAX makes some of anything on its way through transformations.
"""

from __future__ import annotations

import functools
import inspect
import sys
import time
import traceback
import typing
from dataclasses import fields

import jaxtyping
from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""As in all of Python an int may stand where a float is said."""
jaxtyping.install_import_hook("trinode", "annotated.check")

import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jaxtyping import Array, Float  # noqa: E402

import trinode as tn  # noqa: E402
from trinode import _calls, problems  # noqa: E402
from trinode.radio.beams import within  # noqa: E402
from trinode.solving import drive, rounds  # noqa: E402

SIZES = {
    "latency": {"terminals": 3, "access_points": 4, "ap_antennas": 5, "terminal_antennas": 6, "radar_antennas": 2},
    "threetier": {"terminals": 4, "access_points": 2, "ap_antennas": 5, "terminal_antennas": 6, "radar_antennas": 3},
    "fairness": {"terminals": 3, "access_points": 5, "ap_antennas": 2, "subcarriers": 4},
    "energy": {"terminals": 3, "ap_antennas": 5, "terminal_antennas": 7, "radar_antennas": 4},
    "region": {"terminals": 5, "access_points": 3, "ap_antennas": 6, "targets": 2, "pilots": 4, "directions": 61},
}


def fields_of(kind: type, names: list[str]) -> typing.Callable[..., None]:
    """A function that takes these fields of a class, and checks them as those of any function."""
    hints = typing.get_type_hints(kind, include_extras=True)
    namespace: dict[str, typing.Any] = {}
    exec(f"def of({', '.join(names)}): pass", namespace)
    own = namespace["of"]
    own.__annotations__ = {name: hints[name] for name in names}
    own.__module__, own.__qualname__ = kind.__module__, kind.__qualname__
    return jaxtyping.jaxtyped(own, typechecker=check)


def check_tuple(kind: typing.Any) -> None:
    made, of = kind.__new__, fields_of(kind, kind._fields)

    def new(own: type, *values: object, **named: object) -> object:
        whole = made(own, *values, **named)
        if "/trinode/" in sys._getframe(1).f_code.co_filename:
            of(*whole)
        return whole

    kind.__new__ = new


def check_module(kind: typing.Any) -> None:
    begin, names = kind.__init__, [entry.name for entry in fields(kind)]
    of = fields_of(kind, names)

    @functools.wraps(begin)
    def init(self: typing.Any, *values: object, **named: object) -> None:
        begin(self, *values, **named)
        of(*(getattr(self, name) for name in names))

    type.__setattr__(kind, "__init__", init)


def check_fields() -> None:
    """Of all classes that are there."""
    for name, module in list(sys.modules.items()):
        for kind in list(vars(module).values()) if name.startswith("trinode.") else ():
            if not inspect.isclass(kind) or kind.__module__ != name:
                continue
            if issubclass(kind, tuple) and hasattr(kind, "_fields"):
                check_tuple(kind)
            elif issubclass(kind, eqx.Module) and "__init__" in vars(kind):
                check_module(kind)


def trace_system(name: str) -> None:
    """The default scheme, with the judge's word on it, and the bound."""
    system = tn.system(name)
    network = jax.eval_shape(lambda params: _calls.draw(name, params, 0, 0), system.Params(**SIZES[name]))
    scheme = system.scheme().worker()
    jax.eval_shape(lambda s: _calls.solve(name, scheme, s, None), network)
    jax.eval_shape(lambda s: _calls.bound(name, s, system.family()), network)


def trace_problem(problem: tn.Problem) -> None:
    """Starts, rounds, and the decision."""
    program, settings = problem.program, drive.DEFAULT
    starts, _ = jax.eval_shape(drive.openings, program)
    x = jax.ShapeDtypeStruct(starts.shape[1:], starts.dtype)
    state = jax.eval_shape(lambda p, x: rounds.begin(p, x, settings), program, x)
    jax.eval_shape(lambda p, s: rounds.advance(p, s, 5, settings), program, state)
    jax.eval_shape(lambda p, x: p.decide(x), program, x)


def radar() -> tn.Problem:
    return problems.illumination(drawn(3, 2, 4), drawn(5, 2, 4), 0.1, [0.3, 0.2], 0.5)


def work() -> tn.Problem:
    return problems.offloading(drawn(3, 2, 5, 4), 0.1, 0.3, 1e6, 1e5, 100.0, 1e8, 1e9, 1e9, 1e7)


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(*shape, 2)) @ [1, 1j]


class Pair(typing.NamedTuple):
    """Wrong where both are not of one size."""

    first: Float[Array, " n"]
    second: Float[Array, " n"]


class Row(eqx.Module):
    """Wrong."""

    row: Float[Array, " n"]

    def __init__(self) -> None:
        self.row = jnp.zeros((2, 3))


def trace_wrong() -> None:
    """What is wrong is found: an argument, a field of a named tuple, one that an ``__init__`` sets."""
    check_tuple(Pair)
    check_module(Row)
    beams, limit = jnp.zeros((3, 2, 4), complex), jnp.zeros(3)
    ours = eval(compile("lambda make, *each: make(*each)", "/trinode/", "eval"))
    ours(Pair, limit, limit)
    wrong = (within, beams, limit[:2]), (within, beams.real, limit), (Pair, limit, limit[:2]), (Row,)
    for case in wrong:
        try:
            ours(*case)
        except jaxtyping.TypeCheckError:
            continue
        raise AssertionError(f"{case[0].__name__} is not checked")


def main() -> None:
    """Print what is wrong, each where it was met."""
    cases = {name: functools.partial(trace_system, name) for name in SIZES}
    cases |= {one.__name__: functools.partial(trace_problem, one()) for one in (radar, work)}
    for name in SIZES:
        tn.system(name)
    check_fields()
    wrong = 0
    for name, trace in {"wrong": trace_wrong, **cases}.items():
        began = time.process_time()
        try:
            trace()
        except Exception:
            wrong += 1
            print(name, traceback.format_exc(), file=sys.stderr)
        print(f"{name}: {time.process_time() - began:.1f} s")
    sys.exit(wrong)
