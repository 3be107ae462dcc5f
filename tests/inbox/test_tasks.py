"""The page of a task: what it shows to whom, and what its buttons do."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.cast import a_definition, a_run, claimed_by, done_by
from tests.inbox.pages import ANSWERS, RESULTS, every_field, press, shown_in, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import Status, UserTaskField, UserTaskRun
from usertasks.worker import TaskHooks, work_off


def buttons_in(html: str) -> set[str]:
    names = ("claim", "release", "save_progress", "complete", "add_comment")
    return {name for name in names if f'name="action" value="{name}"' in html}


def test_both_forms_of_an_id_open_the_task(alice: User) -> None:
    run = a_run()
    for spelling in (run.id.hex, run.id.hex.upper(), str(run.id)):
        assert signed_in(alice).get(f"/inbox/tasks/{spelling}/").status_code == 200


def test_what_one_may_not_see_looks_like_what_does_not_exist(alice: User) -> None:
    hidden, client = a_run(user_group="it"), signed_in(alice)
    seen = [
        client.get(path) for path in (task_url(hidden), f"/inbox/tasks/{'0' * 32}/", "/inbox/nowhere/", "/nowhere/")
    ]
    assert [response.status_code for response in seen] == [404] * 4
    assert len({response.content.decode().split("<main")[1] for response in seen}) == 1


def test_each_sees_the_buttons_that_work(alice: User, bob: User, mona: User) -> None:
    waiting, claimed, over = a_run(), claimed_by(alice), done_by(alice)
    table = [
        (alice, waiting, {"claim", "save_progress", "complete", "add_comment"}),
        (alice, claimed, {"release", "save_progress", "complete", "add_comment"}),
        (bob, claimed, {"add_comment"}),
        (mona, claimed, {"release", "save_progress", "complete", "add_comment"}),
        (alice, over, {"add_comment"}),
    ]
    for user, run, expected in table:
        assert buttons_in(signed_in(user).get(task_url(run)).content.decode()) == expected, (user, run.status)


def test_save_progress_is_the_button_that_enter_presses(alice: User) -> None:
    html = signed_in(alice).get(task_url(a_run())).content.decode().split('id="task-form"')[1]
    assert html.split('name="action" value="')[1].startswith("save_progress")


def test_claim_and_release(alice: User) -> None:
    run, client = a_run(), signed_in(alice)
    assert press(client, run, "claim").status_code == 302
    run.refresh_from_db()
    assert (run.status, run.user_id) == (Status.ASSIGNED, "alice")
    assert press(client, run, "release").status_code == 302
    run.refresh_from_db()
    assert run.status == Status.UNASSIGNED


def test_progress_is_saved_with_required_fields_missing_and_shown_again(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    press(client, run, "save_progress", **{**ANSWERS, "results-justification": ""})
    run.refresh_from_db()
    assert run.results == {"requestedItem": "lightsaber"}
    assert shown_in(client.get(task_url(run))) == {"requestedItem": "lightsaber", "justification": None}


def test_completing_leads_back_to_the_box_and_links_to_the_task(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    url = task_url(run, back="/inbox/all/?user_group=finance")
    response = client.post(url, {"action": "complete", "version": run.version, **ANSWERS}, follow=True)
    assert response.redirect_chain == [("/inbox/all/?user_group=finance", 302)]
    assert task_url(run) in response.content.decode().split("<main")[1].split("<ol")[0]
    run.refresh_from_db()
    assert (run.status, run.results) == (Status.DONE, RESULTS)


def test_completing_takes_back_what_was_emptied(alice: User) -> None:
    fields = [UserTaskField(name="a", type="STR", required=False), UserTaskField(name="b", type="STR", required=False)]
    run = claimed_by(alice, definition=a_definition("optional", fields))
    operations.save_progress(run.id, {"a": "one", "b": "two"}, by=actor_for(alice))
    press(signed_in(alice), run, "complete", version=run.version + 1, **{"results-a": "", "results-b": "two"})
    run.refresh_from_db()
    assert (run.status, run.results) == (Status.DONE, {"b": "two"})


def test_a_button_alone_changes_no_answer(alice: User) -> None:
    run = claimed_by(alice)
    operations.save_progress(run.id, RESULTS, by=actor_for(alice))
    assert press(signed_in(alice), run, "save_progress", version=run.version + 1).status_code == 302
    run.refresh_from_db()
    assert run.results == RESULTS


def test_every_type_of_field_comes_back_as_it_was_sent(alice: User) -> None:
    run, client = (
        claimed_by(alice, definition=a_definition("every-field", every_field(required=True))),
        signed_in(alice),
    )
    sent = {
        "results-text": "one\r\ntwo", "results-colour": '"green"', "results-count": "7", "results-share": "0.5",
        "results-agreed": "false", "results-moment": "2026-11-21T09:30:00", "results-object": '{"a": [1]}',
        "results-list": "[1, 2]", "results-scan": SimpleUploadedFile("scan.bin", b"\x00\xff"),
    }  # fmt: skip
    assert press(client, run, "save_progress", **sent).status_code == 302
    run.refresh_from_db()
    expected = {
        "text": "one\ntwo", "colour": "green", "count": 7, "share": 0.5, "agreed": False,
        "moment": "2026-11-21T09:30:00Z", "object": {"a": [1]}, "list": [1, 2],
        "scan": base64.b64encode(b"\x00\xff").decode(),
    }  # fmt: skip
    assert run.results == expected
    again = {f"results-{name}": value for name, value in shown_in(client.get(task_url(run))).items()}
    again |= {"results-scan-kept": again.pop("results-scan"), "results-moment": "2026-11-21T09:30:00"}
    assert press(client, run, "complete", **again).status_code == 302
    run.refresh_from_db()
    assert (run.status, run.results) == (Status.DONE, expected)


def test_a_file_is_for_those_who_see_the_run_and_never_opened(alice: User, charlie: User) -> None:
    fields = [UserTaskField(name="naïve\nname", type="BYTES"), UserTaskField(name="text", type="STR", required=False)]
    run = claimed_by(alice, definition=a_definition("with-file", fields))
    html = base64.b64encode(b"<script>alert(1)</script>").decode()
    operations.save_progress(run.id, {"naïve\nname": html, "text": "x"}, by=actor_for(alice))
    response = signed_in(alice).get(task_url(run) + "files/0/")
    assert response.content == b"<script>alert(1)</script>"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("attachment")
    assert signed_in(charlie).get(task_url(run) + "files/0/").status_code == 404
    for position in (1, 2, 99999999999999999999):
        assert signed_in(alice).get(task_url(run) + f"files/{position}/").status_code == 404


def test_answers_are_read_only_once_it_is_over(alice: User) -> None:
    html = signed_in(alice).get(task_url(done_by(alice))).content.decode()
    assert "lightsaber" in html
    assert 'name="results-requestedItem"' not in html


def test_what_definitions_and_answers_say_is_never_markup(alice: User) -> None:
    evil = "<img src=x onerror=alert(1)>"
    fields = [UserTaskField(name=evil, type="STR", display_name=evil, description=evil, presentation={"section": evil})]
    run = claimed_by(alice, definition=a_definition("evil", fields), notes=evil, user_group="finance")
    operations.save_progress(run.id, {evil: evil}, by=actor_for(alice))
    operations.add_comment(run.id, evil, by=actor_for(alice))
    client = signed_in(alice)
    assert "<img" not in client.get(task_url(run)).content.decode()
    press(client, run, "complete", version=run.version + 1, **{f"results-{evil}": evil})
    assert "<img" not in client.get(task_url(run)).content.decode()


def test_a_group_named_like_markup_or_a_format_does_no_harm(alice: User) -> None:
    alice.groups.create(name="<b>{0}</b>")
    run = operations.claim(a_run(user_group="<b>{0}</b>").id, by=actor_for(alice))
    response = signed_in(alice).post(task_url(run), {"action": "release"}, follow=True)
    assert response.status_code == 200
    assert "<b>{0}" not in response.content.decode()


def test_comments_are_added_edited_and_deleted(alice: User) -> None:
    run, client = a_run(), signed_in(alice)
    assert press(client, run, "add_comment", comment="Hello").status_code == 302
    assert press(client, run, "edit_comment:1", **{"comment-1": "Hello\r\nagain"}).status_code == 302
    assert run.comments.get().comment == "Hello\nagain"
    assert press(client, run, "delete_comment:1").status_code == 302
    assert run.comments.get().deleted


def test_only_the_author_is_offered_to_edit_and_a_manager_to_delete(alice: User, bob: User, mona: User) -> None:
    run = a_run()
    operations.add_comment(run.id, "Mine", by=actor_for(alice))
    offers = {}
    for user in (alice, bob, mona):
        (remark,) = signed_in(user).get(task_url(run)).context["page"].remarks
        offers[user.username] = (remark.can_edit, remark.can_delete)
    assert offers == {"alice": (True, True), "bob": (False, False), "mona": (False, True)}
    assert press(signed_in(bob), run, "delete_comment:1").status_code == 403
    assert press(signed_in(bob), run, "edit_comment:1", **{"comment-1": "Yours"}).status_code == 403
    assert press(signed_in(alice), run, "edit_comment:7", **{"comment-7": "None"}).status_code == 404


def test_a_manager_saves_and_completes_what_somebody_has(alice: User, mona: User) -> None:
    run, client = claimed_by(alice), signed_in(mona)
    assert press(client, run, "save_progress", **ANSWERS).status_code == 302
    run.refresh_from_db()
    assert (run.user_id, run.results) == ("alice", RESULTS)
    assert press(client, run, "complete", **ANSWERS).status_code == 302
    run.refresh_from_db()
    assert (run.user_id, run.status) == ("mona", Status.DONE)


@pytest.mark.parametrize("button", ["", "explode", "view", "edit_comment:x", "delete_comment:٣", "claim:7"])
def test_an_unknown_button_is_refused_and_loses_nothing(alice: User, button: str) -> None:
    run = claimed_by(alice)
    response = press(signed_in(alice), run, button, **ANSWERS)
    assert response.status_code in (302, 404, 409, 422)
    if response.status_code != 302:
        assert shown_in(response)["requestedItem"] == "lightsaber"


@pytest.mark.parametrize("version", ["", "x", "-1", "0", "999", "9" * 400, "٣"])
def test_an_odd_version_never_breaks_the_page(alice: User, version: str) -> None:
    run = claimed_by(alice)
    response = signed_in(alice).post(task_url(run), {"action": "save_progress", "version": version, **ANSWERS})
    assert response.status_code in (302, 409)


def test_the_way_out_of_other_methods(alice: User) -> None:
    assert signed_in(alice).delete(task_url(a_run())).status_code == 405


def test_a_long_history_is_shown_when_asked_for(alice: User) -> None:
    run = claimed_by(alice)
    for number in range(55):
        operations.save_progress(run.id, {"requestedItem": str(number)}, by=actor_for(alice))
    client = signed_in(alice)
    assert len(client.get(task_url(run)).context["page"].history) == 50
    assert (
        len(client.get(task_url(run, history="all")).context["page"].history)
        == UserTaskRun.objects.get().events.count()
    )


TIMERS = [
    {"hook": "ON_ARRIVAL", "delay_seconds": 3600, "task": {"task_def_name": "send-reminder", "variables": {}}},
    {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 86400, "reassign": {"user_group": "finance"}},
    {"hook": "ON_ARRIVAL", "delay_seconds": 259200, "cancel": {}},
]


def timers_in(html: str) -> list[str]:
    """The words of each timer on the page, in order."""
    if 'id="timers-heading"' not in html:
        return []
    card = html.partition('id="timers-heading"')[2].partition("</section>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in card.split("<li>")[1:]]


def test_a_task_says_what_it_will_do_by_itself_and_what_a_change_of_owner_would_cancel(alice: User) -> None:
    run = a_run(user_id="alice", actions=TIMERS)
    due = [f"{run.scheduled_time + timedelta(days=days):%Y, %H:%M} UTC" for days in (1, 3)]
    reminder, release, cancel = timers_in(signed_in(alice).get(task_url(run)).content.decode())
    assert reminder.startswith("Send a reminder")
    assert release.startswith("Release the task to the group finance")
    assert "Lapses if the task changes hands." in release
    assert due[0] in release
    assert cancel.startswith("Cancel the task")
    assert "Stays even if the task changes hands." in cancel
    assert due[1] in cancel


def test_what_has_fired_or_lapsed_says_when_and_why(alice: User, mona: User) -> None:
    run = a_run(user_id="alice", actions=TIMERS)
    work_off([TaskHooks()], run.scheduled_time + timedelta(hours=1))
    operations.assign(run.id, by=actor_for(mona), user_id="bob", user_group="finance", override_claim=True)
    html = signed_in(alice).get(task_url(run)).content.decode()
    words = timers_in(html)
    assert [text.split(" Due")[0] for text in words[:2]] == ["Release the task to the group finance", "Cancel the task"]
    fired, lapsed = sorted(words[2:], key=lambda text: "Lapsed" in text)
    assert fired.startswith("Send a reminder Fired")
    assert lapsed.startswith("Release the task to the group finance Lapsed")
    assert lapsed.endswith("Because the task had changed hands.")
    assert "a timer ran send-reminder" in html


def test_a_task_without_timers_says_nothing_of_them(alice: User) -> None:
    assert timers_in(signed_in(alice).get(task_url(a_run())).content.decode()) == []


def test_a_task_that_could_not_be_started_says_so_without_the_words_of_the_machine(alice: User) -> None:
    run = a_run(user_id="alice", actions=TIMERS[:1])
    run.armed_hooks.update(error="ConnectionError: secret.host refused", due_at=run.scheduled_time - timedelta(hours=2))
    html = signed_in(alice).get(task_url(run)).content.decode()
    (words,) = timers_in(html)
    assert "The last attempt failed; it will be tried again." in words
    assert "Was due 2" in words
    assert "secret.host" not in html
