"""The inputs of the form designer: what stands in them, what they make, and that they never disagree with the JSON."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.admin.pages import DEFINITIONS, Page, a_form, signed_in, typed, url
from tests.cast import a_definition, a_run, a_user
from usertasks.admin.rule_inputs import kinds_of, typed_of_field
from usertasks.every_type import EVERY_TYPE
from usertasks.fieldtypes import FIELD_TYPES
from usertasks.models import UserTaskDef, UserTaskField

LIVE = {"_preview": "live"}


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def put(client: Client, *fields: dict[str, str], **more: str) -> Any:
    return client.post(url(f"{DEFINITIONS}add"), a_form(fields, name="expense", **more))


def fields_put() -> list[UserTaskField]:
    return list(UserTaskDef.objects.named("expense").newest().get().fields.all())


def codes_of(response: Any) -> list[dict[str, list[str]]]:
    formset = response.context["inline_admin_formsets"][0].formset
    return [{part: [e.code for e in found.as_data()] for part, found in errors.items()} for errors in formset.errors]


def live(client: Client, definition: UserTaskDef, **changed: str) -> Any:
    address = url(f"{DEFINITIONS}change", definition.pk)
    return client.post(address, Page(client.get(address)).form_of_a_definition() | changed | LIVE)


@pytest.mark.parametrize(
    ("kind", "inputs", "validation", "presentation"),
    [
        ("STR", {"choices": "1\r\n two \r\n\r\n"}, {"choices": ["1", "two"]}, {}),
        ("INT", {"choices": "1\n2", "default": "2"}, {"choices": [1, 2]}, {"default": 2}),
        ("DOUBLE", {"min": "0.5", "max": "1"}, {"min": 0.5, "max": 1}, {}),
        ("STR", {"min_length": "1", "max_length": "80"}, {"min_length": 1, "max_length": 80}, {}),
        ("STR", {"pattern": " ^a"}, {"pattern": " ^a"}, {}),
        ("STR", {"format": "date", "default": "2026-11-21"}, {"format": "date"}, {"default": "2026-11-21"}),
        ("TIMESTAMP", {"min": "2026-01-01T00:00:00Z"}, {"min": "2026-01-01T00:00:00Z"}, {}),
        ("JSON_ARR", {"choices": "a\n3", "max_length": "1"}, {"choices": ["a", "3"], "max_length": 1}, {}),
        ("JSON_ARR", {"choices": "a\nb", "default": '["b"]'}, {"choices": ["a", "b"]}, {"default": ["b"]}),
        ("BOOL", {"default": "true", "widget": "select"}, {}, {"default": True, "widget": "select"}),
        ("STR", {"section": "A", "placeholder": "é", "widget": "person"}, {}, {"section": "A", "placeholder": "é"}),
    ],
)
def test_inputs_say_what_an_answer_may_be(
    client: Client, kind: str, inputs: dict[str, str], validation: dict[str, Any], presentation: dict[str, Any]
) -> None:
    put(client, typed("a", kind, **inputs))
    [field] = fields_put()
    assert field.validation == validation
    assert {**field.presentation, "widget": None} == {**presentation, "widget": None}


@pytest.mark.parametrize(
    ("inputs", "show_if"),
    [
        ({"show_if_test": "equals", "show_if_value": "2"}, {"equals": 2}),
        ({"show_if_test": "answered"}, {"answered": True}),
        ({"show_if_test": "no answer"}, {"answered": False}),
    ],
)
def test_a_condition_is_typed(client: Client, inputs: dict[str, str], show_if: dict[str, Any]) -> None:
    put(client, typed("days", "INT"), typed("why", show_if_field="days", **inputs))
    assert fields_put()[1].presentation == {"show_if": {"field": "days", **show_if}}


@pytest.mark.parametrize(
    ("field", "codes"),
    [
        (typed("a", "INT", min="x"), {"min": ["invalid"]}),
        (typed("a", "INT", min="2", max="1"), {"min": ["invalid"]}),
        (typed("a", max="1"), {"max": ["unknown_field"]}),
        (typed("a", max_length="1.5"), {"max_length": ["invalid"]}),
        (typed("a", pattern="(?=x)"), {"pattern": ["invalid"]}),
        (typed("a", widget="file"), {"widget": ["invalid"]}),
        (typed("a", "INT", default="x"), {"default": ["invalid"]}),
        (typed("a", "BYTES", default="x"), {"default": ["unknown_field"]}),
        (typed("a", format="post"), {"format": ["invalid_choice"]}),
        (typed("a", show_if_test="equals", show_if_value="1"), {"show_if_field": ["required"]}),
        (typed("a", show_if_field="b"), {"show_if_test": ["required"]}),
        (typed("a", show_if_field="nobody", show_if_test="answered"), {"show_if_field": ["invalid"]}),
        (typed("a", show_if_field="b", show_if_test="equals", show_if_value="x"), {"show_if_field": ["invalid"]}),
        (typed("a", "INT", max="1", validation={"max": 1}), {"max": ["twice"]}),
        (typed("a", section="A", presentation={"section": "B"}), {"section": ["twice"]}),
        (
            typed("a", show_if_field="b", show_if_test="answered", presentation={"show_if": {}}),
            {"show_if_field": ["twice"]},
        ),
    ],
)
def test_what_is_wrong_stands_beside_its_input(client: Client, field: dict[str, str], codes: dict[str, Any]) -> None:
    response = put(client, field, typed("b", "INT"))
    assert response.status_code == 200
    assert codes_of(response) == [codes, {}]
    assert not UserTaskDef.objects.exists()


def test_saving_what_the_page_shows_of_every_type_changes_nothing(client: Client) -> None:
    definition = a_definition(fields=[UserTaskField(**field) for field in EVERY_TYPE])
    address = url(f"{DEFINITIONS}change", definition.pk)
    client.post(address, Page(client.get(address)).form_of_a_definition())
    assert UserTaskDef.objects.get() == definition


RULES = st.dictionaries(
    st.sampled_from(["choices", "min", "max", "min_length", "max_length", "pattern", "format", "other"]),
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.lists(st.text(max_size=3))),
)


@given(st.sampled_from(sorted(FIELD_TYPES)), RULES)
def test_each_rule_stands_in_one_place_and_none_is_lost(kind: str, rules: dict[str, Any]) -> None:
    content = {"name": "a", "type": kind, "validation": rules, "presentation": {}}
    shown = typed_of_field(content, kinds_of({"a": kind}))
    in_inputs = {key for key in rules if key in shown}
    assert in_inputs.isdisjoint(shown["validation"])
    assert in_inputs | set(shown["validation"]) == set(rules)


def test_the_live_preview_is_the_preview_alone_and_saves_nothing(client: Client) -> None:
    definition = a_definition()
    response = live(client, definition, **{"fields-0-display_name": "What?"})
    page = Page(response)
    assert (response.status_code, "results-requestedItem" in page.inputs) == (200, True)
    assert "fields-0-name" not in page.inputs
    assert "display name: Requested item → What?" in page.text
    assert UserTaskDef.objects.get() == definition


def test_the_live_preview_says_what_is_wrong_and_where(client: Client) -> None:
    response = live(client, a_definition(), **{"fields-1-validation": "{oops", "fields-0-min_length": "x"})
    problems = response.context["designed"].problems
    assert [(problem.where, problem.anchor) for problem in problems] == [
        ("Field “requestedItem”, Shortest length", "id_fields-0-min_length"),
        ("Field “justification”, Validation", "id_fields-1-validation"),
    ]
    assert "results-requestedItem" not in Page(response).inputs


def test_what_is_struck_out_is_no_problem(client: Client) -> None:
    response = live(client, a_definition(), **{"fields-1-validation": "{oops", "fields-1-DELETE": "on"})
    assert response.context["designed"].problems == []
    assert "justification is removed." in Page(response).text


def test_adding_a_name_that_exists_is_compared_with_its_newest_version(client: Client) -> None:
    a_definition("expense", fields=[UserTaskField(name="old", type="STR")])
    page = Page(put(client, typed("new"), **LIVE))
    assert "What changes against version 0" in page.text
    assert ("new is added." in page.text, "old is removed." in page.text) == (True, True)


def test_a_new_name_changes_nothing(client: Client) -> None:
    assert "What changes" not in Page(put(client, typed("new"), **LIVE)).text


def test_the_page_says_how_many_open_runs_stay(client: Client) -> None:
    definition = a_definition()
    a_run(definition)
    a_run(definition)
    page = Page(client.get(url(f"{DEFINITIONS}change", definition.pk)))
    assert "2 open runs stay on version 0." in page.text
    looker = signed_in(a_user("lou", permissions=["view_usertaskdef"], is_staff=True))
    assert "2 open runs stay on version 0." in Page(looker.get(url(f"{DEFINITIONS}change", definition.pk))).text


def test_the_list_counts_the_open_runs_of_each_version(client: Client, django_assert_max_num_queries: Any) -> None:
    a_run(a_definition())
    a_definition(fields=[UserTaskField(name="a", type="STR")])
    for number in range(10):
        a_definition(f"other-{number}", fields=[])
    with django_assert_max_num_queries(8):
        found = client.get(url(f"{DEFINITIONS}changelist"), {"q": "it-request"}).context["cl"].result_list
    assert [(str(one), one.open_run_count) for one in found] == [("it-request v1", 0), ("it-request v0", 1)]


def test_a_live_preview_takes_the_permission_to_put(db: None) -> None:
    looker = signed_in(a_user("lou", permissions=["view_usertaskdef"], is_staff=True))
    response = looker.post(url(f"{DEFINITIONS}change", a_definition().pk), a_form([typed("a")], **LIVE))
    assert response.status_code == 403
