"""Whatever is sent, the answer is a problem that says what is wrong: never a 500, never a page of HTML."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings

from tests.api.conftest import Caller
from tests.cast import a_definition, a_run, claimed_by
from usertasks.models import UserTaskField, UserTaskRun

As = Callable[[User], Caller]


def refusal(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) >= {"type", "title", "status", "code", "detail"}
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"{", "malformed"),
        (b"nonsense", "malformed"),
        (b"[]", "malformed"),
        (b'"text"', "malformed"),
        (b"null", "malformed"),
        (b"3", "malformed"),
        (b'{"results": NaN}', "malformed"),
        (b'{"results": {"amount": Infinity}}', "malformed"),
        (b'{"results": {"amount": -Infinity}}', "malformed"),
        (b'{"user_id": "a", "user_id": "b"}', "malformed"),
        (b"\xff\xfe\xfd", "malformed"),
        (b'{"results": "\xff"}', "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"a":' * 100_000, "malformed"),
        (b'{"results": {"amount": ' + b"9" * 10_000 + b"}}", "malformed"),
        (b'{"results": 3}', "invalid_argument"),
        (b'{"results": []}', "invalid_argument"),
        (b'{"results": null}', "invalid_argument"),
        (b'{"result": {}}', "invalid_argument"),
        (b'{"results": {"\\ud800": 1}}', "invalid_argument"),
        (b'{"results": {"\\u0000": 1}}', "invalid_argument"),
        (b'{"results": {"amount": 1e400}}', "invalid_argument"),
        (b'{"results": {"count": 9223372036854775808}}', "invalid_argument"),
        (b'{"results": {"count": -9223372036854775809}}', "invalid_argument"),
        (b'{"results": {"count": 9007199254740993.0}}', "invalid_argument"),
        (b'{"results": {"anything": {"deep": 18446744073709551617}}}', "invalid_argument"),
        (b'{"results": {"count": 1e400}}', "invalid_argument"),
        (b'{"results": {"count": true}}', "invalid_argument"),
        (b'{"results": {"count": "3"}}', "invalid_argument"),
        (b'{"results": {"text": "\\u0000"}}', "invalid_argument"),
        (b'{"results": {"text": "\\udfff"}}', "invalid_argument"),
        (b'{"results": {"anything": {"deep": "\\u0000"}}}', "invalid_argument"),
        (b'{"results": {"anything": {"\\ud83d": 1}}}', "invalid_argument"),
        (b'{"results": {"anything": {"deep": [1e999]}}}', "invalid_argument"),
        (b'{"results": {"anything": []}}', "invalid_argument"),
        (b'{"results": {"when": "2026-02-30T00:00:00Z"}}', "invalid_argument"),
        (b'{"results": {"when": "0001-01-01T00:00:00+23:59"}}', "invalid_argument"),
        (b'{"results": {"file": "not base64!"}}', "invalid_argument"),
        (b'{"results": {}, "policy": "WHATEVER"}', "invalid_argument"),
        (b'{"results": {}, "policy": null}', "invalid_argument"),
        (b'{"results": {}, "user_id": 3}', "invalid_argument"),
    ],
)
def test_an_odd_body_is_refused_and_nothing_is_written(as_: As, alice: User, text: bytes, code: str) -> None:
    types = {"count": "INT", "amount": "DOUBLE", "text": "STR", "anything": "JSON_OBJ", "when": "TIMESTAMP"}
    fields = [UserTaskField(name=name, type=kind, required=False) for name, kind in [*types.items(), ("file", "BYTES")]]
    run = claimed_by(alice, definition=a_definition("odd", fields))
    answer = as_(alice).send("POST", f"user-task-runs/{run.id.hex}/save-progress/", text)
    assert refusal(answer) == (400, code)
    assert UserTaskRun.objects.get(pk=run.pk).version == run.version


def test_an_empty_body_is_an_empty_object(as_: As, alice: User) -> None:
    run = a_run()
    assert as_(alice).send("POST", f"user-task-runs/{run.id.hex}/claim/", b"").status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_the_body_is_json_whatever_it_is_called(as_: As, alice: User, content_type: str) -> None:
    run = a_run()
    caller = as_(alice)
    path = f"/api/v1/user-task-runs/{run.id.hex}/claim/"
    answer = caller.client.generic("POST", path, b"{}", content_type=content_type, headers=caller.headers)
    assert answer.status_code == 200
    answer = caller.client.generic("POST", path, b"a=b", content_type=content_type, headers=caller.headers)
    assert refusal(answer) == (400, "malformed")


def test_a_body_that_is_too_large_says_so(as_: As, alice: User) -> None:
    run = claimed_by(alice)
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000):
        body = json.dumps({"results": {"requestedItem": "x" * 1000}})
        answer = as_(alice).send("POST", f"user-task-runs/{run.id.hex}/save-progress/", body)
    assert refusal(answer) == (413, "too_large")


@pytest.mark.parametrize(
    "path", ["", "nope/", "nope", "user-task-runs", "user-task-runs/1/", "user-task-defs/a%00b/", "../", "%ff/"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_not_found(nobody: Caller, path: str, method: str) -> None:
    answer = nobody.send(method, path, b"")
    assert refusal(answer) == (404, "not_found")


def test_a_path_outside_of_v1_is_not_found(nobody: Caller) -> None:
    assert refusal(nobody.client.get("/api/v2/user-task-runs/")) == (404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_a_method_that_a_path_does_not_take(as_: As, alice: User, method: str) -> None:
    answer = as_(alice).send(method, "user-task-runs/", b"{}")
    assert refusal(answer) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense", "*/*;q=0"])
def test_the_answer_is_json_whatever_is_accepted(as_: As, alice: User, accept: str) -> None:
    answer = as_(alice).get("user-task-runs/", Accept=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_faults_of_numbers_are_named_with_all_the_others(as_: As, alice: User) -> None:
    fields = [UserTaskField(name="count", type="INT"), UserTaskField(name="text", type="STR")]
    run = claimed_by(alice, definition=a_definition("numbers", fields))
    body = b'{"results": {"count": 1e400, "text": 5, "zz": 1}}'
    errors = as_(alice).send("POST", f"user-task-runs/{run.id.hex}/complete/", body).json()["errors"]
    codes = {field: faults[0]["code"] for field, faults in errors.items()}
    assert codes == {"count": "out_of_range", "text": "wrong_type", "zz": "unknown_field"}


def test_a_refusal_of_the_description_is_a_problem_too(nobody: Caller) -> None:
    assert refusal(nobody.get("schema/?format=zz")) == (404, "not_found")


def test_an_answer_says_back_what_was_sent_without_breaking(as_: As, alice: User) -> None:
    run = claimed_by(alice)
    body = json.dumps({"results": {"\ud800<script>": 1}})
    answer = as_(alice).send("POST", f"user-task-runs/{run.id.hex}/save-progress/", body)
    assert answer.json()["errors"] == {
        "\\ud800<script>": [{"code": "unknown_field", "message": "is not a field of this task"}]
    }


def test_a_host_that_is_not_ours_is_refused_with_a_problem(nobody: Caller) -> None:
    for is_debugged in (False, True):
        with override_settings(DEBUG=is_debugged, ALLOWED_HOSTS=["tasks.example.com"]):
            answer = nobody.get("user-task-runs/", Host="elsewhere.example.com")
        assert refusal(answer) == (400, "malformed")


def test_a_defect_of_ours_is_a_problem_that_tells_nothing(nobody: Caller) -> None:
    with override_settings(DEBUG=False):
        nobody.client.raise_request_exception = False
        with connection.execute_wrapper(_breaks):
            answer = nobody.get("user-task-runs/", Authorization="Bearer any")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "the disk is gone" not in answer.content.decode()


def _breaks(*_: Any) -> None:
    raise OSError("the disk is gone")
