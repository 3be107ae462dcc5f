"""The demo: a few people, three definitions, and runs of each in every state.

Everything is made through the operations, as people and programs would have made it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from . import operations
from .actors import Actor, actor_for
from .every_type import EVERY_ANSWER, EVERY_TYPE
from .leads import appoint
from .models import UserTaskField, UserTaskRun
from .operations import RunRequest
from .roles import PERMISSIONS, Role

PASSWORD = "demo"  # nosec B105 # as public as the README; the demo refuses to run without DEBUG
COUNCIL, TEMPLE = "jedi-council", "jedi-temple"
PEOPLE: Mapping[str, Sequence[str]] = {
    "obiwan": (COUNCIL, TEMPLE),
    "anakin": (TEMPLE,),
    "yoda": (COUNCIL,),
    "windu": (),
}
LEADS: Mapping[str, str] = {"windu": TEMPLE}
"""Who moves the tasks of a group without being in it."""
MANAGING = (*PERMISSIONS[Role.MANAGER], "add_usertaskrun", "add_usertaskdef")
"""Given to yoda himself: he is in the council, and in no other group."""
MADE_BY_DEMO = uuid.UUID("5d1b7a52-6c67-4b4e-9a1f-2f2f2a1f6d10")
"""The namespace of the runs' ids: loading the demo again finds the same runs."""


def load(now: datetime) -> None:
    """Make what is missing of the demo; what is there stays as people have left it."""
    with transaction.atomic():
        _people()
        engine = actor_for(User.objects.get(username="admin"))
        for name, (description, fields) in DEFINITIONS.items():
            operations.put_definition(
                name,
                [UserTaskField(**field) for field in fields],
                by=engine,
                description=description,
                actions=ACTIONS.get(name),
            )
    for number, run in enumerate(_runs(now)):
        _make(number, engine, **run)


def _people() -> None:
    for name, groups in PEOPLE.items():
        user, is_new = User.objects.get_or_create(username=name)
        if is_new:
            user.set_password(PASSWORD)
            user.is_staff = name == "yoda"
            user.save()
            user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
            if name in LEADS:
                appoint(name, LEADS[name])
    managing = Permission.objects.filter(content_type__app_label="usertasks", codename__in=MANAGING)
    User.objects.get(username="yoda").user_permissions.add(*managing)
    if not User.objects.filter(username="admin").exists():
        User.objects.create_superuser("admin", password=PASSWORD)
    for name in (*PEOPLE, "admin"):
        User.objects.filter(username=name, email="").update(email=f"{name}@example.com")


def _make(
    number: int,
    engine: Actor,
    definition: str,
    then: Sequence[tuple[str, str, dict[str, Any]]] = (),
    **request: Any,
) -> None:
    """One run, and what people did to it; nothing if it was made before."""
    run_id = uuid.uuid5(MADE_BY_DEMO, str(number))
    if UserTaskRun.objects.filter(pk=run_id).exists():
        return
    operations.create(RunRequest(definition, id=run_id, **request), by=engine)
    for verb, who, arguments in then:
        actor = actor_for(User.objects.get(username=who))
        getattr(operations, verb)(run_id, by=actor, **arguments)


IT_REQUEST: Sequence[dict[str, Any]] = [
    {
        "name": "requestedItem",
        "type": "STR",
        "display_name": "Requested item",
        "description": "What do you need?",
        "presentation": {"placeholder": "Lightsaber, blue"},
    },
    {
        "name": "justification",
        "type": "STR",
        "display_name": "Justification",
        "description": "Why do you need it? One or two sentences.",
        "presentation": {"widget": "textarea"},
    },
]

FUNDS: Sequence[dict[str, Any]] = [
    {"name": "approved", "type": "BOOL", "display_name": "Approve the funds?"},
    {
        "name": "amount",
        "type": "DOUBLE",
        "display_name": "Amount in credits",
        "required": False,
        "validation": {"min": 0, "max": 1_000_000},
    },
    {
        "name": "reason",
        "type": "STR",
        "display_name": "Reason",
        "required": False,
        "validation": {"max_length": 2000},
        "description": "The council will read it.",
    },
]

DEFINITIONS: Mapping[str, tuple[str, Sequence[dict[str, Any]]]] = {
    "it-request": ("Somebody needs something from the quartermaster.", IT_REQUEST),
    "approve-funds-for-mission": ("The council decides whether a mission is paid for.", FUNDS),
    "every-field-type": ("Every type of field and every way to ask for it.", EVERY_TYPE),
}

