"""The application: paths, what they take and give, and faults in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from trinode import api
from trinode.errors import InputError
from trinode.serve import explorer, wire
from trinode.serve import metrics as measured
from trinode.serve.asked import Bound, Draw, Evaluate, Explore, Solve, What
from trinode.serve.desk import RETRY_S, Busy, Desk, TooSlow
from trinode.serve.gate import Gate
from trinode.serve.known import Known, bare
from trinode.serve.limits import Limits
from trinode.systems.describe import parameters_of
from trinode.systems.registry import system as find_system
from trinode.systems.registry import system_names

NPZ = "application/octet-stream"
PAGES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


class State:
    """What the paths share."""

    def __init__(self, limits: Limits, known: Known) -> None:
        self.limits, self.known = limits, known
        self.desk, self.metrics = Desk(limits), measured.Metrics()
        self.closing = False
        self.compiling = ""


def application(limits: Limits, known: Known, token: str = "", local: bool = True, page: bool = True) -> Any:
    """The service as an ASGI application; its state is ``.state``.

    Parameters
    ----------
    token : str
        What requests have to show; empty where none is asked for.
    local : bool
        Whether it is for this machine only.
    page : bool
        Whether ``/`` is the page on which one explores.
    """
    state = State(limits, known)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        state.closing = True
        state.desk.close()

    app = FastAPI(
        title="trinode",
        summary="Decisions for networks that sense, communicate and compute at once",
        version=_version(),
        docs_url=None,
        redoc_url=None,
        lifespan=life,
    )
    _answer_faults(app)
    _add_work(app, state)
    _add_pages(app, page)

    @app.get("/health", summary="Whether it works")
    async def health() -> dict[str, Any]:
        return {"status": "compiling" if state.compiling else "ready", "version": app.version}

    @app.get("/metrics", summary="Counts and times, for Prometheus")
    async def metrics() -> Response:
        text = state.metrics.text(state.desk.busy, state.desk.room, len(known.ready))
        return Response(text, media_type=measured.TYPE)

    @app.websocket("/v1/slots")
    async def slots(socket: WebSocket) -> None:
        from trinode.serve.sessions import session

        await session(socket, state)

    paths = frozenset(path for route in app.routes if (path := getattr(route, "path", "")))
    gate = Gate(app, state.desk, limits, state.metrics, token, local, lambda: paths)
    gate.state = state  # type: ignore[attr-defined]
    return gate


def _add_work(app: FastAPI, state: State) -> None:
    limits, known = state.limits, state.known

    @app.get("/v1/systems", summary="Systems, schemes, parameters, and the sizes that are named")
    def systems() -> Response:
        return _json({"systems": [_described(name) for name in system_names()], "sizes": list(map(str, known.sizes))})

    @app.post("/v1/draw", summary="A random network")
    async def draw(asked: Draw, request: Request) -> Response:
        def work() -> bytes:
            system, made = explorer.drawn(asked, known, limits)
            if wants_file(request):
                return wire.file_bytes(made)
            return wire.json_bytes({"network": wire.network_json(system, made)})

        return _bytes(await state.desk.work(work), request)

    @app.post("/v1/solve", summary="A decision for a network", openapi_extra=_body(Solve, NPZ))
    async def solve(request: Request, scheme: str = "", bound: bool = True) -> Response:
        given = await _given(request, Solve, {"scheme": scheme, "bound": bound})

        def work() -> bytes:
            asked, repairs = given(), []
            system, made = wire.network(asked.network, limits.network_bytes, repairs)
            name = system.scheme(asked.scheme).name
            known.admit(system, made, name)
            made = bare(made)
            solution = api.solve(made, name)
            report = api.evaluate(made, solution, bound=asked.bound)
            if wants_file(request):
                return wire.file_bytes(made, solution, report)
            said = {"system": system.name, "scheme": name, "repairs": list(map(str, repairs))}
            told = {"report": wire.report_json(system, solution, report)}
            return wire.json_bytes(said | told | {"decision": wire.decision_json(system, solution, report)})

        return _bytes(await state.desk.work(work), request)

    @app.post("/v1/evaluate", summary="The judge's word on a decision", openapi_extra=_body(Evaluate))
    async def evaluate(request: Request) -> Response:
        given = await _given(request, Evaluate)

        def work() -> bytes:
            asked, repairs = given(), []
            system, made = wire.network(asked.network, limits.network_bytes, repairs)
            decided = wire.decision(system, asked.decision, limits.network_bytes, repairs)
            known.admit_kind(system, made)
            report = api.evaluate(bare(made), decided, bound=asked.bound)
            told = {"repairs": list(map(str, repairs)), "report": wire.report_json(system, decided, report)}
            return wire.json_bytes({"system": system.name} | told)

        return _bytes(await state.desk.work(work))

    @app.post("/v1/bound", summary="What no decision for a network can beat", openapi_extra=_body(Bound, NPZ))
    async def bound(request: Request) -> Response:
        given = await _given(request, Bound)

        def work() -> bytes:
            repairs: list[Any] = []
            system, made = wire.network(given().network, limits.network_bytes, repairs)
            known.admit_kind(system, made)
            value = float(api.bound(bare(made)))
            said = {
                "repairs": list(map(str, repairs)),
                "objective_name": system.objective_name,
                "objective_unit": system.objective_unit,
            }
            return wire.json_bytes({"system": system.name, "bound": value, **said})

        return _bytes(await state.desk.work(work))

    @app.get("/v1/explore", summary="What the page offers")
    def choices() -> Response:
        return _json(explorer.choices(known))

    @app.get("/v1/walls/{name}", summary="Walls of bundled channels")
    def walls(name: str) -> Response:
        return _json(explorer.walls(name))

    @app.post("/v1/explore", summary="All that the page shows of a setup")
    async def explore(asked: Explore) -> Response:
        return _bytes(await state.desk.work(lambda: wire.json_bytes(explorer.picture(asked, known, limits))))

    @app.post("/v1/explore/{what}", summary="The network or the decision of a setup, as a file")
    async def download(asked: Explore, what: What) -> Response:
        made = await state.desk.work(lambda: explorer.file(asked, what, known, limits))
        return Response(made, media_type=NPZ)


def _add_pages(app: FastAPI, page: bool) -> None:
    folder = files("trinode.serve") / "pages"
    known = {one.name: one.read_bytes() for one in folder.iterdir() if one.name.rpartition(".")[2] in PAGES}

    def shown(name: str) -> Response:
        content = known.get(name)
        if content is None:
            return _json({"field": "path", "value": name, "allowed": "/docs lists them"}, 404)
        headers = {"cache-control": "no-cache", "content-security-policy": POLICY}
        return Response(content, media_type=PAGES[name.rpartition(".")[2]], headers=headers)

    @app.get("/", include_in_schema=False)
    async def first() -> Response:
        return shown("explore.html" if page else "docs.html")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return shown("docs.html")

    @app.get("/pages/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        return shown(name)


def _answer_faults(app: FastAPI) -> None:
    @app.exception_handler(InputError)
    async def wrong(request: Request, fault: InputError) -> Response:
        return _json(said_of(fault), 422)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, fault: RequestValidationError) -> Response:
        first = fault.errors()[0]
        if first["type"] == "json_invalid":
            return _json({"field": "body", "value": "something else", "allowed": "JSON"}, 422)
        field = ".".join(str(one) for one in first["loc"] if one != "body") or "body"
        return _json({"field": field, "value": _short(first.get("input")), "allowed": first["msg"]}, 422)

    @app.exception_handler(Busy)
    async def busy(request: Request, fault: Busy) -> Response:
        said = {"field": "requests", "value": "too many", "allowed": "fewer at a time"}
        return _json(said, 503, {"retry-after": str(RETRY_S)})

    @app.exception_handler(TooSlow)
    async def slow(request: Request, fault: TooSlow) -> Response:
        return _json({"field": "time", "value": "more than is given to a request", "allowed": "smaller networks"}, 504)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, fault: HTTPException) -> Response:
        if fault.status_code == 400:  # a body that is JSON up to where it is too deep
            return _json({"field": "body", "value": "something else", "allowed": "JSON"}, 422)
        path = f"{request.method} {request.url.path[:200]}"
        return _json({"field": "path", "value": path, "allowed": "/docs lists them"}, fault.status_code)


def said_of(fault: InputError) -> dict[str, str]:
    """A fault in words, by field, value and what is allowed."""
    return {"field": fault.field, "value": _short(fault.value), "allowed": fault.allowed}


def _body(kind: Any, *others: str) -> dict[str, Any]:
    """What a path takes that reads its body itself, for its description."""
    content = {"application/json": {"schema": kind.model_json_schema()}}
    return {"requestBody": {"content": content | {one: {"schema": {"format": "binary"}} for one in others}}}


async def _given(request: Request, kind: Any, beside: dict[str, Any] | None = None) -> Callable[[], Any]:
    """A body of JSON, or a network's file with the rest in the address.

    Read where it is called, among the requests that compute: JSON takes many times its bytes, and so does not wait.
    """
    body = await request.body()
    if "decision" not in kind.model_fields and request.headers.get("content-type", "").startswith(NPZ):
        return lambda: kind.model_construct(network=body, **(beside or {}))

    def read() -> Any:
        from pydantic import ValidationError

        try:
            return kind.model_validate(wire.object_of(body))
        except ValidationError as fault:
            first = fault.errors()[0]
            field = ".".join(map(str, first["loc"])) or "body"
            raise InputError(field, _short(first.get("input")), first["msg"]) from None

    return read


def wants_file(request: Request) -> bool:
    """Whether the answer is to be a file rather than JSON."""
    return NPZ in request.headers.get("accept", "")


def _bytes(content: bytes, request: Request | None = None) -> Response:
    file = request is not None and wants_file(request)
    return Response(content, media_type=NPZ if file else "application/json")


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(wire.json_bytes(value), status, headers, "application/json")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:197] + "..."


def _described(name: str) -> dict[str, Any]:
    system = find_system(name)
    params = [
        {"name": one.name, "meaning": one.meaning, "unit": one.unit, "default": one.default, "allowed": one.allowed}
        for one in parameters_of(system)
    ]
    schemas = {"scenario": system.scenario_schema, "solution": system.solution_schema}
    return {
        "name": name,
        "title": system.title,
        "objective": system.objective_name,
        "schemes": {key: scheme.summary for key, scheme in system.schemes.items()},
        "parameters": params,
        **{
            kind: {key: {"kind": one.kind, "dims": one.dims, "unit": one.unit} for key, one in schema.items()}
            for kind, schema in schemas.items()
        },
    }


def _version() -> str:
    from importlib.metadata import version

    return version("trinode")
