"""Appointing and dismissing the leads of groups; the role `lead` goes with it."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db import transaction

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
    account = _locked_account(user_id)
    dismissed, _rows = GroupLead.objects.filter(user_id=user_id, user_group=user_group).delete()
    if dismissed and account and not _leads(user_id):
        account.groups.remove(_role())


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
