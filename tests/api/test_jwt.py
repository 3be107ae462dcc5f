"""Tokens of the company's own issuer at the REST door: who comes in, as whom, and for what."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, Permission, User
from django.db import connection

from tests.api.conftest import Caller
from tests.cast import FINANCE, a_definition, a_run, a_user, token_of
from tests.issuers import SUBJECT, Issuer, unavailable
from usertasks.actors import INSIDE, Actor
from usertasks.bearers import bearer_of
from usertasks.errors import NotSignedIn
from usertasks.issuer import provider_of_sign_on
from usertasks.links import link_account
from usertasks.models import GroupLead
from usertasks.signing_keys import ring_of


@pytest.fixture(autouse=True)
def no_passwords(settings: Any) -> None:
    """People sign in at the provider, and nowhere else."""
    settings.LOCAL_PASSWORDS = False


def runs(nobody: Caller, text: str) -> Any:
    return nobody.get("user-task-runs/", Authorization=f"Bearer {text}")


def is_known(issuer: Issuer, user: User, subject: str = "") -> None:
    """Somebody with rights has said who at the issuer this is."""
    link_account(provider_of_sign_on(), subject or SUBJECT, user)


def actor(text: str) -> Actor:
    return bearer_of(text).actor(INSIDE)


def test_a_token_of_the_issuer_is_as_good_as_one_of_ours(nobody: Caller, issuer: Issuer, alice: User) -> None:
    a_run()
    answer = runs(nobody, issuer.token())
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 1


def test_a_token_that_is_not_valid_is_refused_with_one_word(
    nobody: Caller, issuer: Issuer, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = issuer.token(aud="somebody-else")
    with caplog.at_level(logging.INFO):
        answer = runs(nobody, wrong)
    assert answer.status_code == 401
    assert (answer.json()["code"], answer.json()["detail"]) == ("not_signed_in", "The token is not valid.")
    assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert "audience" in caplog.text
    assert not any(secret in caplog.text for secret in (wrong, "alice", "somebody-else", "127.0.0.1"))


def test_without_an_audience_no_token_of_an_issuer_is_taken(nobody: Caller, issuer: Issuer, settings: Any) -> None:
    settings.JWT_AUDIENCE = ""
    assert runs(nobody, issuer.token(aud="")).status_code == 401
    assert issuer.asked == []


def test_our_own_tokens_go_on_beside(nobody: Caller, issuer: Issuer, alice: User) -> None:
    assert runs(nobody, token_of(alice)).status_code == 200
    assert issuer.asked == []


def test_an_issuer_that_is_down_is_no_defect_and_not_missed_later(nobody: Caller, issuer: Issuer, alice: User) -> None:
    issuer.respond = unavailable
    refused = runs(nobody, issuer.token())
    assert (refused.status_code, refused.json()["code"]) == (401, "not_signed_in")
    ring_of.cache_clear()
    issuer.respond = lambda request: False
    assert runs(nobody, issuer.token()).status_code == 200
    issuer.respond = unavailable
    assert runs(nobody, issuer.token(jti="another")).status_code == 200


def test_someone_who_was_never_here_gets_an_account(nobody: Caller, issuer: Issuer) -> None:
    assert runs(nobody, issuer.token(preferred_username="dora")).status_code == 200
    dora = User.objects.get(username="dora")
    assert not dora.has_usable_password()
    assert (dora.is_staff, dora.is_superuser) == (False, False)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_someone_who_comes_many_times_at_once_gets_one_account(issuer: Issuer) -> None:
    text, everybody_is_here = issuer.token(preferred_username="dora"), threading.Barrier(6)

    def come(_: int) -> int:
        everybody_is_here.wait()
        try:
            return bearer_of(text).user.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(come, range(6))) == {User.objects.get().pk}
    assert SocialAccount.objects.count() == 1


def test_an_account_that_is_switched_off_stays_off(nobody: Caller, issuer: Issuer, alice: User, bob: User) -> None:
    assert runs(nobody, issuer.token()).status_code == 200
    User.objects.update(is_active=False)
    assert runs(nobody, issuer.token()).status_code == 401
    assert runs(nobody, issuer.token(preferred_username="bob", sub="4711")).status_code == 401


@pytest.mark.parametrize("name", [None, "", " ", 5, "x" * 151, "a\0b", "usertasks:worker", ["alice"]])
def test_a_token_of_nobody_is_refused(nobody: Caller, issuer: Issuer, name: Any) -> None:
    assert runs(nobody, issuer.token(preferred_username=name)).status_code == 401
    assert not User.objects.exists()


def test_which_claim_says_who_it_is_is_configured(issuer: Issuer, settings: Any, alice: User) -> None:
    settings.OIDC_USER_ID_CLAIM = "client.name"
    assert actor(issuer.token(client={"name": "alice"}, preferred_username="mona")).user_id == "alice"


def test_an_account_with_a_password_of_its_own_is_not_taken_over(
    nobody: Caller, issuer: Issuer, admin: User, settings: Any
) -> None:
    settings.LOCAL_PASSWORDS = True
    text = issuer.token(preferred_username="admin")
    assert runs(nobody, text).status_code == 401
    is_known(issuer, admin)
    assert actor(text).holds("override_claim")


@pytest.mark.parametrize("right", ["superuser", "staff", "permission", "group", "token"])
def test_an_account_with_rights_of_its_own_is_not_had_by_its_name(
    nobody: Caller, issuer: Issuer, alice: User, right: str
) -> None:
    alice.is_superuser, alice.is_staff = right == "superuser", right == "staff"
    alice.save()
    held = Permission.objects.get(codename="act_on_behalf")
    if right == "permission":
        alice.user_permissions.add(held)
    elif right == "group":
        alice.groups.get().permissions.add(held)
    elif right == "token":
        token_of(alice)
    assert runs(nobody, issuer.token()).status_code == 401
    is_known(issuer, alice)
    assert runs(nobody, issuer.token()).status_code == 200
    assert runs(nobody, issuer.token(sub="4711")).status_code == 401


def test_a_name_that_was_given_to_somebody_else_does_not_give_them_the_account(
    nobody: Caller, issuer: Issuer, alice: User
) -> None:
    assert actor(issuer.token()).user_id == "alice"
    assert runs(nobody, issuer.token(sub="4711")).status_code == 401
    assert actor(issuer.token(preferred_username="alice-married")).user_id == "alice"


def test_the_account_is_that_of_who_signs_in_with_the_same_subject(
    nobody: Caller, issuer: Issuer, alice: User, bob: User
) -> None:
    SocialAccount.objects.create(provider=issuer.url, uid="0815", user=bob)
    SocialAccount.objects.create(provider=issuer.url, uid="4711", user=alice)
    assert actor(issuer.token()).user_id == "bob"
    assert runs(nobody, issuer.token(sub="0816")).status_code == 401


@pytest.mark.parametrize("subject", ["", "x" * 192, "a\0b", "\ud800"])
def test_a_subject_that_cannot_be_kept_is_refused(nobody: Caller, issuer: Issuer, alice: User, subject: str) -> None:
    assert runs(nobody, issuer.token(sub=subject)).status_code == 401


def test_without_groups_in_the_token_those_of_the_account_count(issuer: Issuer, alice: User) -> None:
    assert actor(issuer.token()).groups == {FINANCE}


def test_groups_in_the_token_count_for_this_call_with_what_they_may(issuer: Issuer, alice: User) -> None:
    auditors = Group.objects.create(name="auditors")
    auditors.permissions.add(Permission.objects.get(codename="view_usertaskrun"))
    Group.objects.get(name=FINANCE).permissions.add(Permission.objects.get(codename="override_claim"))
    alice.user_permissions.add(Permission.objects.get(codename="add_usertaskrun"))
    is_known(issuer, alice)
    alone = actor(issuer.token(groups=["auditors", "unheard-of"]))
    assert alone.groups == {"auditors", "unheard-of"}
    assert alone.permissions == {"view_usertaskrun", "add_usertaskrun"}
    assert actor(issuer.token(groups=[])).groups == frozenset()
    assert actor(issuer.token()).permissions == {"override_claim", "add_usertaskrun"}
    assert list(alice.groups.values_list("name", flat=True)) == [FINANCE]


def test_who_is_in_no_group_by_the_token_sees_nothing_of_it(nobody: Caller, issuer: Issuer, alice: User) -> None:
    a_run()
    assert len(runs(nobody, issuer.token(groups=[FINANCE])).json()["results"]) == 1
    assert runs(nobody, issuer.token(groups=["it"])).json()["results"] == []


def test_a_group_that_is_called_like_a_role_gives_none_unless_it_is_mapped(
    issuer: Issuer, alice: User, settings: Any
) -> None:
    text = issuer.token(groups=["admin", "heads"])
    assert actor(text).permissions == frozenset()
    settings.OIDC_ROLES = {"heads": ["manager", "lead:finance"]}
    mapped = actor(text)
    assert mapped.groups == {"manager", "lead", "heads"}
    assert mapped.holds("assign_usertaskrun")
    assert mapped.leads == {FINANCE}


def test_a_role_given_here_counts_where_the_issuer_does_not_decide_about_roles(
    issuer: Issuer, alice: User, settings: Any
) -> None:
    alice.groups.add(Group.objects.get(name="manager"), Group.objects.get(name="lead"))
    GroupLead.objects.create(user_id="alice", user_group="it")
    is_known(issuer, alice)
    text = issuer.token(groups=[FINANCE])
    assert actor(text).groups == {FINANCE, "manager", "lead"}
    assert actor(text).leads == {"it"}
    settings.OIDC_ROLES = {"heads": "manager"}
    assert actor(text).groups == {FINANCE}
    assert actor(text).leads == frozenset()


def test_scopes_of_the_token_limit_what_can_be_done_with_it(
    nobody: Caller, issuer: Issuer, service: User, settings: Any
) -> None:
    body = {"user_task_def": {"name": a_definition().name}, "user_group": FINANCE}
    is_known(issuer, service)

    def create(scope: str) -> int:
        text = issuer.token(preferred_username="service", scope=scope)
        return int(nobody.post("user-task-runs/", body, Authorization=f"Bearer {text}").status_code)

    assert [create(scope) for scope in ("openid", "runs:write", "runs:read")] == [201, 201, 403]
    settings.JWT_SCOPES = []
    assert [create(scope) for scope in ("openid", "runs:write")] == [403, 201]


def test_who_calls_costs_a_fixed_number_of_queries(
    issuer: Issuer, alice: User, settings: Any, django_assert_num_queries: Callable[[int], Any]
) -> None:
    settings.OIDC_ROLES = {"heads": "manager"}
    texts = [issuer.token(groups=[f"group-{number}" for number in range(count)]) for count in (0, 1, 300)]
    bearer_of(texts[0])  # which fetches the keys, and links the account
    for text in [issuer.token(), *texts]:
        with django_assert_num_queries(2):
            actor(text)


def test_a_token_that_expires_while_somebody_waits_is_worth_nothing_any_more(issuer: Issuer, alice: User) -> None:
    text = issuer.token()
    later = datetime.now(UTC) + timedelta(minutes=6)
    assert bearer_of(text).by_now().user == alice
    with pytest.raises(NotSignedIn):
        bearer_of(text, now=later)


def test_a_superuser_stays_one_whatever_groups_the_token_names(issuer: Issuer, db: None) -> None:
    is_known(issuer, a_user("root", groups=[FINANCE], is_superuser=True))
    root = actor(issuer.token(preferred_username="root", groups=["it"]))
    assert root.groups == {"it"}
    assert root.holds("act_on_behalf")
