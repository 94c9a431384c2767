"""The service answers what the library answers, and refuses what it should, each limit by name."""

import base64
import io
import json
import re
import socket
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import trinode as tn
from trinode import _programs
from trinode.errors import InputError

pytest.importorskip("fastapi", reason="needs the serve extra")
pytest.importorskip("uvicorn", reason="needs the serve extra")
client = pytest.importorskip("websockets.sync.client", reason="needs the serve extra")

from serve_service import NPZ, SMALL, serving  # noqa: E402
from trinode.serve import wire  # noqa: E402
from trinode.serve.known import Size  # noqa: E402
from trinode.serve.limits import Limits  # noqa: E402
from trinode.serve.server import check_reach  # noqa: E402

PARAMS = {"terminals": 3, "access_points": 4, "ap_antennas": 2}
DRAW = {"system": "fairness", "seed": 3, "params": PARAMS}


@pytest.fixture(scope="module")
def network(service):
    status, _, said = service.post("/v1/draw", DRAW)
    assert status == 200
    return said["network"]


@pytest.fixture(scope="module")
@_programs.long_runs()  # by programs compiled well, as a service's are
def own():
    made = tn.draw("fairness", seed=3, **PARAMS)
    solution = tn.solve(made, "full-power")
    return made, solution, tn.evaluate(made, solution)


def test_answers_are_the_librarys(service, network, own):
    made, solution, report = own
    again = wire.network(network, 2**20, [])[1]
    for name in ("uplink_channel", "terminal_position_m", "task_bits"):
        assert np.array_equal(getattr(again, name), getattr(made, name))
    status, _, said = service.post("/v1/solve", {"network": network, "scheme": "full-power"})
    assert (status, said["scheme"], said["report"]["status"]) == (200, "full-power", "converged")
    assert said["report"]["objective"] == float(report.objective)
    assert said["report"]["bound"] == float(report.bound)
    assert np.array_equal(said["decision"]["power_fraction"], solution.power_fraction)
    judged = service.post("/v1/evaluate", {"network": network, "decision": said["decision"]})[2]
    assert judged["report"]["objective"] == float(report.objective)
    assert service.post("/v1/bound", {"network": network})[2]["bound"] == float(report.bound)


def test_files_are_taken_and_given(service, own, tmp_path):
    made, solution, report = own
    tn.save(tmp_path / "network.npz", made)
    content = (tmp_path / "network.npz").read_bytes()
    asked = {"content-type": NPZ, "accept": NPZ}
    status, headers, answer = service.ask("POST", "/v1/solve?scheme=full-power", content, asked)
    assert (status, headers["content-type"]) == (200, NPZ)
    (tmp_path / "solution.npz").write_bytes(answer)
    assert np.array_equal(tn.load(tmp_path / "solution.npz").power_fraction, solution.power_fraction)
    both = {"network": base64.b64encode(content).decode(), "decision": base64.b64encode(answer).decode()}
    assert service.post("/v1/evaluate", both)[2]["report"]["objective"] == float(report.objective)


