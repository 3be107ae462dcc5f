"""One HTTP POST to a stranger: to an address that was checked, with one deadline for all of it, and a short answer.

Redirects are not followed, and proxies of the environment are not used. Connections are kept for the next one.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore

from .addresses import AddressRefused, Resolve, checked_addresses, resolve, target_of

DEADLINE = 15.0
"""Seconds from looking up the name to the end of the answer, or of what is read of it."""
MOST_READ = 64 * 1024
MOST_KEPT = 1000
"""Characters of an answer."""
CONNECTIONS_KEPT = 32
SECONDS_KEPT = 20.0

FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    AddressRefused,
    OSError,
    ValueError,
)
BROKEN = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)


@dataclass(frozen=True)
class Answer:
    """What came back: a status and the beginning of the text, or an error that says why there is none."""

    latency_ms: int
    status: int | None = None
    text: str = ""
    retry_after: str = ""
    error: str = ""


class Clock(threading.local):
    """The deadline of what the thread is doing, and whether that has opened a connection of its own."""

    end: float = 0.0
    has_connected: bool = False

    def start(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        """Raises `TimeoutError` when it is over."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("The time is up.")
        return left


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed: the authorities that browsers trust, and those of this machine."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


class Courier:
    """Posts; may be used by many threads. `deadline` is in seconds, `resolve` looks names up."""

    def __init__(self, *, deadline: float = DEADLINE, resolve: Resolve = resolve) -> None:
        self._deadline = deadline
        self._clock = Clock()
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted(),
            max_connections=None,
            max_keepalive_connections=CONNECTIONS_KEPT,
            keepalive_expiry=SECONDS_KEPT,
            network_backend=CheckedNetwork(self._clock, resolve),
        )

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send it, and tell what came back."""
        start = time.monotonic()
        self._clock.start(self._deadline)
        try:
            status, retry_after, text = self._exchange(url, body, headers)
        except FAILURES as problem:
            return Answer(_milliseconds_since(start), error=self._sentence(problem))
        return Answer(_milliseconds_since(start), status, text, retry_after)

    def close(self) -> None:
        self._pool.close()

    def _exchange(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, str]:
        target = target_of(url)
        request = httpcore.Request(
            "POST",
            httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
            headers=[("Host", target.host_header), *headers.items(), ("Content-Length", str(len(body)))],
            content=body,
        )
        self._clock.has_connected = False
        try:
            return self._answer_to(request)
        except BROKEN:
            if self._clock.has_connected:
                raise
            return self._answer_to(request)  # the other side has just closed the connection that was kept

    def _answer_to(self, request: httpcore.Request) -> tuple[int, str, str]:
        response = self._pool.handle_request(request)
        try:
            read = bytearray()
            for part in response.iter_stream():
                read += part
                if len(read) >= MOST_READ:
                    break
        finally:
            response.close()
        retry_after = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
        return response.status, retry_after.decode("ascii", "replace"), _excerpt(bytes(read))

    def _sentence(self, problem: Exception) -> str:
        if isinstance(problem, TimeoutError | httpcore.TimeoutException):
            return f"timeout: no whole answer within {self._deadline:g} s"
        if isinstance(problem, AddressRefused):
            return f"address_refused: {problem}"
        return f"{type(problem).__name__}: {problem}"[:MOST_KEPT].replace("\0", "")


def _excerpt(read: bytes) -> str:
    return read[: 4 * MOST_KEPT].decode("utf-8", "replace")[:MOST_KEPT].replace("\0", "")


def _milliseconds_since(start: float) -> int:
    return round((time.monotonic() - start) * 1000)


class CheckedNetwork(httpcore.NetworkBackend):
    """Looks a name up, checks its addresses, and connects to one of these."""

    def __init__(self, clock: Clock, resolve: Resolve) -> None:
        self._clock, self._resolve = clock, resolve
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self._clock.has_connected = True
        addresses = checked_addresses(host, port, self._resolve)
        for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                stream = self._network.connect_tcp(str(address), port, self._clock.left() / untried)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if untried == 1:
                    raise
            else:
                return TimedStream(stream, self._clock)
        raise OSError(f"{host} has no address.")


class TimedStream(httpcore.NetworkStream):
    """A connection that never waits beyond the deadline, however slowly the other side gives or takes."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
        self._stream, self._clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        socket, rest = self._stream.get_extra_info("socket"), memoryview(buffer)
        try:
            while rest:
                socket.settimeout(self._clock.left())
                rest = rest[socket.send(rest) :]
        except TimeoutError:
            raise
        except OSError as problem:
            raise httpcore.WriteError(str(problem)) from problem

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, self._clock.left()), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
