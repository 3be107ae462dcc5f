"""The history of a task: who answered what, what it was, and what it became."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import a_definition, a_run, claimed_by
from tests.inbox.pages import every_field, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.history import LONGEST, Line, history_of
from usertasks.models import UserTaskField, UserTaskRun


def saved(run: UserTaskRun, by: User, **results: Any) -> None:
    operations.save_progress(run.id, results, by=actor_for(by))


def told(run: UserTaskRun, most: int | None = None) -> list[Line]:
    """The history, the oldest first."""
    return history_of(run, list(run.fields), most=most)[::-1]


def changes(line: Line) -> list[tuple[str, str | None, str | None]]:
    return [(change.label, change.was, change.became) for change in line.changes]


def test_a_line_names_the_fields_that_were_saved(alice: User) -> None:
    run = claimed_by(alice)
    saved(run, alice, requestedItem="lightsaber")
    saved(run, alice, requestedItem="blaster", justification="lost it")
    operations.complete(run.id, {"justification": "broke it"}, by=actor_for(alice))
    assert [line.sentence for line in told(run)[2:]] == [
        "alice saved progress: Requested item",
        "alice saved progress: Requested item and Justification",
        "alice completed the task: Justification",
    ]
    assert [changes(line) for line in told(run)[2:]] == [
        [("Requested item", None, "lightsaber")],
        [("Requested item", "lightsaber", "blaster"), ("Justification", None, "lost it")],
        [("Justification", "lost it", "broke it")],
    ]


def test_many_fields_are_counted(alice: User) -> None:
    fields = [UserTaskField(name=name, type="INT") for name in "abcde"]
    run = claimed_by(alice, definition=a_definition(fields=fields))
    saved(run, alice, **dict.fromkeys("abcde", 1))
    assert told(run)[-1].sentence == "alice saved progress: a, b, c and 2 more"


def test_saving_the_same_again_changes_nothing(alice: User) -> None:
    run = claimed_by(alice)
    for _ in range(2):
        saved(run, alice, requestedItem="lightsaber")
    assert (told(run)[-1].sentence, changes(told(run)[-1])) == ("alice saved progress", [])


def test_answers_read_as_people_read_them(alice: User) -> None:
    run = claimed_by(alice, definition=a_definition(fields=every_field()))
    saved(run, alice, agreed=True, scan="AAEC", text="long " * 1000, count=3)
    saved(run, alice, agreed=False)
    first, second = told(run)[-2:]
    assert changes(first)[1:] == [("count", None, "3"), ("agreed", None, "Yes"), ("scan", None, "A file of 3 bytes")]
    long_text = changes(first)[0][2]
    assert long_text is not None
    assert (len(long_text) <= LONGEST + 1, long_text[-1]) == (True, "…")
    assert changes(second)[1:] == [("count", "3", None), ("agreed", "Yes", "No"), ("scan", "A file of 3 bytes", None)]


def test_a_field_that_became_hidden_has_no_answer(alice: User) -> None:
    fields = [
        UserTaskField(name="ok", type="BOOL"),
        UserTaskField(name="why", type="STR", presentation={"show_if": {"field": "ok", "equals": False}}),
    ]
    run = claimed_by(alice, definition=a_definition(fields=fields))
    saved(run, alice, ok=False, why="too dear")
    saved(run, alice, ok=True, why="too dear")
    assert changes(told(run)[-1]) == [("ok", "No", "Yes"), ("why", "too dear", None)]


def test_comments_between_two_answers_do_not_disturb(alice: User) -> None:
    run = claimed_by(alice)
    saved(run, alice, requestedItem="a")
    operations.add_comment(run.id, "hm", by=actor_for(alice))
    saved(run, alice, requestedItem="b")
    assert [line.sentence for line in told(run)[3:]] == [
        "alice added a comment",
        "alice saved progress: Requested item",
    ]
    assert changes(told(run)[-1]) == [("Requested item", "a", "b")]


def test_the_oldest_line_of_a_page_knows_what_was_before_it(alice: User) -> None:
    run = claimed_by(alice)
    saved(run, alice, requestedItem="a")
    saved(run, alice, requestedItem="b")
    assert [changes(line) for line in told(run, most=1)] == [[("Requested item", "a", "b")]]


@pytest.mark.parametrize("most", [3, None])
def test_a_history_costs_two_queries_at_most(alice: User, most: int | None) -> None:
    run = claimed_by(alice)
    fields = list(run.fields)
    for item in "abcdefghij":
        saved(run, alice, requestedItem=item)
    with CaptureQueriesContext(connection) as queries:
        history_of(run, fields, most=most)
    assert len(queries) == (1 if most is None else 2)


def test_the_page_shows_what_was_and_became(alice: User) -> None:
    run = claimed_by(alice)
    saved(run, alice, requestedItem="<b>saber</b>")
    saved(run, alice, requestedItem="blaster")
    client = signed_in(alice)
    page = client.get(task_url(run)).content.decode()
    assert "alice saved progress: Requested item" in page
    assert "<ins>" not in page
    page = client.get(task_url(run, history="4")).content.decode()
    assert "<del>&lt;b&gt;saber&lt;/b&gt;</del>" in page
    assert page.count("<ins>") == 1
    assert "<ins>blaster</ins>" in page


@pytest.mark.parametrize("asked", ["3", "all", "0", "99999999999", "x", "-1"])
def test_an_event_far_back_is_found_and_nonsense_is_ignored(alice: User, asked: str) -> None:
    run = claimed_by(alice)
    for number in range(60):
        saved(run, alice, requestedItem=str(number))
    response = signed_in(alice).get(task_url(run, history=asked))
    assert response.status_code == 200
    assert (b'id="event-3"' in response.content) == (asked in ("3", "all", "0"))
    assert (b"<ins>0</ins>" in response.content) == (asked == "3")


def test_who_may_not_see_the_run_sees_none_of_it(alice: User, charlie: User) -> None:
    run = claimed_by(alice)
    saved(run, alice, requestedItem="secret thing")
    response = signed_in(charlie).get(task_url(run, history="all"))
    assert response.status_code == 404
    assert "secret thing" not in response.content.decode()


def test_a_run_that_nobody_answered_has_a_history_too(alice: User) -> None:
    assert [line.sentence for line in told(a_run())] == ["engine created the task for the group finance"]
