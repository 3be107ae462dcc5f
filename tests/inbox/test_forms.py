"""The form with every type of field, filled in without JavaScript: the server holds it to everything."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import a_definition, claimed_by
from tests.inbox.pages import press, shown_in, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.every_type import EVERY_ANSWER, EVERY_TYPE
from usertasks.fieldtypes import MAX_BYTES
from usertasks.models import Status, UserTaskField, UserTaskRun

SENT: dict[str, Any] = {
    "text": "Hello there", "longText": "I have the high ground.\r\nDon't try it.", "email": "obiwan@temple.example",
    "website": "https://temple.example/archives", "callSign": "OB-1", "person": "anakin", "choice": '"Naboo"',
    "urgency": "3", "skills": ["", '"Something else"', '"Diplomacy"'], "otherSkill": "Patience", "yesOrNo": "false",
    "whyNot": "Only a Sith deals in absolutes.", "whole": "7", "decimal": "3.25", "day": "2026-05-04", "hour": "10:00",
    "moment": "2026-05-04T10:00:00", "object": '{"planet": "Naboo", "moons": 3}',
    "list": '["Ohma-D\'un", "Rori", "Tasia"]',
}  # fmt: skip
"""What a browser sends for the demo's answers, by field; the file comes beside it."""

DROIDS = b"These are not the droids you are looking for.\n"


@pytest.fixture
def run(alice: User) -> UserTaskRun:
    """A run of the demo's definition with every type of field, which alice has claimed."""
    fields = [UserTaskField(**field) for field in EVERY_TYPE]
    return claimed_by(alice, definition=a_definition("every-field-type", fields))


def filled_in(**instead: Any) -> dict[str, Any]:
    answers = {**SENT, **instead}
    return {f"results-{name}": value for name, value in answers.items() if value is not None}


def a_file(content: bytes = DROIDS) -> SimpleUploadedFile:
    return SimpleUploadedFile("droids.txt", content)


def codes_in(response: Any) -> dict[str, list[str]]:
    """What stands beside the fields of a page: name → codes."""
    errors = response.context["page"].form.errors.get_json_data()
    return {name: [error["code"] for error in found] for name, found in errors.items()}


def test_every_type_is_filled_in_saved_restored_completed_and_read_back(alice: User, run: UserTaskRun) -> None:
    client = signed_in(alice)
    assert press(client, run, "save_progress", **filled_in(), **{"results-file": a_file()}).status_code == 302
    run.refresh_from_db()
    assert run.results == EVERY_ANSWER
    shown = shown_in(client.get(task_url(run)))
    assert (shown["text"], shown["urgency"], shown["yesOrNo"]) == ("Hello there", "3", "false")
    assert shown["skills"] == ['"Diplomacy"', '"Something else"']
    again = filled_in(text="General Kenobi") | {"results-file-kept": shown["file"]}
    assert press(client, run, "complete", **again).status_code == 302
    answer = client.get(f"/api/v1/user-task-runs/{run.id.hex}/").json()
    assert (answer["status"], answer["results"]) == ("DONE", {**EVERY_ANSWER, "text": "General Kenobi"})


@pytest.mark.parametrize(
    ("name", "typed", "code"),
    [
        ("text", "", "required"),
        ("text", " \r\n ", "required"),
        ("text", "x" * 81, "out_of_range"),
        ("longText", "a\0b", "invalid"),
        ("email", "obiwan", "invalid"),
        ("website", "javascript:alert(1)", "invalid"),
        ("callSign", "ob-1", "invalid"),
        ("choice", '"Mustafar"', "not_a_choice"),
        ("choice", "Naboo", "not_a_choice"),
        ("urgency", "4", "not_a_choice"),
        ("skills", ['"Cooking"'], "not_a_choice"),
        ("skills", ['"Diplomacy"', '"Piloting"', '"Swordsmanship"', '"Something else"'], "out_of_range"),
        ("otherSkill", "", "required"),
        ("yesOrNo", "perhaps", "not_a_choice"),
        ("whyNot", "", "required"),
        ("whyNot", "x" * 501, "out_of_range"),
        ("whole", "eleven", "invalid"),
        ("whole", "11", "out_of_range"),
        ("whole", "-1", "out_of_range"),
        ("whole", "1.5", "invalid"),
        ("decimal", "1e999", "invalid"),
        ("decimal", "one", "invalid"),
        ("day", "2026-02-29", "invalid"),
        ("hour", "24:00", "invalid"),
        ("moment", "tomorrow", "invalid"),
        ("moment", "2019-12-31T23:59:59", "out_of_range"),
        ("object", '{"a": 1,\r\n b}', "invalid"),
        ("object", "[]", "wrong_type"),
        ("list", "{}", "wrong_type"),
    ],
)
def test_a_wrong_answer_is_refused_beside_its_field(
    alice: User, run: UserTaskRun, name: str, typed: Any, code: str
) -> None:
    client = signed_in(alice)
    response = press(client, run, "complete", **filled_in(**{name: typed}), **{"results-file": a_file()})
    assert response.status_code == 422
    assert codes_in(response) == {name: [code]}
    html = response.content.decode()
    assert f'id="id_results-{name}_error"' in html
    assert f'href="#id_results-{name}"' in html
    run.refresh_from_db()
    assert (run.status, run.results) == (Status.ASSIGNED, {})


