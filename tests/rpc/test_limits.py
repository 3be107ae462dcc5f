"""How often one caller may call over gRPC, and how often a token may fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from django.contrib.auth.models import User
from google.protobuf.empty_pb2 import Empty
from littlehorse.client_interceptors import RetryInterceptor

from tests.cast import token_of
from tests.rpc.clients import Client, refusal
from usertasks import limits
from usertasks.rpc.interceptor import RETRY_KEY

pytestmark = pytest.mark.django_db(transaction=True)

THROTTLED = ("RESOURCE_EXHAUSTED", "throttled")


@pytest.fixture(autouse=True)
def time(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two calls at once, and one in four seconds; two wrong tokens a minute. Time stands still."""
    settings.API_RATE, settings.API_BURST, settings.API_FAILED_RATE = 0.25, 2, 2
    for buckets in (limits.callers, limits.failures):
        monkeypatch.setattr(buckets, "clock", lambda: 0.0)
    limits.forget_everything()
    yield
    limits.forget_everything()


def test_a_caller_who_calls_too_often_is_told_when_to_go_on(
    client_of: Callable[[User], Client], alice: User, bob: User
) -> None:
    client = client_of(alice)
    assert [client.Whoami(Empty()).id.id for _ in range(2)] == ["alice", "alice"]
    assert refusal(lambda: client.Whoami(Empty())) == THROTTLED
    with pytest.raises(grpc.RpcError) as caught:
        client.Whoami(Empty())
    assert dict(caught.value.trailing_metadata())[RETRY_KEY] == "4"
    assert client_of(bob).Whoami(Empty()).id.id == "bob"


def test_littlehorses_own_client_waits_as_long_as_it_is_told_and_tries_again(
    channel: grpc.Channel, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pass_the_time(seconds: float) -> None:
        pauses.append(seconds)
        monkeypatch.setattr(limits.callers, "clock", lambda: seconds)

    monkeypatch.setattr("littlehorse.client_interceptors.time.sleep", pass_the_time)
    client = Client(grpc.intercept_channel(channel, RetryInterceptor()), token_of(alice))
    assert [client.Whoami(Empty()).id.id for _ in range(3)] == ["alice"] * 3
    assert pauses == [4]


def test_whom_a_demo_lets_everybody_be_is_one_caller(channel: grpc.Channel, alice: User, settings: Any) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "GRPC_ANONYMOUS_USER": "alice"}
    client = Client(channel, None)
    assert [client.Whoami(Empty()).id.id for _ in range(2)] == ["alice", "alice"]
    assert refusal(lambda: client.Whoami(Empty())) == THROTTLED


def test_wrong_tokens_of_one_address_are_refused_with_another_word_after_a_while(
    channel: grpc.Channel, alice: User
) -> None:
    known = Client(channel, token_of(alice))
    assert known.Whoami(Empty()).id.id == "alice"
    told = [refusal(lambda: Client(channel, "ut_wrong").Whoami(Empty()))[1] for _ in range(4)]
    assert told == ["not_signed_in", "not_signed_in", "throttled", "throttled"]
    assert known.Whoami(Empty()).id.id == "alice"
