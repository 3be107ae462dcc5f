"""Runs in the admin: found and read, by whom the rules let see them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.admin.pages import RUNS, Page, signed_in, url
from tests.cast import a_definition, a_run, a_user, claimed_by, done_by
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.admin import RunAdmin, run_filters
from usertasks.models import UserTaskField, UserTaskRun

LIST = f"{RUNS}changelist"


@pytest.fixture
def client(mona: User) -> Client:
    return signed_in(mona)


def listed(client: Client, **parameters: Any) -> list[UserTaskRun]:
    response = client.get(url(LIST), parameters)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def detail(client: Client, run: UserTaskRun) -> Page:
    return Page(client.get(url(f"{RUNS}change", run.pk)))


def created(run: UserTaskRun, moment: datetime) -> UserTaskRun:
    UserTaskRun.objects.filter(pk=run.pk).update(scheduled_time=moment)
    return run


def test_the_newest_run_comes_first(client: Client) -> None:
    now = timezone.now()
    old, new, middle = (created(a_run(), now - timedelta(hours=hours)) for hours in (3, 1, 2))
    assert listed(client) == [new, middle, old]


def test_a_row_says_what_one_needs_to_know(client: Client, alice: User) -> None:
    run = claimed_by(alice, priority=70, due_at=timezone.now() - timedelta(days=1))
    text = Page(client.get(url(LIST))).text
    for words in (run.id.hex[:8], "Assigned", "it-request v0", "alice", "finance", "Overdue", "70"):
        assert words in text


def test_only_what_is_open_can_be_overdue(client: Client, alice: User) -> None:
    done_by(alice, due_at=timezone.now() - timedelta(days=1))
    assert "Overdue </strong>" not in Page(client.get(url(LIST))).text
    assert 'class="run-overdue"' not in client.get(url(LIST)).content.decode()


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"status": "DONE"}, {"done"}),
        ({"status": "ASSIGNED"}, {"claimed"}),
        ({"user_id": "alice"}, {"done", "claimed"}),
        ({"user_group": "it"}, {"late"}),
        ({"user_task_def_name": "expense"}, {"late"}),
        ({"overdue": "true"}, {"late"}),
        ({"overdue": "false"}, {"done", "claimed"}),
        ({"earliest_start": "2020-01-01T00:00", "latest_start": "2020-12-31T23:59"}, {"late"}),
        ({"user_group": "finance", "status": "DONE"}, {"done"}),
        ({"user_group": "nobody"}, set()),
        ({"q": "it"}, {"late"}),
        ({"q": "alice"}, {"done", "claimed"}),
        ({"q": "flow-7"}, {"late"}),
        ({"q": "flow"}, set()),
    ],
)
def test_runs_are_found(client: Client, alice: User, parameters: dict[str, str], found: set[str]) -> None:
    expense = a_definition("expense")
    yesterday = timezone.now() - timedelta(days=1)
    late = a_run(expense, user_group="it", due_at=yesterday, wf_run_id="flow-7")
    created(late, datetime(2020, 6, 1, tzinfo=timezone.get_default_timezone()))
    runs = {"done": done_by(alice), "claimed": claimed_by(alice), "late": late}
    assert {name for name, run in runs.items() if run in listed(client, **parameters)} == found


@pytest.mark.parametrize("form", ["hex", "dashed", "padded"])
def test_a_run_is_found_by_its_id_in_both_forms(client: Client, form: str) -> None:
    a_run()
    run = a_run()
    term = {"hex": run.id.hex, "dashed": str(run.id), "padded": f" {run.id} "}[form]
    assert listed(client, q=term) == [run]


def test_a_moment_that_cannot_be_read_is_said_beside_it(client: Client) -> None:
    a_run()
    response = client.get(url(LIST), {"earliest_start": "yesterday"})
    assert list(response.context["cl"].result_list) == []
    assert 'id="filter-earliest_start-errors"' in response.content.decode()


@pytest.mark.parametrize(
    "parameters",
    [
        {"status": "LOST"},
        {"overdue": "maybe"},
        {"user_id": "a\0b"},
        {"q": "a\0b"},
        {"id": "no-id"},
        {"nonsense": "1"},
        {"p": "9999"},
        {"o": "x.1.-99"},
        {"earliest_start": "0001-01-01T00:00:00+23:59"},
    ],
)
def test_odd_parameters_are_no_accident(client: Client, parameters: dict[str, str]) -> None:
    a_run()
    assert client.get(url(LIST), parameters, follow=True).status_code == 200


@pytest.mark.parametrize("parameters", [{"status": "LOST"}, {"overdue": "maybe"}])
def test_a_choice_that_is_none_is_not_ignored(client: Client, parameters: dict[str, str]) -> None:
    response = client.get(url(LIST), parameters)
    assert (response.status_code, response.headers["Location"]) == (302, url(LIST) + "?e=1")


def test_the_typed_filters_keep_the_other_ones(client: Client) -> None:
    html = client.get(url(LIST), {"status": "DONE", "q": "alice", "p": "1"}).content.decode()
    form = html[html.index('class="texts-filter"') :]
    assert '<input type="hidden" name="status" value="DONE">' in form
    assert '<input type="hidden" name="q" value="alice">' in form
    assert 'name="p"' not in form


def test_the_list_costs_the_same_for_any_number_of_runs(
    client: Client, alice: User, django_assert_num_queries: Any
) -> None:
    done_by(alice)
    for _ in range(20):
        a_run(due_at=timezone.now())
    # session, user, permissions (2), my groups, count, page, and definitions, groups and users to suggest
    with django_assert_num_queries(9):
        listed(client)


def test_the_pages_of_the_list_lose_no_run(client: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunAdmin, "list_per_page", 2)
    monkeypatch.setattr(RunAdmin, "list_max_show_all", 1)
    runs = [done_by(alice), a_run(), claimed_by(alice), a_run(), done_by(alice)]
    assert [run for page in (1, 2, 3) for run in listed(client, p=page)] == runs[::-1]
    assert [run for page in (1, 2, 3) for run in listed(client, p=page, o="8.-6")] == runs[::-1]


def test_the_list_counts_no_further_than_anybody_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_filters, "MOST_COUNTED", 2)
    for _ in range(3):
        a_run()
    changelist = client.get(url(LIST)).context["cl"]
    assert (changelist.result_count, changelist.full_result_count) == (2, None)


def test_one_sees_what_the_rules_let_one_see(db: None) -> None:
    ours, theirs = a_run(), a_run(user_group="it")
    client = signed_in(a_user("fiona", groups=["finance"], is_staff=True))
    assert listed(client) == [ours]
    assert "it-request" in detail(client, ours).text
    response = client.get(url(f"{RUNS}change", theirs.pk), follow=True)
    assert theirs.id.hex not in response.content.decode().replace(f"“{theirs.pk}”", "")
    assert client.get(url(f"{RUNS}history", theirs.pk)).status_code == 302


def test_who_is_not_staff_stays_outside(alice: User) -> None:
    run = claimed_by(alice)
    client = signed_in(alice)
    for address in (url(LIST), url(f"{RUNS}change", run.pk), url(f"{RUNS}reassign"), url(f"{RUNS}cancel")):
        assert client.get(address).status_code == 302


def test_nothing_about_a_run_can_be_edited_added_or_deleted(admin: User) -> None:
    run = a_run()
    client = signed_in(admin)
    assert client.get(url(f"{RUNS}add")).status_code == 403
    assert client.post(url(f"{RUNS}change", run.pk), {"user_id": "eve"}).status_code == 403
    assert client.post(url(f"{RUNS}delete", run.pk), {"post": "yes"}).status_code == 403
    assert set(Page(client.get(url(f"{RUNS}change", run.pk))).inputs) == {"csrfmiddlewaretoken"}
    run.refresh_from_db()
    assert (run.version, run.user_id) == (1, None)


def test_the_page_of_a_run_tells_everything_about_it(client: Client, alice: User, mona: User) -> None:
    fields = [
        UserTaskField(name="ok", type="BOOL", display_name="All right?"),
        UserTaskField(name="things", type="JSON_ARR", required=False),
        UserTaskField(name="rest", type="STR", required=False),
    ]
    run = claimed_by(alice, definition=a_definition(fields=fields), notes="Mind the step")
    operations.save_progress(run.id, {"ok": True, "things": ["<b>"]}, by=actor_for(alice))
    operations.add_comment(run.id, "Is <this> right?", by=actor_for(mona))
    second = operations.add_comment(run.id, "Never mind", by=actor_for(mona))
    operations.delete_comment(run.id, second.number, by=actor_for(mona))
    page = detail(client, run)
    for words in ("Mind the step", "All right? Yes", "things <b>", "rest No answer", "Is <this> right?"):
        assert words in page.text
    assert "This comment was deleted." in page.text
    assert "Never mind" not in page.text
    story = [
        "engine created the task for the group finance",
        "alice claimed the task",
        "alice saved progress",
        "mona added a comment",
        "mona deleted a comment",
    ]
    places = [page.text.index(sentence) for sentence in story]
    assert places == sorted(places)


def test_a_run_opens_under_both_forms_of_its_id(client: Client) -> None:
    run = a_run()
    assert client.get(url(f"{RUNS}change", run.id.hex)).status_code == 200
    assert client.get(url(f"{RUNS}change", str(run.id))).status_code == 200


@pytest.mark.parametrize("name", ["00000000-0000-4000-8000-000000000000", "nonsense", "_00", "%00"])
def test_a_run_that_is_not_there_leads_back(client: Client, name: str) -> None:
    assert client.get(url(f"{RUNS}change", name)).status_code == 302


def test_the_page_of_a_run_says_what_it_does_by_itself(client: Client, mona: User) -> None:
    actions = [
        {"hook": "ON_ARRIVAL", "delay_seconds": 60, "task": {"task_def_name": "send-reminder", "variables": {}}},
        {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 86400, "reassign": {"user_group": "finance"}},
        {"hook": "ON_ARRIVAL", "delay_seconds": 259200, "cancel": {}},
    ]
    run = a_run(user_id="alice", actions=actions)
    operations.assign(run.id, by=actor_for(mona), user_id="bob", override_claim=True)
    run.armed_hooks.filter(action="cancel").update(error="ConnectionError: no queue", attempts=3)
    text = detail(client, run).text
    timers = text[text.index("Timers") : text.index("Comments")]
    assert timers.count("Release the task to the group finance") == 2
    assert timers.count("Reason: the task had changed hands.") == 2
    assert "Attempt 3 failed. ConnectionError: no queue" in timers
    assert timers.count("It lapses") == 1
    assert timers.count("It stays") == 1


def test_a_run_without_timers_has_no_table_of_them(client: Client) -> None:
    assert "Timers" not in detail(client, a_run()).text
