"""Appointing and dismissing the leads of groups; the role `lead` goes with it."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import QuerySet

from .errors import InvalidArgument
from .models import GroupLead
from .owners import faults_of_owner
from .roles import Role


@transaction.atomic
def appoint(user_id: str, user_group: str) -> GroupLead:
    """Let `user_id` move the runs of a group; nothing changes where they do already. Raises `InvalidArgument`.

    Their account, where they have one by now, gets the role; `follow_the_leads` gives it to one that is made later.
    """
    if faults := faults_of_owner(user_id=user_id, user_group=user_group):
        raise InvalidArgument.of(faults)
    account = _locked_account(user_id)
    lead, _is_new = GroupLead.objects.get_or_create(user_id=user_id, user_group=user_group)
    if account:
        account.groups.add(_role())
    return lead


@transaction.atomic
def dismiss(user_id: str, user_group: str) -> None:
    """Take a group from a lead, and with the last one the role; nothing changes for whoever does not lead it."""
    dismiss_all(GroupLead.objects.filter(user_id=user_id, user_group=user_group))


@transaction.atomic
def dismiss_all(leads: QuerySet[GroupLead]) -> None:
    """Take these groups from their leads, and with their last one the role."""
    rows = list(leads.values_list("pk", "user_id"))
    # The locks, always in one order, make two who change what somebody leads wait for each other.
    accounts = list(User.objects.select_for_update().filter(username__in={name for _, name in rows}).order_by("pk"))
    found = GroupLead.objects.filter(pk__in=[pk for pk, _ in rows])
    dismissed = set(found.values_list("user_id", flat=True))
    found.delete()
    leading = set(GroupLead.objects.filter(user_id__in=dismissed).values_list("user_id", flat=True))
    if gone := [account for account in accounts if account.username in dismissed - leading]:
        _role().user_set.remove(*gone)


@transaction.atomic
def follow_the_leads(user_id: str) -> None:
    """Give the role to an account whose person was appointed before they had one."""
    account = _locked_account(user_id)
    if account and _leads(user_id):
        account.groups.add(_role())


def _leads(user_id: str) -> bool:
    return GroupLead.objects.filter(user_id=user_id).exists()


def _locked_account(user_id: str) -> User | None:
    """The account of that name; the lock makes two who change what it leads wait for each other."""
    return User.objects.select_for_update().filter(username=user_id).first()


def _role() -> Group:
    return Group.objects.get_or_create(name=Role.LEAD.value)[0]
