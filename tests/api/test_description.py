"""The API describes itself, and does what its description says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from rest_framework.serializers import Serializer
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import Caller
from tests.cast import a_run, claimed_by, token_of
from usertasks.actors import actor_for
from usertasks.api import representations, serializers
from usertasks.content import event_content
from usertasks.operations import add_comment
from usertasks.rules import explain

As = Callable[[User], Caller]
SNAPSHOT = Path(__file__).parents[2] / "docs" / "openapi.yaml"


def test_the_description_is_what_was_agreed_on(tmp_path: Path) -> None:
    """A change of the API is seen in review. Renew it with `manage.py spectacular --file docs/openapi.yaml`."""
    now = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(now))
    assert now.read_text() == SNAPSHOT.read_text()


def test_the_description_is_served_to_everybody_as_openapi_3_1(nobody: Caller) -> None:
    answer = nobody.get("schema/")
    assert answer.status_code == 200
    assert yaml.safe_load(answer.content)["openapi"].startswith("3.1")


def test_the_docs_page_needs_nothing_from_another_host(nobody: Caller) -> None:
    page = nobody.get("docs/").content.decode()
    assert "http://" not in page
    assert "https://" not in page


def test_representations_have_the_keys_that_are_described(alice: User) -> None:
    run = claimed_by(alice)
    actor = actor_for(alice)
    comment = add_comment(run.id, "hello", by=actor)
    told: list[tuple[dict[str, Any], type[Serializer[Any]]]] = [
        (representations.run_row(run, actor), serializers.Run),
        (representations.run_detail(run, actor), serializers.RunDetail),
        (representations.definition(run.definition), serializers.Definition),
        (event_content(run.events.all()[0]), serializers.Event),
        (representations.comment(comment), serializers.Comment),
        (representations.explanation(explain(run, user_id=None, by=actor)), serializers.Explanation),
    ]
    for body, shape in told:
        assert list(body) == list(shape().fields)


@pytest.fixture
def everything(db: None, admin: User) -> Iterator[dict[str, str]]:
    """Something behind every kind of path, and somebody who may do all; gives the headers to call with."""
    a_run()
    # A request ends with its connection closed, and with it the test's transaction; Django's client does the same.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"Authorization": f"Bearer {token_of(admin)}"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


api = schemathesis.openapi.from_path(SNAPSHOT)
api.app = get_wsgi_application()


@api.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_the_answer_is_one_that_is_described(case: Any, everything: dict[str, str]) -> None:
    answer = case.call(headers=everything)
    assert answer.status_code < 500
    case.validate_response(
        answer, checks=(status_code_conformance, content_type_conformance, response_schema_conformance)
    )


def test_an_answer_that_is_not_described_would_be_noticed(as_: As, alice: User) -> None:
    description = yaml.safe_load(as_(alice).get("schema/").content)
    schema = {"$ref": "#/components/schemas/Run", "components": description["components"]}
    row = as_(alice).get(f"user-task-runs/{a_run().id.hex}/").json()
    jsonschema.validate(row, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**row, "status": "SLEEPING"}, schema)
