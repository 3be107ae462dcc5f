"""What an open page is told of what happens: never late, never about what one may not see, and for next to nothing."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inbox import live
from inbox.live import Watch
from tests.cast import a_definition, a_run, claimed_by, done_by
from tests.inbox.pages import signed_in
from usertasks import feed, operations, snoozes
from usertasks.actors import actor_for

pytestmark = pytest.mark.django_db

PAGES = 20


@pytest.fixture(autouse=True)
def pages_are_live(settings: Any) -> Iterator[None]:
    settings.LIVE_SECONDS = 0.000001
    live.watch.forget()
    yield
    live.watch.forget()


def facts_of(response: Any) -> dict[str, str]:
    """What a page says to its script."""
    found = re.search(r'<div id="live"[^>]*>', response.content.decode())
    assert found
    return dict(re.findall(r'data-([\w-]+)="([^"]*)"', found[0].replace("&quot;", "'")))


def ask(client: Client, page: dict[str, str], after: int | str | None = None) -> Any:
    position = page["position"] if after is None else after
    return client.get(f"/inbox/live/?after={position}", headers={"X-Live": page["token"]})


def ask_for_list(client: Client, path: str = "/inbox/groups/", *, etag: str = "", shows: str = "") -> Any:
    return client.get(path, headers={"X-Live": "list", "If-None-Match": etag, "X-Live-Rows": shows})


def counts_in(response: Any) -> dict[str, int]:
    found = re.search(r'<script id="live-counts" type="application/json">(.*?)</script>', response.content.decode())
    assert found
    counts: dict[str, int] = json.loads(found[1])
    return counts


def test_nothing_is_told_until_something_happens_whoever_publishes_it(alice: User) -> None:
    client = signed_in(alice)
    page = facts_of(client.get("/inbox/groups/"))
    assert ask(client, page).status_code == 204
    a_run()
    told = ask(client, page)
    assert told.status_code == 200
    position = told.json()["position"]
    assert position == int(page["position"]) + 1
    feed.publish(timezone.now())
    assert ask(client, page, position).status_code == 204


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_what_is_committed_after_what_came_later_is_told_of_too() -> None:
    """The position counts; the newest id stands still when an older event is committed at last."""
    definition, is_written, may_commit = a_definition(), threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            a_run(definition)
            is_written.set()
            may_commit.wait(10)
        connection.close()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    assert is_written.wait(10)
    a_run(definition)
    before = live.committed()
    may_commit.set()
    slow.join(10)
    assert live.committed() == before + 1


def test_asking_needs_no_session_and_no_query_within_a_second(alice: User, settings: Any) -> None:
    settings.LIVE_SECONDS = 5
    page = facts_of(signed_in(alice).get("/inbox/groups/"))
    anybody = Client()
    with CaptureQueriesContext(connection) as queries:
        answers = {ask(anybody, page).status_code for _ in range(PAGES)}
    assert (answers, len(queries)) == ({204}, 0)


def test_the_position_is_read_once_a_second_however_many_ask() -> None:
    reads = iter(range(100))
    watch = Watch(lambda: next(reads))
    told = [watch.position(second / 20, seconds=1) for second in range(61)]
    assert (told[0], told[-1]) == (0, 3)


def test_who_comes_while_somebody_reads_is_told_what_was_known() -> None:
    is_reading, may_answer = threading.Event(), threading.Event()

    def read() -> int:
        if may_answer.is_set():
            return 2
        is_reading.set()
        return 1 if may_answer.wait(10) else 0

    watch = Watch(lambda: 0)
    watch.position(0, seconds=1)
    watch._read = read
    reader = threading.Thread(target=watch.position, args=(2,), kwargs={"seconds": 1})
    reader.start()
    assert is_reading.wait(10)
    assert watch.position(2, seconds=1) == 0
    may_answer.set()
    reader.join(10)
    assert watch.position(2.5, seconds=1) == 1
    assert watch.position(3, seconds=1) == 2


@pytest.mark.parametrize("token", ["", "page", "page:1abcde:nonsense"])
def test_without_the_token_of_a_page_nothing_is_told(alice: User, token: str) -> None:
    answer = signed_in(alice).get("/inbox/live/?after=0", headers={"X-Live": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_a_token_ends_with_the_longest_session(alice: User, settings: Any) -> None:
    page = facts_of(signed_in(alice).get("/inbox/"))
    settings.SESSION_COOKIE_AGE = -1
    assert ask(Client(), page).status_code == 401


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "9" * 30, "²"])
def test_a_malformed_position_is_refused(alice: User, after: str) -> None:
    client = signed_in(alice)
    page = facts_of(client.get("/inbox/"))
    assert ask(client, page, after).json()["code"] == "invalid_argument"
    assert client.get("/inbox/arrivals/", {"after": after}).json()["code"] == "invalid_argument"


@pytest.mark.parametrize("path", ["/inbox/counts/", "/inbox/arrivals/?after=0"])
def test_a_script_is_told_that_one_is_signed_out(client: Client, path: str, db: None) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_a_list_that_has_not_changed_is_not_sent_again(alice: User) -> None:
    run, client = a_run(), signed_in(alice)
    etag = facts_of(client.get("/inbox/groups/"))["etag"].replace("'", '"')
    assert ask_for_list(client, etag=etag).status_code == 304
    a_run(user_group="it")  # where alice is not
    assert ask_for_list(client, etag=etag).status_code == 304
    assert ask_for_list(client, etag=f"W/{etag}").status_code == 304
    operations.claim(run.id, by=actor_for(alice))
    changed = ask_for_list(client, etag=etag)
    assert (changed.status_code, run.id.hex in changed.content.decode()) == (200, False)
    assert counts_in(changed) | {"/inbox/": 1, "/inbox/groups/": 0} == counts_in(changed)


def test_a_row_that_changes_where_it_stands_is_sent_again(alice: User, mona: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    etag = facts_of(client.get("/inbox/"))["etag"].replace("'", '"')
    assert ask_for_list(client, "/inbox/", etag=etag).status_code == 304
    operations.assign(run.id, user_id="alice", user_group=None, override_claim=True, by=actor_for(mona))
    assert ask_for_list(client, "/inbox/", etag=etag).status_code == 200


def test_only_the_list_and_its_counts_are_sent(alice: User) -> None:
    run = a_run()
    part = ask_for_list(signed_in(alice)).content.decode()
    assert f'data-run="{run.id.hex}"' in part
    assert not re.search("<html|<header|<form", part)


def test_of_the_rows_that_are_pushed_off_the_page_one_learns_whether_they_are_still_there(alice: User) -> None:
    runs = [a_run() for _ in range(27)]
    oldest, second, third = runs[0], runs[1], runs[2]
    operations.claim(second.id, by=actor_for(alice))
    hidden = a_run(user_group="it")
    shows = ",".join([*(run.id.hex for run in (oldest, second, third, hidden)), "nonsense"])
    part = ask_for_list(signed_in(alice), shows=shows)
    assert f'<data id="live-still" value="{oldest.id.hex}">' in part.content.decode()


def test_a_list_says_when_time_alone_will_change_it(alice: User) -> None:
    now, client = timezone.now(), signed_in(alice)
    assert facts_of(client.get("/inbox/groups/"))["next"] == ""
    run = a_run(due_at=now + timedelta(minutes=10))
    a_run(due_at=now - timedelta(minutes=10))
    assert 590 <= int(facts_of(client.get("/inbox/groups/"))["next"]) <= 601
    snoozes.snooze(run.id, until=now + timedelta(minutes=5), by=actor_for(alice), now=now)
    assert 290 <= int(ask_for_list(client)["X-Live-Next"]) <= 301


def test_a_page_without_a_list_is_told_all_counts_and_the_version_of_its_task(alice: User, charlie: User) -> None:
    run = claimed_by(alice)
    told = signed_in(alice).get(f"/inbox/counts/?run={run.id.hex}").json()
    assert (told["counts"]["/inbox/"], told["version"]) == (1, run.version)
    assert signed_in(charlie).get(f"/inbox/counts/?run={run.id.hex}").json()["version"] is None
    assert signed_in(charlie).get("/inbox/counts/?run=nonsense").json()["version"] is None


def arrived(client: Client, after: int) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"/inbox/arrivals/?after={after}").json()
    return told


@pytest.mark.parametrize("is_published", [False, True])
def test_what_arrives_is_what_is_there_for_me_by_others_doing(alice: User, bob: User, is_published: bool) -> None:
    released = claimed_by(alice)
    a_run()  # before
    if is_published:
        feed.publish(timezone.now())
    position = live.committed()
    waiting, given = a_run(), a_run(user_id="alice", user_group=None)
    a_run(user_group="it"), a_run(user_id="bob"), a_run(excluded_user_ids=["alice"])
    claimed_by(bob), done_by(alice)
    operations.release(released.id, by=actor_for(alice))
    if is_published:
        feed.publish(timezone.now())
    told = arrived(signed_in(alice), position)
    urls = {task["url"] for task in told["tasks"]}
    assert urls == {f"/inbox/tasks/{run.id.hex}/" for run in (waiting, given)}
    assert (told["more"], told["url"], told["position"]) == (0, "/inbox/", live.committed())
    assert arrived(signed_in(alice), told["position"])["tasks"] == []


def test_five_arrivals_are_named_and_the_others_counted(alice: User) -> None:
    position = live.committed()
    for _ in range(7):
        a_run()
    told = arrived(signed_in(alice), position)
    assert (len(told["tasks"]), told["more"], told["url"]) == (5, 2, "/inbox/groups/")
    one = a_run()
    told = arrived(signed_in(alice), told["position"])
    assert ([task["title"] for task in told["tasks"]], told["url"]) == (["It request"], f"/inbox/tasks/{one.id.hex}/")


def test_pages_that_are_not_live_say_so(alice: User, settings: Any) -> None:
    settings.LIVE_SECONDS = 0
    page = signed_in(alice).get("/inbox/groups/")
    assert 'id="live"' not in page.content.decode()


def test_while_the_database_does_not_answer_pages_are_told_to_come_back_later(
    alice: User,
) -> None:
    client = signed_in(alice)
    page = facts_of(client.get("/inbox/"))
    live.watch.forget()
    with connection.execute_wrapper(_does_not_answer):
        response = ask(client, page)
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert ask(client, page).status_code == 204


def _does_not_answer(*_statement: Any) -> Any:
    raise OperationalError("the server closed the connection")
