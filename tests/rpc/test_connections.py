"""Connections: clients that idle, TLS, calls at the same time, and the connections to the database behind them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.backends.signals import connection_created
from google.protobuf.empty_pb2 import Empty
from littlehorse import model as lh
from littlehorse.client_interceptors import AccessToken, OAuthCredentialsProvider
from littlehorse.config import LHConfig
from pytest_django import Settings

from tests.cast import a_run, token_of
from tests.issuers import Issuer
from tests.rpc.clients import ANSWERS, PATIENCE, Client, id_of, refusal
from usertasks import operations
from usertasks.models import Status
from usertasks.rpc.server import GrpcServer, Tls

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def littlehorse(server: GrpcServer, settings: Settings, admin: User) -> Callable[..., LHConfig]:
    """The configuration of LittleHorse's client for this server, where calls without a token are the admin's."""
    settings.USERTASKS = {**settings.USERTASKS, "GRPC_ANONYMOUS_USER": "admin"}

    def configured(**more: str) -> LHConfig:
        config = LHConfig()
        config.load({"LHC_API_HOST": "127.0.0.1", "LHC_API_PORT": str(server.port), **more})
        return config

    return configured


def test_a_client_that_idles_past_its_keepalive_stays_connected(littlehorse: Callable[..., LHConfig]) -> None:
    """Without the options of the server it is sent away after some pings: GOAWAY with too_many_pings."""
    config = littlehorse(LHC_GRPC_KEEPALIVE_TIME_MS="100", LHC_GRPC_KEEPALIVE_TIMEOUT_MS="5000")
    stub = config.stub()
    (channel,) = config._opened_channels.values()
    stub.Whoami(Empty(), timeout=PATIENCE)
    states: list[grpc.ChannelConnectivity] = []
    channel.subscribe(states.append)
    time.sleep(8)
    assert stub.Whoami(Empty(), timeout=PATIENCE).id.id == "admin"
    assert set(states) == {grpc.ChannelConnectivity.READY}


def test_a_thread_that_waits_holds_no_connection_to_the_database(client: Client) -> None:
    opened: list[Any] = []

    def remember(connection: Any, **kwargs: Any) -> None:
        opened.append(connection)

    run = id_of(a_run())
    connection_created.connect(remember)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.GetUserTaskRun(run), range(16)))
        list(pool.map(lambda _: refusal(lambda: client.GetUserTaskRun(lh.UserTaskRunId())), range(8)))
    connection_created.disconnect(remember)
    assert len(opened) == 24
    assert all(connection.connection is None for connection in opened)


def test_of_many_who_complete_at_once_one_wins(client: Client) -> None:
    run = a_run()

    def complete(name: str) -> str:
        request = lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id=name, results=ANSWERS)
        try:
            client.CompleteUserTaskRun(request)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(complete, [f"jedi-{number}" for number in range(8)]))
    assert sorted(answers) == ["FAILED_PRECONDITION"] * 7 + ["OK"]
    run.refresh_from_db()
    assert (run.status, run.user_id) == (Status.DONE, f"jedi-{answers.index('OK')}")


def test_a_database_that_is_away_is_unavailable(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("password=secret")

    run = a_run()
    monkeypatch.setattr(operations, "cancel", away)
    cancel = lh.CancelUserTaskRunRequest(user_task_run_id=id_of(run))
    assert refusal(lambda: client.CancelUserTaskRun(cancel)) == ("UNAVAILABLE", None)


def test_a_server_that_stops_lets_open_calls_end(
    server: GrpcServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, cancel = threading.Event(), threading.Event(), operations.cancel

    def slow(*args: Any, **kwargs: Any) -> Any:
        begun.set()
        go_on.wait(PATIENCE)
        return cancel(*args, **kwargs)

    run = a_run()
    monkeypatch.setattr(operations, "cancel", slow)
    with ThreadPoolExecutor(2) as pool:
        call = pool.submit(client.CancelUserTaskRun, lh.CancelUserTaskRunRequest(user_task_run_id=id_of(run)))
        assert begun.wait(PATIENCE)
        stop = pool.submit(server.stop, PATIENCE)
        assert not wait([stop], timeout=0.5).done
        go_on.set()
        assert call.result() == Empty()
        stop.result()
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_a_taken_port_is_refused(server: GrpcServer) -> None:
    with pytest.raises(OSError, match="cannot listen"):
        GrpcServer(port=server.port)


class TokenProvider(OAuthCredentialsProvider):
    """LittleHorse's provider of credentials, whose identity provider has just handed out this token."""

    def __init__(self, token: str) -> None:
        super().__init__(None, None, None)
        self.token = token

    def access_token(self) -> AccessToken:
        return AccessToken({"access_token": self.token})


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Tls(certificate=tmp_path / "certificate.pem", key=tmp_path / "key.pem")


@pytest.fixture
def tls_server(transactional_db: None, tls: Tls) -> Iterator[GrpcServer]:
    server = GrpcServer(port=0, threads=2, tls=tls)
    server.start()
    yield server
    server.stop(grace=0)


def test_over_tls_a_token_comes_as_littlehorse_sends_it(tls_server: GrpcServer, tls: Tls, alice: User) -> None:
    address, authority = f"127.0.0.1:{tls_server.port}", tls.certificate.read_bytes()
    bearers = [
        grpc.metadata_call_credentials(TokenProvider(token_of(alice))),
        grpc.access_token_call_credentials(token_of(alice)),
    ]
    for bearer in bearers:
        credentials = grpc.composite_channel_credentials(grpc.ssl_channel_credentials(authority), bearer)
        with grpc.secure_channel(address, credentials) as channel:
            assert lh.LittleHorseStub(channel).Whoami(Empty(), timeout=PATIENCE).id.id == "alice"


def test_littlehorses_client_fetches_its_token_at_the_companys_issuer(
    tls_server: GrpcServer, tls: Tls, issuer: Issuer
) -> None:
    config = LHConfig()
    config.load(
        {
            "LHC_API_HOST": "127.0.0.1",
            "LHC_API_PORT": str(tls_server.port),
            "LHC_API_PROTOCOL": "TLS",
            "LHC_CA_CERT": str(tls.certificate),
            "LHC_OAUTH_CLIENT_ID": "order-workflow",
            "LHC_OAUTH_CLIENT_SECRET": "secret",
            "LHC_OAUTH_ACCESS_TOKEN_URL": f"{issuer.url}/token",
        }
    )
    stub = config.stub()
    assert stub.Whoami(Empty(), timeout=PATIENCE).id.id == "service-account-order-workflow"
    for channel in config._opened_channels.values():
        channel.close()


def test_with_a_client_authority_a_client_needs_a_certificate(transactional_db: None, tls: Tls, alice: User) -> None:
    mutual = GrpcServer(port=0, tls=Tls(certificate=tls.certificate, key=tls.key, client_ca=tls.certificate))
    mutual.start()
    authority, key = tls.certificate.read_bytes(), tls.key.read_bytes()
    bearer = grpc.access_token_call_credentials(token_of(alice))

    def whoami(*certificate: bytes) -> str:
        ssl = grpc.ssl_channel_credentials(authority, *certificate)
        credentials = grpc.composite_channel_credentials(ssl, bearer)
        with grpc.secure_channel(f"127.0.0.1:{mutual.port}", credentials) as channel:
            return str(lh.LittleHorseStub(channel).Whoami(Empty(), timeout=PATIENCE).id.id)

    assert whoami(key, authority) == "alice"
    assert refusal(whoami) == ("UNAVAILABLE", None)
    mutual.stop(grace=0)
