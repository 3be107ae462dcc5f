"""Definitions in the admin: saving puts a new version, and nothing is ever edited."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.pages import DEFINITIONS, Page, a_form, signed_in, typed, url
from tests.cast import CREATING, a_definition, a_run, a_user
from usertasks.models import UserTaskDef, UserTaskField


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def change_url(definition: UserTaskDef) -> str:
    return url(f"{DEFINITIONS}change", definition.pk)


def newest(name: str = "it-request") -> UserTaskDef:
    definition = UserTaskDef.objects.named(name).newest_first().first()
    assert definition is not None
    return definition


def content(definition: UserTaskDef) -> list[dict[str, Any]]:
    return [field.content() for field in definition.fields.all()]


def names(definition: UserTaskDef) -> list[str]:
    return [field.name for field in definition.fields.all()]


def errors_of(response: Any) -> list[dict[str, list[str]]]:
    """What stands beside the fields: for each row, part → codes."""
    formset = response.context["inline_admin_formsets"][0].formset
    return [{part: [e.code for e in found.as_data()] for part, found in errors.items()} for errors in formset.errors]


def test_a_new_name_begins_with_version_0(client: Client) -> None:
    form = a_form([typed("amount", "INT", validation={"min": 1}), typed("why")], name="expense", description="Money")
    response = client.post(url(f"{DEFINITIONS}add"), form, follow=True)
    put = newest("expense")
    assert (put.version, put.description, names(put)) == (0, "Money", ["amount", "why"])
    assert put.fields.all()[0].validation == {"min": 1}
    assert response.redirect_chain[-1][0] == change_url(put)
    assert "Saved as expense version 0." in Page(response).text


def test_adding_a_name_that_exists_makes_its_next_version(client: Client) -> None:
    a_definition("expense")
    client.post(url(f"{DEFINITIONS}add"), a_form([typed("amount", "INT")], name="expense"))
    assert (newest("expense").version, names(newest("expense"))) == (1, ["amount"])


def test_saving_what_is_there_says_that_nothing_has_changed(client: Client) -> None:
    definition = a_definition(
        fields=[
            UserTaskField(name=" odd ", type="DOUBLE", validation={"min": 1.0}, presentation={"widget": "x"}),
            UserTaskField(
                name="text", type="STR", description="two\nlines", required=False, validation={"choices": ["ä"]}
            ),
        ]
    )
    page = Page(client.get(change_url(definition)))
    response = client.post(change_url(definition), page.form_of_a_definition(), follow=True)
    assert newest() == definition
    assert "Nothing has changed: it-request is at version 0." in Page(response).text
    assert not LogEntry.objects.exists()


def test_line_ends_of_a_browser_are_no_change(client: Client) -> None:
    fields = [UserTaskField(name="text", type="STR", description="two\nlines")]
    definition = a_definition(fields=fields)
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    client.post(change_url(definition), form | {"fields-0-description": "two\r\nlines"})
    assert newest() == definition


def test_saving_a_change_puts_a_new_version_and_leaves_the_old_one(client: Client) -> None:
    definition = a_definition()
    before = content(definition)
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    form |= {"fields-2-name": "price", "fields-2-type": "DOUBLE", "description": "What do you need?"}
    response = client.post(change_url(definition), form, follow=True)
    assert (newest().version, names(newest())) == (1, ["requestedItem", "justification", "price"])
    assert newest().description == "What do you need?"
    assert content(definition) == before
    assert response.redirect_chain[-1][0] == change_url(newest())
    assert "Saved as it-request version 1." in Page(response).text


def test_the_log_of_the_admin_names_the_new_version(client: Client, admin: User) -> None:
    definition = a_definition()
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    client.post(change_url(definition), form | {"description": "new"})
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.object_repr) == (admin, str(newest().pk), "it-request v1")


def test_the_name_of_a_definition_cannot_be_changed(client: Client) -> None:
    definition = a_definition()
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    assert "name" not in form
    client.post(change_url(definition), form | {"name": "other", "description": "new"})
    assert newest().version == 1
    assert not UserTaskDef.objects.named("other").exists()


def test_fields_are_removed_and_reordered(client: Client) -> None:
    definition = a_definition(fields=[UserTaskField(name=name, type="STR") for name in "abc"])
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    assert [form[f"fields-{row}-order"] for row in range(4)] == ["10", "20", "30", ""]
    form |= {"fields-0-DELETE": "on", "fields-1-order": "35", "fields-3-name": "d", "fields-3-type": "INT"}
    client.post(change_url(definition), form)
    assert names(newest()) == ["c", "b", "d"]


def test_a_name_may_move_from_one_field_to_another(client: Client) -> None:
    definition = a_definition()
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    form |= {"fields-0-name": "justification", "fields-1-name": "requestedItem"}
    client.post(change_url(definition), form)
    assert names(newest()) == ["justification", "requestedItem"]


def test_saving_an_older_version_brings_it_back_as_the_newest(client: Client) -> None:
    old = a_definition()
    a_definition(fields=[])
    page = Page(client.get(change_url(old)))
    assert "the newest is version 1" in page.text
    client.post(change_url(old), page.form_of_a_definition())
    assert (newest().version, content(newest())) == (2, content(old))


def test_what_somebody_put_meanwhile_is_not_undone_unseen(client: Client) -> None:
    definition = a_definition()
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    a_definition(fields=[])
    form["description"] = "mine"
    response = client.post(change_url(definition), form)
    assert response.context["adminform"].form.non_field_errors().as_data()[0].code == "stale"
    assert newest().version == 1
    again = Page(response).form_of_a_definition()
    assert again["description"] == "mine"
    client.post(change_url(definition), again)
    assert (newest().version, newest().description) == (2, "mine")


@pytest.mark.parametrize(
    ("field", "faults"),
    [
        (typed("a", validation="{oops"), {"validation": ["invalid"]}),
        (typed("a", validation="[" * 100_000), {"validation": ["invalid"]}),
        (typed("a", validation='{"max": NaN}'), {"validation": ["invalid"]}),
        (typed("a", validation='{"max": 1, "max": 2}'), {"validation": ["invalid"]}),
        (typed("a", presentation="[1]"), {"presentation": ["wrong_type"]}),
        (typed("a", validation={"min": 1}), {"validation": ["invalid"]}),
        (typed("a", "INT", validation={"min": 2, "max": 1}), {"validation": ["invalid"]}),
        (typed(""), {"name": ["required"]}),
        (typed(" "), {"name": ["required"]}),
        (typed("a" * 300), {"name": ["max_length"]}),
        (typed("a", "FLOAT"), {"type": ["invalid_choice"]}),
        (typed("a", order="x"), {"order": ["invalid"]}),
        (typed("a\0"), {"name": ["null_characters_not_allowed"]}),
        (typed("first"), {"name": ["invalid"]}),
    ],
)
def test_what_is_wrong_stands_beside_the_field(
    client: Client, field: dict[str, str], faults: dict[str, list[str]]
) -> None:
    fields = [typed("first", order="20"), field, typed("third", order="10")]
    response = client.post(url(f"{DEFINITIONS}add"), a_form(fields, name="expense"))
    assert response.status_code == 200
    assert errors_of(response) == [{}, faults, {}]
    assert not UserTaskDef.objects.exists()


def test_what_is_wrong_is_said_of_every_field_at_once_and_keeps_what_was_typed(client: Client) -> None:
    fields = [typed("a", validation="{oops"), typed("b", validation={"min": 1}), typed("")]
    response = client.post(url(f"{DEFINITIONS}add"), a_form(fields, name="expense"))
    assert errors_of(response) == [{"validation": ["invalid"]}, {"validation": ["invalid"]}, {"name": ["required"]}]
    assert Page(response).inputs["fields-0-validation"] == "{oops"


@pytest.mark.parametrize("name", ["", "-a", "a b", "ü"])
def test_a_name_that_is_none_is_refused(client: Client, name: str) -> None:
    response = client.post(url(f"{DEFINITIONS}add"), a_form([typed("a")], name=name))
    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == ["name"]


def test_the_list_shows_and_finds_definitions(client: Client) -> None:
    a_definition("expense", fields=[])
    a_definition("it-request")
    a_definition("it-request", fields=[UserTaskField(name="a", type="STR")])
    address = url(f"{DEFINITIONS}changelist")
    found = [(d.name, d.version, d.field_count) for d in client.get(address).context["cl"].result_list]
    assert found == [("expense", 0, 0), ("it-request", 1, 1), ("it-request", 0, 2)]
    only_newest = client.get(address, {"newest": "true"}).context["cl"].result_list
    assert [str(d) for d in only_newest] == ["expense v0", "it-request v1"]
    assert {d.name for d in client.get(address, {"q": "request"}).context["cl"].result_list} == {"it-request"}


def test_a_definition_is_deleted(client: Client) -> None:
    definition = a_definition()
    address = url(f"{DEFINITIONS}delete", definition.pk)
    assert client.get(address).status_code == 200
    assert "was deleted" in Page(client.post(address, {"post": "yes"}, follow=True)).text
    assert not UserTaskDef.objects.exists()


def test_a_definition_with_runs_is_not_deleted(client: Client) -> None:
    definition = a_run().definition
    response = client.post(url(f"{DEFINITIONS}delete", definition.pk), {"post": "yes"}, follow=True)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    assert "There are runs of it-request version 0." in Page(response).text
    assert UserTaskDef.objects.get() == definition
    assert not LogEntry.objects.exists()


def test_many_definitions_are_deleted_one_by_one(client: Client) -> None:
    a_run()
    expense = a_definition("expense")
    ids = list(UserTaskDef.objects.values_list("pk", flat=True))
    form = {"action": "delete_selected", "_selected_action": ids}
    address = url(f"{DEFINITIONS}changelist")
    assert "Are you sure" in Page(client.post(address, form)).text
    response = client.post(address, {**form, "post": "yes"}, follow=True)
    assert {message.level_tag for message in response.context["messages"]} == {"success", "error"}
    assert not UserTaskDef.objects.filter(pk=expense.pk).exists()
    assert UserTaskDef.objects.get().name == "it-request"


def test_a_version_is_previewed_as_people_see_it(client: Client) -> None:
    definition = a_definition()
    response = client.get(url(f"{DEFINITIONS}preview", definition.pk))
    page = Page(response)
    assert "Requested item" in page.text
    assert "results-requestedItem" in page.inputs
    assert client.get(url(f"{DEFINITIONS}preview", definition.pk + 1)).status_code == 404


def test_a_preview_of_what_is_typed_saves_nothing_and_keeps_it(client: Client) -> None:
    definition = a_definition()
    form = Page(client.get(change_url(definition))).form_of_a_definition()
    form |= {"fields-2-name": "price", "fields-2-type": "DOUBLE", "_preview": "Preview"}
    page = Page(client.post(change_url(definition), form))
    assert "results-price" in page.inputs
    assert page.inputs["fields-2-name"] == "price"
    assert newest() == definition


def test_a_preview_of_what_is_wrong_says_so(client: Client) -> None:
    form = a_form([typed("a", validation="{oops")], name="expense", _preview="Preview")
    response = client.post(url(f"{DEFINITIONS}add"), form)
    assert errors_of(response) == [{"validation": ["invalid"]}]
    assert "preview" not in response.context


def test_putting_takes_the_permission_to_put(db: None) -> None:
    definition = a_definition()
    looker = signed_in(a_user("lou", permissions=["view_usertaskdef"], is_staff=True))
    assert looker.get(url(f"{DEFINITIONS}add")).status_code == 403
    page = looker.get(change_url(definition))
    assert "requestedItem" in page.content.decode()
    assert 'name="_save"' not in page.content.decode()
    assert looker.post(change_url(definition), a_form([typed("a")])).status_code == 403
    assert looker.post(url(f"{DEFINITIONS}delete", definition.pk), {"post": "yes"}).status_code == 403
    assert looker.get(url(f"{DEFINITIONS}preview", definition.pk)).status_code == 200
    assert newest() == definition


def test_who_may_put_definitions_can_do_so_without_any_other_permission(db: None) -> None:
    maker = signed_in(a_user("max", permissions=CREATING, is_staff=True))
    maker.post(url(f"{DEFINITIONS}add"), a_form([typed("a")], name="expense"))
    assert maker.get(change_url(newest("expense"))).status_code == 200


def test_staff_without_permissions_see_no_definitions(db: None) -> None:
    definition = a_definition()
    client = signed_in(a_user("sam", is_staff=True))
    assert client.get(change_url(definition)).status_code == 403
    assert client.get(url(f"{DEFINITIONS}preview", definition.pk)).status_code == 403
