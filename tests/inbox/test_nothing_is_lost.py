"""What was typed survives mistakes, lost races and lost sessions."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.cast import PASSWORD, a_definition, a_run, claimed_by
from tests.inbox.pages import ANSWERS, every_field, press, shown_in, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import Status, Upload, UserTaskField
from usertasks.uploads import content_of

MISTAKES = {
    "results-text": "kept", "results-colour": "purple", "results-count": "eleven", "results-share": "1e999",
    "results-agreed": "maybe", "results-moment": "tomorrow", "results-object": "{broken", "results-list": "{}",
}  # fmt: skip
TYPED = {name.removeprefix("results-"): value for name, value in ANSWERS.items()}
HOME = "http://testserver"


def saved(run: Any) -> dict[str, Any]:
    run.refresh_from_db()
    results: dict[str, Any] = run.results
    return results


def test_mistakes_are_marked_and_stay_as_they_were_typed(alice: User) -> None:
    run = claimed_by(alice, definition=a_definition("every-field", every_field()))
    response = press(signed_in(alice), run, "complete", **MISTAKES)
    assert response.status_code == 422
    page = response.context["page"]
    assert set(page.form.errors) == {"colour", "count", "share", "agreed", "moment", "object", "list"}
    html = response.content.decode()
    for name in ("count", "object"):
        assert f'href="#id_results-{name}"' in html
        assert re.search(f'aria-describedby="[^"]*\\bid_results-{name}_error"', html)
        assert f'id="id_results-{name}_error"' in html
    assert html.count('aria-invalid="true"') >= 5
    for text in ("kept", "eleven", "1e999", "{broken", "{}"):
        assert text in html
    assert saved(run) == {}


def test_required_answers_are_asked_for_all_at_once(alice: User) -> None:
    response = press(signed_in(alice), claimed_by(alice), "complete", **dict.fromkeys(ANSWERS, ""))
    assert response.status_code == 422
    errors = response.context["page"].form.errors.get_json_data()
    assert {name: found[0]["code"] for name, found in errors.items()} == dict.fromkeys(TYPED, "required")


def test_a_file_survives_a_mistake_elsewhere(alice: User) -> None:
    fields = [UserTaskField(name="scan", type="BYTES"), UserTaskField(name="count", type="INT")]
    run, client = claimed_by(alice, definition=a_definition("scan", fields)), signed_in(alice)
    content = SimpleUploadedFile("scan.bin", b"scanned")
    response = press(client, run, "complete", **{"results-scan": content, "results-count": "x"})
    kept = f"upload:{Upload.objects.get().id.hex}"
    assert f'name="results-scan-kept" value="{kept}"' in response.content.decode()
    assert "scan.bin" in response.content.decode()
    press(client, run, "complete", **{"results-scan-kept": kept, "results-count": "1"})
    assert saved(run) == {"scan": base64.b64encode(b"scanned").decode(), "count": 1}


def test_a_file_that_is_too_large_is_refused_beside_its_field(alice: User) -> None:
    run = claimed_by(alice, definition=a_definition("scan", [UserTaskField(name="scan", type="BYTES")]))
    big = SimpleUploadedFile("big.bin", b"x" * (1024 * 1024 + 1))
    response = press(signed_in(alice), run, "save_progress", **{"results-scan": big})
    assert response.status_code == 422
    assert list(response.context["page"].form.errors) == ["scan"]


@pytest.mark.parametrize("button", ["claim", "release", "add_comment"])
def test_answers_survive_the_other_buttons(alice: User, button: str) -> None:
    run, client = a_run() if button == "claim" else claimed_by(alice), signed_in(alice)
    assert press(client, run, button, comment="Hello", **ANSWERS).status_code == 302
    page = client.get(task_url(run))
    assert shown_in(page) == TYPED
    assert page.context["page"].typed
    assert saved(run) == {}
    press(client, run, "save_progress", version=page.context["page"].run.version, **ANSWERS)
    assert saved(run) == TYPED
    assert client.get(task_url(run)).context["page"].typed is None


def test_a_comment_survives_saving_progress(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    press(client, run, "save_progress", comment="Almost done", **ANSWERS)
    page = client.get(task_url(run)).context["page"]
    assert page.comment_draft == "Almost done"
    assert not run.comments.exists()
    press(client, run, "add_comment", version=page.run.version, comment="Almost done", **ANSWERS)
    assert client.get(task_url(run)).context["page"].typed is None


def test_a_blank_comment_is_refused_beside_its_field(alice: User) -> None:
    response = press(signed_in(alice), claimed_by(alice), "add_comment", comment=" ", **ANSWERS)
    assert response.status_code == 422
    assert 'aria-describedby="comment_error"' in response.content.decode()
    assert shown_in(response) == TYPED


def test_what_was_typed_can_be_thrown_away(alice: User) -> None:
    run, client = a_run(), signed_in(alice)
    press(client, run, "claim", **ANSWERS)
    client.post(task_url(run), {"action": "discard", "username": "alice"})
    page = client.get(task_url(run))
    assert page.context["page"].typed is None
    assert shown_in(page) == dict.fromkeys(TYPED)


@pytest.mark.parametrize("button", ["claim", "save_progress", "complete"])
def test_who_was_quicker_is_said_and_what_was_typed_is_shown(alice: User, bob: User, button: str) -> None:
    run = a_run()
    operations.claim(run.id, by=actor_for(bob))
    response = press(signed_in(alice), run, button, **ANSWERS)
    assert response.status_code == 409
    html = response.content.decode()
    assert "bob claimed the task" in html
    assert "lightsaber" in html
    assert "lost the old one" in html
    assert saved(run) == {}


@pytest.mark.parametrize("button", ["claim", "release", "save_progress", "complete"])
def test_a_task_that_somebody_finished_says_so(alice: User, bob: User, button: str) -> None:
    run = a_run()
    operations.complete(run.id, dict.fromkeys(TYPED, "theirs"), by=actor_for(bob))
    response = press(signed_in(alice), run, button, **ANSWERS)
    assert response.status_code == 409
    assert "bob" in response.context["trouble"].headline
    assert "bob completed the task" in response.content.decode()
    assert "lightsaber" in response.content.decode()


def test_a_cancelled_task_says_who_cancelled_it(alice: User, mona: User) -> None:
    run = claimed_by(alice)
    operations.cancel(run.id, by=actor_for(mona))
    response = press(signed_in(alice), run, "complete", **ANSWERS)
    assert response.status_code == 409
    assert "mona cancelled the task" in response.content.decode()


def test_a_task_that_was_moved_away_still_gives_back_what_was_typed(alice: User, mona: User) -> None:
    run = claimed_by(alice)
    operations.assign(run.id, by=actor_for(mona), user_id="charlie", override_claim=True)
    response = press(signed_in(alice), run, "save_progress", comment="And this", **ANSWERS)
    assert response.status_code == 404
    for text in ("lightsaber", "lost the old one", "And this"):
        assert text in response.content.decode()


def test_answers_saved_in_the_meantime_stand_beside_mine_until_i_go_on(alice: User, mona: User) -> None:
    run, client = claimed_by(alice), signed_in(alice)
    operations.save_progress(
        run.id, {"requestedItem": "blaster"}, by=actor_for(mona), policy=operations.SavePolicy.IGNORE_CLAIM
    )
    response = press(client, run, "save_progress", **ANSWERS)
    assert response.status_code == 409
    page = response.context["page"]
    assert {question.name: question.theirs for question in page.questions} == {
        "requestedItem": "blaster",
        "justification": None,
    }
    assert shown_in(response) == TYPED
    assert "mona saved progress" in response.content.decode()
    assert saved(run) == {"requestedItem": "blaster"}
    assert press(client, run, "save_progress", version=page.run.version, **ANSWERS).status_code == 302
    assert saved(run) == TYPED


def test_what_was_typed_is_kept_for_a_reload(alice: User, bob: User) -> None:
    run, client = a_run(), signed_in(alice)
    operations.claim(run.id, by=actor_for(bob))
    press(client, run, "save_progress", **ANSWERS)
    assert "lightsaber" in client.get(task_url(run)).content.decode()


def sign_in_with(client: Client, page: Any, username: str) -> Any:
    form = {
        "username": username,
        "password": PASSWORD,
        "next": page.context["next"],
        "typed": page.context["typed"].to_text(),
    }
    return client.post("/sign-in/", form, follow=True)


def test_a_lost_session_leads_through_signing_in_to_the_filled_form(alice: User) -> None:
    run, client = claimed_by(alice), Client()
    asked = press(client, run, "save_progress", username="alice", comment="Hi", **ANSWERS)
    assert asked.status_code == 401
    assert asked.context["form"]
    assert "lightsaber" in asked.content.decode()
    wrong = client.post(
        "/sign-in/",
        {"username": "alice", "password": "x", "next": task_url(run), "typed": asked.context["typed"].to_text()},
    )
    assert wrong.context["typed"] == asked.context["typed"]
    page = sign_in_with(client, wrong, "alice")
    assert page.redirect_chain == [(task_url(run), 302)]
    assert shown_in(page) == TYPED
    assert page.context["page"].comment_draft == "Hi"
    assert saved(run) == {}


def test_files_come_along_through_signing_in(alice: User) -> None:
    run, client = (
        claimed_by(alice, definition=a_definition("scan", [UserTaskField(name="scan", type="BYTES")])),
        Client(),
    )
    scan = SimpleUploadedFile("scan.bin", b"scanned")
    page = sign_in_with(client, press(client, run, "complete", username="alice", **{"results-scan": scan}), "alice")
    upload = Upload.objects.get()
    assert (upload.name, content_of(upload)) == ("scan.bin", b"scanned")
    assert f"upload:{upload.id.hex}" in page.content.decode()


def test_what_one_typed_is_not_shown_to_another(alice: User, bob: User) -> None:
    run, client = a_run(), Client()
    page = sign_in_with(client, press(client, run, "save_progress", username="alice", **ANSWERS), "bob")
    assert shown_in(page) == dict.fromkeys(TYPED)


def test_a_form_that_another_opened_does_nothing(alice: User, bob: User) -> None:
    run = a_run()
    press(signed_in(bob), run, "complete", username="alice", **ANSWERS)
    run.refresh_from_db()
    assert run.status == Status.UNASSIGNED


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"run_id": "x"}', '{"a":' * 3000, '{"run_id": 1, "username": [], "inputs": 7}']
)
def test_what_comes_back_through_the_browser_is_not_trusted(alice: User, text: str) -> None:
    response = Client().post("/sign-in/", {"username": "alice", "password": PASSWORD, "typed": text}, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain == [("/inbox/", 302)]


def test_a_form_from_before_signing_in_again_leads_back_to_what_was_typed(alice: User) -> None:
    run, client = claimed_by(alice), signed_in(alice, enforce_csrf_checks=True)
    form = {"action": "save_progress", "username": "alice", "version": run.version, **ANSWERS}
    response = client.post(task_url(run), form, headers={"Origin": HOME})
    assert (response.status_code, response["Location"]) == (302, task_url(run))
    assert shown_in(client.get(task_url(run))) == TYPED
    assert saved(run) == {}


def test_a_form_from_before_signing_out_leads_through_signing_in(alice: User) -> None:
    run = claimed_by(alice)
    form = {"action": "save_progress", "username": "alice", "version": run.version, **ANSWERS}
    asked = Client(enforce_csrf_checks=True).post(task_url(run), form, headers={"Origin": HOME})
    assert asked.status_code == 401
    assert asked.context["typed"].answers == TYPED


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Referer": "https://evil.example/"}]
)
def test_a_form_from_elsewhere_leads_nowhere(alice: User, headers: dict[str, str]) -> None:
    run, client = claimed_by(alice), signed_in(alice, enforce_csrf_checks=True)
    response = client.post(task_url(run), {"action": "save_progress", "username": "alice", **ANSWERS}, headers=headers)
    assert response.status_code == 403
    assert client.get(task_url(run)).context["page"].typed is None


def test_every_task_is_remembered_on_every_device(alice: User) -> None:
    runs, client = [a_run() for _ in range(7)], signed_in(alice)
    before = dict(client.session)
    for run in runs:
        press(client, run, "claim", **ANSWERS)
    assert "lightsaber" not in str({**client.session} | before)
    for run in runs:
        assert shown_in(signed_in(alice).get(task_url(run))) == TYPED
