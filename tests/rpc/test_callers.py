"""Who calls: tokens with and without `Bearer`, nobody, the user of a demo, and services that act for others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from django.contrib.auth.models import User
from google.protobuf.empty_pb2 import Empty
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from littlehorse import model as lh
from pytest_django import Settings

from tests.cast import a_run, claimed_by, token_of
from tests.rpc.clients import ANSWERS, PATIENCE, Client, id_of, refusal
from usertasks.pseudonyms import pseudonym_of

pytestmark = pytest.mark.django_db(transaction=True)

STRANGER = ("UNAUTHENTICATED", "not_signed_in")


def whoami(channel: grpc.Channel, *authorization: str) -> str:
    metadata = [("authorization", value) for value in authorization]
    answer = lh.LittleHorseStub(channel).Whoami(Empty(), metadata=metadata, timeout=PATIENCE)
    return str(answer.id.id)


def test_a_token_comes_bare_or_as_bearer(channel: grpc.Channel, alice: User) -> None:
    token = token_of(alice)
    assert [whoami(channel, text) for text in (token, f"Bearer {token}", f"bearer {token}")] == ["alice"] * 3


def test_calls_without_a_valid_token_are_refused(channel: grpc.Channel, alice: User) -> None:
    token = token_of(alice)
    assert refusal(lambda: whoami(channel)) == STRANGER
    for text in ("", " ", "Bearer", "Bearer ", f"Basic {token}", f"Bearer {token} x", token[:-1], "x" * 5000):
        assert refusal(lambda: whoami(channel, text)) == STRANGER  # noqa: B023
    alice.is_active = False
    alice.save()
    assert refusal(lambda: whoami(channel, token)) == STRANGER


def test_a_demo_lets_calls_without_a_token_act_as_its_user(
    channel: grpc.Channel, settings: Settings, alice: User, bob: User
) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "GRPC_ANONYMOUS_USER": "alice"}
    assert whoami(channel) == "alice"
    assert whoami(channel, token_of(bob)) == "bob"
    assert refusal(lambda: whoami(channel, "wrong")) == STRANGER
    settings.USERTASKS = {**settings.USERTASKS, "GRPC_ANONYMOUS_USER": "nobody"}
    assert refusal(lambda: whoami(channel)) == STRANGER


def test_a_thread_does_not_remember_its_last_caller(channel: grpc.Channel, alice: User) -> None:
    token = token_of(alice)
    for _ in range(10):
        whoami(channel, token)
        assert refusal(lambda: whoami(channel)) == STRANGER


def test_what_one_may_not_see_does_not_exist(client_of: Callable[[User], Client], alice: User, charlie: User) -> None:
    run = claimed_by(alice)
    client = client_of(charlie)
    assert refusal(lambda: client.GetUserTaskRun(id_of(run))) == ("NOT_FOUND", "not_found")
    for results in (ANSWERS, {}, {"requestedItem": lh.VariableValue(int=1)}, {"x": lh.VariableValue(json_obj="{")}):
        complete = lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id="charlie", results=results)
        assert refusal(lambda: client.CompleteUserTaskRun(complete)) == ("NOT_FOUND", "not_found")  # noqa: B023


def test_acting_for_another_takes_the_permission_and_the_event_names_both(
    client_of: Callable[[User], Client], alice: User, bob: User, service: User
) -> None:
    run = claimed_by(alice)
    complete = lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id="alice", results=ANSWERS)
    assert refusal(lambda: client_of(bob).CompleteUserTaskRun(complete)) == ("PERMISSION_DENIED", "not_allowed")
    client_of(service).CompleteUserTaskRun(complete)
    event = run.events.get(type="completed")
    assert (event.actor, event.data["on_behalf_of"], event.data["user_id"]) == ("service", "alice", "alice")


def test_the_log_has_a_line_for_every_call_with_neither_content_nor_name(
    channel: grpc.Channel, client_of: Callable[[User], Client], alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    run, client = claimed_by(alice), client_of(alice)
    with caplog.at_level(logging.INFO, logger="usertasks.rpc"):
        client.CompleteUserTaskRun(
            lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id="alice", results=ANSWERS)
        )
        refusal(lambda: client.CancelUserTaskRun(lh.CancelUserTaskRunRequest(user_task_run_id=id_of(run))))
        refusal(lambda: whoami(channel))
    lines = [record.getMessage().partition(" in ")[0] for record in caplog.records]
    assert lines == [
        f"CompleteUserTaskRun OK by {pseudonym_of('alice')}",
        f"CancelUserTaskRun FAILED_PRECONDITION by {pseudonym_of('alice')}",
        "Whoami UNAUTHENTICATED by -",
    ]


def test_a_mistake_of_the_server_is_logged_and_tells_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("usertasks.operations.cancel", broken)
    with pytest.raises(grpc.RpcError) as caught:
        client.CancelUserTaskRun(lh.CancelUserTaskRunRequest(user_task_run_id=id_of(a_run())))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in caught.value.details()
    assert "secret" in caplog.text


def test_health_and_reflection_need_no_token(channel: grpc.Channel) -> None:
    check = health_pb2.HealthCheckRequest(service="littlehorse.LittleHorse")
    answer = health_pb2_grpc.HealthStub(channel).Check(check, timeout=PATIENCE)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    listed = next(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request])))
    names = {service.name for service in listed.list_services_response.service}
    assert {"littlehorse.LittleHorse", "grpc.health.v1.Health"} <= names
