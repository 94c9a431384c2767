"""Does a service hold under load? Many clients, mixed sizes, bad requests among them, killed and begun anew meanwhile.

python benchmarks/serve.py [--requests 1000] [--clients 16] [--memory 10000] [--size SIZE ...]

Every good answer is compared with the library's own, to the bit; every bad request has to be refused as it should.
Requests that are sent away (503) or find nobody (killed) are sent again. Then more of the same, and what they leave in
memory. Prints a table in the format of docs/live.md.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

import trinode as tn
from trinode.serve import wire
from trinode.serve.known import Size, bare

SIZES = ("fairness", "fairness terminals=3 access_points=4 ap_antennas=2", "threetier")
NETWORKS = 8
"""Different ones of each size."""
JSON, NPZ = "application/json", "application/octet-stream"


@dataclass(frozen=True)
class Request:
    """What is sent, and what has to come back."""

    body: bytes
    kind: str
    status: int
    objective: float | None = None


def requests(sizes: list[str]) -> list[Request]:
    """Good ones of every size, as JSON, as files, and as files in JSON, and one bad one for each four."""
    found = []
    for size in map(Size.parse, sizes):
        system = tn.system(size.system)
        for trial in range(NETWORKS):
            made = tn.draw(size.system, trial=trial, **dict(size.params))
            report = tn.evaluate(bare(made), tn.solve(bare(made), size.schemes[0]), bound=False)
            value = float(report.objective) if report.feasible else None
            scheme = {"scheme": size.schemes[0]}
            file, arrays = wire.file_bytes(made), wire.network_json(system, made)
            found.append(Request(wire.json_bytes({"network": arrays, **scheme}), JSON, 200, value))
            found.append(Request(file, NPZ, 200, value))
            packed = {"network": base64.b64encode(file).decode(), **scheme}
            found.append(Request(wire.json_bytes(packed), JSON, 200, value))
            wrong = {"network": {**arrays, "task_bits": -1.0}, **scheme}
            bad = (
                wire.json_bytes(wrong),
                wire.json_bytes({"network": arrays, "scheme": "none"}),
                b'{"network": ',
                b"{}",
            )
            found.append(Request(bad[trial % 4], JSON, 422))
            found.append((Request(file[: len(file) // 2], NPZ, 422), Request(b"x", "text/plain", 415))[trial % 2])
    order = np.random.default_rng(0).permutation(len(found))
    return [found[n] for n in order]


class Server:
    """The command, on one port over its lives."""

    def __init__(self, sizes: list[str]) -> None:
        self.words = [sys.executable, "-m", "trinode", "serve", *(word for one in sizes for word in ("--size", one))]
        self.port, self.process = 0, None
        self.begin()

    def begin(self) -> float:
        """Start it; the seconds until it listens."""
        began = time.perf_counter()
        words = [*self.words, "--port", str(self.port)]
        self.process: Any = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found = re.search(r":(\d+)/", self.process.stdout.readline())
        if found is None:
            sys.exit("the service did not begin")
        self.port = int(found.group(1))
        return time.perf_counter() - began

    def memory(self) -> int:
        """Bytes, by its own metrics."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        line.request("GET", "/metrics")
        return int(re.search(rb"^trinode_memory_bytes (\d+)", line.getresponse().read(), re.MULTILINE).group(1))


class Load:
    """Clients that share a number of requests."""

    def __init__(self, server: Server, kinds: list[Request], count: int) -> None:
        self.server, self.kinds, self.count = server, kinds, count
        self.begun = self.done = self.away = self.nobody = 0
        self.seconds: list[float] = []
        self.wrong: list[str] = []
        self.lock = threading.Lock()

    def run(self, clients: int, at_half: Any = None) -> None:
        """All requests; ``at_half`` is called when half are answered."""
        threads = [threading.Thread(target=self.client) for _ in range(clients)]
        for one in threads:
            one.start()
        while at_half and self.done < self.count / 2:
            time.sleep(0.01)
        if at_half:
            at_half()
        for one in threads:
            one.join()

    def client(self) -> None:
        line = None
        while True:
            with self.lock:
                number, self.begun = self.begun, self.begun + 1
            if number >= self.count:
                return
            one, answered = self.kinds[number % len(self.kinds)], None
            while answered is None:
                began = time.perf_counter()
                try:
                    line = line or http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
                    line.request("POST", "/v1/solve?bound=false", one.body, {"content-type": one.kind})
                    answer = line.getresponse()
                    content, answered = answer.read(), answer.status
                    if answer.headers.get("connection") == "close":
                        line = None
                except (OSError, http.client.HTTPException):
                    line = None
                    self.nobody += 1
                    time.sleep(0.2)
                    continue
                if answered == 503:
                    time.sleep(float(answer.headers["retry-after"]))
                    self.away, answered = self.away + 1, None
            with self.lock:
                self.seconds.append(time.perf_counter() - began)
                self.done += 1
                self.check(one, answered, content)

    def check(self, one: Request, status: int, content: bytes) -> None:
        said = json.loads(content)
        if status != one.status:
            self.wrong.append(f"{status} instead of {one.status}: {str(said)[:200]}")
        elif status == 200 and said["report"]["objective"] != one.objective:
            self.wrong.append(f"{said['report']['objective']} instead of {one.objective}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--memory", type=int, default=10_000)
    parser.add_argument("--size", action="append")
    given = parser.parse_args()
    sizes = given.size or list(SIZES)
    kinds = requests(sizes)
    server = Server(sizes)
    again: list[float] = []

    def kill() -> None:
        server.process.kill()
        server.process.wait()
        again.append(server.begin())

    load = Load(server, kinds, given.requests)
    began = time.perf_counter()
    load.run(given.clients, kill)
    spent = time.perf_counter() - began - again[0]
    times = np.asarray(load.seconds)
    print(f"sizes: {'; '.join(sizes)}; {given.clients} clients; load average {os.getloadavg()[0]:.1f}\n")
    print("| what | |\n| --- | --- |")
    print(f"| requests, of them bad | {load.done}, {sum(one.status != 200 for one in kinds) / len(kinds):.0%} |")
    print(f"| lost, wrong | {given.requests - load.done}, {len(load.wrong)} |")
    print(f"| answered per second | {load.done / spent:.0f} |")
    quantiles = " / ".join(f"{1e3 * np.quantile(times, q):.0f}" for q in (0.5, 0.99, 1.0))
    print(f"| time to the answer, ms: median / 99 % / longest | {quantiles} |")
    print(f"| sent away and sent again | {load.away} |")
    print(f"| killed in the middle: found nobody and sent again | {load.nobody} |")
    print(f"| seconds until it listens again | {again[0]:.1f} |")
    marks = []
    for _ in range(10 if given.memory else 0):
        more = Load(server, kinds, given.memory // 10)
        more.run(given.clients)
        load.wrong += more.wrong
        marks.append(server.memory() / 2**20)
    if marks:
        print(f"| memory after each tenth of {given.memory} more, MiB | {', '.join(f'{one:.0f}' for one in marks)} |")
    server.process.terminate()
    print(f"| exit code after SIGTERM | {server.process.wait()} |")
    if load.wrong:
        sys.exit("\n".join(load.wrong[:10]))


if __name__ == "__main__":
    main()