@pytest.mark.parametrize(
    ("content", "code"), [(b"x" * MAX_BYTES, None), (b"x" * (MAX_BYTES + 1), "out_of_range"), (b"", "invalid")]
)
def test_a_file_has_a_limit_and_is_not_empty(alice: User, run: UserTaskRun, content: bytes, code: str | None) -> None:
    response = press(signed_in(alice), run, "complete", **filled_in(), **{"results-file": a_file(content)})
    if code is None:
        assert response.status_code == 302
    else:
        assert (response.status_code, codes_in(response)) == (422, {"file": [code]})


def test_json_that_is_none_is_said_with_its_line_and_column(alice: User, run: UserTaskRun) -> None:
    response = press(signed_in(alice), run, "save_progress", **filled_in(object='{\r\n "a": 1,\r\n b\r\n}'))
    assert "Line 3, column 2" in response.content.decode()
    assert shown_in(response)["object"] == '{\r\n "a": 1,\r\n b\r\n}'


@pytest.mark.parametrize("name", ["whole", "day", "hour", "moment"])
def test_what_a_browser_would_not_show_is_shown_as_text(alice: User, run: UserTaskRun, name: str) -> None:
    response = press(signed_in(alice), run, "save_progress", **filled_in(**{name: "odd"}))
    field = response.context["page"].form[name]
    assert str(field).startswith('<input type="text"')
    assert 'value="odd"' in str(field)


def test_what_is_not_asked_for_is_neither_required_nor_kept(alice: User, run: UserTaskRun) -> None:
    unasked = {"skills": ["", '"Piloting"'], "otherSkill": "Patience", "yesOrNo": "true", "whyNot": "x" * 501}
    assert press(signed_in(alice), run, "complete", **filled_in(**unasked)).status_code == 302
    run.refresh_from_db()
    kept = {name: value for name, value in EVERY_ANSWER.items() if name not in ("otherSkill", "whyNot", "file")}
    assert run.results == {**kept, "skills": ["Piloting"], "yesOrNo": True}
    html = signed_in(alice).get(task_url(run)).content.decode()
    assert "Why not?" not in html
    assert "Which other?" not in html


def test_boxes_that_are_all_unticked_are_no_answer(alice: User) -> None:
    field = UserTaskField(name="skills", type="JSON_ARR", required=False, validation={"choices": ["a", "b"]})
    run = claimed_by(alice, definition=a_definition("boxes", [field]))
    run = operations.save_progress(run.id, {"skills": ["b", "a"]}, by=actor_for(alice))
    assert run.results == {"skills": ["a", "b"]}
    press(signed_in(alice), run, "save_progress", **{"results-skills": [""]})
    run.refresh_from_db()
    assert run.results == {}


def test_defaults_are_there_until_something_is_saved(alice: User, run: UserTaskRun) -> None:
    client = signed_in(alice)
    assert shown_in(client.get(task_url(run)))["urgency"] == "2"
    operations.save_progress(run.id, {"text": "x"}, by=actor_for(alice))
    assert shown_in(client.get(task_url(run)))["urgency"] is None


def test_people_of_the_group_are_suggested_where_a_person_is_asked_for(
    alice: User, bob: User, charlie: User, run: UserTaskRun
) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    field = signed_in(alice).get(task_url(run)).context["page"].form["person"]
    assert '<option value="alice">' in str(field)
    assert "bob" not in str(field)
    assert "charlie" not in str(field)


def test_people_are_looked_for_only_where_a_person_is_asked_for(alice: User, run: UserTaskRun) -> None:
    client, counts = signed_in(alice), []
    for shown in (claimed_by(alice), run):
        with CaptureQueriesContext(connection) as queries:
            client.get(task_url(shown))
        counts.append(len(queries))
    assert counts[1] == counts[0] + 1


def test_a_long_form_has_a_table_of_contents(alice: User, run: UserTaskRun) -> None:
    html = signed_in(alice).get(task_url(run)).content.decode()
    for number, heading in enumerate(("Words", "Choices", "Numbers and times", "Files and data"), start=1):
        assert f'<a href="#section-{number}">{heading}</a>' in html
        assert f'id="section-{number}"' in html


def test_boxes_that_were_not_asked_for_stay_as_they_are(alice: User) -> None:
    fields = [
        UserTaskField(name="skills", type="JSON_ARR", required=False, validation={"choices": ["a", "b"]}),
        UserTaskField(name="text", type="STR", required=False),
    ]
    run = claimed_by(alice, definition=a_definition("boxes", fields))
    run = operations.save_progress(run.id, {"skills": ["a"]}, by=actor_for(alice))
    press(signed_in(alice), run, "save_progress", **{"results-text": "x"})
    run.refresh_from_db()
    assert run.results == {"skills": ["a"], "text": "x"}
