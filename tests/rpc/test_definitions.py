"""Definitions over gRPC: LittleHorse's versions from 0, puts that may be repeated, searches with bookmarks."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from littlehorse import model as lh

from tests.cast import a_definition, a_run
from tests.rpc.clients import Client, refusal
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.fieldtypes import FIELD_TYPES
from usertasks.models import UserTaskDef, UserTaskField

pytestmark = pytest.mark.django_db(transaction=True)


def a_put(name: str = "it-request", *types: str, **more: Any) -> Any:
    fields = [lh.UserTaskField(name=kind.lower(), type=kind, display_name=kind, required=True) for kind in types]
    return lh.PutUserTaskDefRequest(name=name, fields=fields, **more)


def test_a_put_starts_at_version_0_and_a_change_is_the_next_version(client: Client) -> None:
    first = client.PutUserTaskDef(a_put("it-request", "STR", description="Ask for things"))
    assert (first.name, first.version, first.description) == ("it-request", 0, "Ask for things")
    assert first.HasField("created_at")
    assert client.PutUserTaskDef(a_put("it-request", "STR", description="Ask for things")) == first
    assert client.PutUserTaskDef(a_put("it-request", "STR", "INT")).version == 1


def test_every_type_of_field_travels(client: Client) -> None:
    put = client.PutUserTaskDef(a_put("everything", *FIELD_TYPES))
    assert [lh.VariableType.Name(field.type) for field in put.fields] == list(FIELD_TYPES)
    assert client.GetUserTaskDef(lh.UserTaskDefId(name="everything", version=0)) == put


def test_a_put_keeps_what_the_protocol_cannot_say(client: Client, admin: User) -> None:
    fields = [UserTaskField(name="str", type="STR", display_name="STR", validation={"max_length": 5})]
    operations.put_definition("it-request", fields, by=actor_for(admin))
    assert client.PutUserTaskDef(a_put("it-request", "STR")).version == 0
    assert client.PutUserTaskDef(a_put("it-request", "STR", "INT")).version == 1
    newest = UserTaskDef.objects.get(version=1)
    assert newest.fields.get(name="str").validation == {"max_length": 5}


def test_a_put_leaves_out_what_makes_no_sense_any_more(client: Client, admin: User) -> None:
    condition = {"widget": "textarea", "show_if": {"field": "bool", "equals": True}}
    fields = [UserTaskField(name="bool", type="BOOL"), UserTaskField(name="str", type="STR", presentation=condition)]
    operations.put_definition("it-request", fields, by=actor_for(admin))
    assert client.PutUserTaskDef(a_put("it-request", "BOOL", "STR")).version == 1
    assert UserTaskDef.objects.get(version=1).fields.get(name="str").presentation == condition
    assert client.PutUserTaskDef(a_put("it-request", "STR")).version == 2
    assert UserTaskDef.objects.get(version=2).fields.get().presentation == {"widget": "textarea"}


def test_get_gives_one_version_and_get_latest_the_newest(client: Client) -> None:
    for types in (["STR"], ["STR", "INT"]):
        client.PutUserTaskDef(a_put("it-request", *types))
    assert len(client.GetUserTaskDef(lh.UserTaskDefId(name="it-request", version=0)).fields) == 1
    assert client.GetLatestUserTaskDef(lh.GetLatestUserTaskDefRequest(name="it-request")).version == 1
    for missing in (lh.UserTaskDefId(name="it-request", version=2), lh.UserTaskDefId(name="other", version=0)):
        assert refusal(lambda: client.GetUserTaskDef(missing)) == ("NOT_FOUND", "not_found")  # noqa: B023
    assert refusal(lambda: client.GetLatestUserTaskDef(lh.GetLatestUserTaskDefRequest(name="other")))[0] == "NOT_FOUND"


def test_search_finds_by_name_by_prefix_or_everything_with_every_version(client: Client) -> None:
    for name, types in (("it-request", ["STR"]), ("it-request", ["INT"]), ("it-review", ["STR"]), ("IT", ["STR"])):
        client.PutUserTaskDef(a_put(name, *types))

    def found(**criteria: str) -> set[tuple[str, int]]:
        ids = client.SearchUserTaskDef(lh.SearchUserTaskDefRequest(**criteria)).results
        return {(identity.name, identity.version) for identity in ids}

    request = {("it-request", 0), ("it-request", 1)}
    assert found(name="it-request") == request
    assert found(prefix="it-re") == request | {("it-review", 0)}
    assert found(prefix="IT") == {("IT", 0)}
    assert found() == request | {("it-review", 0), ("IT", 0)}


def test_a_bookmark_resumes_where_the_page_ended(client: Client) -> None:
    for types in (["STR"], ["INT"], ["BOOL"], ["DOUBLE"], ["BYTES"]):
        client.PutUserTaskDef(a_put("it-request", *types))
    versions, bookmark = [], None
    while bookmark != b"":
        page = client.SearchUserTaskDef(lh.SearchUserTaskDefRequest(name="it-request", limit=2, bookmark=bookmark))
        versions += [identity.version for identity in page.results]
        bookmark = page.bookmark
    assert versions == [0, 1, 2, 3, 4]


def test_a_definition_is_deleted_unless_it_has_runs(client: Client) -> None:
    unused = a_definition("unused")
    a_run(a_definition("used"))

    def delete(name: str) -> Any:
        return client.DeleteUserTaskDef(lh.DeleteUserTaskDefRequest(id=lh.UserTaskDefId(name=name, version=0)))

    delete("unused")
    assert not UserTaskDef.objects.filter(pk=unused.pk).exists()
    assert refusal(lambda: delete("used")) == ("FAILED_PRECONDITION", "wrong_state")
    assert refusal(lambda: delete("unused")) == ("NOT_FOUND", "not_found")
