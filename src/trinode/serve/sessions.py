"""A session: networks of one slot after the other come in over a WebSocket, a decision for each goes out.

The first message says ``{"system": ..., "scheme": "", "budget_s": 0.02}``; the following ones hold a network, as an
object or as the bytes of a file, and perhaps who is there. A fault is answered in words, and the session goes on with
the next slot.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np
from fastapi import WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trinode import api
from trinode.errors import InputError
from trinode.online import Controller
from trinode.serve import wire
from trinode.serve.asked import Given
from trinode.serve.desk import RETRY_S, Busy, TooSlow, place
from trinode.serve.known import bare
from trinode.systems.registry import system as find_system

TRY_LATER, GOING, TOO_LONG = 1013, 1001, 1008
"""Codes with which a session is closed: all are taken, it was idle, its first message was none."""
LONGEST_S = 60.0
"""Of a budget."""


class Begin(BaseModel):
    """The first message of a session."""

    model_config = ConfigDict(extra="forbid")

    system: str
    scheme: str = ""
    budget_s: float = Field(0.02, gt=0, le=LONGEST_S)
    files: bool = Field(False, description="Whether decisions come as files in base64.")


class Next(BaseModel):
    """A slot."""

    model_config = ConfigDict(extra="forbid")

    network: Given
    present: list[bool] | None = None
    bound: bool = False


async def session(socket: WebSocket, state: Any) -> None:
    """Serve a session until one of both sides ends it."""
    if state.metrics.sessions >= state.limits.sessions:
        await socket.close(TRY_LATER, f"{state.limits.sessions} sessions are open")
        return
    state.metrics.sessions += 1
    try:
        await socket.accept(subprotocol=next(iter(socket.scope.get("subprotocols", [])), None))
        await _slots(socket, state)
    except WebSocketDisconnect:
        pass
    finally:
        state.metrics.sessions -= 1


async def _slots(socket: WebSocket, state: Any) -> None:
    first = await _message(socket, state)
    if first is None:
        return
    try:
        begin = _read(Begin, first)
        system = find_system(begin.system)
        controller = Controller(system, budget_s=begin.budget_s, scheme=system.scheme(begin.scheme).name)
    except InputError as fault:
        await socket.send_text(_words(_said(fault)))
        await socket.close(TOO_LONG, "no session")
        return
    await socket.send_text(_words({"session": system.name, "scheme": system.scheme(begin.scheme).name}))
    while (message := await _message(socket, state)) is not None:
        try:
            held = state.desk.enter()
        except Busy:
            said = {"field": "requests", "value": "too many", "allowed": "fewer at a time", "retry_after_s": RETRY_S}
            await socket.send_text(_words(said))
            continue
        token = place.set(held)
        try:
            answer = await state.desk.work(_decide, state, system, controller, begin, message)
            state.metrics.slots += 1
        except InputError as fault:
            answer = _words(_said(fault))
        except TooSlow:
            answer = _words({"field": "time", "value": "more than is given", "allowed": f"{state.limits.seconds:g} s"})
        finally:
            place.reset(token)
            held.release()
        await socket.send_text(answer)


def _decide(state: Any, system: Any, controller: Controller, begin: Begin, message: str | bytes) -> str:
    asked = Next.model_construct(network=message) if isinstance(message, bytes) else _read(Next, message)
    repairs: list[Any] = []
    of, network = wire.network(asked.network, state.limits.network_bytes, repairs)
    if of is not system:
        raise InputError("network", f"one of {of.name}", f"one of {system.name}, as the session began")
    network = bare(network)
    state.known.admit(system, network, system.scheme(begin.scheme).name)
    slot = controller.step(network, None if asked.present is None else np.asarray(asked.present))
    report = api.evaluate(slot.network, slot.solution, bound=asked.bound)
    decided: Any = wire.decision_json(system, slot.solution, report)
    if begin.files:
        decided = base64.b64encode(wire.file_bytes(slot.network, slot.solution, report)).decode()
    return _words(
        {
            "slot": slot.number,
            "repairs": list(map(str, repairs)),
            "feasible": slot.feasible,
            "reason": slot.reason,
            "objective": slot.objective,
            "bound": float(report.bound),
            "freshness": slot.freshness,
            "iterations": slot.iterations,
            "seconds": slot.seconds,
            "decision": decided,
        }
    )


async def _message(socket: WebSocket, state: Any) -> str | bytes | None:
    """The next one; None where the session is over."""
    try:
        async with asyncio.timeout(state.limits.idle_seconds):
            message = await socket.receive()
    except TimeoutError:
        await socket.close(GOING, "nothing was said for long")
        return None
    if message["type"] == "websocket.disconnect":
        return None
    content = message.get("text")
    return message.get("bytes") or b"" if content is None else content


def _read(kind: type[BaseModel], message: str | bytes) -> Any:
    try:
        return kind.model_validate(wire.object_of(message if isinstance(message, bytes) else message.encode()))
    except ValidationError as fault:
        first = fault.errors()[0]
        raise InputError(".".join(map(str, first["loc"])) or "message", first.get("input"), first["msg"]) from None


def _said(fault: InputError) -> dict[str, str]:
    return {"field": fault.field, "value": str(fault.value)[:200], "allowed": fault.allowed}


def _words(value: Any) -> str:
    return wire.json_bytes(value).decode()