def test_what_rounding_had_to_be_repaired_is_told(service, network):
    off = {**network, "task_bits": [1e3, 1e3, -1e-7]}
    for path in ("/v1/solve", "/v1/bound"):
        (said,) = service.post(path, {"network": off})[2]["repairs"]
        assert said.startswith("task_bits: 1")
    assert service.post("/v1/solve", {"network": network})[2]["repairs"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ap_noise_w": [0.0, 1e-13, 1e-13, 1e-13]}, "ap_noise_w"),
        ({"task_bits": [1.0, None, 2.0]}, "task_bits"),
        ({"task_bits": [1.0, 2.0]}, "task_bits"),
        ({"task_bits": ["1", "2", "3"]}, "task_bits"),
        ({"uplink_channel": [[[[1.0, 2.0]]]]}, "uplink_channel"),
        ({"uplink_channel": [[1.0], 2.0]}, "uplink_channel"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"format": "trinode/fairness-solution/1"}, "format"),
        ({"format": None}, "format"),
    ],
)
def test_a_bad_network_is_refused_with_field_value_and_what_is_allowed(service, network, change, field):
    status, _, said = service.post("/v1/solve", {"network": {**network, **change}})
    assert status == 422
    assert said["field"].endswith(field)
    assert said["value"]
    assert said["allowed"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/solve", {"network": "no base64!"}, "network"),
        ("/v1/solve", {"network": base64.b64encode(b"PK").decode()}, "file"),
        ("/v1/solve", {}, "network"),
        ("/v1/solve", [], "body"),
        ("/v1/draw", {"system": "fairness", "params": {"terminals": 9}}, "params"),
        ("/v1/draw", {"system": "fairness", "params": {**PARAMS, "task_bits": -1.0}}, "task_bits"),
        ("/v1/draw", {"system": "nowhere"}, "system"),
        ("/v1/draw", {**DRAW, "ap_position_m": [[1.0, 2.0]]}, "ap_position_m"),
        ("/v1/draw", {**DRAW, "params": dict.fromkeys(map(str, range(101)), 1.0)}, "params"),
        ("/v1/draw", {"sistem": "fairness"}, "sistem"),
        ("/v1/explore", {**DRAW, "file": "UEs=", "params": {}, "channels": "munich"}, "channels"),
    ],
)
def test_a_bad_request_is_refused_by_name(service, path, body, field):
    status, _, said = service.post(path, body)
    assert (status, said["field"]) == (422, field)


def test_schemes_and_sizes_that_are_not_named_are_refused(service, network):
    status, _, said = service.post("/v1/solve", {"network": network, "scheme": "mmse"})
    assert (status, said["field"], said["allowed"]) == (422, "scheme", "one of exact, full-power")
    other = wire.json_bytes(wire.network_json(tn.system("fairness"), tn.draw("fairness", terminals=2, access_points=3)))
    status, _, said = service.post("/v1/solve", {"network": json.loads(other)})
    assert (status, said["allowed"]) == (422, SMALL)


@pytest.mark.parametrize("body", [b"{", b"[" * 200_000, b"\xff", b'{"network": NaN}'])
def test_what_is_no_json_is_said_so(service, body):
    for path in ("/v1/solve", "/v1/draw"):
        status, _, said = service.ask("POST", path, body, {"content-type": "application/json"})
        assert status == 422
        assert set(said) == {"field", "value", "allowed"}


