"""What follows from what an identity provider claims of somebody: name, groups, roles, leads."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from tests.cast import a_user
from usertasks import leads, roles
from usertasks.accounts import (
    Identity,
    account_of,
    follow,
    groups_named,
    identity_of,
    require_good_mapping,
    require_may_be_taken_over,
)
from usertasks.actors import actor_for
from usertasks.errors import NotAllowed, NotSignedIn
from usertasks.models import GroupLead

MAPPING = {"task-admins": "admin", "heads": ["lead:finance", "manager"], "finance-heads": "lead:finance"}


LONG = f"{'x' * 60}@{'.'.join(['y' * 60] * 4)}.example"


def alice_in(*groups: str) -> Identity:
    return Identity("alice", frozenset(groups))


def groups_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


@pytest.mark.parametrize(
    ("claimed", "groups"),
    [
        ({}, None),
        ({"groups": None}, None),
        ({"groups": []}, frozenset()),
        ({"groups": "finance"}, {"finance"}),
        ({"groups": ["finance", "it"]}, {"finance", "it"}),
        ({"groups": ["finance", 7, None, "", " ", "x" * 151, "nul\0", "\ud800", ["it"]]}, {"finance"}),
        ({"groups": {"finance": True}}, set()),
        ({"groups": 7}, set()),
    ],
)
def test_groups_are_a_list_or_one_and_what_can_be_no_name_is_left_out(claimed: dict[str, Any], groups: Any) -> None:
    identity = identity_of({"preferred_username": "alice", **claimed})
    assert identity.groups == groups
    assert groups_named(identity) == groups


def test_groups_that_the_provider_keeps_elsewhere_are_not_taken_for_none() -> None:
    with pytest.raises(NotAllowed):
        identity_of({"preferred_username": "alice", "_claim_names": {"groups": "src1"}})


def test_a_claim_is_found_by_its_name_before_by_its_path(settings: Settings) -> None:
    settings.OIDC_GROUPS_CLAIM = "https://acme.example/groups"
    assert identity_of({"preferred_username": "alice", "https://acme.example/groups": ["it"]}).groups == frozenset(
        {"it"}
    )
    settings.OIDC_GROUPS_CLAIM = "realm_access.roles"
    assert identity_of({"preferred_username": "alice", "realm_access": {"roles": ["it"]}}).groups == frozenset({"it"})
    assert identity_of({"preferred_username": "alice", "realm_access": "it"}).groups is None


@pytest.mark.parametrize("name", [None, "", " ", " alice", "x" * 151, "\0", "\ud800", 7, ["alice"], "usertasks:worker"])
def test_a_name_that_cannot_be_ours_is_refused(name: Any) -> None:
    with pytest.raises(NotSignedIn):
        identity_of({"preferred_username": name})


@pytest.mark.parametrize("email", [None, 7, "", "no address", "a@b\nBcc: c@d.example", "a@\ud800.example", LONG])
def test_what_is_no_address_is_no_email(email: Any) -> None:
    assert identity_of({"preferred_username": "alice", "email": email}).email == ""


@pytest.mark.parametrize("name", [None, 7, "nul\0", "\ud800"])
def test_what_cannot_be_kept_is_no_name(name: Any) -> None:
    assert identity_of({"preferred_username": "alice", "name": name}).full_name == ""


def test_an_account_is_made_once_and_has_no_password(db: None) -> None:
    alice = account_of(alice_in())
    assert (alice.has_usable_password(), account_of(alice_in())) == (False, alice)
    User.objects.update(is_active=False)
    with pytest.raises(NotAllowed):
        account_of(alice_in())


def test_whoever_was_made_a_lead_before_the_first_sign_in_is_one_afterwards(db: None) -> None:
    leads.appoint("alice", "finance")
    alice = account_of(alice_in())
    follow(alice_in(), alice)
    assert actor_for(alice).leads == {"finance"}


def test_a_password_of_ones_own_is_in_the_way_as_long_as_passwords_count(alice: User, settings: Settings) -> None:
    with pytest.raises(NotAllowed):
        require_may_be_taken_over(alice)
    settings.LOCAL_PASSWORDS = False
    require_may_be_taken_over(alice)


def test_groups_become_exactly_those_of_the_claim(alice: User) -> None:
    follow(alice_in("it", "legal"), alice)
    assert groups_of(alice) == {"it", "legal"}
    follow(Identity("alice"), alice)
    assert groups_of(alice) == set()


def test_groups_are_left_alone_where_no_claim_names_them(alice: User, settings: Settings) -> None:
    settings.OIDC_GROUPS_CLAIM = ""
    identity = identity_of({"preferred_username": "alice", "groups": ["it"]})
    follow(identity, alice)
    assert (groups_named(identity), groups_of(alice)) == (None, {"finance"})


@pytest.mark.parametrize("name", [role.value for role in roles.Role])
def test_a_group_that_is_called_like_a_role_gives_nothing(name: str, alice: User, settings: Settings) -> None:
    for mapping in ({}, MAPPING):
        settings.OIDC_ROLES = mapping
        assert groups_named(alice_in(name)) == frozenset()
        follow(alice_in(name), alice)
        assert (groups_of(alice), actor_for(alice).permissions, alice.is_staff) == (set(), frozenset(), False)


def test_roles_that_were_given_here_stay_where_none_are_mapped(db: None) -> None:
    mona = a_user("mona", groups=["manager", "finance"], is_staff=True)
    GroupLead.objects.create(user_id="mona", user_group="finance")
    follow(Identity("mona", frozenset({"it"})), mona)
    assert (groups_of(mona), mona.is_staff, GroupLead.objects.count()) == ({"manager", "it"}, True, 1)


def test_mapped_roles_come_and_go_with_the_claim(alice: User, settings: Settings) -> None:
    settings.OIDC_ROLES = MAPPING
    follow(alice_in("task-admins", "heads", "finance"), alice)
    assert groups_of(alice) == {"task-admins", "heads", "finance", "admin", "manager", "lead"}
    assert groups_named(alice_in("task-admins")) == frozenset({"task-admins", "admin"})
    actor = actor_for(User.objects.get(username="alice"))
    assert (set(actor.leads), actor.holds("assign_usertaskrun"), alice.is_staff) == ({"finance"}, True, True)
    follow(alice_in("finance-heads"), alice)
    actor = actor_for(User.objects.get(username="alice"))
    assert (set(actor.leads), actor.holds("assign_usertaskrun"), alice.is_staff) == ({"finance"}, False, False)
    follow(alice_in(), alice)
    assert (groups_of(alice), GroupLead.objects.count()) == (set(), 0)


def test_with_a_mapping_a_role_that_was_given_here_goes(settings: Settings, db: None) -> None:
    settings.OIDC_ROLES = MAPPING
    mona = a_user("mona", groups=["manager"], is_staff=True)
    GroupLead.objects.create(user_id="mona", user_group="it")
    GroupLead.objects.create(user_id="bob", user_group="it")
    follow(Identity("mona", frozenset()), mona)
    assert (groups_of(mona), mona.is_staff, GroupLead.objects.get().user_id) == (set(), False, "bob")


def test_a_superuser_stays_one(admin: User, settings: Settings) -> None:
    settings.OIDC_ROLES = MAPPING
    follow(Identity("admin", frozenset()), admin)
    admin.refresh_from_db()
    assert (admin.is_superuser, admin.is_staff) == (True, True)


def test_name_and_email_are_kept_in_step_and_never_emptied(alice: User) -> None:
    follow(Identity("alice", email="a@acme.example", full_name=" Alice van Dyke"), alice)
    follow(Identity("alice"), alice)
    alice.refresh_from_db()
    assert (alice.email, alice.first_name, alice.last_name) == ("a@acme.example", "Alice", "van Dyke")


def test_nothing_but_membership_follows_from_a_group_that_is_new(alice: User) -> None:
    follow(alice_in("brand-new"), alice)
    assert Group.objects.get(name="brand-new").permissions.count() == 0


@pytest.mark.parametrize(
    "mapping",
    [["admin"], {"heads": "boss"}, {"heads": "lead:"}, {"heads": "lead"[:3]}, {"heads": 7}, {"h": ["admin", 7]}],
)
def test_a_mapping_that_makes_no_sense_is_found(mapping: Any, settings: Settings) -> None:
    settings.OIDC_ROLES = mapping
    with pytest.raises(ImproperlyConfigured):
        require_good_mapping()


def test_a_good_mapping_is_good_and_needs_groups(settings: Settings) -> None:
    settings.OIDC_ROLES = MAPPING
    require_good_mapping()
    settings.OIDC_GROUPS_CLAIM = ""
    with pytest.raises(ImproperlyConfigured):
        require_good_mapping()
