"""Drafts: what the page saves by itself, what can be brought back, and that they are nobody else's."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cast import a_run, claimed_by, done_by
from tests.inbox.pages import ANSWERS, press, shown_in, signed_in, task_url
from usertasks import drafts, operations
from usertasks.actors import actor_for
from usertasks.drafts import KEPT_STATES, Writing
from usertasks.models import Draft, DraftState, UserTaskRun

ITEM, WHY = "results-requestedItem", "results-justification"
PAGE, OTHER_PAGE = "aa", "bb"


def save(client: Client, run: UserTaskRun, *, page: str = PAGE, draft: str = "", **inputs: str) -> Any:
    """What the script of an open page sends."""
    return client.post(
        f"{task_url(run)}draft/", {"username": "alice", "version": run.version, "page": page, "draft": draft, **inputs}
    )


def saved(client: Client, run: UserTaskRun, **more: str) -> str:
    """The same, when it is kept; the draft that the page knows of from then on."""
    response = save(client, run, **more)
    assert response.status_code == 200, response.content
    return str(response.json()["saved_at"])


def texts_of(rows: Any) -> list[dict[str, str]]:
    return [{name: texts[-1] for name, texts in row.inputs.items()} for row in rows]


def draft_of(run: UserTaskRun, user_id: str = "alice") -> dict[str, str]:
    draft = drafts.draft_of(run.id, user_id)
    return texts_of([draft])[0] if draft else {}


def states_of(run: UserTaskRun) -> list[dict[str, str]]:
    return texts_of(DraftState.objects.filter(draft__run=run))


def age(run: UserTaskRun, **span: int) -> None:
    """Let so much time pass for the draft and its states."""
    earlier = timedelta(**span)
    Draft.objects.filter(run=run).update(saved_at=F("saved_at") - earlier, snapshot_at=F("snapshot_at") - earlier)
    DraftState.objects.filter(draft__run=run).update(saved_at=F("saved_at") - earlier)


def test_what_is_typed_is_there_on_another_device_and_is_no_result(alice: User) -> None:
    run = claimed_by(alice)
    response = save(signed_in(alice), run, **{ITEM: "lightsaber", WHY: "", "comment": "Hm"})
    assert response.status_code == 200
    assert set(response.json()) == {"saved_at", "time", "was_changed_elsewhere", "files"}
    page = signed_in(alice).get(task_url(run))
    assert shown_in(page)["requestedItem"] == "lightsaber"
    assert page.context["page"].comment_draft == "Hm"
    html = page.content.decode()
    assert "not saved yet" in html
    assert "draft of" in html
    run.refresh_from_db()
    assert (run.results, run.version) == ({}, 2)


def test_the_same_again_writes_nothing(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    first = saved(client, run, **ANSWERS)
    with CaptureQueriesContext(connection) as queries:
        assert saved(client, run, draft=first, **ANSWERS) == first
    assert not [query for query in queries if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]


READING_OR_WRITING = ("SELECT", "WITH", "UPDATE", "INSERT", "DELETE")


def test_saving_goes_on_with_one_read_and_one_write_and_no_session(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    known = saved(client, run, **ANSWERS)
    with CaptureQueriesContext(connection) as queries:
        saved(client, run, draft=known, **{**ANSWERS, ITEM: "lightsabers"})
    verbs = [query["sql"].split()[0] for query in queries]
    # session, account with all that goes with it, draft
    assert [verb for verb in verbs if verb in READING_OR_WRITING] == ["SELECT", "WITH", "SELECT", "UPDATE"]


def test_typing_makes_a_state_a_minute_and_keeps_the_last_few(alice: User) -> None:
    run, client, known = claimed_by(alice), signed_in(alice), ""
    for minute in range(8):
        for second in range(3):
            known = saved(client, run, draft=known, **{ITEM: f"{minute}.{second}"})
        age(run, seconds=61)
        known = Draft.objects.get().saved_at.isoformat()
    assert draft_of(run) == {ITEM: "7.2"}
    assert states_of(run) == [{ITEM: f"{minute}.2"} for minute in range(6, 6 - KEPT_STATES, -1)]


def test_what_is_emptied_becomes_a_state_at_once(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    known = saved(client, run, **ANSWERS)
    known = saved(client, run, draft=known, **{**ANSWERS, ITEM: ""})
    known = saved(client, run, draft=known, **{ITEM: "", WHY: ""})
    assert states_of(run) == [ANSWERS]


def test_most_of_a_long_text_is_not_lost_either(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    known = saved(client, run, **{WHY: "A long story. " * 10})
    saved(client, run, draft=known, **{WHY: "x"})
    assert states_of(run) == [{WHY: "A long story. " * 10}]


def test_an_earlier_state_is_brought_back_and_what_the_form_held_takes_its_place(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    known = saved(client, run, **ANSWERS)
    saved(client, run, draft=known, **{**ANSWERS, ITEM: ""})
    page = client.get(task_url(run))
    (state,) = page.context["page"].draft.states
    assert list(state.labels) == ["Requested item"]
    assert f'name="state" value="{state.id}"' in page.content.decode()
    form = {
        "state": state.id,
        "username": "alice",
        "draft": page.context["page"].draft.token,
        ITEM: "",
        WHY: "typed on",
    }
    url = f"{task_url(run)}draft/bring-back/?back=/inbox/all/"
    response = client.post(url, form)
    assert (response.status_code, response["Location"]) == (302, f"{task_url(run)}?back=/inbox/all/")
    assert draft_of(run) == ANSWERS
    assert {ITEM: "", WHY: "typed on"} in states_of(run)


def test_bringing_back_the_oldest_of_many_loses_nothing(alice: User) -> None:
    run, client, known = claimed_by(alice), signed_in(alice), ""
    for number in range(KEPT_STATES + 1):
        known = saved(client, run, draft=known, **{ITEM: f"state {number}"})
        age(run, seconds=61)
        known = Draft.objects.get().saved_at.isoformat()
    oldest = DraftState.objects.last()
    assert oldest is not None
    form = {"state": oldest.pk, "username": "alice", "draft": known, ITEM: "the newest"}
    assert client.post(f"{task_url(run)}draft/bring-back/", form).status_code == 302
    assert draft_of(run) == {ITEM: "state 0"}
    assert states_of(run)[:2] == [{ITEM: "the newest"}, {ITEM: f"state {KEPT_STATES}"}]


@pytest.mark.parametrize("number", ["", "x", "0", "9" * 30])
def test_what_is_no_state_of_mine_brings_nothing_back_and_loses_nothing(alice: User, number: str) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    saved(client, run, **ANSWERS)
    form = {"state": number, "username": "alice", ITEM: "typed since"}
    response = client.post(f"{task_url(run)}draft/bring-back/", form)
    assert response.status_code == 404
    assert "typed since" in response.content.decode()


def test_two_devices_overwrite_nothing_of_each_other(alice: User) -> None:
    run, laptop, phone = claimed_by(alice), signed_in(alice), signed_in(alice)
    on_laptop = saved(laptop, run, **{ITEM: "from the laptop"})
    answer = save(phone, run, page=OTHER_PAGE, **{ITEM: "from the phone"}).json()
    assert answer["was_changed_elsewhere"] is True
    assert (draft_of(run), states_of(run)) == ({ITEM: "from the phone"}, [{ITEM: "from the laptop"}])
    assert (
        save(phone, run, page=OTHER_PAGE, draft=answer["saved_at"], **{ITEM: "again"}).json()["was_changed_elsewhere"]
        is False
    )
    assert save(laptop, run, draft=on_laptop, **{ITEM: "from the laptop, on"}).json()["was_changed_elsewhere"] is True
    assert {ITEM: "again"} in states_of(run)


def test_two_pages_that_take_turns_do_not_push_out_the_earlier_states(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    first = saved(client, run, **{ITEM: "precious"})
    known = {PAGE: saved(client, run, draft=first, **{ITEM: ""}), OTHER_PAGE: ""}
    for turn in range(1, 10):
        for page in (PAGE, OTHER_PAGE):
            known[page] = saved(client, run, page=page, draft=known[page], **{ITEM: page * turn})
    assert {ITEM: "precious"} in states_of(run)


def test_an_answer_that_was_lost_on_the_way_is_no_change_elsewhere(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    saved(client, run, **{ITEM: "light"})
    assert save(client, run, draft="", **{ITEM: "lightsaber"}).json()["was_changed_elsewhere"] is False
    assert states_of(run) == []


def test_an_older_copy_of_a_browser_becomes_a_state(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    saved(client, run, **{ITEM: "newer"})
    for _ in range(2):
        assert save(client, run, page=OTHER_PAGE, aside="1", **{ITEM: "older"}).status_code == 200
    assert (draft_of(run), states_of(run)) == ({ITEM: "newer"}, [{ITEM: "older"}])


@pytest.mark.parametrize("button", ["save_progress", "complete", "discard"])
def test_saving_and_throwing_away_remove_the_draft_and_its_states(alice: User, button: str) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    known = saved(client, run, **ANSWERS)
    known = saved(client, run, draft=known, **{**ANSWERS, ITEM: ""})
    press(client, run, button, page=PAGE, draft=known, username="alice", **ANSWERS)
    assert (draft_of(run), states_of(run)) == ({}, [])
    assert client.get(task_url(run)).context["page"].typed is None


def test_what_the_saved_page_had_sent_before_and_arrives_late_is_no_news(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    known = saved(client, run, **{ITEM: "light"})
    press(client, run, "save_progress", page=PAGE, draft=known, **ANSWERS)
    assert save(client, run, draft=known, **{ITEM: "lightsab"}).status_code == 200
    assert draft_of(run) == {}
    assert f'data-settled="{PAGE}"' in client.get(task_url(run)).content.decode()


@pytest.mark.parametrize("button", ["release", "cancel"])
def test_a_page_that_was_sent_is_done_with_and_what_it_held_is_the_draft(alice: User, button: str) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    press(client, run, button, page=PAGE, draft="", username="alice", **ANSWERS)  # cancelling is refused to her
    assert save(client, run, draft="", **{ITEM: "light"}).json()["was_changed_elsewhere"] is False
    assert (draft_of(run), states_of(run)) == (ANSWERS, [])
    assert f'data-settled="{PAGE}"' in client.get(task_url(run)).content.decode()


def test_saving_leaves_what_was_typed_elsewhere_in_the_meantime(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    known = saved(client, run, **{ITEM: "here"})
    saved(signed_in(alice), run, page=OTHER_PAGE, draft=known, **{ITEM: "on the phone"})
    press(client, run, "save_progress", page=PAGE, draft=known, **{ITEM: "here"})
    assert draft_of(run) == {ITEM: "on the phone"}
    assert shown_in(client.get(task_url(run)))["requestedItem"] == "on the phone"


def test_a_claim_that_others_won_leaves_the_draft_to_read(alice: User, bob: User) -> None:
    run, client = a_run(), signed_in(alice)
    saved(client, run, **ANSWERS)
    operations.complete(run.id, {"requestedItem": "x", "justification": "y"}, by=actor_for(bob))
    assert save(client, run, **{**ANSWERS, WHY: "typed on"}).status_code == 200
    html = client.get(task_url(run)).content.decode()
    assert "What you typed" in html
    assert "typed on" in html


def test_who_may_not_see_the_task_any_more_still_has_their_draft(alice: User, mona: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    saved(client, run, **ANSWERS)
    operations.assign(run.id, by=actor_for(mona), user_id="charlie", override_claim=True)
    assert save(client, run, **{**ANSWERS, WHY: "typed on"}).status_code == 200
    response = client.get(task_url(run))
    assert response.status_code == 404
    assert "typed on" in response.content.decode()


def test_a_draft_cannot_begin_on_what_one_may_not_see(alice: User) -> None:
    run, client = a_run(user_group="it"), signed_in(alice)
    nowhere = UserTaskRun(version=1)
    answers = [save(client, hidden, **ANSWERS) for hidden in (run, nowhere)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 2
    assert not Draft.objects.exists()


def test_nobody_else_reads_a_draft(alice: User, bob: User, mona: User, admin: User) -> None:
    run = a_run()
    known = saved(signed_in(alice), run, **ANSWERS)
    saved(signed_in(alice), run, draft=known, **{ITEM: "", WHY: ""})
    state = DraftState.objects.get()
    for user in (bob, mona, admin):
        client = signed_in(user)
        page = client.get(task_url(run))
        assert "lightsaber" not in page.content.decode()
        assert page.context["page"].draft.states == []
        form = {"state": state.pk, "username": user.username, "draft": known}
        assert client.post(f"{task_url(run)}draft/bring-back/", form).status_code == 404
        assert "lightsaber" not in client.get(f"/api/v1/user-task-runs/{run.id}/").content.decode()
    assert "lightsaber" not in signed_in(admin).get(f"/admin/usertasks/usertaskrun/{run.id}/change/").content.decode()


def test_a_page_that_somebody_else_opened_saves_nothing_as_mine(alice: User, bob: User) -> None:
    run = a_run()
    response = save(signed_in(bob), run, **ANSWERS)
    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")
    assert not Draft.objects.exists()


def test_without_a_session_the_script_gets_a_problem_and_no_page(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    Session.objects.all().delete()
    response = save(client, run, **ANSWERS)
    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    assert response.json()["code"] == "not_signed_in"


def test_without_a_token_the_script_gets_a_problem_and_no_page(alice: User) -> None:
    response = save(signed_in(alice, enforce_csrf_checks=True), claimed_by(alice), **ANSWERS)
    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")


def test_past_the_size_of_a_request_it_is_refused_with_a_problem(alice: User, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    run, client = claimed_by(alice), signed_in(alice)
    known = saved(client, run, **ANSWERS)
    response = save(client, run, draft=known, **{ITEM: "x" * 2000})
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert draft_of(run) == ANSWERS


def test_a_draft_that_escapes_make_too_large_is_refused_with_a_problem(alice: User, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 3000
    response = save(signed_in(alice), claimed_by(alice), **{ITEM: "\\" * 2000})
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud83d\ude00", "\u202e", "{broken", "x" * 100_000, "\r\n\r\n"])
def test_any_text_comes_back_as_it_was_typed(alice: User, text: str) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16")
    saved(client, run, **{WHY: text})
    assert draft_of(run) == {WHY: text}
    assert client.get(task_url(run)).status_code == 200


@pytest.mark.parametrize(
    "form", [{"page": "x" * 99}, {"draft": "yesterday"}, {"version": "-1"}, {"draft": "2026-99-99"}]
)
def test_odd_facts_about_the_page_do_no_harm(alice: User, form: dict[str, str]) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    response = client.post(f"{task_url(run)}draft/", {"username": "alice", ITEM: "kept", **form})
    assert response.status_code == 200
    assert draft_of(run) == {ITEM: "kept"}


def test_only_posts_save(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    for path in ("draft/", "draft/bring-back/"):
        assert client.get(task_url(run) + path).status_code == 405


def test_a_draft_goes_with_its_run(alice: User) -> None:
    run = done_by(alice)
    saved(signed_in(alice), run, comment="Well done")
    UserTaskRun.objects.filter(pk=run.pk).delete()
    assert not Draft.objects.exists()


def test_what_is_typed_is_in_no_log(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    run, client = claimed_by(alice), signed_in(alice)
    save(client, run, **ANSWERS)
    save(client, run, username="bob", **ANSWERS)
    save(Client(), run, **ANSWERS)
    assert "lightsaber" not in "".join(
        record.getMessage() for record in caplog.records if record.name != "django.db.backends"
    )


def test_time_does_not_turn_back_for_a_draft(alice: User) -> None:
    run, by = claimed_by(alice), actor_for(alice)
    now = run.scheduled_time
    first = drafts.write(run.id, Writing({ITEM: ["one"]}, page=PAGE), by=by, now=now).draft.saved_at
    second = drafts.write(
        run.id, Writing({ITEM: ["two"]}, page=PAGE), by=by, now=now - timedelta(hours=1)
    ).draft.saved_at
    assert second > first
