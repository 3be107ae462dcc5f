"""Many tasks at once, as whoever ticks them meets it: a dry run, a result for each, and the way back."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from inbox.many import WHY_NOT
from tests.cast import ENGINE, FINANCE, a_definition, a_run, a_user, claimed_by, done_by
from tests.inbox.pages import signed_in, task_url
from usertasks import bulk, leads, operations
from usertasks.actors import actor_for
from usertasks.bulk_outcomes import Outcome
from usertasks.models import BulkChange, Status, UserTaskDef, UserTaskRun
from usertasks.operations import RunRequest

pytestmark = pytest.mark.django_db

MANY, DO = "/inbox/many/", "/inbox/many/do/"
BACK = "/inbox/all/?text=lamp"
TO_BOB = {"user_id": "bob", "user_group": FINANCE}


def tickets(page: Any) -> list[str]:
    """What the page sends for each task when its button is pressed."""
    return list(page.context["plan"].tickets)


def ask(client: Client, action: str, runs: list[UserTaskRun], **more: Any) -> Any:
    return client.post(MANY, {"action": action, "run": [run.id.hex for run in runs], "back": BACK, **more})


def do(client: Client, page: Any, **more: Any) -> Any:
    """Press "Do it" on the page of a dry run, and follow to the results."""
    plan = page.context["plan"]
    arguments = {name: value for name, value in (plan.arguments or {}).items() if value}
    form = {"action": plan.deed.action, "run": tickets(page), "back": BACK, **arguments, **more}
    return client.post(DO, form, follow=True)


def heaps(outcomes: Any) -> dict[str, int]:
    """How many are in each heap, those of which there are some."""
    found = {"done": outcomes.done.count, "unchanged": outcomes.unchanged.count}
    found |= {str(heap.outcome): heap.count for heap in outcomes.failed}
    return {name: count for name, count in found.items() if count}


def became(page: Any) -> dict[str, int]:
    return heaps(page.context["done"].outcomes)


def owners(runs: list[UserTaskRun]) -> list[tuple[str | None, str | None]]:
    found = UserTaskRun.objects.in_bulk([run.id for run in runs])
    return [(found[run.id].user_id, found[run.id].user_group) for run in runs]


def many_runs(definition: UserTaskDef, number: int) -> list[UserTaskRun]:
    """As many that wait in finance."""
    requests = [RunRequest(user_task_def_name=definition.name, user_group=FINANCE) for _ in range(number)]
    made = operations.create_many(requests, by=ENGINE, atomic=True)
    return [creation.run for creation in made if creation.run]


def test_two_hundred_are_reassigned_of_which_three_fail_and_all_is_undone(mona: User, alice: User, bob: User) -> None:
    definition, client = a_definition(), signed_in(mona)
    finished = done_by(alice, definition=definition)
    excluding = a_run(definition, excluded_user_ids=["bob"])
    runs = [finished, excluding, *many_runs(definition, 198)]
    before = owners(runs)
    page = ask(client, "assign", runs, **TO_BOB)
    assert heaps(page.context["plan"].outcomes) == {"done": 198, "completed": 1, "excluded": 1}
    assert owners(runs) == before
    moved = runs[5]
    operations.claim(moved.id, by=actor_for(alice))  # between the dry run and the change
    results = do(client, page)
    assert became(results) == {"done": 197, "completed": 1, "excluded": 1, "stale": 1}
    assert owners(runs)[6:] == [("bob", FINANCE)] * 194
    ticked = {item.run.id for heap in results.context["done"].outcomes.failed for item in heap.items}
    assert ticked == {finished.id, excluding.id, moved.id}
    for run_id in ticked:
        assert results.content.count(f'name="run" value="{run_id.hex}" form="many" checked'.encode()) == 1
    undone = client.post(f"{results.wsgi_request.path}undo/", {"back": BACK}, follow=True)
    assert became(undone) == {"done": 197}
    assert owners(runs) == [*before[:5], ("alice", FINANCE), *before[6:]]


def test_nothing_is_done_before_it_is_asked_for_twice(alice: User) -> None:
    runs, client = [a_run(), a_run()], signed_in(alice)
    page = ask(client, "claim", runs)
    assert page.context["plan"].title == "Claim 2 tasks"
    assert owners(runs) == [(None, FINANCE)] * 2
    assert not BulkChange.objects.exists()
    results = do(client, page)
    assert became(results) == {"done": 2}
    assert owners(runs) == [("alice", FINANCE)] * 2
    assert results.context["back"] == BACK


def test_results_stay_where_they_are_and_loading_them_again_does_nothing(alice: User) -> None:
    runs, client = [a_run()], signed_in(alice)
    results = do(client, ask(client, "claim", runs))
    again = client.get(results.wsgi_request.get_full_path())
    assert became(again) == became(results) == {"done": 1}
    assert runs[0].events.count() == 2
    assert BulkChange.objects.count() == 1


def test_whoever_presses_twice_is_told_what_the_first_time_did(alice: User) -> None:
    runs, client = [a_run(), a_run()], signed_in(alice)
    page = ask(client, "claim", runs)
    assert became(do(client, page)) == {"done": 2}
    second = do(client, page)
    assert became(second) == {"unchanged": 2}
    assert second.context["done"].undoable == 0
    undo = f"/inbox/many/{BulkChange.objects.earliest('created_at').pk.hex}/undo/"
    assert became(client.post(undo, follow=True)) == {"done": 2}
    assert became(client.post(undo, follow=True)) == {"unchanged": 2}


def test_each_failure_is_told_with_its_reason(alice: User, bob: User) -> None:
    no_group = a_run(user_id="alice", user_group=None)
    runs = [claimed_by(alice), no_group, claimed_by(bob), a_run(), done_by(alice)]
    page = ask(signed_in(alice), "release", runs)
    assert heaps(page.context["plan"].outcomes) == {
        "done": 1,
        "no_group": 1,
        "not_allowed": 1,
        "unassigned": 1,
        "completed": 1,
    }


def test_what_somebody_has_is_reassigned_only_where_one_says_so(mona: User, alice: User, bob: User) -> None:
    runs, client = [claimed_by(alice), a_run()], signed_in(mona)
    page = ask(client, "assign", runs, **TO_BOB)
    assert heaps(page.context["plan"].outcomes) == {"done": 1, "already_claimed": 1}
    page = ask(client, "assign", runs, **TO_BOB, override_claim="on")
    assert heaps(page.context["plan"].outcomes) == {"done": 2}
    assert became(do(client, page)) == {"done": 2}
    assert owners(runs) == [("bob", FINANCE)] * 2


class TestToWhom:
    def test_is_asked_for_first(self, mona: User, alice: User) -> None:
        page = ask(signed_in(mona), "assign", [a_run(), claimed_by(alice)])
        assert (page.status_code, page.context["plan"].outcomes) == (200, None)
        assert page.context["plan"].assigned == 1

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"user_id": "", "user_group": ""}, "user_id"),
            ({"user_id": "nobody-here"}, "user_id"),
            ({"user_id": "bob", "user_group": "nowhere"}, "user_group"),
            ({"user_id": "x" * 256}, "user_id"),
            ({"user_id": "a\0b"}, "user_id"),
        ],
    )
    def test_is_asked_again_where_it_cannot_be_and_the_tasks_stay_chosen(
        self, mona: User, bob: User, given: dict[str, str], field: str
    ) -> None:
        runs = [a_run(), a_run()]
        page = ask(signed_in(mona), "assign", runs, **given)
        assert (page.status_code, list(page.context["form"].errors)) == (422, [field])
        assert page.context["form"]["user_id"].value() == given["user_id"]
        assert [ticket.partition(".")[0] for ticket in tickets(page)] == [run.id.hex for run in runs]
        assert owners(runs) == [(None, FINANCE)] * 2

    def test_may_be_somebody_of_whom_nobody_here_has_heard(self, mona: User) -> None:
        runs, client = [a_run()], signed_in(mona)
        page = ask(client, "assign", runs, user_id="zoe", known_user="zoe")
        assert heaps(page.context["plan"].outcomes) == {"done": 1}
        assert b'name="known_user" value="zoe"' in page.content
        assert became(do(client, page, known_user="zoe")) == {"done": 1}
        assert owners(runs) == [("zoe", None)]

    def test_can_be_changed_after_the_dry_run(self, mona: User, bob: User) -> None:
        page = ask(signed_in(mona), "assign", [a_run()], **TO_BOB, change="1")
        assert page.context["plan"].outcomes is None
        assert page.context["form"]["user_id"].value() == "bob"

    def test_is_for_a_lead_within_their_groups(self, bob: User, charlie: User) -> None:
        leads.appoint("charlie", FINANCE)
        runs, client = [a_run()], signed_in(charlie)
        page = ask(client, "assign", runs, user_id="bob", user_group="it")
        assert list(page.context["form"].errors) == ["user_group"]
        page = ask(client, "assign", runs, user_id="charlie", user_group=FINANCE)
        assert list(page.context["form"].errors) == ["user_id"]
        assert became(do(client, ask(client, "assign", runs, **TO_BOB))) == {"done": 1}


def test_cancelling_takes_that_one_is_sure(mona: User, alice: User) -> None:
    runs, client = [a_run(), done_by(alice)], signed_in(mona)
    page = ask(client, "cancel", runs)
    unsure = do(client, page)
    assert (unsure.status_code, bool(unsure.context["error"])) == (422, True)
    assert tickets(unsure) == tickets(page)
    results = do(client, page, sure="1")
    assert became(results) == {"done": 1, "completed": 1}
    assert UserTaskRun.objects.get(pk=runs[0].pk).status == Status.CANCELLED
    assert results.context["done"].undoable == 0
    assert b"undo/" not in results.content


def test_undo_leaves_alone_what_has_changed_since(alice: User) -> None:
    runs, client = [a_run(), a_run()], signed_in(alice)
    results = do(client, ask(client, "claim", runs))
    operations.save_progress(runs[0].id, {"requestedItem": "lamp"}, by=actor_for(alice))
    again = client.get(results.wsgi_request.get_full_path())
    assert again.context["done"].undoable == 1
    undone = client.post(f"{results.wsgi_request.path}undo/", follow=True)
    assert became(undone) == {"done": 1, "stale": 1}
    assert owners(runs) == [("alice", FINANCE), (None, FINANCE)]
    assert client.get(results.wsgi_request.get_full_path()).context["done"].is_undone


def test_what_has_moved_nothing_has_nothing_to_take_back(alice: User, mona: User) -> None:
    client, run = signed_in(alice), a_run()
    claimed = do(client, ask(client, "claim", [run])).wsgi_request.path
    undone = client.post(f"{claimed}undo/", follow=True).wsgi_request.path
    cancelled = do(signed_in(mona), ask(signed_in(mona), "cancel", [a_run()]), sure="1").wsgi_request.path
    kept = BulkChange.objects.count()
    for who, path in ((alice, undone), (mona, cancelled)):
        again: Any = signed_in(who).post(f"{path}undo/", follow=True)
        assert (again.status_code, again.wsgi_request.path) == (200, path)
    assert BulkChange.objects.count() == kept
    assert owners([run]) == [(None, FINANCE)]


class TestAllThatMatch:
    def test_is_what_the_filters_of_the_list_find(self, alice: User) -> None:
        lamps = [a_run(notes="a lamp") for _ in range(3)]
        a_run(notes="a chair"), claimed_by(alice, notes="a lamp")
        page = signed_in(alice).post(MANY, {"action": "claim", "all": "1", "box": "groups", "query": "text=lamp"})
        assert {UUID(ticket.partition(".")[0]) for ticket in tickets(page)} == {run.id for run in lamps}

    def test_counts_as_the_list_that_offers_it(self, alice: User) -> None:
        for _ in range(26):
            a_run()
        page = signed_in(alice).get("/inbox/groups/")
        assert b"All 26 that match" in page.content
        assert [deed.action for deed in page.context["many"].deeds] == ["claim"]

    def test_is_refused_where_it_is_too_much(self, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bulk, "MAX_RUNS", 2)
        ids = [a_run().id.hex for _ in range(3)]
        for chosen in ({"all": "1", "box": "groups", "query": ""}, {"run": ids}):
            answer = signed_in(alice).post(MANY, {"action": "claim", "back": "/inbox/groups/", **chosen})
            assert (answer.status_code, answer["Location"]) == (302, "/inbox/groups/")
            assert not BulkChange.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {"action": "claim"},
        {"action": "claim", "run": "nonsense"},
        {"action": "explode", "run": "0" * 32},
        {"action": "complete", "run": "0" * 32},
        {"run": "0" * 32},
        {"action": "claim", "all": "1"},
        {"action": "claim", "all": "1", "box": "nowhere"},
        {"action": "claim", "all": "1", "box": "standing-in"},
        {"action": "claim", "all": "1", "box": "groups", "query": "nope=1"},
        {"action": "claim", "all": "1", "box": "groups", "query": "text=%00"},
        {"action": "claim", "all": "1", "box": "groups", "query": "\0"},
    ],
    ids=str,
)
@pytest.mark.parametrize("address", [MANY, DO])
def test_what_names_nothing_leads_back_and_says_why(alice: User, given: dict[str, str], address: str) -> None:
    answer = signed_in(alice).post(address, {**given, "back": "https://example.com/"}, follow=True)
    assert (answer.status_code, answer.wsgi_request.path) == (200, "/inbox/")
    assert len(list(answer.context["messages"])) == 1


def test_what_one_may_not_see_is_as_if_it_were_not_there(alice: User) -> None:
    hidden = a_run(user_group="it", notes="a secret")
    client = signed_in(alice)
    said = []
    for run_id in (hidden.id, uuid4()):
        page = client.post(MANY, {"action": "claim", "run": run_id.hex})
        assert heaps(page.context["plan"].outcomes) == {"not_found": 1}
        results = client.post(DO, {"action": "claim", "run": run_id.hex}, follow=True)
        assert became(results) == {"not_found": 1}
        said.append(b"secret" in page.content + results.content)
    assert said == [False, False]
    assert owners([hidden]) == [(None, "it")]


def test_what_comes_into_sight_after_the_dry_run_is_not_touched(alice: User) -> None:
    run, client = a_run(user_group="it"), signed_in(alice)
    page = ask(client, "claim", [run])
    boss = a_user("boss", permissions=["view_usertaskrun", "assign_usertaskrun"])
    operations.assign(run.id, by=actor_for(boss), user_group=FINANCE)
    assert became(do(client, page)) == {"stale": 1}
    assert owners([run]) == [(None, FINANCE)]


def test_results_belong_to_whoever_did_it(alice: User, bob: User, mona: User) -> None:
    results = do(signed_in(alice), ask(signed_in(alice), "claim", [a_run()]))
    path = results.wsgi_request.path
    for other in (bob, mona):
        assert signed_in(other).get(path).status_code == 404
        assert signed_in(other).post(f"{path}undo/").status_code == 404
    assert signed_in(alice).get(f"{MANY}{uuid4().hex}/").status_code == 404
    assert UserTaskRun.objects.get().user_id == "alice"


def test_a_change_by_api_has_no_page(alice: User) -> None:
    _results, change = bulk.change_many("claim", [a_run().id], {}, by=actor_for(alice))
    assert change is not None
    assert signed_in(alice).get(f"{MANY}{change.pk.hex}/").status_code == 404


@pytest.mark.parametrize("address", [MANY, DO, f"{MANY}{'0' * 32}/undo/"])
def test_looking_at_an_address_that_changes_things_leads_to_the_inbox(alice: User, address: str) -> None:
    answer = signed_in(alice).get(address)
    assert (answer.status_code, answer["Location"]) == (302, "/inbox/")


def test_the_buttons_are_those_that_can_make_sense(alice: User, mona: User, charlie: User) -> None:
    leads.appoint("charlie", "it")
    offered = {
        (user.username, box): [deed.action for deed in signed_in(user).get(f"/inbox/{box}").context["many"].deeds]
        for user in (alice, mona, charlie)
        for box in ("", "groups/", "all/", "done/")
    }
    assert offered == {
        ("alice", ""): ["release"],
        ("alice", "groups/"): ["claim"],
        ("alice", "all/"): ["claim", "release"],
        ("alice", "done/"): [],
        ("mona", ""): ["release", "assign", "cancel"],
        ("mona", "groups/"): ["assign", "cancel"],
        ("mona", "all/"): ["release", "assign", "cancel"],
        ("mona", "done/"): [],
        ("charlie", ""): ["release", "assign", "cancel"],
        ("charlie", "groups/"): ["claim", "assign", "cancel"],
        ("charlie", "all/"): ["claim", "release", "assign", "cancel"],
        ("charlie", "done/"): [],
    }


def test_every_task_that_failed_is_named_with_the_way_to_it_and_back(alice: User, bob: User) -> None:
    run = claimed_by(bob)
    page = ask(signed_in(alice), "claim", [run])
    assert f'href="{task_url(run, back=BACK)}"'.encode() in page.content


def test_every_outcome_has_a_sentence() -> None:
    assert set(WHY_NOT) == set(Outcome) - {Outcome.DONE, Outcome.UNCHANGED}


def test_the_results_take_a_fixed_number_of_queries(mona: User, django_assert_max_num_queries: Any) -> None:
    runs, client = [a_run() for _ in range(3)], signed_in(mona)
    change_id = bulk.change_and_keep("cancel", [run.id for run in runs], {}, by=actor_for(mona), expected={}).pk
    with django_assert_max_num_queries(14):
        client.get(f"{MANY}{change_id.hex}/")
