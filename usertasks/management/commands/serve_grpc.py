"""Serve LittleHorse's API until SIGTERM or Ctrl-C."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ..starting import require_safe_start
from ..stopping import stop_event

try:
    from usertasks.rpc.callers import anonymous_user
    from usertasks.rpc.server import GrpcServer, Tls, is_loopback
except ModuleNotFoundError as problem:
    MISSING = str(problem.name).partition(".")[0]
    if MISSING not in ("littlehorse", "grpc", "grpc_health", "grpc_reflection", "google"):
        raise
else:
    MISSING = ""

HOW_TO_INSTALL = (
    "The gRPC API needs littlehorse-client, and {missing} is not installed: pip install 'usertasks[littlehorse]'. "
    "There is littlehorse-client for Python 3.12 and 3.13."
)


class Command(BaseCommand):
    help = "Serve LittleHorse's gRPC API until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=2023, help="default: 2023; 0 takes a free one")
        parser.add_argument("--threads", type=int, default=10, help="calls answered at the same time (default: 10)")
        parser.add_argument("--grace", type=float, default=10, help="seconds for open calls at the end (default: 10)")
        parser.add_argument("--tls-certificate", type=Path, help="PEM file: the certificate and its chain")
        parser.add_argument("--tls-key", type=Path, help="PEM file: the private key of the certificate")
        parser.add_argument("--tls-client-ca", type=Path, help="PEM file: clients need a certificate signed by it")

    def handle(self, *args: Any, **options: Any) -> None:
        if MISSING:
            raise CommandError(HOW_TO_INSTALL.format(missing=MISSING))
        require_safe_start()
        stop = stop_event()
        server = self._server(options)
        server.start()
        self.stdout.write(f"gRPC on {options['host']}:{server.port}")
        self.stdout.flush()
        stop.wait()
        server.stop(options["grace"])

    def _server(self, options: dict[str, Any]) -> GrpcServer:
        refuse_strangers(options["host"])
        if options["threads"] < 1:
            raise CommandError("--threads must be at least 1.")
        try:
            return GrpcServer(
                host=options["host"], port=options["port"], threads=options["threads"], tls=self._tls(options)
            )
        except OSError as problem:
            raise CommandError(str(problem)) from problem

    def _tls(self, options: dict[str, Any]) -> Tls | None:
        certificate, key, client_ca = (options[f"tls_{part}"] for part in ("certificate", "key", "client_ca"))
        if certificate and key:
            return Tls(certificate=certificate, key=key, client_ca=client_ca)
        if certificate or key or client_ca:
            raise CommandError("TLS needs both --tls-certificate and --tls-key.")
        if not is_loopback(options["host"]):
            self.stderr.write("Without TLS, tokens travel in clear: keep this behind a proxy that ends TLS.")
        return None


def refuse_strangers(host: str) -> None:
    """A server on which nobody needs a token must not be reachable from elsewhere. Raises `CommandError`."""
    name = settings.USERTASKS.get("GRPC_ANONYMOUS_USER")
    if not name:
        return
    if not is_loopback(host):
        raise CommandError(f"GRPC_ANONYMOUS_USER lets everybody act as {name}: listen on 127.0.0.1 only, or unset it.")
    if anonymous_user() is None:
        raise CommandError(f"GRPC_ANONYMOUS_USER names {name}, and there is no active user of that name.")
