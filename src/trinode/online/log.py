"""Logs of slots: networks, moves and decisions, replayed to the bit."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode.errors import FileFormatError, InputError
from trinode.online.controller import Controller, Slot
from trinode.online.plans import OfSystem

FORMAT = "trinode/slots/2"


def save(path: Any, controller: Controller) -> None:
    """Write the slots of a controller; those of one size after the other are stacked.

    Raises
    ------
    InputError
        It was not asked to keep a log.
    """
    if not controller.logging:
        raise InputError("log", "no log", "a controller with log=True")
    plan, parts, about = controller.plan, [], []
    for slot in controller.slots:
        network, decision = plan.arrays(slot.network), plan.decided(slot._choice)
        shapes = [(name, value.shape) for one in (network, decision) for name, value in one.items()]
        if not parts or parts[-1][0] != shapes:
            parts.append((shapes, [], []))
            about.append({"static": _static(slot.network), "moves": []})
        parts[-1][1].append(network)
        parts[-1][2].append(decision)
        about[-1]["moves"].append(list(slot.moves))
    arrays = {}
    for number, (_, networks, decisions) in enumerate(parts):
        for kind, each in (("network", networks), ("decision", decisions)):
            arrays |= {f"{number}/{kind}/{name}": np.stack([one[name] for one in each]) for name in each[0]}
    head = {"format": FORMAT, "system": plan.name, "scheme": getattr(plan, "scheme_name", ""), "parts": about}
    with open(path, "wb") as file:
        np.savez(file, head=np.asarray(json.dumps(head)), **arrays)  # type: ignore[arg-type]


def replay(path: Any, problem: Any = None) -> list[Slot]:
    """Make the moves of a log once more, and check that every decision is the same to the bit.

    Parameters
    ----------
    path : path
        What :meth:`Controller.save_log` wrote.
    problem : Problem, optional
        Any of the problems, where they are problems of one's own.

    Raises
    ------
    FileFormatError
        It is no log, or a decision differs: other versions or another machine round differently.
    """
    with np.load(path, allow_pickle=False) as file:
        held = dict(file)
    try:
        head = json.loads(str(held.pop("head")))
    except (KeyError, ValueError) as fault:
        raise FileFormatError("log", path, "a file of Controller.save_log") from fault
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise FileFormatError("log", path, "a file of Controller.save_log")
    own = head["system"] == "problem"
    if own and problem is None:
        raise InputError("problem", None, "one of the problems of the log")
    controller = Controller(problem if own else head["system"], scheme=head["scheme"])
    found: list[Slot] = []
    for number, part in enumerate(head["parts"]):
        for place, moves in enumerate(part["moves"]):
            network = _row(held, f"{number}/network/", place)
            if own:
                whole = jax.tree.unflatten(jax.tree.structure(problem), map(jnp.asarray, network.values()))
                whole = controller.plan.admitted(whole, None)
            else:
                whole = _scenario(controller.plan, network, part["static"])
            slot = controller.replayed(whole, tuple(moves))
            again, told = controller.plan.decided(slot._choice), _row(held, f"{number}/decision/", place)
            wrong = [name for name in told if not np.array_equal(again[name], told[name], equal_nan=True)]
            if wrong:
                allowed = "the decision of the log, to the bit: the same machine and versions"
                raise FileFormatError(f"slot {slot.number}", wrong[0], allowed)
            found.append(slot)
    return found


def _row(held: dict[str, np.ndarray], prefix: str, place: int) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value[place] for name, value in held.items() if name.startswith(prefix)}


def _static(network: Any) -> dict[str, Any]:
    return {one.name: getattr(network, one.name) for one in fields(network) if one.metadata.get("static")}


def _scenario(plan: Any, arrays: dict[str, np.ndarray], static: dict[str, Any]) -> Any:
    assert isinstance(plan, OfSystem)
    return plan.system.Scenario(**{name: jnp.asarray(value) for name, value in arrays.items()}, **static)
