"""The gRPC server: options, TLS, health and reflection around the servicer."""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from littlehorse import model as lh

from .interceptor import CallInterceptor
from .servicer import Servicer

SERVICE_NAME = "littlehorse.LittleHorse"
MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes of a request; a larger one is `RESOURCE_EXHAUSTED`."""

OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    # A second server on the same port is a mistake, and should not share the calls in silence.
    ("grpc.so_reuseport", 0),
    # LittleHorse's clients ping an idle connection; without these they are sent away with `too_many_pings`.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 0),
    # A client that vanished without a word is noticed.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]


@dataclass(frozen=True)
class Tls:
    """PEM files. With `client_ca`, a client has to show a certificate that was signed by it."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def credentials(self) -> Any:
        """Raises `OSError` where a file cannot be read."""
        client_ca = self.client_ca.read_bytes() if self.client_ca else None
        return grpc.ssl_server_credentials(
            [(self.key.read_bytes(), self.certificate.read_bytes())],
            root_certificates=client_ca,
            require_client_auth=client_ca is not None,
        )


class GrpcServer:
    """LittleHorse's service, the standard health service and reflection on one port."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 2023, threads: int = 10, tls: Tls | None = None) -> None:
        """`port` 0 takes a free one. Raises `OSError` where the port cannot be had or a file of TLS cannot be read."""
        self.health = health.HealthServicer()
        self._server = grpc.server(ThreadPoolExecutor(threads), interceptors=[CallInterceptor()], options=OPTIONS)
        lh.add_LittleHorseServicer_to_server(Servicer(), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        reflection.enable_server_reflection(
            (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )  # fmt: skip
        self.port = self._bind(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", tls)

    def start(self) -> None:
        self._server.start()
        self._say(health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace: float) -> None:
        """Take no more calls, and give those under way `grace` seconds to end."""
        self.health.enter_graceful_shutdown()
        self._server.stop(grace).wait()

    def _bind(self, address: str, tls: Tls | None) -> int:
        try:
            if tls:
                return int(self._server.add_secure_port(address, tls.credentials()))
            return int(self._server.add_insecure_port(address))
        except RuntimeError as problem:  # grpc's word for a port that is taken
            raise OSError(f"cannot listen on {address}") from problem

    def _say(self, status: int) -> None:
        for service in ("", SERVICE_NAME):
            self.health.set(service, status)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
