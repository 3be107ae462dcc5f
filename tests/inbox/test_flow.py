"""One task after the other: complete and go on, give me the next one, and what stands beside a task in its list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import FINANCE, a_definition, a_run, claimed_by, done_by
from tests.inbox.pages import ANSWERS, RESULTS, press, signed_in, task_url
from usertasks import operations, snoozes
from usertasks.actors import actor_for
from usertasks.models import Status, UserTaskDef, UserTaskRun

pytestmark = pytest.mark.django_db

MINE, GROUPS, ALL = "/inbox/", "/inbox/groups/", "/inbox/all/"


@pytest.fixture
def definition(db: None) -> UserTaskDef:
    return a_definition()


def complete_and_next(client: Any, run: UserTaskRun, back: str = "", **inputs: str) -> Any:
    form = {"action": "complete:next", "version": run.version, **ANSWERS, **inputs}
    return client.post(task_url(run, **({"back": back} if back else {})), form)


def said(client: Any, url: str) -> str:
    """The one message of the next page."""
    (message,) = client.get(url).context["messages"]
    return str(message)


def finish_of(client: Any, run: UserTaskRun) -> str:
    """The part of the page in which *Complete and next* is."""
    html = client.get(task_url(run)).content.decode()
    return str(html.partition('<details class="finish"')[2].partition("</details>")[0])


def test_complete_and_next_opens_the_next_of_the_list_in_its_order(alice: User, definition: UserTaskDef) -> None:
    low, high, middle = (
        a_run(definition, user_id="alice", user_group=None, priority=priority) for priority in (10, 90, 50)
    )
    client, back = signed_in(alice), "/inbox/?sort=priority"
    for run, following in ((high, middle), (middle, low)):
        response = complete_and_next(client, run, back)
        assert (response.status_code, response["Location"]) == (302, task_url(following, back=back))
        message = said(client, response["Location"])
        assert message.startswith("Completed: <a href=")
        assert message.endswith("Here is the next one.")
    response = complete_and_next(client, low, back)
    assert response["Location"] == back
    assert said(client, back).endswith("That was the last one.")
    assert UserTaskRun.objects.filter(status=Status.DONE).count() == 3


def test_without_a_list_it_goes_on_with_mine_and_claims_nothing(alice: User, definition: UserTaskDef) -> None:
    mine, first = claimed_by(alice, definition=definition), claimed_by(alice, definition=definition)
    waits = a_run(definition)
    assert complete_and_next(signed_in(alice), first)["Location"] == task_url(mine, back=MINE)
    waiting = a_run(definition)
    response = complete_and_next(signed_in(alice), waiting, GROUPS)
    assert response["Location"] == task_url(waits, back=GROUPS)
    waits.refresh_from_db()
    assert waits.status == Status.UNASSIGNED


def test_what_cannot_be_worked_on_is_passed_over(alice: User, bob: User, definition: UserTaskDef) -> None:
    left = a_run(definition, notes="left")
    asleep = a_run(definition)
    snoozes.snooze(asleep.id, until=timezone.now() + timedelta(days=1), by=actor_for(alice), now=timezone.now())
    a_run(definition, excluded_user_ids=["alice"])
    claimed_by(bob, definition=definition)
    done_by(alice, definition=definition)
    first = claimed_by(alice, definition=definition)
    assert complete_and_next(signed_in(alice), first, ALL)["Location"] == task_url(left, back=ALL)


def test_the_filters_of_the_list_are_held_to(alice: User, definition: UserTaskDef) -> None:
    wanted = a_run(definition, user_id="alice", user_group=None, notes="red shoes")
    a_run(definition, user_id="alice", user_group=None, notes="blue")
    first = a_run(definition, user_id="alice", user_group=None, notes="red")
    back = "/inbox/?text=red&after=2026-01-01T00:00:00_0&status="
    assert complete_and_next(signed_in(alice), first, back)["Location"] == task_url(wanted, back=back)


def test_a_manager_goes_on_with_what_others_have_only_from_there(
    alice: User, mona: User, definition: UserTaskDef
) -> None:
    theirs, other = claimed_by(alice, definition=definition), claimed_by(alice, definition=definition)
    own = a_run(definition, user_id="mona", user_group=None)
    assert complete_and_next(signed_in(mona), own, ALL)["Location"] == ALL
    assert complete_and_next(signed_in(mona), other, ALL)["Location"] == task_url(theirs, back=ALL)


def test_a_mistake_stays_on_the_page_and_a_choice_goes_on(alice: User, bob: User, definition: UserTaskDef) -> None:
    last = a_run(definition)
    run, client = a_run(definition), signed_in(alice)
    refused = complete_and_next(client, run, GROUPS, **{"results-justification": ""})
    assert refused.status_code == 422
    operations.save_progress(run.id, {"requestedItem": "robe"}, by=actor_for(bob))
    conflict = complete_and_next(client, run, GROUPS)
    assert conflict.status_code == 409
    assert 'name="action" value="complete:next"' in conflict.content.decode()
    choice = {"choose-requestedItem": "mine", "seen-version": "2", "version": "1"}
    assert complete_and_next(client, run, GROUPS, **choice)["Location"] == task_url(last, back=GROUPS)
    run.refresh_from_db()
    assert (run.status, run.results) == (Status.DONE, RESULTS)


def test_it_lies_hidden_until_somebody_has_used_it_or_says_so(alice: User, definition: UserTaskDef) -> None:
    runs = [claimed_by(alice, definition=definition) for _ in range(3)]
    client = signed_in(alice)
    assert not finish_of(client, runs[0]).startswith(' id="finish" open')
    complete_and_next(client, runs[0])
    assert finish_of(client, runs[1]).startswith(' id="finish" open')
    for button, begins in (("hide_next", ' id="finish">'), ("show_next", ' id="finish" open>')):
        response = press(client, runs[1], button, **{"results-requestedItem": "typed"})
        assert (response.status_code, response["Location"]) == (302, task_url(runs[1]))
        assert finish_of(client, runs[1]).startswith(begins)
        assert client.get(task_url(runs[1])).context["page"].changed_names == ["requestedItem"]


def test_a_task_names_what_stands_beside_it_in_the_list(alice: User, definition: UserTaskDef) -> None:
    for name in ("first", "second", "third"):
        a_run(a_definition(name), user_id="alice", user_group=None)
    first, second, third = UserTaskRun.objects.order_by("scheduled_time")
    back = "/inbox/?sort=oldest"

    def steps(run: UserTaskRun) -> list[str | None]:
        steps = signed_in(alice).get(task_url(run, back=back)).context["steps"]
        return [step and step.url for step in (steps.before, steps.after)]

    assert steps(first) == [None, task_url(second, back=back)]
    assert steps(second) == [task_url(first, back=back), task_url(third, back=back)]
    assert steps(third) == [task_url(second, back=back), None]
    html = signed_in(alice).get(task_url(second, back=back)).content.decode()
    assert 'rel="prev"' in html
    assert 'title="Third"' in html


@pytest.mark.parametrize(
    "back",
    ["", "https://evil.example/inbox/", "//evil.example", "/inbox/nowhere/", "/inbox/?sort=x", "/admin/", "/inbox/\0"],
)
def test_whatever_the_address_says_of_the_list_the_task_opens(alice: User, back: str) -> None:
    run = claimed_by(alice)
    response = signed_in(alice).get(task_url(run, back=back))
    assert response.status_code == 200
    assert response.context["back"].startswith("/inbox/")
    assert response.context["steps"].after is None
    completed = complete_and_next(signed_in(alice), run, back)
    assert completed["Location"].startswith("/inbox/")


def give_next(client: Any, back: str = "") -> Any:
    return client.post("/inbox/next/", {"back": back})


def test_give_me_the_next_one_claims_the_most_urgent_and_leads_back_from_it(
    alice: User, definition: UserTaskDef
) -> None:
    a_run(definition, priority=10)
    urgent = a_run(definition, priority=90)
    client, back = signed_in(alice), "/inbox/all/?user_group=finance"
    assert 'action="/inbox/next/"' in client.get(back).content.decode()
    response = give_next(client, back)
    assert response["Location"] == task_url(urgent, back=back)
    urgent.refresh_from_db()
    assert (urgent.status, urgent.user_id) == (Status.ASSIGNED, "alice")
    assert "yours now" in said(client, response["Location"])


def test_nothing_to_give_leads_back_with_a_word(alice: User, definition: UserTaskDef) -> None:
    a_run(definition, user_group="board")
    response = give_next(signed_in(alice), "/inbox/done/")
    assert (response.status_code, response["Location"]) == (302, "/inbox/done/")
    client = signed_in(alice)
    assert said(client, give_next(client)["Location"]) == "Nothing waits in your groups."


@pytest.mark.parametrize(
    ("back", "to"),
    [
        ("/inbox/tasks/x/?back=%2Finbox%2Foverdue%2F", "/inbox/overdue/"),
        ("/inbox/tasks/x/", "/inbox/"),
        ("/inbox/tasks/x/?back=/inbox/tasks/y/?back=/inbox/all/", "/inbox/"),
        ("https://evil.example/inbox/", "/inbox/"),
        ("//evil.example/inbox/", "/inbox/"),
    ],
)
def test_it_never_leads_back_to_a_task_or_elsewhere(alice: User, back: str, to: str) -> None:
    assert give_next(signed_in(alice), back)["Location"] == to


def test_looking_at_the_address_takes_nothing(alice: User, definition: UserTaskDef) -> None:
    run = a_run(definition)
    assert signed_in(alice).get("/inbox/next/")["Location"] == "/inbox/groups/"
    run.refresh_from_db()
    assert (run.status, run.user_group) == (Status.UNASSIGNED, FINANCE)
