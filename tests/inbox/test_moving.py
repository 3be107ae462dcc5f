"""Moving and cancelling a task on its page, and being told who may do what with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import FINANCE, a_run, a_user, claimed_by, done_by
from tests.inbox.pages import ANSWERS, press, shown_in, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.models import GroupLead, Status, Substitution, UserTaskRun


@pytest.fixture
def lea(db: None) -> User:
    """She leads finance."""
    GroupLead.objects.create(user_id="lea", user_group=FINANCE)
    return a_user("lea", permissions=["lead_usertaskrun"])


@pytest.fixture
def sue(db: None) -> User:
    """She stands in for alice."""
    now, day = timezone.now(), timedelta(days=1)
    Substitution.objects.create(
        user_id="alice", substitute_id="sue", starts_at=now - day, ends_at=now + day, named_by="alice"
    )
    return a_user("sue")


def page_of(user: User, run: UserTaskRun, **query: str) -> str:
    return signed_in(user).get(task_url(run, **query)).content.decode()


def owner_of(run: UserTaskRun) -> tuple[str, str | None, str | None]:
    run.refresh_from_db()
    return run.status, run.user_id, run.user_group


def move(user: User, run: UserTaskRun, user_id: str = "", user_group: str = "", **more: Any) -> Any:
    return press(signed_in(user), run, "assign", **{"move-user": user_id, "move-group": user_group, **more})


def faults_of(response: Any) -> dict[str, list[str]]:
    faults = response.context["trouble"].move_faults
    return {name: [fault.code for fault in found] for name, found in faults.items()}


class TestMoving:
    def test_is_offered_to_managers_and_leads_of_the_group_only(
        self, alice: User, bob: User, mona: User, lea: User
    ) -> None:
        run = claimed_by(alice)
        offers = {user.username: 'value="assign"' in page_of(user, run) for user in (alice, bob, mona, lea)}
        assert offers == {"alice": False, "bob": False, "mona": True, "lea": True}
        assert 'value="assign"' not in page_of(mona, done_by(alice))

    def test_gives_the_task_to_somebody_although_another_has_it(self, alice: User, bob: User, mona: User) -> None:
        run = claimed_by(alice)
        assert move(mona, run, "bob", FINANCE).status_code == 302
        assert owner_of(run) == (Status.ASSIGNED, "bob", FINANCE)

    def test_without_a_person_lets_it_wait_in_a_group(self, alice: User, charlie: User, mona: User) -> None:
        run = claimed_by(alice)
        assert move(mona, run, "", "it").status_code == 302
        assert owner_of(run) == (Status.UNASSIGNED, None, "it")

    def test_takes_nothing_from_whoever_has_it_since_the_page_was_opened(
        self, alice: User, bob: User, mona: User
    ) -> None:
        run = a_run()
        operations.claim(run.id, by=actor_for(alice))
        response = move(mona, run, "bob", FINANCE)
        assert (response.status_code, "alice has this task by now" in response.content.decode()) == (409, True)
        assert owner_of(run) == (Status.ASSIGNED, "alice", FINANCE)

    def test_overrides_nothing_for_a_page_that_does_not_say_what_it_showed(
        self, alice: User, bob: User, mona: User
    ) -> None:
        run = claimed_by(alice)
        assert move(mona, run, "bob", FINANCE, version="").status_code == 409
        assert owner_of(run)[1] == "alice"

    def test_to_nobody_says_what_is_missing_and_keeps_what_was_typed(self, alice: User, mona: User) -> None:
        run = claimed_by(alice)
        response = move(mona, run, **ANSWERS)
        assert response.status_code == 422
        assert faults_of(response) == {"user_id": ["required"]}
        assert shown_in(response)["requestedItem"] == "lightsaber"

    def test_leaves_what_was_typed_as_a_draft(self, alice: User, bob: User, mona: User) -> None:
        run = claimed_by(alice)
        assert move(mona, run, "bob", FINANCE, comment="half a sen", **ANSWERS).status_code == 302
        page = signed_in(mona).get(task_url(run))
        assert shown_in(page)["requestedItem"] == "lightsaber"
        assert page.context["page"].comment_draft == "half a sen"

    def test_out_of_sight_leads_back_to_the_box(self, alice: User, charlie: User) -> None:
        mover = a_user("max", groups=[FINANCE], permissions=["assign_usertaskrun"])
        assert move(mover, claimed_by(alice), "", "it")["Location"] == "/inbox/"

    def test_by_a_lead_ends_at_the_groups_that_they_lead(self, alice: User, bob: User, lea: User) -> None:
        run = claimed_by(alice)
        refused = move(lea, run, "bob", "it")
        assert (refused.status_code, faults_of(refused)) == (403, {"user_group": ["not_a_choice"]})
        assert owner_of(run)[1] == "alice"
        assert move(lea, run, "bob", FINANCE).status_code == 302
        assert owner_of(run)[1] == "bob"

    def test_by_a_lead_to_somebody_else_than_a_member_says_so_at_the_person(
        self, alice: User, charlie: User, lea: User
    ) -> None:
        run = claimed_by(alice)
        refused = move(lea, run, "charlie", FINANCE, **ANSWERS)
        assert (refused.status_code, faults_of(refused)) == (403, {"user_id": ["not_a_choice"]})
        assert "The group finance has no member charlie." in refused.content.decode()
        assert refused.context["page"].typed.answers["requestedItem"] == "lightsaber"

    def test_to_whoever_is_excluded_says_so_at_the_person(self, alice: User, bob: User, mona: User, lea: User) -> None:
        run = a_run(excluded_user_ids=["bob"])
        for user in (mona, lea):
            refused = move(user, run, "bob", FINANCE)
            assert (refused.status_code, faults_of(refused)) == (403, {"user_id": ["excluded"]})
            assert "This task must not be done by bob." in refused.content.decode()
            assert "You may not do this" not in refused.content.decode()
        assert owner_of(run)[1] is None

    def test_to_names_of_which_nobody_has_heard_asks_once_more(self, alice: User, mona: User) -> None:
        run = claimed_by(alice)
        asked = move(mona, run, "ghost", "gosts", **ANSWERS)
        assert (asked.status_code, faults_of(asked)) == (422, {"user_id": ["unknown"], "user_group": ["unknown"]})
        assert shown_in(asked)["requestedItem"] == "lightsaber"
        anyway = {"move-known-user": "ghost", "move-known-group": "gosts"}
        assert faults_of(move(mona, run, "ghots", "gosts", **anyway)) == {"user_id": ["unknown"]}
        assert owner_of(run)[1] == "alice"
        assert move(mona, run, "ghost", "gosts", **anyway).status_code == 302
        assert owner_of(run)[1:] == ("ghost", "gosts")

    def test_does_not_ask_about_a_name_that_stands_there_already(self, bob: User, mona: User) -> None:
        run = a_run(user_id="ghost", user_group="gosts")
        assert move(mona, run, "bob", "gosts").status_code == 302
        assert owner_of(run)[1:] == ("bob", "gosts")

    def test_suggests_to_a_lead_their_groups_and_members_and_nobody_who_is_excluded(
        self, alice: User, bob: User, charlie: User, lea: User
    ) -> None:
        moving = signed_in(lea).get(task_url(a_run(excluded_user_ids=["bob"]))).context["page"].moving
        assert (moving.is_within_groups, moving.groups, moving.people) == (True, [FINANCE], ["alice"])

    def test_suggests_to_a_manager_every_group_but_no_role(self, alice: User, charlie: User, mona: User) -> None:
        moving = signed_in(mona).get(task_url(claimed_by(alice))).context["page"].moving
        assert (moving.is_within_groups, moving.groups, moving.people) == (False, [FINANCE, "it"], ["alice"])


class TestCancelling:
    def test_asks_whether_one_is_sure(self, alice: User, mona: User) -> None:
        run = claimed_by(alice)
        response = press(signed_in(mona), run, "cancel", **ANSWERS)
        assert (response.status_code, owner_of(run)[0]) == (422, Status.ASSIGNED)
        assert shown_in(response)["requestedItem"] == "lightsaber"

    def test_ends_the_task_and_shows_what_was_typed(self, alice: User, lea: User, mona: User) -> None:
        for user in (lea, mona):
            run = claimed_by(alice)
            assert press(signed_in(user), run, "cancel", **{"move-sure": "1"}, **ANSWERS).status_code == 302
            assert owner_of(run)[0] == Status.CANCELLED
        page = page_of(mona, run)
        assert "was <strong>not saved</strong>" in page
        assert "not saved yet" not in page

    def test_is_refused_to_those_who_may_not_and_says_why(self, alice: User) -> None:
        run = claimed_by(alice)
        response = press(signed_in(alice), run, "cancel", **{"move-sure": "1"})
        assert response.status_code == 403
        assert response.context["trouble"].detail == (
            "Only for whoever has the right to cancel all tasks, or leads of finance."
        )


class TestExplaining:
    def test_is_for_those_who_answer_for_the_task(self, alice: User, bob: User, mona: User, lea: User) -> None:
        run = claimed_by(alice)
        offers = {user.username: "Who may do what" in page_of(user, run) for user in (alice, bob, mona, lea)}
        assert offers == {"alice": False, "bob": False, "mona": True, "lea": True}
        assert signed_in(bob).get(task_url(run, explain="alice")).context["page"].explained is None

    def test_says_of_a_person_what_the_rules_say(self, alice: User, bob: User, mona: User) -> None:
        run = claimed_by(alice)
        told = signed_in(mona).get(task_url(run, explain="bob")).context["page"].explained
        words = {line.name: (line.is_allowed, line.why) for line in told.lines}
        assert told.user_id == "bob"
        assert words["See it"] == (True, "as a member of finance")
        assert words["Take it"] == (False, "alice has it")
        assert words["Finish it"] == (
            False,
            "only for its owner, alice, whoever stands in for alice, or whoever has the right to do what others have",
        )
        assert told.who_could_act == ["alice", "mona"]

    def test_is_about_oneself_where_nobody_is_named(self, alice: User, mona: User) -> None:
        assert signed_in(mona).get(task_url(a_run(), explain="")).context["page"].explained.user_id == "mona"

    def test_costs_nothing_until_it_is_asked_for(self, mona: User) -> None:
        assert signed_in(mona).get(task_url(a_run())).context["page"].explained is None

    def test_without_scripts_keeps_what_was_typed_and_changes_nothing(self, alice: User, mona: User) -> None:
        run = claimed_by(alice)
        asked = press(signed_in(mona), run, "explain", explain="bob", comment="half a sen", **ANSWERS)
        assert asked["Location"] == f"{task_url(run, explain='bob')}#who"
        page = signed_in(mona).get(asked["Location"])
        assert page.context["page"].explained.user_id == "bob"
        assert (shown_in(page)["requestedItem"], page.context["page"].comment_draft) == ("lightsaber", "half a sen")
        run.refresh_from_db()
        assert run.results == {}

    def test_of_somebody_without_an_account_says_just_that(self, mona: User) -> None:
        told = signed_in(mona).get(task_url(a_run(), explain="ghost")).context["page"].explained
        assert (told.fault, told.lines) == ("There is no account ghost.", [])
        owned = a_run(user_id="ghost")
        assert signed_in(mona).get(task_url(owned, explain="ghost")).context["page"].explained.lines

    @pytest.mark.parametrize("name", ["\0", "x" * 300, "<b>", "nobody-has-this-name"])
    def test_of_an_odd_name_breaks_nothing(self, mona: User, name: str) -> None:
        response = signed_in(mona).get(task_url(a_run(), explain=name))
        assert response.status_code == 200
        assert "<b>" not in response.content.decode()

    @pytest.mark.parametrize("state", ["waiting", "claimed", "done", "cancelled"])
    def test_has_words_for_everything(self, alice: User, mona: User, lea: User, sue: User, state: str) -> None:
        run = done_by(alice) if state == "done" else a_run(excluded_user_ids=["bob"])
        if state == "claimed":
            operations.claim(run.id, by=actor_for(alice))
        elif state == "cancelled":
            operations.cancel(run.id, by=actor_for(mona))
        for name in ("alice", "bob", "charlie", "mona", "lea", "sue"):
            told = signed_in(mona).get(task_url(run, explain=name)).context["page"].explained
            assert all(line.why and "_" not in line.why for line in told.lines), told


class TestStanding:
    def test_a_substitute_is_told_for_whom_they_stand_in(self, alice: User, sue: User, mona: User) -> None:
        run = claimed_by(alice)
        assert "You stand in for alice" in page_of(sue, run)
        assert "You stand in for" not in page_of(mona, run) + page_of(alice, run)

    def test_a_substitute_completes_for_the_owner_and_the_history_names_both(self, alice: User, sue: User) -> None:
        run = claimed_by(alice)
        assert press(signed_in(sue), run, "complete", **ANSWERS).status_code == 302
        assert owner_of(run)[:2] == (Status.DONE, "alice")
        assert "sue for alice completed the task" in page_of(sue, run)

    def test_the_excluded_read_why_they_cannot_and_who_else_is(self, alice: User, bob: User) -> None:
        run = a_run(excluded_user_ids=["bob"])
        theirs = page_of(bob, run)
        assert "This task must not be done by you" in theirs
        assert 'name="results-' not in theirs
        assert "Must not be done by bob" in page_of(alice, run)
        assert press(signed_in(bob), run, "claim").status_code == 403
        assert owner_of(run)[1] is None
