"""Networks: drawn, bundled, brought, changed; each checked, and trusted from then on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from trinode import _calls, _memory
from trinode._batch import map_parts
from trinode._words import one_of
from trinode.channels.files import Field
from trinode.channels.traced import check_channels
from trinode.errors import InputError
from trinode.systems import doors
from trinode.systems.contract import System
from trinode.systems.declared import to_arrays
from trinode.systems.registry import elsewhere
from trinode.systems.registry import system as find_system

LARGEST_SIZE = 2**16
"""No axis of a network's arrays is longer."""

MODEST = 8.0
"""How many times the default's sizes, multiplied, are drawn without a look at what they take."""
MANY = 10_000
"""Networks that are drawn at a time without one."""
FARTHEST_M = 1e9
"""From the origin, of a node that is given a place."""
_LOOSE = Field("float")


def draw(
    system: str = "latency",
    seed: int = 0,
    trial: int = 0,
    *,
    terminal_position_m: Any = None,
    ap_position_m: Any = None,
    **params: Any,
) -> Any:
    """Draw one random network.

    Parameters
    ----------
    system : str
        Name of a system.
    seed, trial : int
        Which network; the same pair gives the same random numbers at any parameters.
    terminal_position_m, ap_position_m : array_like, optional
        Where terminals, shape (K, 2), and access points, shape (M, 2), stand instead of where they would be drawn, in
        metres. Path losses follow, small-scale fading stays: who moves a node sees the same network change.
    **params
        Fields of the system's parameters that differ from their defaults.

    Raises
    ------
    InputError
        An unknown system or parameter, or a value that is not allowed.
    """
    found = find_system(system)
    values = parameters(found, params)
    places = _places(found, terminal_position_m=terminal_position_m, ap_position_m=ap_position_m)
    _check_memory(found, values)
    drawn = _calls.program(_calls.draw, found, values, *_seeds(seed, trial), *([places] if places else []))
    return _finite(found, drawn)


def draw_batch(system: str = "latency", seed: int = 0, trials: int | Iterable[int] = 100, **params: Any) -> Any:
    """Draw many random networks, stacked along a leading axis; ``trials`` is a number or the trials.

    Parameters
    ----------
    system : str
        Name of a system.
    seed : int
        Of all of them; each trial has its own key.
    trials : int or iterable of int
        How many, or which trials.
    **params
        Parameters of the system, as in :func:`draw`.

    Returns
    -------
    Scenario
        Its arrays have a leading axis of networks.

    Raises
    ------
    InputError
        As :func:`draw`.
    """
    found = find_system(system)
    values = parameters(found, params)
    listed = range(_count("trials", trials)) if isinstance(trials, int) else list(trials)
    _check_memory(found, values, len(listed))
    chosen = np.asarray([_count("trial", trial) for trial in listed], dtype=np.int64)
    run, named = _calls.runner(found)
    given = named, values, np.asarray(_count("seed", seed))
    one, many = partial(run, _calls.draw, *given), partial(run, _calls.draw_many, *given)
    return _finite(found, map_parts(one, many, (chosen,), found.schedule.judged), many=True)


def bundled(name: str, layout: int, system: str = "latency", seed: int = 0, **params: Any) -> Any:
    """A network on channels that ship with trinode; what the channels leave open is drawn from ``seed``.

    Parameters
    ----------
    name : str
        One of ``trinode.channels.bundled.bundled_names()``.
    layout : int
        Which placement of access points and terminals.
    """
    from trinode.channels.bundled import load_bundled

    return from_channels(load_bundled(name, layout), system, seed, layout, **params)


def from_channels(channels: Any, system: str = "latency", seed: int = 0, trial: int = 0, **params: Any) -> Any:
    """A network on given channels (see :class:`trinode.channels.traced.TracedChannels`).

    Parameters
    ----------
    channels : TracedChannels or Channels
        What was read or traced: :func:`trinode.channels.read`.
    system : str
        Name of a system.
    seed, trial : int
        Of what channels leave open, such as targets.
    **params
        Parameters of the system, but those that channels fix.

    Returns
    -------
    Scenario

    Raises
    ------
    InputError
        Channels that are none, or a parameter that channels fix: sizes, and all that only random channels have.
    """
    found = find_system(system)
    checked, sizes = check_channels(channels)
    fixed = {name: sizes[letter] for name, letter in found.channel_sizes.items()}
    for name, value in params.items():
        if name in fixed:
            raise InputError(name, value, f"nothing beside channels, whose number it is: {fixed[name]}")
        if name in found.channel_fixed:
            raise InputError(name, value, "nothing beside channels, which take its place")
    given = {f.name: getattr(channels, f.name) for f in dataclasses.fields(channels) if f.name != "building_lines"}
    arrays, values = jax.tree.map(jnp.asarray, given | checked), parameters(found, fixed | params)
    made = _calls.program(_calls.bring, found, arrays, values, *_seeds(seed, trial))
    made = _finite(found, made)
    made.check_together(to_arrays(made, found.scenario_schema))
    return made


def change(scenario: Any, **arrays: Any) -> Any:
    """``scenario.with_(**arrays)``: the same network with other arrays, checked again.

    See :meth:`trinode.systems.network.Scenario.with_`.

    Parameters
    ----------
    scenario : Scenario
        One network.
    **arrays
        By their names in scenario files.
    """
    return doors.change(scenario, arrays)


