"""Counts and times of a service, in the text format of Prometheus."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from pathlib import Path
from threading import Lock

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What was asked for, how it ended and how long it took."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._times: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self.sessions = 0
        self.slots = 0

    def count(self, path: str, status: int, seconds: float) -> None:
        """A request was answered; ``path`` is one of the service's own."""
        with self._lock:
            self._requests[path, status] += 1
            self._times.setdefault(path, [0] * (len(BUCKETS_S) + 1))[bisect_left(BUCKETS_S, seconds)] += 1
            self._seconds[path] = self._seconds.get(path, 0.0) + seconds

    def text(self, busy: int, room: int, sizes: int) -> str:
        """All of it.

        Parameters
        ----------
        busy, room : int
            Requests that compute or wait, and how many may.
        sizes : int
            Sizes and schemes that there are programs for.
        """
        lines = ["# HELP trinode_requests_total Requests by path and status.", "# TYPE trinode_requests_total counter"]
        with self._lock:
            for (path, status), count in sorted(self._requests.items()):
                lines.append(f'trinode_requests_total{{path="{path}",status="{status}"}} {count}')
            lines += ["# HELP trinode_request_seconds Time to the answer.", "# TYPE trinode_request_seconds histogram"]
            for path, counts in sorted(self._times.items()):
                below = 0
                for edge, count in zip((*BUCKETS_S, "+Inf"), counts):
                    below += count
                    lines.append(f'trinode_request_seconds_bucket{{path="{path}",le="{edge}"}} {below}')
                lines.append(f'trinode_request_seconds_sum{{path="{path}"}} {self._seconds[path]:.6f}')
                lines.append(f'trinode_request_seconds_count{{path="{path}"}} {below}')
        gauges = {
            "trinode_busy": ("Requests that are read, wait or compute.", busy),
            "trinode_room": ("How many may at a time.", room),
            "trinode_sessions": ("Sessions that are open.", self.sessions),
            "trinode_programs": ("Sizes and schemes that there are programs for.", sizes),
            "trinode_memory_bytes": ("Resident memory of the process.", resident()),
        }
        for name, (meaning, value) in gauges.items():
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", f"{name} {value}"]
        lines += ["# HELP trinode_slots_total Slots that sessions decided.", "# TYPE trinode_slots_total counter"]
        return "\n".join([*lines, f"trinode_slots_total {self.slots}", ""])


def resident() -> int:
    """Bytes of memory of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
