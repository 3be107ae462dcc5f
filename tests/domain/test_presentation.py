"""`presentation`: what our own form understands must make sense; what it does not know is kept for others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import a_definition
from usertasks.flaws import flaws_of_field
from usertasks.forms import TaskForm
from usertasks.models import UserTaskField

CHOICES = {"choices": ["a", "b"]}


def a_field(kind: str = "STR", rules: dict[str, Any] | None = None, **presentation: Any) -> UserTaskField:
    return UserTaskField(name="a", type=kind, validation=rules or {}, presentation=presentation)


@pytest.mark.parametrize(
    "field",
    [
        a_field(widget="textarea", placeholder="…", rows=10, section="One"),
        a_field(widget="person"),
        a_field(rules=CHOICES, widget="radio", default="b"),
        a_field("INT", {"choices": [1, 2]}, widget="select"),
        a_field("BOOL", widget="select", default=False),
        a_field("JSON_ARR", CHOICES, widget="checkboxes", default=["b", "a"]),
        a_field("TIMESTAMP", default="2026-11-21T09:30:00+01:00"),
        a_field(default=None),
        a_field(widget="slider", colour="red", columns={"phone": 1}),
    ],
)
def test_what_makes_sense_or_is_unknown_is_kept(field: UserTaskField, db: None) -> None:
    assert flaws_of_field(field) == {}
    presentation = dict(field.presentation)
    assert a_definition("form", [field]).fields.get().presentation == presentation


@pytest.mark.parametrize(
    "field",
    [
        a_field(widget=1),
        a_field(widget="radio"),
        a_field(widget="checkboxes"),
        a_field(rules=CHOICES, widget="textarea"),
        a_field(rules={"format": "date"}, widget="person"),
        a_field("INT", widget="textarea"),
        a_field("BOOL", widget="checkboxes"),
        a_field("JSON_ARR", widget="checkboxes"),
        a_field("BYTES", widget="text"),
        a_field(placeholder=1),
        a_field(placeholder="x" * 201),
        a_field(section=["One"]),
        a_field(rows=0),
        a_field(rows=51),
        a_field(rows=True),
        a_field(rows="5"),
        a_field(default=1),
        a_field(rules=CHOICES, default="c"),
        a_field("INT", {"max": 3}, default=4),
        a_field("JSON_ARR", CHOICES, default=["a", "a"]),
        a_field("BYTES", default="QQ=="),
    ],
)
def test_what_makes_no_sense_is_refused(field: UserTaskField) -> None:
    assert list(flaws_of_field(field)) == ["presentation"]


def test_a_form_begins_with_the_defaults_while_nothing_is_saved() -> None:
    fields = [a_field("INT", default=3), UserTaskField(name="b", type="STR", presentation={"default": "x"})]
    assert TaskForm(fields, {}).initial == {"a": 3, "b": "x"}
    assert TaskForm(fields, {"b": "y"}).initial == {"b": "y"}


def test_a_default_is_an_answer_once_it_is_sent_and_can_be_emptied() -> None:
    fields = [a_field("INT", default=3)]
    for sent, results in (({"results-a": "3"}, {"a": 3}), ({"results-a": ""}, {}), ({}, {})):
        form = TaskForm(fields, {}, sent)
        assert form.is_valid()
        assert form.results == results


def test_neighbours_of_one_section_stand_together() -> None:
    fields = [
        UserTaskField(name=str(n), type="STR", presentation={"section": name} if name else {})
        for n, name in enumerate(["", "One", "One", "Two", "One"])
    ]
    form = TaskForm(fields, {})
    sections = [(section.heading, [answer.name for answer in section.answers]) for section in form.sections]
    assert sections == [("", ["0"]), ("One", ["1", "2"]), ("Two", ["3"]), ("One", ["4"])]
    assert len({section.anchor for section in form.sections}) == 4
    assert [section.heading for section in form.headings] == ["One", "Two", "One"]


def test_what_was_stored_before_it_was_checked_does_no_harm() -> None:
    odd = {"widget": ["x"], "placeholder": 1, "section": {}, "rows": "many", "show_if": {"field": "a"}, "default": {}}
    for kind in ("STR", "INT", "BOOL", "JSON_ARR", "TIMESTAMP", "BYTES"):
        html = str(TaskForm([UserTaskField(name="a", type=kind, presentation=odd)], {}))
        assert 'name="results-a"' in html


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        (a_field("INT", {"min": 0, "max": 10}), "From 0 to 10."),
        (a_field("DOUBLE", {"min": 0.5}), "At least 0.5."),
        (a_field("STR", {"max_length": 1}), "At most 1 character."),
        (a_field("JSON_ARR", {**CHOICES, "min_length": 2, "max_length": 2}), "Exactly 2 items."),
        (a_field("BYTES"), "At most 1 MiB."),
        (a_field("BYTES", {"max_length": 2048}), "At most 2 KiB."),
        (a_field("BOOL"), ""),
    ],
)
def test_limits_are_said_before_they_are_met(field: UserTaskField, hint: str) -> None:
    assert TaskForm([field], {}).fields["a"].help_text == hint
