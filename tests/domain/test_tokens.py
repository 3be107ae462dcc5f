"""API tokens: who makes them for whom, what is refused, and when they are worth nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.cast import CREATING, a_user, token_of
from usertasks.actors import INSIDE, Actor, Scope, actor_for
from usertasks.bearers import bearer_of
from usertasks.errors import InvalidArgument, NotAllowed, NotFound, NotSignedIn
from usertasks.models import ApiToken, Refusal
from usertasks.models.tokens import LISTED, TokenState
from usertasks.tokens import MAX_LIVE, issue_token, revoke_token, scopes_within

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


def issued(user: User, by: Actor | None = None, **more: Any) -> ApiToken:
    return issue_token(user.username, by=by or actor_for(user), now=NOW, **more).row


def a_keeper() -> Actor:
    """Somebody who makes and revokes tokens for others."""
    return actor_for(a_user("kim", permissions=["add_apitoken", "change_apitoken"]))


def test_everybody_makes_tokens_for_themselves(alice: User) -> None:
    made = issue_token("alice", by=actor_for(alice), now=NOW, name="report", scopes=[Scope.RUNS_READ])
    bearer = bearer_of(made.text)
    assert (bearer.user, set(bearer.scopes)) == (alice, {Scope.RUNS_READ})
    assert made.text not in repr(made)
    assert (made.row.made_by, made.row.hint) == ("alice", made.text[:7])


def test_a_token_finds_its_person_and_what_they_may_in_one_statement(
    alice: User, mona: User, admin: User, django_assert_max_num_queries: Any
) -> None:
    for user in (alice, mona, admin):
        text, expected = ApiToken.objects.issue(user), actor_for(user)
        bearer_of(text)  # which notes that it was used
        with django_assert_max_num_queries(5 if user.is_superuser else 1):  # what Django asks for a superuser
            bearer = bearer_of(text)
            assert bearer.actor(INSIDE) == expected
        found = [bearer.user.pk, bearer.user.username, bearer.user.is_active, bearer.user.is_superuser]
        assert found == [user.pk, user.username, True, user.is_superuser]
        assert bearer.user.email == user.email


def test_for_others_it_takes_a_permission(alice: User, bob: User) -> None:
    with pytest.raises(NotAllowed):
        issued(alice, by=actor_for(bob))
    assert issued(alice, by=a_keeper()).made_by == "kim"


def test_only_a_superuser_makes_one_for_a_superuser(admin: User) -> None:
    keeper = a_keeper()
    with pytest.raises(NotAllowed):
        issued(admin, by=keeper)
    other = User.objects.create_superuser("root")
    assert issued(admin, by=actor_for(other)).user == admin


def test_a_token_never_does_what_its_person_may_not(alice: User) -> None:
    row = issue_token("alice", by=actor_for(alice), now=NOW, scopes=list(Scope))
    bearer = bearer_of(row.text)
    actor = bearer.actor(actor_for(alice).origin)
    assert actor.permissions == frozenset()
    assert not actor.holds("act_on_behalf")


@pytest.mark.parametrize(
    ("request_", "field", "code"),
    [
        ({"scopes": []}, "scopes", "required"),
        ({"name": "x" * 101}, "name", "out_of_range"),
        ({"name": "a\0b"}, "name", "invalid"),
        ({"expires_at": NOW}, "expires_at", "out_of_range"),
    ],
)
def test_what_makes_no_sense_is_refused(alice: User, request_: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        issued(alice, **request_)
    assert [(name, fault.code) for name, faults in refused.value.faults.items() for fault in faults] == [(field, code)]
    assert not ApiToken.objects.exists()


def test_there_is_no_token_for_nobody_or_for_whoever_has_left(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    keeper = a_keeper()
    for name in ("alice", "nobody", "", "a\0b"):
        with pytest.raises(InvalidArgument):
            issue_token(name, by=keeper, now=NOW)


def test_a_name_is_given_to_one_live_token_of_a_person(alice: User, bob: User) -> None:
    first = issued(alice, name="report")
    issued(bob, name="report")
    with pytest.raises(InvalidArgument):
        issued(alice, name="report")
    revoke_token(first.pk, by=actor_for(alice), now=NOW)
    issued(alice, name="report")


def test_a_person_has_so_many_tokens_and_no_more(alice: User) -> None:
    tokens = [issued(alice) for _ in range(MAX_LIVE)]
    with pytest.raises(InvalidArgument):
        issued(alice)
    revoke_token(tokens[0].pk, by=actor_for(alice), now=NOW)
    issued(alice)


def test_a_revoked_token_lets_nobody_in(alice: User) -> None:
    made = issue_token("alice", by=actor_for(alice), now=NOW)
    assert revoke_token(made.row.pk, by=actor_for(alice), now=NOW).revoked_at == NOW
    with pytest.raises(NotSignedIn):
        bearer_of(made.text)
    assert revoke_token(made.row.pk, by=actor_for(alice), now=NOW + DAY).revoked_at == NOW


def test_the_token_of_somebody_else_does_not_exist(alice: User, bob: User) -> None:
    row = issued(alice)
    with pytest.raises(NotFound):
        revoke_token(row.pk, by=actor_for(bob), now=NOW)
    assert revoke_token(row.pk, by=a_keeper(), now=NOW).revoked_at == NOW


def test_a_token_ends_with_its_time_and_with_its_person(alice: User) -> None:
    soon = issue_token("alice", by=actor_for(alice), now=NOW - 2 * DAY, expires_at=NOW - DAY)
    with pytest.raises(NotSignedIn):
        bearer_of(soon.text)
    lasting = token_of(alice)
    assert bearer_of(lasting).user == alice
    User.objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(NotSignedIn):
        bearer_of(lasting)


def test_what_is_over_stays_in_the_list_for_a_while(alice: User) -> None:
    revoked = revoke_token(issued(alice).pk, by=actor_for(alice), now=NOW)
    expiring = issued(alice, expires_at=NOW + DAY)
    live = issued(alice)
    assert [row.state_at(NOW + DAY) for row in (revoked, expiring, live)] == [
        TokenState.REVOKED,
        TokenState.EXPIRED,
        TokenState.LIVE,
    ]
    assert list(ApiToken.objects.listed(NOW + LISTED)) == [live, expiring]
    assert list(ApiToken.objects.listed(NOW + DAY + LISTED)) == [live]


def test_making_revoking_and_their_refusals_are_written_down(alice: User, bob: User) -> None:
    row = issued(alice)
    with pytest.raises(NotAllowed):
        issued(alice, by=actor_for(bob))
    revoke_token(row.pk, by=actor_for(alice), now=NOW)
    logged = LogEntry.objects.order_by("pk").values_list("user__username", "object_id", "action_flag")
    assert list(logged) == [("alice", str(row.pk), 1), ("alice", str(row.pk), 2)]
    refusal = Refusal.objects.get()
    assert (refusal.action, refusal.code, refusal.actor) == ("issue_token", "not_allowed", "bob")


def test_the_scopes_that_are_offered_are_of_use(alice: User, mona: User, service: User, admin: User) -> None:
    reading, both = {Scope.RUNS_READ}, {Scope.RUNS_READ, Scope.RUNS_WRITE}
    assert reading < both == set(scopes_within(actor_for(alice)))
    assert set(scopes_within(actor_for(mona))) == both | {Scope.ADMIN}
    assert set(scopes_within(actor_for(a_user("dora", permissions=CREATING)))) == both | {Scope.DEFS_WRITE}
    assert set(scopes_within(actor_for(service))) == set(Scope)
    assert set(scopes_within(actor_for(admin))) == set(Scope)


def test_the_command_prints_a_token_and_nothing_else(alice: User, capsys: Any) -> None:
    call_command("create_api_token", "alice")
    printed = capsys.readouterr()
    assert bearer_of(printed.out.removesuffix("\n")).scopes == {Scope.ADMIN}
    assert printed.err == ""
    assert ApiToken.objects.get().expires_at is None


def test_the_command_names_scopes_and_a_time(alice: User, capsys: Any) -> None:
    arguments = ["--name", "report", "--scope", "runs:read", "--scope", "defs:write", "--expires-in", "90d"]
    call_command("create_api_token", "alice", *arguments)
    row = ApiToken.objects.get()
    assert (row.name, set(row.granted)) == ("report", {Scope.RUNS_READ, Scope.DEFS_WRITE})
    assert row.expires_at is not None
    assert row.expires_at - row.created_at > 89 * DAY


@pytest.mark.parametrize("arguments", [["nobody"], ["alice", "--scope", "all"], ["alice", "--expires-in", "soon"]])
def test_the_command_refuses_what_it_cannot_do(alice: User, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_token", *arguments)
    assert not ApiToken.objects.exists()


def test_the_command_says_how_an_account_is_made_only_where_there_is_none(alice: User) -> None:
    for arguments, is_said in ((["nobody"], True), (["alice", "--name", "x" * 1000], False)):
        with pytest.raises(CommandError) as refusal:
            call_command("create_api_token", *arguments)
        assert ("createsuperuser" in str(refusal.value)) is is_said


def test_tokens_are_listed_and_revoked_by_command(alice: User, bob: User, capsys: Any) -> None:
    rows = [issued(alice, name="report"), issued(bob)]
    call_command("list_api_tokens")
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == [str(row.pk) for row in rows]
    call_command("revoke_api_token", str(rows[0].pk))
    call_command("list_api_tokens", "alice")
    assert capsys.readouterr().out == ""
    with pytest.raises(CommandError):
        call_command("revoke_api_token", "999999")
