"""Mail servers on loopback: one that takes mails or refuses them, and some that misbehave."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"


@dataclass
class Postbox:
    """What a mail server does: `answers` are those it gives at a command instead of its usual one."""

    answers: dict[str, str] = field(default_factory=dict)
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    drops_after_data: bool = False
    hangs_after_data: bool = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if "RCPT" not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.extend(envelope.rcpt_tos)
        if self.hangs_after_data:
            await asyncio.Event().wait()
        if self.drops_after_data:
            server.transport.abort()
        return "250 OK"


def mailers_at(port: int, timeout: float = 10) -> dict[str, Any]:
    """The setting that sends mails there."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    return {"default": {"BACKEND": backend, "OPTIONS": {"host": HOST, "port": port, "timeout": timeout}}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(postbox: Postbox) -> Iterator[int]:
    """The port at which it takes mails."""
    controller = Controller(postbox, hostname=HOST, port=free_port())
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def silent(greeting: bytes = b"") -> Iterator[int]:
    """The port of a server that accepts a connection, says at most its greeting, and then nothing any more."""
    with socket.create_server((HOST, 0)) as server:
        kept = []

        def greet() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                connection.sendall(greeting)

        threading.Thread(target=greet, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()
