"""SearchUserTaskRun: criteria that add up, only what the caller may see, bookmarks that hold while runs are created."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from littlehorse import model as lh

from tests.cast import FINANCE, a_definition, a_run, done_by
from tests.rpc.clients import Client, refusal
from usertasks.models import UserTaskRun
from usertasks.rpc.values import timestamp

pytestmark = pytest.mark.django_db(transaction=True)


def found(client: Client, **criteria: Any) -> list[str]:
    return [identity.user_task_guid for identity in search(client, **criteria).results]


def search(client: Client, **criteria: Any) -> Any:
    return client.SearchUserTaskRun(lh.SearchUserTaskRunRequest(**criteria))


def guids(*runs: UserTaskRun) -> list[str]:
    return [run.id.hex for run in runs]


def test_each_criterion_narrows_the_search(client: Client, alice: User) -> None:
    definition, other = a_definition(), a_definition("other", [])
    waiting, mine = a_run(definition), a_run(definition, user_id="obiwan", user_group="jedi-council")
    done, elsewhere = done_by(alice, definition=definition), a_run(other, user_id="obiwan", user_group="it")
    assert found(client, status="UNASSIGNED") == guids(waiting)
    assert found(client, status="DONE") == guids(done)
    assert found(client, user_task_def_name="it-request") == guids(done, mine, waiting)
    assert found(client, user_id="obiwan") == guids(elsewhere, mine)
    assert found(client, user_group="jedi-council") == guids(mine)
    assert found(client, user_id="obiwan", user_group="it", status="ASSIGNED") == guids(elsewhere)
    assert found(client, user_id="obiwan", status="DONE") == []


def test_times_are_inclusive_and_enough_of_a_criterion(client: Client) -> None:
    definition = a_definition()
    runs = [a_run(definition) for _ in range(3)]
    middle = runs[1].scheduled_time
    assert found(client, earliest_start=timestamp(middle)) == guids(runs[2], runs[1])
    assert found(client, latest_start=timestamp(middle)) == guids(runs[1], runs[0])
    assert found(client, earliest_start=timestamp(middle), latest_start=timestamp(middle)) == guids(runs[1])
    assert found(client, latest_start=timestamp(middle - timedelta(days=1))) == []


def test_a_search_without_a_criterion_is_refused(client: Client) -> None:
    assert refusal(lambda: search(client)) == ("INVALID_ARGUMENT", "invalid_argument")
    assert refusal(lambda: search(client, limit=5)) == ("INVALID_ARGUMENT", "invalid_argument")


def test_a_bookmark_resumes_where_the_page_ended_while_runs_are_created(client: Client) -> None:
    definition = a_definition()
    runs = [a_run(definition) for _ in range(7)]
    seen, bookmark = [], None
    while bookmark != b"":
        page = search(client, user_group=FINANCE, limit=3, bookmark=bookmark)
        seen += [identity.user_task_guid for identity in page.results]
        bookmark = page.bookmark
        a_run(definition)
    assert seen == guids(*reversed(runs))


def test_the_last_page_has_no_bookmark_even_when_it_is_full(client: Client) -> None:
    definition = a_definition()
    for _ in range(4):
        a_run(definition)
    first = search(client, user_group=FINANCE, limit=2)
    assert first.HasField("bookmark")
    assert not search(client, user_group=FINANCE, limit=2, bookmark=first.bookmark).HasField("bookmark")


def test_runs_of_one_moment_are_told_apart_by_the_bookmark(client: Client) -> None:
    definition = a_definition()
    runs = [a_run(definition) for _ in range(5)]
    UserTaskRun.objects.update(scheduled_time=runs[0].scheduled_time)
    seen, bookmark = [], None
    while bookmark != b"":
        page = search(client, user_group=FINANCE, limit=2, bookmark=bookmark)
        seen += [identity.user_task_guid for identity in page.results]
        bookmark = page.bookmark
    assert sorted(seen) == sorted(guids(*runs))


def test_everybody_finds_only_what_they_may_see(
    client_of: Callable[[User], Client], alice: User, charlie: User
) -> None:
    definition = a_definition()
    run = a_run(definition)
    a_run(definition, user_id="obiwan", user_group=None)
    assert found(client_of(alice), user_task_def_name="it-request") == guids(run)
    assert found(client_of(charlie), user_task_def_name="it-request") == []