def from_arrays(system: str, **arrays: Any) -> Any:
    """A network of your own arrays, by the names, shapes and units of the system's scenario file.

    Parameters
    ----------
    system : str
        Name of a system.
    **arrays
        Whatever NumPy makes an array of; cast to the types of the file. See ``docs/formats.md``.

    Raises
    ------
    InputError
        Names the array that is missing, unknown, of another shape, or holds what is not allowed.
    """
    return doors.trusted(find_system(system).scenario_from(arrays))


def parameters(system: System | str, given: Mapping[str, Any] | None = None) -> Any:
    """Parameters of a system, those that are not given at their defaults.

    Numbers become arrays, so that other values need no compilation.

    Parameters
    ----------
    system : System or str
        Whose parameters they are.
    given : mapping
        Some of them by name; the others have their defaults.

    Raises
    ------
    InputError
        An unknown name, or a value that is not allowed.
    """
    system = find_system(system) if isinstance(system, str) else system
    given = given or {}
    defaults = {field.name: field.default for field in dataclasses.fields(system.Params)}
    # numbers of NumPy count as Python's, also where an integer is asked for
    given = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
    for name, value in given.items():
        if name not in defaults:
            other = elsewhere(name, _parameter_names, defaults)
            raise InputError(name, f"a parameter that {system.name} does not have{other}", one_of(name, defaults))
        default = defaults[name]
        if isinstance(default, str | bool):
            if type(value) is not type(default):
                raise InputError(name, value, f"a value like {default!r}")
        elif not (_is_number(value) or (value is None and default is None)):
            raise InputError(name, value, "a number")
        elif isinstance(default, int) and isinstance(value, int) and value > LARGEST_SIZE:
            raise InputError(name, value, f"an integer of at most {LARGEST_SIZE}")
    params = system.Params(**given)
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf, float)) if _is_real(leaf) else leaf, params)


def network_bytes(system: System, params: Any) -> int:
    """What a drawn network of these parameters takes, found without drawing it."""
    try:
        shapes = jax.eval_shape(partial(_calls.draw, system), params, *_seeds(0, 0))
    except _memory.TooLarge as fault:
        return fault.taken
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))


def trial_key(system: str, seed: int, trial: int) -> Key[Array, ""]:
    """Random key of one trial, from named axes only."""
    return jax.random.fold_in(_calls.seed_key(system, _count("seed", seed)), _count("trial", trial))


def _parameter_names(system: System) -> list[str]:
    return [field.name for field in dataclasses.fields(system.Params)]


def _seeds(seed: Any, trial: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(_count("seed", seed)), np.asarray(_count("trial", trial))


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 2**31:
        raise InputError(name, value, "an integer of at least 0 and below 2**31")
    return int(value)


def _places(system: System, **given: Any) -> dict[str, np.ndarray]:
    """Positions that are given, checked."""
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        if name not in system.places:
            raise InputError(name, "positions", f"nothing: {system.name} draws them itself")
        try:
            place = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise InputError(name, value, "an array of positions in metres") from None
        if not np.all(np.abs(place) < FARTHEST_M):
            raise InputError(name, value, f"positions within {FARTHEST_M:g} m of the origin")
        found[name] = place
    return found


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.ndarray | jax.Array):
        return False
    array = np.asarray(value)
    return array.shape == () and array.dtype.kind in "iuf"


def _check_memory(system: System, params: Any, count: int = 1) -> None:
    """Refuse networks whose arrays would not fit; looked into only where they are much larger than the default's."""
    default = system.Params()
    sizes = {f.name: getattr(params, f.name) for f in dataclasses.fields(params) if f.metadata.get("static")}
    growth = {
        name: size / max(getattr(default, name), 1)
        for name, size in sizes.items()
        if isinstance(size, int) and not isinstance(size, bool)
    }
    if math.prod(max(1.0, one) for one in growth.values()) <= MODEST and count <= MANY:
        return
    each = network_bytes(system, params)
    if each > _memory.room():
        name = max(growth, key=lambda name: growth[name])
        raise InputError(name, f"{sizes[name]} (networks of {_memory.words(each)})", _memory.allowed())
    if each * count > _memory.room():
        raise InputError("trials", f"{count} ({_memory.words(each * count)} of networks)", _memory.allowed())


def _finite(system: System, scenario: Any, many: bool = False) -> Any:
    """The scenario, unless its parameters were so extreme that an array of it is no longer what a file may hold."""
    for entry in dataclasses.fields(scenario):
        field = system.scenario_schema.get(entry.name, _LOOSE)
        value = np.asarray(getattr(scenario, entry.name)) if eqx.is_array(getattr(scenario, entry.name)) else None
        if value is None or value.dtype.kind not in "fc":
            continue
        if not field.nan and not np.all(np.isfinite(value)):
            raise InputError(entry.name, "NaN or infinity", "parameters of which a network of finite numbers comes")
        lowest = value.min(initial=1.0) if field.sign != "any" else 1.0
        if lowest < 0 or (lowest == 0 and field.sign == "positive"):
            allowed = "parameters of which a value above 0 comes" if field.sign == "positive" else "no negative value"
            raise InputError(entry.name, lowest, allowed)
    return doors.trusted(scenario, many)


def _is_real(leaf: Any) -> bool:
    return isinstance(leaf, int | float) and not isinstance(leaf, bool)
