"""Every request of the admin, as mona makes it, who is staff and may do everything, or root where one has to be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.utils import timezone

from tests.cast import PASSWORD
from tests.queries.asking import Row
from tests.queries.world import DAY, World, names
from usertasks.models import UserTaskDef

MONA, ROOT = ("mona",), ("root",)
OURS = "admin/usertasks/"
RUNS, DEFINITIONS = f"{OURS}usertaskrun/", f"{OURS}usertaskdef/"
ID = "<path:object_id>/"
READ = {"": 200, "add/": 403, f"{ID}history/": 200, f"{ID}delete/": 403, f"{ID}change/": 200, ID: 302}
"""What a GET of each page of a model is answered with where one may only look."""
MADE = {**READ, "add/": 200, f"{ID}delete/": 200}

GETS: Mapping[str, Mapping[str, int]] = {
    f"{OURS}apitoken/": {**MADE, f"{ID}delete/": 403},
    f"{OURS}delivery/": READ,
    f"{OURS}grouplead/": MADE,
    f"{OURS}mail/": READ,
    f"{OURS}refusal/": READ,
    f"{OURS}substitution/": {**MADE, f"{ID}delete/": 403},
    DEFINITIONS: MADE,
    f"{OURS}usertaskevent/": READ,
    RUNS: READ,
    f"{OURS}webhookendpoint/": READ,
    "admin/socialaccount/socialaccount/": {**MADE, "add/": 403},
    "admin/auth/group/": MADE,
    "admin/auth/user/": MADE,
}
LISTS: Sequence[tuple[str, Mapping[str, str]]] = (
    (RUNS, {"status": "ASSIGNED"}),
    (RUNS, {"q": "mel"}),
    (RUNS, {"user_group": "group-0", "o": "1"}),
    (RUNS, {"overdue": "true"}),
    (DEFINITIONS, {"newest": "true"}),
    (DEFINITIONS, {"q": "kind"}),
    (f"{OURS}apitoken/", {"state": "live"}),
    (f"{OURS}delivery/", {"state": "pending"}),
    (f"{OURS}mail/", {"q": "mel"}),
    (f"{OURS}substitution/", {"q": "mel"}),
    (f"{OURS}grouplead/", {"user_group": "group-0"}),
    (f"{OURS}usertaskevent/", {"by": "mel"}),
    (f"{OURS}refusal/", {"door": "api"}),
    ("admin/auth/user/", {"q": "person"}),
)


OTHERS, OTHER_LEADS = {"username__startswith": "person"}, {"user_id__startswith": "person"}


def ticked(action: str, model: str, only: Mapping[str, Any] | None = None, **more: Any) -> Any:
    """An action on so many rows of a list."""

    def form(world: World) -> dict[str, Any]:
        rows = (
            apps.get_model(model)
            ._default_manager.filter(**only or {})
            .order_by("pk")
            .values_list("pk", flat=True)[: world.size]
        )
        return {"action": action, ACTION_CHECKBOX_NAME: list(rows), "index": "0", **more}

    return form


def on_waiting(**more: Any) -> Any:
    return lambda world: {ACTION_CHECKBOX_NAME: [run.id for run in world.waiting], **more}


def unused(world: World) -> dict[str, Any]:
    """All versions of a definition that no run has."""
    rows = UserTaskDef.objects.filter(name__in=["unused", "question"], runs=None).values_list("pk", flat=True)
    return {"action": "delete_selected", ACTION_CHECKBOX_NAME: list(rows), "post": "yes"}


def definition(world: World) -> dict[str, Any]:
    """A new version with as many fields and timers."""
    form: dict[str, Any] = {"name": "question", "description": "New", "newest_seen": str(world.size - 1)}
    for number, name in enumerate(names("new", world.size)):
        form |= {f"fields-{number}-name": name, f"fields-{number}-type": "STR", f"fields-{number}-order": number}
        form |= {f"timers-{number}-{part}": text for part, text in TIMER.items()}
    counts = {"TOTAL_FORMS": world.size, "INITIAL_FORMS": 0}
    return form | {f"{kind}-{part}": count for kind in ("fields", "timers") for part, count in counts.items()}


def an_unused_one(world: World) -> dict[str, Any]:
    return {"object_id": UserTaskDef.objects.get(name="unused").pk}


def of_today(world: World) -> dict[str, Any]:
    """What has happened in a world, and not what had happened before."""
    return {"since": f"{timezone.now() - DAY:%Y-%m-%d}"}


CHOSEN = "a staple, a battery, a horse"
PASSWORDS = {"password1": CHOSEN, "password2": CHOSEN, "usable_password": "true"}
NEW_PASSWORD = {"old_password": PASSWORD, "new_password1": CHOSEN, "new_password2": CHOSEN}
TIMER = {"delay": "3", "unit": "hours", "hook": "ON_ARRIVAL", "deed": "cancel"}


def substitution(world: World) -> dict[str, Any]:
    first = timezone.localdate() + 10 * DAY
    return {"user_id": "mel", "substitute_id": "person-0", "first_day": first, "last_day": first + DAY}


def a_user(world: World) -> dict[str, Any]:
    groups = list(world.mel.groups.values_list("pk", flat=True))
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {"username": "mel", "is_active": "on", "groups": groups, "email": "m@example.com", **joined}


def a_group(world: World) -> dict[str, Any]:
    group = world.mel.groups.get(name="group-0")
    return {"name": "group-0", "permissions": list(group.permissions.values_list("pk", flat=True))}


def an_export(model: str, form: str) -> Row:
    address = f"{OURS}{model}/export/<str:form>/"
    return Row("GET", address, sent=of_today, at=lambda world: {"form": form}, by=MONA, name=form)


LOOKING = [
    *(Row("GET", f"{model}{page}", status, by=MONA) for model, pages in GETS.items() for page, status in pages.items()),
    Row("GET", f"{OURS}apitoken/{ID}delete/", by=ROOT, name="as root"),
    *(Row("GET", model, sent=lambda world, query=query: query, by=MONA, name=str(query)) for model, query in LISTS),  # type: ignore[misc]
    Row("GET", "admin/", by=MONA),
    Row("GET", "admin/jsi18n/", by=MONA),
    Row("GET", "admin/autocomplete/", 403, by=MONA),
    Row("GET", "admin/r/<path:content_type_id>/<path:object_id>/", 404, by=MONA),
    Row("GET", "admin/login/", 302, by=MONA),
    Row("GET", "admin/password_change/", by=MONA),
    Row("GET", "admin/password_change/done/", by=MONA),
    Row("GET", "admin/auth/user/<id>/password/", by=MONA),
    Row("GET", f"{DEFINITIONS}<int:pk>/preview/", by=MONA),
    *(an_export(model, form) for model in ("usertaskevent", "refusal") for form in ("csv", "jsonl")),
    Row("GET", f"{RUNS}reassign/", sent=lambda world: {"run": [run.id.hex for run in world.waiting]}, by=MONA),
    Row("GET", f"{RUNS}cancel/", sent=lambda world: {"run": [run.id.hex for run in world.waiting]}, by=MONA),
]

DOING = [
    Row("POST", RUNS, sent=ticked("reassign", "usertasks.usertaskrun"), by=MONA, name="ask to reassign"),
    Row("POST", RUNS, sent=ticked("cancel", "usertasks.usertaskrun"), by=MONA, name="ask to cancel"),
    Row("POST", f"{RUNS}reassign/", sent=on_waiting(user_id="person-0", override_claim="on"), by=MONA),
    Row("POST", f"{RUNS}cancel/", sent=on_waiting(), by=MONA),
    Row("POST", f"{RUNS}undo/<uuid:change_id>/", by=MONA),
    Row("POST", DEFINITIONS, 200, ticked("delete_selected", "usertasks.usertaskdef"), by=MONA, name="ask to delete"),
    Row("POST", DEFINITIONS, 302, unused, by=MONA, name="delete"),
    Row("POST", f"{DEFINITIONS}add/", 302, lambda world: definition(world) | {"name": "new"}, by=MONA),
    Row("POST", f"{DEFINITIONS}{ID}change/", 302, definition, by=MONA),
    Row(
        "POST",
        f"{DEFINITIONS}{ID}change/",
        200,
        lambda world: definition(world) | {"_preview": "live"},
        by=MONA,
        name="preview",
    ),
    Row("POST", f"{OURS}apitoken/", 302, ticked("revoke", "usertasks.apitoken"), by=MONA, name="revoke"),
    Row(
        "POST",
        f"{OURS}apitoken/add/",
        200,
        lambda world: {"user_id": "mel", "scopes": "runs:read", "expires_in": "7"},
        by=MONA,
    ),
    Row("POST", f"{OURS}webhookendpoint/", 302, ticked("switch_off", "usertasks.webhookendpoint"), by=MONA, name="off"),
    Row("POST", f"{OURS}webhookendpoint/", 302, ticked("switch_on", "usertasks.webhookendpoint"), by=MONA, name="on"),
    Row("POST", f"{OURS}delivery/", 302, ticked("redeliver", "usertasks.delivery"), by=MONA, name="redeliver"),
    Row("POST", f"{OURS}substitution/", 302, ticked("end", "usertasks.substitution"), by=MONA, name="end"),
    Row("POST", f"{OURS}substitution/add/", 302, substitution, by=MONA),
    Row(
        "POST",
        f"{OURS}grouplead/",
        302,
        ticked("delete_selected", "usertasks.grouplead", OTHER_LEADS, post="yes"),
        by=MONA,
        name="delete",
    ),
    Row("POST", f"{OURS}grouplead/add/", 302, lambda world: {"user_id": "mel", "user_group": "new"}, by=MONA),
    Row("POST", f"{OURS}grouplead/{ID}delete/", 302, lambda world: {"post": "yes"}, by=MONA),
    Row("POST", "admin/auth/group/", 302, ticked("delete_selected", "auth.group", post="yes"), by=MONA, name="delete"),
    Row("POST", "admin/auth/group/add/", 302, lambda world: a_group(world) | {"name": "new"}, by=MONA),
    Row("POST", f"admin/auth/group/{ID}change/", 302, a_group, by=MONA),
    Row("POST", f"admin/auth/group/{ID}delete/", 302, lambda world: {"post": "yes"}, by=MONA),
    Row("POST", "admin/auth/user/", 200, ticked("delete_selected", "auth.user", OTHERS), by=ROOT, name="ask to delete"),
    Row("POST", f"admin/auth/user/{ID}change/", 302, a_user, by=MONA),
    Row("POST", f"admin/auth/user/{ID}delete/", 403, lambda world: {"post": "yes"}, by=ROOT),
    Row("POST", f"{OURS}apitoken/{ID}delete/", 302, lambda world: {"post": "yes"}, by=ROOT),
    Row(
        "POST",
        "admin/socialaccount/socialaccount/",
        302,
        ticked("delete_selected", "socialaccount.socialaccount", post="yes"),
        by=MONA,
        name="delete",
    ),
    Row("POST", f"admin/socialaccount/socialaccount/{ID}delete/", 302, lambda world: {"post": "yes"}, by=MONA),
    Row("GET", "admin/logout/", 302, by=MONA),
    Row("POST", "admin/logout/", 302, by=MONA),
    Row("POST", f"{DEFINITIONS}{ID}delete/", 302, lambda world: {"post": "yes"}, an_unused_one, by=MONA),
    Row("POST", f"admin/socialaccount/socialaccount/{ID}change/", 302, by=MONA),
    Row("POST", "admin/auth/user/add/", 302, lambda world: PASSWORDS | {"username": "new"}, by=MONA),
    Row("POST", "admin/auth/user/<id>/password/", 302, lambda world: PASSWORDS, by=MONA),
    Row("POST", "admin/password_change/", 302, lambda world: NEW_PASSWORD, by=MONA),
]

ROWS = [*LOOKING, *DOING]
