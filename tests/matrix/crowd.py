"""Everybody who can stand to a run in some way, and the run in every state.

The run is olga's, or waits in finance. It excludes zed and zoe, and has a comment by olga.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.apps import apps
from django.contrib.auth.models import User
from django.utils import timezone

from tests.cast import FINANCE, a_definition, a_run, a_user
from usertasks import operations
from usertasks.actors import Actor
from usertasks.models import GroupLead, Status, Substitution, UserTaskRun
from usertasks.roles import Role, create_roles

OWNER, MEMBER, EXCLUDED = "olga", "bob", "zed"
RESULTS = {"requestedItem": "lightsaber", "justification": "lost the old one"}
EVERYTHING = frozenset({"view_usertaskrun", "override_claim", "assign_usertaskrun", "cancel_usertaskrun"})


@dataclass(frozen=True)
class Relation:
    """Who somebody is to the run; `named` is the person for whom a service acts."""

    name: str
    groups: tuple[str, ...] = ()
    leads: str = ""
    stands_in_for: str = ""
    is_superuser: bool = False
    named: str | None = None


RELATIONS: Mapping[str, Relation] = {
    "owner": Relation(OWNER),
    "member": Relation(MEMBER, (FINANCE,)),
    "lead of the group": Relation("lea", (Role.LEAD,), leads=FINANCE),
    "lead of another group": Relation("leo", (Role.LEAD,), leads="it"),
    "member who leads another group": Relation("lou", (Role.LEAD, FINANCE), leads="it"),
    "manager": Relation("mona", (Role.MANAGER,)),
    "superuser": Relation("root", is_superuser=True),
    "excluded member": Relation(EXCLUDED, (FINANCE,)),
    "excluded manager": Relation("zoe", (Role.MANAGER,)),
    "substitute of the owner": Relation("sue", stands_in_for=OWNER),
    "substitute of somebody else": Relation("sam", stands_in_for=MEMBER),
    "stranger": Relation("charlie", ("it",)),
    "service as itself": Relation("engine", (Role.SERVICE,)),
    "service for the owner": Relation("engine", (Role.SERVICE,), named=OWNER),
    "service for a member": Relation("engine", (Role.SERVICE,), named=MEMBER),
    "service for an excluded member": Relation("engine", (Role.SERVICE,), named=EXCLUDED),
}


def everybody() -> dict[str, User]:
    """The account of each relation."""
    create_roles(apps)  # a test that empties the database takes them away
    users: dict[str, User] = {}
    for relation in RELATIONS.values():
        if relation.name not in users:
            users[relation.name] = _account(relation)
    return {name: users[relation.name] for name, relation in RELATIONS.items()}


def _account(relation: Relation) -> User:
    now, day = timezone.now(), timedelta(days=1)
    if relation.leads:
        GroupLead.objects.create(user_id=relation.name, user_group=relation.leads)
    if relation.stands_in_for:
        Substitution.objects.create(
            user_id=relation.stands_in_for,
            substitute_id=relation.name,
            starts_at=now - day,
            ends_at=now + day,
            named_by=relation.stands_in_for,
        )
    return a_user(relation.name, groups=relation.groups, is_superuser=relation.is_superuser)


def _waiting() -> UserTaskRun:
    return a_run(a_definition(), excluded_user_ids=[EXCLUDED, "zoe"])


def _taken(user_group: str | None = FINANCE) -> UserTaskRun:
    return a_run(a_definition(), user_id=OWNER, user_group=user_group, excluded_user_ids=[EXCLUDED, "zoe"])


BOSS = Actor(OWNER, permissions=EVERYTHING)
STATES: Mapping[str, Callable[[], UserTaskRun]] = {
    Status.UNASSIGNED: _waiting,
    Status.ASSIGNED: _taken,
    "ASSIGNED without a group": lambda: _taken(user_group=None),
    Status.DONE: lambda: operations.complete(_taken().id, RESULTS, by=BOSS),
    Status.CANCELLED: lambda: operations.cancel(_taken().id, by=BOSS),
}


def a_run_that_is(state: str) -> UserTaskRun:
    run = STATES[state]()
    operations.add_comment(run.id, "Hello", by=BOSS)
    return UserTaskRun.objects.get(pk=run.pk)
