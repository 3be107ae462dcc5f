"""A receiver of webhooks on loopback that does nothing but note when each one came."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, sleep

from .client import HOST

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
MESSAGE = re.compile(rb"\r\nwebhook-id: *([^\r\n]+)", re.IGNORECASE)
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """`arrivals` holds the moment of each message, by `webhook-id`."""

    def __init__(self) -> None:
        self.port = 0
        self.arrivals: dict[bytes, float] = {}

    def clear(self) -> None:
        self.arrivals.clear()

    def wait_for(self, count: int, *, seconds: float) -> None:
        """Until so many messages have come. Raises `RuntimeError` when they do not."""
        end = perf_counter() + seconds
        while len(self.arrivals) < count:
            if perf_counter() > end:
                raise RuntimeError(f"Only {len(self.arrivals)} of {count} messages came in {seconds} s.")
            sleep(0.002)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the messages of one connection, for as long as the sender keeps it open."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._take(head, reader)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _take(self, head: bytes, reader: asyncio.StreamReader) -> None:
        length, message = LENGTH.search(head), MESSAGE.search(head)
        if length:
            await reader.readexactly(int(length[1]))
        if message:
            self.arrivals[message[1]] = perf_counter()


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port, in a thread of this process."""
    taken, loop, ready = Receiver(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        server = await asyncio.start_server(taken.answer, HOST, 0)
        taken.port = server.sockets[0].getsockname()[1]
        ready.set()

    thread = threading.Thread(target=lambda: (loop.create_task(serve()), loop.run_forever()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield taken
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
