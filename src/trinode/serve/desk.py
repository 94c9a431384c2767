"""Who may compute: so many at a time, so many waiting, the others are sent away at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from trinode import _programs
from trinode.serve.limits import Limits

RETRY_S = 1
"""After which a request that was sent away may come again."""


class Busy(Exception):
    """There is no room for another request."""


class TooSlow(Exception):
    """The answer took longer than the limit."""


class Place:
    """A request's place at the desk, free again when the request is answered and its work is over."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.holds = desk, 1
        desk.busy += 1

    def release(self) -> None:
        """One of those that hold it lets go."""
        self.holds -= 1
        if not self.holds:
            self.desk.busy -= 1


place: ContextVar[Place] = ContextVar("place")
"""That of the request which is being answered."""


class Desk:
    """Runs the work of requests in threads; a program that has begun cannot be stopped and keeps its place."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.room = limits.at_a_time + limits.waiting
        self.busy = 0
        self._threads = ThreadPoolExecutor(limits.at_a_time, thread_name_prefix="trinode")

    def enter(self) -> Place:
        """A place for a request.

        Raises
        ------
        Busy
            All are taken.
        """
        if self.busy >= self.room:
            raise Busy
        return Place(self)

    async def work(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a function that computes.

        Raises
        ------
        TooSlow
            It takes longer than the limit; what has begun goes on.
        """
        held, loop = place.get(), asyncio.get_running_loop()
        future = self._threads.submit(_programs.long_runs()(function), *arguments)  # the next request may ask the same
        held.holds += 1

        def over(_: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop ended before
                loop.call_soon_threadsafe(held.release)

        future.add_done_callback(over)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.limits.seconds)
        except TimeoutError:
            if future.done() and not future.cancelled():
                return future.result()
            raise TooSlow from None

    def close(self) -> None:
        """Wait for what has begun."""
        self._threads.shutdown(wait=True, cancel_futures=True)
