"""Comments: who may write, edit and delete them, in whatever state the run is."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.cast import a_run, done_by
from usertasks.actors import actor_for
from usertasks.errors import InvalidArgument, NotAllowed, NotFound, WrongState
from usertasks.operations import MAX_COMMENT, add_comment, delete_comment, edit_comment

pytestmark = pytest.mark.django_db


def test_comments_are_numbered_within_their_run(alice: User, bob: User) -> None:
    run, other = a_run(), a_run()
    assert [add_comment(run.id, text, by=actor_for(alice)).number for text in "ab"] == [1, 2]
    assert add_comment(other.id, "c", by=actor_for(bob)).number == 1


def test_events_tell_what_was_said_edited_and_deleted(alice: User) -> None:
    run = a_run()
    add_comment(run.id, "one", by=actor_for(alice))
    assert edit_comment(run.id, 1, "two", by=actor_for(alice)).edited_at is not None
    deleted = delete_comment(run.id, 1, by=actor_for(alice))
    assert (deleted.comment, deleted.deleted) == ("", True)
    said = [(event.type, event.data["comment"]) for event in run.events.filter(number__gt=1)]
    assert said == [("comment_added", "one"), ("comment_edited", "two"), ("comment_deleted", None)]


def test_an_ended_run_is_still_talked_about(alice: User, bob: User) -> None:
    run = done_by(alice)
    assert add_comment(run.id, "thanks", by=actor_for(bob)).number == 1
    edit_comment(run.id, 1, "thank you", by=actor_for(bob))
    delete_comment(run.id, 1, by=actor_for(bob))


def test_only_its_author_edits_one(alice: User, bob: User, mona: User) -> None:
    run = a_run()
    add_comment(run.id, "mine", by=actor_for(alice))
    for user in (bob, mona):
        with pytest.raises(NotAllowed):
            edit_comment(run.id, 1, "yours", by=actor_for(user))


def test_its_author_or_a_manager_deletes_one(alice: User, bob: User, mona: User) -> None:
    run = a_run()
    add_comment(run.id, "mine", by=actor_for(alice))
    with pytest.raises(NotAllowed):
        delete_comment(run.id, 1, by=actor_for(bob))
    assert delete_comment(run.id, 1, by=actor_for(mona)).user_id == "alice"


def test_a_deleted_one_is_a_wrong_state_and_an_unknown_one_not_found(alice: User) -> None:
    run = a_run()
    add_comment(run.id, "gone", by=actor_for(alice))
    delete_comment(run.id, 1, by=actor_for(alice))
    with pytest.raises(WrongState):
        edit_comment(run.id, 1, "back", by=actor_for(alice))
    with pytest.raises(WrongState):
        delete_comment(run.id, 1, by=actor_for(alice))
    with pytest.raises(NotFound):
        edit_comment(run.id, 2, "where", by=actor_for(alice))
    assert add_comment(run.id, "next", by=actor_for(alice)).number == 2


@pytest.mark.parametrize(
    ("text", "code"), [("", "required"), (" \n", "required"), ("x" * (MAX_COMMENT + 1), "out_of_range")]
)
def test_a_comment_has_words_but_not_too_many(text: str, code: str, alice: User) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        add_comment(a_run().id, text, by=actor_for(alice))
    assert refusal.value.faults["comment"][0].code == code


def test_whoever_may_not_see_the_run_finds_none(alice: User, charlie: User) -> None:
    run = a_run()
    add_comment(run.id, "secret", by=actor_for(alice))
    with pytest.raises(NotFound):
        add_comment(run.id, "x", by=actor_for(charlie))
    with pytest.raises(NotFound):
        edit_comment(run.id, 1, "x", by=actor_for(charlie))
    with pytest.raises(NotFound):
        delete_comment(run.id, 1, by=actor_for(charlie))


def test_a_service_speaks_for_a_person_who_then_is_the_author(alice: User, service: User) -> None:
    run = a_run()
    words = add_comment(run.id, "hello", by=actor_for(service), user_id="alice")
    assert words.user_id == "alice"
    event = run.events.get(number=2)
    assert (event.actor, event.data["on_behalf_of"]) == ("service", "alice")
    edit_comment(run.id, 1, "hi", by=actor_for(alice))
    with pytest.raises(NotAllowed):
        edit_comment(run.id, 1, "hey", by=actor_for(service), user_id="bob")
