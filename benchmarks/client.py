"""A small keep-alive HTTP client on loopback: what it costs is part of every measurement, so it does little."""

from __future__ import annotations

import re
import socket
from types import TracebackType
from typing import Any, Self

import orjson

HOST = "127.0.0.1"
SECONDS_TO_ANSWER = 60
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Client:
    """One connection of one caller. `get` and `post` give the body; an unexpected status is a `RuntimeError`."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self.socket = socket.create_connection((HOST, port), SECONDS_TO_ANSWER)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self.headers = f"Host: {HOST}:{port}\r\n{authorization}Content-Type: application/json\r\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def get(self, path: str, expected: int = 200) -> bytes:
        return self.send("GET", path, b"", expected)

    def get_json(self, path: str) -> Any:
        return orjson.loads(self.get(path))

    def post(self, path: str, body: bytes = b"{}", expected: int = 200) -> bytes:
        return self.send("POST", path, body, expected)

    def delete(self, path: str) -> None:
        self.send("DELETE", path, b"", 204)

    def send(self, method: str, path: str, body: bytes, expected: int) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\n{self.headers}Content-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)
        status, answer = self._receive()
        if status != expected:
            raise RuntimeError(f"{method} {path} was answered with {status}: {answer[:500]!r}")
        return answer

    def _receive(self) -> tuple[int, bytes]:
        answer = self._more()
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._more()
        length = LENGTH.search(answer, 0, end)
        if length is None:
            raise RuntimeError(f"An answer without a length: {answer[:end]!r}")
        pieces, missing = [answer[end + 4 :]], int(length[1]) - (len(answer) - end - 4)
        while missing > 0:
            pieces.append(self._more())
            missing -= len(pieces[-1])
        return int(answer[9:12]), b"".join(pieces)

    def _more(self) -> bytes:
        received = self.socket.recv(1 << 18)
        if not received:
            raise RuntimeError("The server closed the connection.")
        return received
