"""What stands before the service: who may come in, with how large a body, and how many at a time."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from typing import Any

from trinode.serve import desk as desks
from trinode.serve.limits import Limits
from trinode.serve.metrics import Metrics
from trinode.serve.wire import json_bytes

OPEN = ("/health",)
"""Answered without a token, beside the pages, which hold nothing."""
LOCAL = ("localhost", "127.0.0.1", "[::1]")
TYPES = ("application/json", "application/octet-stream")
"""Of bodies; a page of another site cannot send them unasked."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Refused(Exception):
    """A request that is not let in."""

    def __init__(self, status: int, field: str, value: str, allowed: str):
        super().__init__(f"{field}: got {value}; allowed: {allowed}")
        self.status, self.said = status, {"field": field, "value": value, "allowed": allowed}


class Gate:
    """Around the application.

    Parameters
    ----------
    app : callable
        The application (ASGI).
    token : str
        What requests have to show; empty where none is asked for.
    local : bool
        Whether only names of this machine may be in the address, so that no other site's page gets in by its name.
    paths : callable
        ``paths()``: those of the application, which metrics are kept by.
    """

    def __init__(
        self, app: Any, desk: desks.Desk, limits: Limits, metrics: Metrics, token: str, local: bool, paths: Any
    ) -> None:
        self.app, self.desk, self.limits, self.metrics = app, desk, limits, metrics
        self.token, self.local, self.paths = token, local, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            try:
                self._who(scope)
            except Refused as fault:
                await send({"type": "websocket.close", "code": 1008, "reason": str(fault)[:100]})
                return
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noted(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._let_in(scope, receive, noted)
        except Refused as fault:
            await _answer(noted, fault.status, fault.said)
        except desks.Busy:
            said = {"field": "requests", "value": f"{self.desk.busy} at a time", "allowed": f"{self.desk.room}"}
            await _answer(noted, 503, said, retry=True)
        finally:
            path = scope["path"] if scope["path"] in self.paths() else "other"
            self.metrics.count(path, status, time.perf_counter() - began)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._who(scope)
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if (kind := headers.get(b"content-type", b"").decode("latin-1").partition(";")[0]) not in TYPES:
            raise Refused(415, "content-type", kind or "nothing (missing)", " or ".join(TYPES))
        held = self.desk.enter()
        desks.place.set(held)
        try:
            body = await self._body(headers, receive)
            waiting = iter([{"type": "http.request", "body": body, "more_body": False}])

            async def again() -> dict[str, Any]:
                return next(waiting, None) or await receive()

            await self.app(scope, again, send)
        finally:
            held.release()

    def _who(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if self.local and _name(host) not in LOCAL:
            raise Refused(421, "host", host or "nothing (missing)", ", ".join(LOCAL))
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and origin.partition("://")[2] != host:
            raise Refused(403, "origin", origin, f"a page of {host}")
        if not self.token or scope["path"] in OPEN or _is_page(scope):
            return
        shown = headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
        if scope["type"] == "websocket" and not shown:  # a page cannot send headers with it
            asked = headers.get(b"sec-websocket-protocol", b"").decode("latin-1").split(",")
            shown = next((one.strip().removeprefix("token.") for one in asked if "token." in one), "")
        if not hmac.compare_digest(shown.encode(), self.token.encode()):
            raise Refused(401, "authorization", "another token" if shown else "nothing (missing)", "Bearer TOKEN")

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        most = self.limits.body_bytes
        said = headers.get(b"content-length", b"0").decode("latin-1")
        if not said.isdecimal() or int(said) > most:
            raise Refused(413, "content-length", said[:20], f"at most {most} bytes")
        parts, size = [], 0
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(400, "body", f"{size} bytes", "a whole one")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        raise Refused(413, "body", f"more than {most} bytes", f"at most {most} bytes")
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            allowed = f"a whole one within {self.limits.body_seconds:g} s"
            raise Refused(408, "body", f"{size} bytes", allowed) from None


def _is_page(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and not scope["path"].startswith(_GUARDED)


_GUARDED = ("/v1/", "/metrics", "/openapi.json")


def _name(host: str) -> str:
    """Of a host, without its port."""
    return host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host


async def _answer(send: Send, status: int, said: dict[str, str], retry: bool = False) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    if retry:
        headers.append((b"retry-after", str(desks.RETRY_S).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json_bytes(said)})
