"""The people of the tests: alice and bob work in finance, charlie does not, mona manages, a service acts for others.

Each is a Django user who exists in the database when a test names the fixture; `actor_for(alice)` acts in the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from usertasks import operations
from usertasks.actors import Actor, actor_for
from usertasks.models import ApiToken, UserTaskDef, UserTaskField, UserTaskRun
from usertasks.operations import RunRequest

PASSWORD = "correct horse"
FINANCE = "finance"
MANAGING = ("view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun", "override_claim")
CREATING = ("add_usertaskrun", "add_usertaskdef")


def a_user(name: str, *, groups: Sequence[str] = (), permissions: Sequence[str] = (), **more: Any) -> User:
    """A person with an account; `permissions` without the prefix of the application."""
    user = User.objects.create_user(name, password=PASSWORD, **more)
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="usertasks", codename__in=permissions))
    return user


@pytest.fixture
def alice(db: None) -> User:
    return a_user("alice", groups=[FINANCE])


@pytest.fixture
def bob(db: None) -> User:
    return a_user("bob", groups=[FINANCE])


@pytest.fixture
def charlie(db: None) -> User:
    return a_user("charlie", groups=["it"])


@pytest.fixture
def mona(db: None) -> User:
    return a_user("mona", permissions=MANAGING, is_staff=True)


@pytest.fixture
def service(db: None) -> User:
    """A workflow engine: creates definitions and runs, sees them, and says on whose behalf it acts."""
    return a_user("service", permissions=[*CREATING, "view_usertaskrun", "act_on_behalf"])


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("admin", password=PASSWORD)


ENGINE = Actor("engine", permissions=frozenset(CREATING))
"""Whoever created what a test begins with."""


def a_definition(name: str = "it-request", fields: Sequence[UserTaskField] | None = None) -> UserTaskDef:
    """The definition of LittleHorse's example, or of these fields."""
    if fields is None:
        fields = [
            UserTaskField(name="requestedItem", type="STR", display_name="Requested item"),
            UserTaskField(name="justification", type="STR", display_name="Justification"),
        ]
    return operations.put_definition(name, fields, by=ENGINE)[0]


def a_run(
    definition: UserTaskDef | None = None, *, user_id: str | None = None, user_group: str | None = FINANCE, **more: Any
) -> UserTaskRun:
    """A run that waits in finance, unless somebody else is named."""
    name = (definition or a_definition()).name
    request = RunRequest(user_task_def_name=name, user_id=user_id, user_group=user_group, **more)
    run = operations.create(request, by=ENGINE).run
    assert run is not None
    return run


def claimed_by(user: User, **more: Any) -> UserTaskRun:
    """A run of finance that this user has claimed."""
    return operations.claim(a_run(**more).id, by=actor_for(user))


def done_by(user: User, **more: Any) -> UserTaskRun:
    """A run that this user has completed."""
    results = {"requestedItem": "lightsaber", "justification": "lost the old one"}
    return operations.complete(claimed_by(user, **more).id, results, by=actor_for(user))


def token_of(user: User) -> str:
    return ApiToken.objects.issue(user)
