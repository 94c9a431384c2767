"""A service in a thread of the tests' own process, on a port that is free."""

import contextlib
import http.client
import json
import threading

import uvicorn

from trinode.serve.app import application
from trinode.serve.known import Known, Size
from trinode.serve.limits import Limits

SMALL = "fairness scheme=exact,full-power terminals=3 access_points=4 ap_antennas=2"
NPZ = "application/octet-stream"


class Service:
    """Where it listens, its state, and a client that asks once per connection."""

    def __init__(self, port, state, server, thread):
        self.port, self.state, self.server, self.thread = port, state, server, thread

    def ask(self, method, path, body=None, headers=None):
        """Status, headers and content of an answer, read as JSON where it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            if isinstance(body, dict | list):
                body, headers = json.dumps(body), {"content-type": "application/json", **(headers or {})}
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
            kind = answer.headers.get("content-type", "")
            return answer.status, answer.headers, json.loads(content) if kind == "application/json" else content

    def post(self, path, body, **headers):
        return self.ask("POST", path, body, headers)


@contextlib.contextmanager
def serving(limits=None, sizes=(SMALL,), closed=True, token="", local=True):
    limits = limits or Limits(running=2)
    app = application(limits, Known([Size.parse(one) for one in sizes], closed, limits.sizes), token, local)
    config = uvicorn.Config(
        app, "127.0.0.1", 0, log_level="error", ws="websockets-sansio", ws_max_size=limits.body_bytes
    )
    bound = config.bind_socket()
    bound.listen()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    service = Service(bound.getsockname()[1], app.state, server, thread)
    try:
        yield service
    finally:
        server.should_exit = True
        thread.join(60)
        bound.close()
        assert not thread.is_alive()
