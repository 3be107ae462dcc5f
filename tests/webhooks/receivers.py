"""Receivers of webhooks on loopback: real servers, the good and the nasty."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

LOOPBACK = "127.0.0.1"
SECONDS_AT_MOST = 5


@dataclass(frozen=True)
class Arrival:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """What it says, if the signature is right; raises otherwise."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """Answers every request with `status`, `headers` and `body`, and remembers it; `statuses` come first, one each."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    statuses: list[int] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/hook"


@contextmanager
def receiving(**how: Any) -> Iterator[Receiver]:
    """A well-behaved server on a free port."""
    receiver = Receiver(**how)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            receiver.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.arrivals.append(Arrival(self.path, headers, body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(receiver.body)))
            self.end_headers()
            with suppress(ConnectionError):  # who has read enough hangs up
                self.wfile.write(receiver.body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


type Behaviour = Callable[[socket.socket, threading.Event], None]


@contextmanager
def misbehaving(behaviour: Behaviour) -> Iterator[str]:
    """The URL of a server that does to each connection what `behaviour` does, until the event is set."""
    over = threading.Event()
    with socket.create_server((LOOPBACK, 0)) as listener:

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError):
                    connection, _ = listener.accept()
                    connection.settimeout(SECONDS_AT_MOST)
                    with connection:
                        behaviour(connection, over)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield f"http://{LOOPBACK}:{port}/hook"
        finally:
            over.set()
            with suppress(OSError):
                socket.create_connection((LOOPBACK, port), 1).close()
            thread.join()


def say_nothing(connection: socket.socket, over: threading.Event) -> None:
    over.wait(SECONDS_AT_MOST)


def talk_garbage(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"\x00\xff\xfeSSH-2.0-OpenSSH_9.6\r\n" * 3)


def hang_up(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65536)


def drip(beginning: bytes) -> Behaviour:
    """Begins like that, and then goes on for ever, a byte at a time, so that no single read takes long."""

    def behaviour(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(beginning)
        while not over.wait(0.01):
            connection.sendall(b"x")

    return behaviour


def hang_up_at_the_second_request(connection: socket.socket, over: threading.Event) -> None:
    """Answers the first request of a connection, and lets one believe that there may be another."""
    request = b""
    while not request.endswith(b"{}"):
        received = connection.recv(65536)
        if not received:
            return
        request += received
    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    connection.recv(1)


drip_a_header = drip(b"HTTP/1.1 200 OK\r\nX-Long: ")
drip_a_body = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