def test_too_large_a_body_is_refused_before_it_is_read(service):
    most = service.state.limits.body_bytes
    with socket.create_connection(("127.0.0.1", service.port)) as line:
        head = "POST /v1/solve HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        line.sendall(f"{head}content-length: {2**30}\r\n\r\n".encode())
        assert line.recv(2**16).startswith(b"HTTP/1.1 413")
    tracemalloc.start()
    try:
        with socket.create_connection(("127.0.0.1", service.port)) as line:
            line.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
            piece = f"{2**20:x}\r\n".encode() + bytes(2**20) + b"\r\n"
            for _ in range(most // 2**20 + 1):
                line.sendall(piece)
            assert line.recv(2**16).startswith(b"HTTP/1.1 413")
        assert tracemalloc.get_traced_memory()[1] < 2 * most
    finally:
        tracemalloc.stop()


def test_archives_that_unpack_to_much_are_refused_unread(service):
    def archive(entries, size):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
            for n in range(entries):
                with packed.open(f"array{n}.npy", "w") as file:
                    np.lib.format.write_array_header_1_0(
                        file, {"descr": "<f8", "fortran_order": False, "shape": (size,)}
                    )
                    file.write(bytes(8 * size))
        return made.getvalue()

    for content, value in ((archive(1, 2**24), "128.0 MiB"), (archive(101, 0), "very many")):
        tracemalloc.start()
        try:
            status, _, said = service.ask("POST", "/v1/solve", content, {"content-type": NPZ})
            assert tracemalloc.get_traced_memory()[1] < 2**23
        finally:
            tracemalloc.stop()
        assert status == 422
        assert value in said["value"]


def test_a_full_queue_sends_away_and_a_slow_answer_ends(monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def slow(*_, **__):
        begun.set()
        assert go.wait(60)
        return 0.0

    monkeypatch.setattr("trinode.api.bound", slow)
    made = wire.network_json(tn.system("fairness"), tn.draw("fairness", **PARAMS))
    body = json.loads(wire.json_bytes({"network": made}))
    with serving(Limits(running=1, waiting=0)) as service:
        service.state.known.closed = False
        first = []
        asks = threading.Thread(target=lambda: first.append(service.post("/v1/bound", body)))
        asks.start()
        assert begun.wait(60)
        status, headers, said = service.post("/v1/bound", body)
        assert (status, headers["retry-after"], said["field"]) == (503, "1", "requests")
        assert service.ask("GET", "/health")[0] == 200
        service.server.should_exit = True  # what a signal does: what has begun is finished
        go.set()
        asks.join(60)
        assert first[0][0] == 200
    begun.clear(), go.clear()
    with serving(Limits(running=1, waiting=3, seconds=0.05)) as service:
        service.state.known.closed = False
        status, _, said = service.post("/v1/bound", body)
        assert (status, said["field"]) == (504, "time")
        assert service.state.desk.busy == 1  # the program goes on and keeps its place
        go.set()


def test_a_body_that_does_not_come_is_not_waited_for():
    with serving(Limits(running=1, waiting=0, body_seconds=0.05)) as service:
        with socket.create_connection(("127.0.0.1", service.port)) as line:
            line.sendall(
                b"POST /v1/bound HTTP/1.1\r\nhost: localhost\r\n"
                b"content-type: application/json\r\ncontent-length: 9\r\n\r\n{"
            )
            assert line.recv(2**16).startswith(b"HTTP/1.1 408")
        assert service.state.desk.busy == 0


def test_strangers_are_kept_out(service):
    good = {"content-type": "application/json"}
    for headers, wanted in (
        ({**good, "host": "evil.example"}, 421),
        ({**good, "origin": "http://evil.example"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({}, 415),
    ):
        assert service.ask("POST", "/v1/draw", json.dumps(DRAW), headers)[0] == wanted
    assert service.ask("GET", "/nowhere")[0] == 404
    assert service.ask("GET", "/v1/draw")[0] == 405


def test_a_token_is_asked_for():
    token = "0123456789abcdef"
    with serving(token=token, local=False) as service:
        assert service.ask("GET", "/health")[0] == 200
        assert service.ask("GET", "/")[0] == 200
        for path in ("/metrics", "/v1/systems", "/openapi.json"):
            assert service.ask("GET", path)[0] == 401
            assert service.ask("GET", path, headers={"authorization": "Bearer 0123456789abcdee"})[0] == 401
            assert service.ask("GET", path, headers={"authorization": f"Bearer {token}"})[0] == 200
        assert service.post("/v1/draw", DRAW)[0] == 401
        with pytest.raises(Exception, match="403"):
            client.connect(f"ws://127.0.0.1:{service.port}/v1/slots")
        with client.connect(f"ws://127.0.0.1:{service.port}/v1/slots", subprotocols=[f"token.{token}"]) as line:
            line.send(json.dumps({"system": "nowhere"}))
            assert json.loads(line.recv())["field"] == "system"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_an_address_that_others_reach_needs_a_token(host):
    with pytest.raises(InputError, match="TRINODE_TOKEN"):
        check_reach(host, "")
    with pytest.raises(InputError, match="at least 16"):
        check_reach(host, "short")
    assert not check_reach(host, "0123456789abcdef")
    assert check_reach("127.0.0.1", "")
    assert check_reach("::1", "")


def test_a_session_decides_slot_after_slot(service, network, own):
    sessions = service.state.metrics.sessions
    with client.connect(f"ws://127.0.0.1:{service.port}/v1/slots") as line:

        def say(message):
            line.send(message if isinstance(message, bytes) else json.dumps(message))
            return json.loads(line.recv(60))

        assert say({"system": "fairness", "budget_s": 0.5})["session"] == "fairness"
        first = say({"network": network, "bound": True})
        assert first["feasible"]
        assert first["objective"] <= first["bound"] * (1 + 1e-6)
        judged = service.post("/v1/evaluate", {"network": network, "decision": first["decision"]})[2]
        assert judged["report"]["objective"] == first["objective"]
        assert say({"network": {**network, "ap_noise_w": [0, 1, 1, 1]}})["field"] == "ap_noise_w"
        assert say({"netz": 1})["field"] in ("network", "netz")
        still = say(wire.file_bytes(own[0]))
        assert (still["slot"], still["iterations"]) == (1, 0)
        assert still["decision"]["power_fraction"] == first["decision"]["power_fraction"]
        assert service.state.metrics.sessions == sessions + 1
    assert b"trinode_slots_total 2" in service.ask("GET", "/metrics")[2]


def test_sessions_are_counted_and_idle_ones_closed():
    with serving(Limits(sessions=1, idle_seconds=0.05)) as service:
        where = f"ws://127.0.0.1:{service.port}/v1/slots"
        with client.connect(where) as line:
            with pytest.raises(Exception, match="403"):
                client.connect(where)
            with pytest.raises(Exception, match="1001"):
                line.recv(60)


def test_metrics_count_what_was_asked(service):
    text = service.ask("GET", "/metrics")[2].decode()
    kept = dict(re.findall(r"^(\w+(?:{.*})?) (\S+)$", text, re.MULTILINE))
    before = float(kept.get('trinode_requests_total{path="/health",status="200"}', 0))
    service.ask("GET", "/health")
    after = dict(re.findall(r"^(\w+(?:{.*})?) (\S+)$", service.ask("GET", "/metrics")[2].decode(), re.MULTILINE))
    assert float(after['trinode_requests_total{path="/health",status="200"}']) == before + 1
    assert after['trinode_request_seconds_bucket{path="/health",le="+Inf"}'] == str(int(before) + 1)
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert {re.sub(r"(_bucket|_sum|_count)?({.*)?$", "", name) for name in after} <= names


def test_pages_and_description_need_no_other_place(service):
    said = service.ask("GET", "/openapi.json")[2]
    assert {"/v1/draw", "/v1/solve", "/v1/evaluate", "/v1/bound", "/health"} <= set(said["paths"])
    body = said["paths"]["/v1/solve"]["post"]["requestBody"]["content"]
    assert set(body["application/json"]["schema"]["properties"]) == {"network", "scheme", "bound"}
    for path in ("/", "/docs", "/pages/main.js", "/pages/style.css", "/pages/icon.svg"):
        status, headers, content = service.ask("GET", path)
        assert (status, "default-src 'self'" in headers["content-security-policy"]) == (200, True)
        assert not re.findall(rb"https?://(?!www.w3.org/2000/svg)", content), path
    assert service.ask("GET", "/pages/..%2fapp.py")[0] == 404


def test_limits_and_sizes_are_checked():
    for wrong in ({"body_bytes": 0}, {"waiting": -1}, {"seconds": 0.0}, {"sessions": True}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Limits(**wrong)
    for text in ("nowhere", "fairness terminals", "fairness terminals=3 terminals=4", "fairness scheme=no"):
        with pytest.raises(InputError):
            Size.parse(text)
    assert str(Size.parse(SMALL)) == SMALL


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="says where processes listen on Linux only")
def test_the_command_binds_loopback_alone_and_ends_by_a_signal():
    words = [sys.executable, "-m", "trinode", "serve", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(re.search(r":(\d+)/", process.stdout.readline()).group(1))
            lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            at = [local for _, local, _, state, *_ in lines if state == "0A" and local.endswith(f":{port:04X}")]
            assert at == [f"0100007F:{port:04X}"]
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()
