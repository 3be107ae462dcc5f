"""Reassigning and cancelling in the admin: what was asked, what was done, and what became of every run."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.pages import RUNS, Page, signed_in, url
from tests.cast import a_run, a_user, claimed_by, done_by
from usertasks import bulk, operations
from usertasks.actors import actor_for
from usertasks.models import BulkChange, EventType, Status, UserTaskRun

LIST, REASSIGN, CANCEL = f"{RUNS}changelist", f"{RUNS}reassign", f"{RUNS}cancel"


@pytest.fixture
def client(mona: User) -> Client:
    return signed_in(mona)


def selection(runs: Sequence[UserTaskRun], **more: str) -> dict[str, Any]:
    return {"_selected_action": [run.id for run in runs], **more}


def codes(response: Any) -> list[str | None]:
    """What became of each run, in order: the code of the refusal, or None."""
    return [outcome.refusal.code if outcome.refusal else None for outcome in response.context["outcomes"]]


def fresh(run: UserTaskRun) -> UserTaskRun:
    return UserTaskRun.objects.get(pk=run.pk)


def owner(run: UserTaskRun) -> tuple[str | None, str | None]:
    return fresh(run).user_id, fresh(run).user_group


@pytest.mark.parametrize("action", ["reassign", "cancel"])
def test_the_action_asks_first_and_lists_the_runs(client: Client, action: str) -> None:
    runs = [a_run(), a_run(user_group="it")]
    response = client.post(url(LIST), selection(runs, action=action))
    assert {run.pk for run in response.context["runs"]} == {run.pk for run in runs}
    assert "2 runs" in Page(response).text
    assert [fresh(run).version for run in runs] == [1, 1]


def test_the_actions_are_called_reassign_and_cancel(client: Client) -> None:
    a_run()
    actions = client.get(url(LIST)).context["action_form"].fields["action"].choices
    assert [tuple(choice) for choice in actions][1:] == [("reassign", "Reassign"), ("cancel", "Cancel")]


def test_one_run_is_reassigned(client: Client, alice: User) -> None:
    run = claimed_by(alice)
    page = Page(client.get(url(REASSIGN), {"run": run.id.hex}))
    assert page.inputs["override_claim"] == "on"
    form = {**page.inputs, "user_id": "bob", "user_group": "it"}
    response = client.post(url(REASSIGN), form)
    assert (codes(response), owner(run)) == ([None], ("bob", "it"))
    event = run.events.order_by("number").last()
    assert event is not None
    assert (event.type, event.actor) == (EventType.ASSIGNED, "mona")


def test_what_is_left_blank_is_unset(client: Client, alice: User) -> None:
    run = claimed_by(alice)
    client.post(url(REASSIGN), selection([run], user_group="it", override_claim="on"))
    assert (owner(run), fresh(run).status) == ((None, "it"), Status.UNASSIGNED)


def test_every_run_of_three_says_what_became_of_it(client: Client, alice: User) -> None:
    runs = [a_run(), done_by(alice), claimed_by(alice)]
    response = client.post(url(REASSIGN), selection(runs, user_id="bob", override_claim="on"))
    assert codes(response) == [None, "wrong_state", None]
    assert [owner(run)[0] for run in runs] == ["bob", "alice", "bob"]
    text = Page(response).text
    assert "Reassigned: 2. Refused: 1." in text
    assert "wrong_state Not possible while the run is DONE." in text


def test_without_override_what_somebody_has_is_left_alone(client: Client, alice: User) -> None:
    runs = [a_run(), claimed_by(alice)]
    response = client.post(url(REASSIGN), selection(runs, user_id="bob"))
    assert codes(response) == [None, "already_claimed"]


@pytest.mark.parametrize(
    ("form", "errors"),
    [
        ({}, {"__all__": ["required"]}),
        ({"user_id": "  ", "user_group": ""}, {"__all__": ["required"]}),
        ({"user_id": "x" * 300}, {"user_id": ["invalid"]}),
        ({"user_group": "a\0b"}, {"user_group": ["null_characters_not_allowed"]}),
    ],
)
def test_a_wrong_answer_is_said_on_the_page_and_keeps_the_selection(
    client: Client, form: dict[str, str], errors: dict[str, list[str]]
) -> None:
    runs = [a_run(), a_run()]
    response = client.post(url(REASSIGN), selection(runs, **form))
    found = response.context["form"].errors.as_data()
    assert {name: [error.code for error in those] for name, those in found.items()} == errors
    assert response.context["ids"] == [run.id for run in runs]
    assert [fresh(run).version for run in runs] == [1, 1]


def test_a_reassignment_is_taken_back(client: Client, alice: User) -> None:
    runs = [a_run(), claimed_by(alice), done_by(alice)]
    response = client.post(url(REASSIGN), selection(runs, user_id="bob", override_claim="on"))
    undo = url(f"{RUNS}undo", response.context["undo"].pk)
    assert undo in response.content.decode()
    assert client.get(undo).status_code == 405
    response = client.post(undo)
    assert codes(response) == [None, None]
    assert [owner(run)[0] for run in runs] == [None, "alice", "alice"]


def test_what_has_changed_since_is_not_taken_back(client: Client, bob: User) -> None:
    runs = [a_run(), a_run()]
    response = client.post(url(REASSIGN), selection(runs, user_id="bob", override_claim="on"))
    operations.save_progress(runs[0].id, {"requestedItem": "desk"}, by=actor_for(bob))
    response = client.post(url(f"{RUNS}undo", response.context["undo"].pk))
    assert codes(response) == ["stale", None]


def test_only_ones_own_change_is_taken_back(client: Client, admin: User) -> None:
    run = a_run()
    client.post(url(REASSIGN), selection([run], user_id="bob"))
    change = BulkChange.objects.get()
    response = signed_in(admin).post(url(f"{RUNS}undo", change.pk), follow=True)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    assert owner(run)[0] == "bob"


def test_runs_are_cancelled_after_asking(client: Client, alice: User) -> None:
    runs = [a_run(), done_by(alice), claimed_by(alice)]
    asked = Page(client.post(url(LIST), selection(runs, action="cancel")))
    assert "cannot be taken back" in asked.text
    response = client.post(url(CANCEL), selection(runs))
    assert codes(response) == [None, "wrong_state", None]
    assert [fresh(run).status for run in runs] == [Status.CANCELLED, Status.DONE, Status.CANCELLED]
    assert response.context["undo"] is None


def test_what_was_selected_does_not_drop_out_when_it_changes_meanwhile(client: Client, alice: User) -> None:
    run = done_by(alice)
    address = url(LIST) + "?status=UNASSIGNED"
    asked = client.post(address, selection([run], action="reassign"))
    assert asked.context["ids"] == [run.id]


def test_all_that_match_can_be_selected(client: Client) -> None:
    ours, _ = [a_run(), a_run()], a_run(user_group="it")
    form = selection(ours[:1], action="cancel", select_across="1")
    asked = client.post(url(LIST) + "?user_group=finance", form)
    assert set(asked.context["ids"]) == {run.id for run in ours}


@pytest.mark.parametrize("select_across", ["0", "1"])
def test_too_many_are_refused_with_a_word(client: Client, select_across: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MAX_RUNS", 2)
    runs = [a_run(), a_run(), a_run()]
    form = selection(runs, action="reassign", select_across=select_across)
    response = client.post(url(LIST), form, follow=True)
    assert "At most 2 runs" in Page(response).text
    response = client.post(url(CANCEL), selection(runs), follow=True)
    assert "At most 2 runs" in Page(response).text
    assert {fresh(run).status for run in runs} == {Status.UNASSIGNED}


def test_a_run_that_cannot_be_seen_does_not_exist(db: None) -> None:
    theirs, ours = a_run(user_group="it"), a_run()
    lead = a_user("lea", groups=["finance"], permissions=["assign_usertaskrun", "cancel_usertaskrun"], is_staff=True)
    client = signed_in(lead)
    asked = client.get(url(REASSIGN), {"run": [theirs.id.hex, ours.id.hex]})
    assert [run.pk for run in asked.context["runs"]] == [ours.pk]
    response = client.post(url(CANCEL), selection([theirs, ours]))
    assert codes(response) == ["not_found", None]
    assert fresh(theirs).status == Status.UNASSIGNED


def test_the_buttons_are_there_for_who_may_and_while_it_makes_sense(client: Client, alice: User) -> None:
    looker = signed_in(a_user("lou", permissions=["view_usertaskrun"], is_staff=True))
    done, waiting = done_by(alice), a_run()
    for run, reader, shown in [(waiting, client, True), (done, client, False), (waiting, looker, False)]:
        html = reader.get(url(f"{RUNS}change", run.pk)).content.decode()
        for address in (url(REASSIGN), url(CANCEL)):
            assert (f'href="{address}?run={run.id.hex}"' in html) is shown


def test_without_the_permission_there_is_no_way(db: None) -> None:
    run = a_run()
    looker = signed_in(a_user("lou", permissions=["view_usertaskrun"], is_staff=True))
    assert looker.get(url(LIST)).context["action_form"] is None
    for address in (url(REASSIGN), url(CANCEL), url(f"{RUNS}undo", uuid.uuid4())):
        assert looker.post(address, selection([run], user_id="eve")).status_code == 403
    looker.post(url(LIST), selection([run], action="cancel"))
    assert fresh(run).version == 1


@pytest.mark.parametrize("ids", [[], ["nonsense"], ["", "123"]])
def test_selecting_nothing_that_is_a_run_leads_back(client: Client, ids: list[str]) -> None:
    assert client.post(url(REASSIGN), {"_selected_action": ids, "user_id": "bob"}).status_code == 302
    assert client.post(url(LIST), {"_selected_action": ids, "action": "cancel"}, follow=True).status_code == 200
    assert client.get(url(CANCEL)).status_code == 302


def test_the_way_back_keeps_the_filters(client: Client) -> None:
    run = a_run()
    html = client.post(url(LIST) + "?status=UNASSIGNED", selection([run], action="cancel")).content.decode()
    assert f"{url(LIST)}?status=UNASSIGNED" in html
    assert f'action="{url(CANCEL)}?_changelist_filters=status%3DUNASSIGNED"' in html
