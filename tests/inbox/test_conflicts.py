"""Two people on one task: nobody is overwritten, the slower one chooses, and both are in the history."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.cast import a_definition, a_run
from tests.inbox.pages import ANSWERS, press, shown_in, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import Status, UserTaskField, UserTaskRun


@pytest.fixture
def run(alice: User, bob: User) -> UserTaskRun:
    """A run that both may answer while it waits; bob has done so since alice opened its page."""
    run = a_run()
    operations.save_progress(run.id, {"requestedItem": "blaster"}, by=actor_for(bob))
    return run


def conflict_in(response: Any) -> Any:
    assert response.status_code == 409
    return response.context["conflict"]


def choose(client: Client, run: UserTaskRun, button: str, *, seen: int, **choices: str) -> Any:
    """Send the form of the conflict page, which was opened when the run was at version `seen`."""
    chosen = {f"choose-{name}": whose for name, whose in choices.items()}
    return press(client, run, button, version=1, **ANSWERS, **{"seen-version": str(seen)}, **chosen)


def saved(run: UserTaskRun) -> dict[str, Any]:
    run.refresh_from_db()
    return dict(run.results)


def test_the_slower_one_sees_both_answers_and_who_was_quicker(run: UserTaskRun, alice: User) -> None:
    conflict = conflict_in(press(signed_in(alice), run, "save_progress", version=1, **ANSWERS))
    (contested,) = conflict.contested
    assert (contested.label, contested.before, contested.theirs, contested.mine, contested.chosen) == (
        "Requested item",
        None,
        "blaster",
        "lightsaber",
        "",
    )
    assert [(field.label, field.answer) for field in conflict.only_mine] == [("Justification", "lost the old one")]
    assert [change.event.actor for change in conflict.changes] == ["bob"]
    assert saved(run) == {"requestedItem": "blaster"}


@pytest.mark.parametrize(("whose", "item"), [("theirs", "blaster"), ("mine", "lightsaber")])
def test_the_choice_is_saved_and_both_are_in_the_history(run: UserTaskRun, alice: User, whose: str, item: str) -> None:
    assert choose(signed_in(alice), run, "save_progress", seen=2, requestedItem=whose).status_code == 302
    assert saved(run) == {"requestedItem": item, "justification": "lost the old one"}
    assert [(event.type, event.actor) for event in run.events.all()][1:] == [("saved", "bob"), ("saved", "alice")]


def test_completing_asks_in_the_same_way(run: UserTaskRun, alice: User) -> None:
    client = signed_in(alice)
    assert conflict_in(press(client, run, "complete", version=1, **ANSWERS)).button == "complete"
    choose(client, run, "complete", seen=2, requestedItem="theirs")
    assert saved(run) == {"requestedItem": "blaster", "justification": "lost the old one"}
    assert run.status == Status.DONE


def test_without_a_choice_it_asks_again(run: UserTaskRun, alice: User) -> None:
    response = choose(signed_in(alice), run, "save_progress", seen=2, requestedItem="")
    assert conflict_in(response).contested[0].chosen == ""
    assert response.context["page"].contest.has_been_asked
    assert saved(run) == {"requestedItem": "blaster"}


def test_a_choice_does_not_count_for_what_changed_after_it(run: UserTaskRun, alice: User, bob: User) -> None:
    operations.save_progress(run.id, {"requestedItem": "bowcaster"}, by=actor_for(bob))
    conflict = conflict_in(choose(signed_in(alice), run, "save_progress", seen=2, requestedItem="theirs"))
    assert (conflict.contested[0].theirs, conflict.contested[0].chosen) == ("bowcaster", "")


def test_what_both_typed_alike_is_not_contested(run: UserTaskRun, alice: User) -> None:
    answers = {"results-requestedItem": "blaster", "results-justification": "mine"}
    client = signed_in(alice)
    assert conflict_in(press(client, run, "save_progress", version=1, **answers)).contested == []
    press(client, run, "save_progress", version=1, **answers, **{"seen-version": "2"})
    assert saved(run) == {"requestedItem": "blaster", "justification": "mine"}


def test_a_field_that_i_left_alone_keeps_what_they_saved(run: UserTaskRun, alice: User) -> None:
    untouched = {"results-requestedItem": "", "results-justification": "mine"}
    client = signed_in(alice)
    response = press(client, run, "save_progress", version=1, **untouched)
    assert [field.label for field in conflict_in(response).only_theirs] == ["Requested item"]
    assert shown_in(client.get(task_url(run)))["requestedItem"] == "blaster"
    press(client, run, "save_progress", version=1, **untouched, **{"seen-version": "2"})
    assert saved(run) == {"requestedItem": "blaster", "justification": "mine"}


def test_an_answer_that_cannot_be_read_is_shown_as_it_was_typed_and_refused_if_chosen(alice: User, bob: User) -> None:
    run = a_run(a_definition("count", [UserTaskField(name="count", type="INT")]))
    operations.save_progress(run.id, {"count": 3}, by=actor_for(bob))
    client, typed = signed_in(alice), {"results-count": "eleven"}
    assert conflict_in(press(client, run, "save_progress", version=1, **typed)).contested[0].mine == "eleven"
    chosen = {"seen-version": "2", "choose-count": "mine"}
    assert press(client, run, "save_progress", version=1, **typed, **chosen).status_code == 422
    assert saved(run) == {"count": 3}


def test_a_task_that_changed_hands_only_is_no_conflict_of_answers(alice: User, mona: User) -> None:
    run = a_run(user_id="alice")
    operations.assign(run.id, by=actor_for(mona), user_id="alice", user_group="it", override_claim=True)
    response = press(signed_in(alice), run, "save_progress", version=1, **ANSWERS)
    assert response.status_code == 409
    assert "conflict" not in response.context
    assert shown_in(response) == {"requestedItem": "lightsaber", "justification": "lost the old one"}


def test_a_completion_that_is_sent_twice_is_completed(alice: User) -> None:
    run = a_run(user_id="alice")
    client = signed_in(alice)
    for _ in range(2):
        assert press(client, run, "complete", version=1, **ANSWERS).status_code == 302
    assert [event.type for event in run.events.all()] == ["created", "completed"]


def test_progress_that_is_sent_twice_is_saved_once(alice: User) -> None:
    run = a_run(user_id="alice")
    client = signed_in(alice)
    for _ in range(2):
        assert press(client, run, "save_progress", version=1, **ANSWERS).status_code == 302
    assert [event.type for event in run.events.all()] == ["created", "saved"]


@pytest.mark.parametrize("version", ["x", "9" * 30, "-1", "1.0"])
def test_a_version_that_cannot_be_read_is_an_old_one(run: UserTaskRun, alice: User, version: str) -> None:
    assert press(signed_in(alice), run, "save_progress", version=version, **ANSWERS).status_code == 409
    assert saved(run) == {"requestedItem": "blaster"}


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "hex", "latin-1"])
@pytest.mark.parametrize("debug", [True, False])
def test_a_form_in_another_encoding_is_refused(alice: User, settings: Any, charset: str, debug: bool) -> None:
    settings.DEBUG = debug
    form = f"application/x-www-form-urlencoded; charset={charset}"
    answer = signed_in(alice).generic("POST", task_url(a_run(user_id="alice")), b"action=complete", form)
    assert answer.status_code == 400
