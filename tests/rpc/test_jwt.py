"""Tokens of the company's own issuer at the gRPC door."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from django.contrib.auth.models import User
from google.protobuf.empty_pb2 import Empty

from tests.cast import a_run
from tests.issuers import Issuer, unavailable
from tests.rpc.clients import Client, id_of, refusal

pytestmark = pytest.mark.django_db(transaction=True)

STRANGER = ("UNAUTHENTICATED", "not_signed_in")


@pytest.fixture(autouse=True)
def no_passwords(settings: Any) -> None:
    settings.LOCAL_PASSWORDS = False


def test_a_token_of_the_issuer_comes_bare_or_as_bearer(channel: grpc.Channel, issuer: Issuer, alice: User) -> None:
    text = issuer.token()
    names = [Client(channel, sent).Whoami(Empty()).id.id for sent in (text, f"Bearer {text}")]
    assert names == ["alice", "alice"]
    assert issuer.fetches == 1


def test_what_the_token_says_of_groups_and_scopes_counts(channel: grpc.Channel, issuer: Issuer, charlie: User) -> None:
    run = a_run()
    texts = [
        issuer.token(preferred_username="charlie", groups=groups, scope=scope)
        for groups, scope in ((["finance"], "openid"), (None, "openid"), (["finance"], "defs:write"))
    ]
    assert Client(channel, texts[0]).GetUserTaskRun(id_of(run)).user_group == "finance"
    assert refusal(lambda: Client(channel, texts[1]).GetUserTaskRun(id_of(run)))[1] == "not_found"
    assert refusal(lambda: Client(channel, texts[2]).GetUserTaskRun(id_of(run)))[1] in ("not_found", "not_allowed")


def test_tokens_that_are_not_valid_are_refused_with_one_word(
    channel: grpc.Channel, issuer: Issuer, alice: User
) -> None:
    for claims in ({"aud": "other"}, {"iss": "https://other.example"}, {"exp": 1}, {"preferred_username": None}):
        assert refusal(lambda: Client(channel, issuer.token(**claims)).Whoami(Empty())) == STRANGER  # noqa: B023
    issuer.respond = unavailable
    assert refusal(lambda: Client(channel, issuer.token(header={"kid": "x"})).Whoami(Empty())) == STRANGER
