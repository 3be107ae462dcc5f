"""Every request of the pages, as mel makes it, who works in groups and leads them, and mona, who sees everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from inbox.live import new_token
from tests.cast import PASSWORD
from tests.queries.api import TO_ONE
from tests.queries.asking import Row
from tests.queries.world import DAY, WORKFLOW, World
from usertasks.models import DraftState

ALL = ("mel", "mona")
TASK = "inbox/tasks/<run_id:run_id>/"
BOXES = ("", "groups/", "overdue/", "snoozed/", "done/", "all/")
BACK = "/inbox/all/?sort=due"
FILTERS: Sequence[Mapping[str, str]] = (
    {"status": "ASSIGNED"},
    {"user_task_def_name": "kind-0", "sort": "due"},
    {"user_group": "group-0", "sort": "priority"},
    {"wf_run_id": WORKFLOW},
    {"text": "saved"},
)


SAVING = {"saved-name": "new", "saved-box": "all", "saved-query": "sort=due"}
WITH_ALL = {"back": BACK, "history": "all", "explain": "person-0"}


def typed(world: World, **more: Any) -> dict[str, Any]:
    """What the form of the task sends, with a file for each field that asks for one."""
    inputs = {f"results-answer-{number}": f"typed {number}" for number in range(world.size)}
    files = {f"results-scan-{number}": a_file(number) for number in range(world.size)}
    return {"version": world.run.version, "username": "mel", "page": "aa", **inputs, **files, **more}


def a_file(number: int) -> SimpleUploadedFile:
    return SimpleUploadedFile(f"new-{number}.txt", b"new %d" % number)


def pressing(button: str, **more: Any) -> Any:
    return lambda world: typed(world, action=button, **more)


def chosen(action: str, runs: str = "waiting", **more: Any) -> Any:
    def form(world: World) -> dict[str, Any]:
        rows = getattr(world, runs)
        tickets = [run.id.hex for run in rows]
        return {"action": action, "run": tickets, "back": BACK, "sure": "1", **more}

    return form


def everything(world: World) -> dict[str, Any]:
    return {"action": "assign", "all": "1", "box": "all", "query": f"wf_run_id={WORKFLOW}", "back": BACK, **TO_ONE}


def substitution(world: World) -> dict[str, Any]:
    first = timezone.localdate() + 10 * DAY
    return {"substitute_id": "person-0", "first_day": first, "last_day": first + DAY}


def a_state(world: World) -> dict[str, Any]:
    return typed(world, state=DraftState.objects.values_list("pk", flat=True)[0])


def waiting(world: World) -> dict[str, Any]:
    return {"run_id": world.waiting[0].id.hex}


LISTS = [
    Row("GET", "", 302),
    *(Row("GET", f"inbox/{box}", by=ALL) for box in BOXES),
    *(
        Row("GET", "inbox/all/", sent=lambda world, query=query: query, name=str(query))  # type: ignore[misc]
        for query in FILTERS
    ),
    *(
        Row("GET", f"inbox/{box}", headers=lambda: {"HX-Request": "true"}, name="by a script")
        for box in ("", "groups/", "all/")
    ),
    Row("GET", "inbox/standing-in/"),
    Row("GET", "inbox/filters/"),
    Row("POST", "inbox/filters/", 302, lambda world: SAVING),
    Row("GET", "inbox/filters/<int:filter_id>/forget/", 302),
    Row("POST", "inbox/filters/<int:filter_id>/forget/", 302),
    Row("GET", "inbox/team/", by=ALL),
    Row("GET", "inbox/team/", sent=lambda world: {"user_group": "group-0"}, name="of a group"),
    Row("GET", "inbox/live/", headers=lambda: {"X-Live": new_token()}, sent=lambda world: {"after": "0"}),
    Row("GET", "inbox/counts/", sent=lambda world: {"run": world.run.id.hex}),
    Row("GET", "inbox/arrivals/", sent=lambda world: {"after": "0"}),
    Row("GET", "inbox/next/", 302),
    Row("POST", "inbox/next/", 302),
    Row("GET", "inbox/words/<slug:language>/<slug:digest>/", 302),
]

MANY = [
    Row("GET", "inbox/many/", 302),
    *(
        Row("POST", "inbox/many/", sent=sent, by=by, name=name)
        for name, by, sent in (
            ("claim", ["mel"], chosen("claim")),
            ("release", ["mel"], chosen("release", "mine")),
            ("assign", ALL, chosen("assign", **TO_ONE)),
            ("cancel", ["mel"], chosen("cancel")),
            ("refused", ["mel"], chosen("cancel", "done")),
            ("all that match", ["mel"], everything),
        )
    ),
    Row("GET", "inbox/many/do/", 302),
    *(
        Row("POST", "inbox/many/do/", 302, sent, by=by, name=name)
        for name, by, sent in (
            ("claim", ["mel"], chosen("claim")),
            ("release", ["mel"], chosen("release", "mine")),
            ("assign", ALL, chosen("assign", **TO_ONE)),
            ("cancel", ["mel"], chosen("cancel")),
            ("refused", ["mel"], chosen("cancel", "done")),
            ("all that match", ["mel"], everything),
        )
    ),
    Row("GET", "inbox/many/<run_id:change_id>/", by=ALL),
    Row("GET", "inbox/many/<run_id:change_id>/undo/", 302),
    Row("POST", "inbox/many/<run_id:change_id>/undo/", 302, by=ALL),
]

TASKS = [
    Row("GET", TASK, by=ALL),
    Row("GET", TASK, sent=lambda world: WITH_ALL, by=ALL, name="with all"),
    Row("POST", TASK, 302, pressing("claim"), at=waiting, name="claim"),
    *(
        Row("POST", TASK, 302, pressing(button, **more), name=button)
        for button, more in {
            "release": {},
            "save_progress": {},
            "complete": {},
            "complete:next": {},
            "assign": {"move-user": "person-0", "move-group": "group-0"},
            "cancel": {"move-sure": "1"},
            "add_comment": {"comment": "Hello"},
            "edit_comment:1": {"comment-1": "Bye"},
            "delete_comment:1": {},
            "snooze:hour": {},
            "wake": {},
            "discard": {},
            "explain": {"explain": "person-0"},
        }.items()
    ),
    Row("POST", TASK, 409, lambda world: typed(world, action="complete") | {"version": 1}, name="in conflict"),
    Row("GET", f"{TASK}files/<int:position>/"),
    Row("POST", f"{TASK}draft/", 200, typed),
    Row("GET", f"{TASK}draft/bring-back/", 405),
    Row("POST", f"{TASK}draft/bring-back/", 302, a_state),
    Row("GET", f"{TASK}uploads/<run_id:upload_id>/"),
]

OWN = [
    Row("GET", "inbox/notifications/"),
    Row("POST", "inbox/notifications/", 302, lambda world: {"assigned": "on"}),
    Row("GET", "inbox/preferences/"),
    Row("POST", "inbox/preferences/", 302, lambda world: {"language": "de", "time_zone": "Europe/Berlin"}),
    Row("GET", "inbox/substitutes/"),
    Row("POST", "inbox/substitutes/", 302, substitution),
    Row("GET", "inbox/substitutes/<int:substitution_id>/end/", 302),
    Row("POST", "inbox/substitutes/<int:substitution_id>/end/", 302),
    Row("GET", "inbox/tokens/"),
    Row("POST", "inbox/tokens/", 200, lambda world: {"name": "new", "scopes": "runs:read", "expires_in": "7"}),
    Row("GET", "inbox/tokens/<int:token_id>/revoke/", 302),
    Row("POST", "inbox/tokens/<int:token_id>/revoke/", 302),
]

DOORS = [
    Row("GET", "sign-in/", by=[""]),
    Row("POST", "sign-in/", 302, lambda world: {"username": "mel", "password": PASSWORD}, by=[""]),
    Row("POST", "sign-in/", 200, lambda world: {"username": "mel", "password": "wrong"}, by=[""], name="in vain"),
    Row("GET", "sign-in/", 302, name="who is in"),
    Row("GET", "sign-in/elsewhere/", 302),
    Row("POST", "sign-in/elsewhere/", 404),
    Row("GET", "sign-in/back/", 404),
    Row("GET", "sign-out/", 302),
    Row("POST", "sign-out/", 302),
    Row("GET", "healthz", by=[""]),
    Row("GET", "readyz", by=[""]),
]

ROWS = [*LISTS, *MANY, *TASKS, *OWN, *DOORS]