DAY = 24 * 3600
REMIND: dict[str, Any] = {"task_def_name": "send-reminder", "variables": {"text": "The mission waits for this."}}
ACTIONS: Mapping[str, list[dict[str, Any]]] = {
    "approve-funds-for-mission": [
        {"hook": "ON_TASK_ASSIGNED", "delay_seconds": DAY, "task": REMIND},
        {"hook": "ON_TASK_ASSIGNED", "delay_seconds": 3 * DAY, "reassign": {"user_group": COUNCIL}},
        {"hook": "ON_ARRIVAL", "delay_seconds": 30 * DAY, "cancel": {}},
    ],
}
"""What runs of a definition do by themselves."""

CLOAK = {"requestedItem": "Cloak, brown", "justification": "The old one stayed on Mustafar."}
SABER = {"requestedItem": "Lightsaber, blue", "justification": "Darth Maul kicked it down the mine shaft."}


def _runs(now: datetime) -> list[dict[str, Any]]:
    """Open, saved, done and cancelled runs of each definition."""
    return [*_it_requests(now), *_funds(now), *_every_type(now), *_timed()]


def _it_requests(now: datetime) -> list[dict[str, Any]]:
    return [
        {"definition": "it-request", "user_group": TEMPLE, "notes": "For the mission to Naboo."},
        {"definition": "it-request", "user_group": COUNCIL, "due_at": now + timedelta(hours=4), "priority": 80},
        {"definition": "it-request", "user_group": TEMPLE, "due_at": now - timedelta(days=1), "priority": 90},
        {"definition": "it-request", "user_id": "anakin"},
        {
            "definition": "it-request",
            "user_id": "obiwan",
            "user_group": TEMPLE,
            "due_at": now + timedelta(days=2),
            "then": [("save_progress", "obiwan", {"results": {"requestedItem": "Lightsaber, blue"}})],
        },
        {
            "definition": "it-request",
            "user_group": TEMPLE,
            "then": [
                ("claim", "obiwan", {}),
                ("add_comment", "obiwan", {"comment": "Blue again, please."}),
                ("complete", "obiwan", {"results": SABER}),
            ],
        },
        {
            "definition": "it-request",
            "user_id": "anakin",
            "then": [("complete", "anakin", {"results": CLOAK})],
        },
        {"definition": "it-request", "user_group": COUNCIL, "then": [("cancel", "yoda", {})]},
    ]


def _funds(now: datetime) -> list[dict[str, Any]]:
    name = "approve-funds-for-mission"
    approval = {"approved": True, "amount": 20000.0, "reason": "Worth it, this is."}
    return [
        {
            "definition": name,
            "user_group": COUNCIL,
            "notes": "Two knights to Kamino, return trip, eight days.",
            "due_at": now + timedelta(days=1),
            "priority": 70,
        },
        {"definition": name, "user_id": "obiwan", "user_group": COUNCIL, "notes": "Geonosis, one way."},
        {
            "definition": name,
            "user_id": "yoda",
            "user_group": COUNCIL,
            "then": [("save_progress", "yoda", {"results": {"amount": 12500.0}})],
        },
        {"definition": name, "user_group": COUNCIL, "then": [("complete", "yoda", {"results": approval})]},
        {"definition": name, "user_group": COUNCIL, "then": [("cancel", "yoda", {})]},
    ]


def _every_type(now: datetime) -> list[dict[str, Any]]:
    name = "every-field-type"
    return [
        {"definition": name, "user_group": TEMPLE, "notes": "Try every control."},
        {
            "definition": name,
            "user_id": "obiwan",
            "user_group": TEMPLE,
            "then": [("save_progress", "obiwan", {"results": EVERY_ANSWER})],
        },
        {"definition": name, "user_group": TEMPLE, "then": [("complete", "obiwan", {"results": EVERY_ANSWER})]},
        {"definition": name, "user_group": TEMPLE, "then": [("cancel", "yoda", {})]},
    ]


def _timed() -> list[dict[str, Any]]:
    """Runs with timers of their own: one that has just arrived, and one that changed hands."""
    actions: list[dict[str, Any]] = [
        {"hook": "ON_ARRIVAL", "delay_seconds": 3600, "task": REMIND},
        {"hook": "ON_TASK_ASSIGNED", "delay_seconds": DAY, "reassign": {"user_group": TEMPLE}},
        {"hook": "ON_ARRIVAL", "delay_seconds": 14 * DAY, "cancel": {}},
    ]
    notes = "Goes back to the temple if it is not done within a day."
    run = {"definition": "it-request", "user_id": "obiwan", "user_group": TEMPLE, "notes": notes, "actions": actions}
    passed_on = [("assign", "yoda", {"user_id": "anakin", "user_group": TEMPLE, "override_claim": True})]
    return [run, {**run, "then": passed_on}]
