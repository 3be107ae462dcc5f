"""Every request of the API, with bodies that grow with the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from tests.queries.asking import Row
from tests.queries.world import DAY, FILE, WORKFLOW, World, names
from usertasks.models import UserTaskRun

ALL = ("mel", "mona")
DEFS, RUNS, HOOKS = "api/v1/user-task-defs/", "api/v1/user-task-runs/", "api/v1/webhook-endpoints/"
DEFINITION, RUN = f"{DEFS}<definition_name:name>/<int:version>/", f"{RUNS}<guid:pk>/"
HOOK = f"{HOOKS}<guid:pk>/"
FILTERS: Sequence[Mapping[str, str]] = (
    {"status": "ASSIGNED"},
    {"user_task_def_name": "kind-0"},
    {"user_id": "mel", "snoozed": "false"},
    {"user_group": "group-0"},
    {"wf_run_id": WORKFLOW},
    {"overdue": "true", "sort": "due"},
    {"status": "UNASSIGNED", "sort": "priority"},
    {"text": "saved"},
)


def waiting(world: World) -> dict[str, Any]:
    return {"pk": world.waiting[0].id.hex}


def ids(runs: Sequence[UserTaskRun]) -> list[str]:
    return [run.id.hex for run in runs]


def answers(world: World) -> dict[str, Any]:
    texts = {f"answer-{number}": "answered" for number in range(world.size)}
    return {"results": texts | {f"scan-{number}": FILE for number in range(world.size)}}


def odd_answers(world: World) -> dict[str, Any]:
    return {"results": dict.fromkeys(names("odd", world.size), 1)}


def definition(world: World) -> dict[str, Any]:
    fields = [{"name": f"new-{number}", "type": "STR"} for number in range(world.size)]
    return {"name": "question", "fields": fields}


def the_same_definition(world: World) -> dict[str, Any]:
    fields = [field.content() for field in world.run.definition.fields.all()]
    return {"name": "question", "fields": fields, "description": f"Version {world.size - 1}"}


def creation(world: World) -> dict[str, Any]:
    excluded = names("person", world.size)
    return {"user_task_def": {"name": "question"}, "user_group": "group-0", "excluded_user_ids": excluded}


def batch(world: World) -> dict[str, Any]:
    owners = zip(names("kind", world.size), names("group", world.size), strict=True)
    return {"runs": [{"user_task_def": {"name": name}, "user_group": group} for name, group in owners]}


def batch_with_faults(world: World) -> dict[str, Any]:
    wrong = [{"user_task_def": {"name": "nowhere"}, "user_group": "x"} for _ in range(world.size)]
    return {"runs": [*batch(world)["runs"], *wrong], "atomic": False}


def again(world: World) -> dict[str, Any]:
    """Runs that are there, asked for by their ids."""
    return {
        "runs": [{**run, "id": hexed} for run, hexed in zip(batch(world)["runs"], ids(world.mine), strict=True)],
        "atomic": False,
    }


TO_ONE: dict[str, Any] = {"user_id": "person-0", "user_group": "group-0", "override_claim": True}


def in_bulk(action: str, runs: str, arguments: Any = None, **more: Any) -> Any:
    return lambda world: {"action": action, "ids": ids(getattr(world, runs)), "arguments": arguments or {}, **more}


def filtered(world: World) -> dict[str, Any]:
    return {"action": "assign", "filter": {"wf_run_id": WORKFLOW}, "arguments": TO_ONE}


def later(world: World) -> dict[str, Any]:
    return {"until": (timezone.now() + DAY).isoformat()}


OF_DEFINITIONS = [
    *(
        Row("GET", DEFS, sent=lambda world, query=query: query, by=ALL, name=str(query))  # type: ignore[misc]
        for query in ({}, {"name": "question"}, {"prefix": "kind"}, {"latest": "true"})
    ),
    Row("POST", DEFS, 201, definition, by=["mona"]),
    Row("POST", DEFS, 200, the_same_definition, by=["mona"], name="unchanged"),
    Row("GET", f"{DEFS}<definition_name:name>/"),
    Row("GET", DEFINITION),
    Row("DELETE", DEFINITION, 204, at=lambda world: {"name": "unused"}, by=["mona"]),
    Row("DELETE", DEFINITION, 409, at=lambda world: {"name": "kind-0"}, by=["mona"], name="in use"),
    Row("GET", f"{DEFINITION}schema/"),
]

OF_RUNS = [
    Row("GET", RUNS, by=ALL),
    *(
        Row("GET", RUNS, sent=lambda world, query=query: query, by=ALL, name=str(query))  # type: ignore[misc]
        for query in FILTERS
    ),
    Row("GET", f"{RUNS}count/", by=ALL),
    Row("POST", RUNS, 201, creation, by=["mona"]),
    Row("POST", f"{RUNS}claim-next/", by=ALL),
    Row("GET", RUN, by=ALL),
    Row("POST", f"{RUN}claim/", at=waiting, by=ALL),
    Row("POST", f"{RUN}claim/", 409, by=["mona"], name="refused"),
    Row("POST", f"{RUN}release/", by=ALL),
    Row("POST", f"{RUN}assign/", sent=lambda world: TO_ONE, by=ALL),
    Row("POST", f"{RUN}save-progress/", sent=answers),
    Row("POST", f"{RUN}complete/", sent=answers),
    Row(
        "POST",
        f"{RUN}complete/",
        400,
        odd_answers,
        name="refused",
    ),
    Row("POST", f"{RUN}cancel/", by=ALL),
    Row("POST", f"{RUN}snooze/", sent=later, by=ALL),
    Row("POST", f"{RUN}wake/", by=ALL),
    Row("GET", f"{RUN}explain/", by=ALL),
    Row("GET", f"{RUN}explain/", sent=lambda world: {"user_id": "person-0"}, by=["mona"], name="of somebody"),
    Row("GET", f"{RUN}outcome/", 202, by=ALL),
    Row("GET", f"{RUN}outcome/", at=lambda world: {"pk": world.done[0].id.hex}, by=ALL, name="done"),
    Row("GET", f"{RUN}events/", by=ALL),
    Row("GET", f"{RUN}comments/", by=ALL),
    Row("POST", f"{RUN}comments/", 201, lambda world: {"comment": "Hello"}, by=ALL),
    Row("PATCH", f"{RUN}comments/<int:number>/", 200, lambda world: {"comment": "Bye"}),
    Row("DELETE", f"{RUN}comments/<int:number>/", 204),
]

OF_MANY = [
    Row("POST", f"{RUNS}batch/", 201, batch, by=["mona"]),
    Row("POST", f"{RUNS}batch/", 201, batch_with_faults, by=["mona"], name="with faults"),
    Row("POST", f"{RUNS}batch/", 201, again, by=["mona"], name="again"),
    *(
        Row("POST", f"{RUNS}bulk/", 200, sent, by=by, name=name)
        for name, by, sent in (
            ("claim", ["mel"], in_bulk("claim", "waiting")),
            ("release", ["mel"], in_bulk("release", "mine")),
            ("assign", ALL, in_bulk("assign", "waiting", TO_ONE)),
            ("cancel", ALL, in_bulk("cancel", "waiting")),
            ("complete", ["mel"], in_bulk("complete", "mine", {"results": {"answer-0": "x"}})),
            ("refused", ["mel"], in_bulk("release", "done")),
            ("dry run", ["mona"], in_bulk("assign", "waiting", TO_ONE, dry_run=True)),
            ("filtered", ["mona"], filtered),
        )
    ),
    Row("POST", f"{RUNS}bulk/<guid:pk>/undo/", by=ALL),
]

OF_PROGRAMS = [
    Row("GET", "api/v1/events/", by=ALL),
    Row("GET", "api/v1/events/", sent=lambda world: {"limit": "200"}, by=ALL, name="of a large page"),
    Row("GET", HOOKS, by=["mona"]),
    Row("POST", HOOKS, 201, lambda world: {"url": "https://new.example.com/"}, by=["mona"]),
    Row("GET", HOOK, by=["mona"]),
    Row("PATCH", HOOK, 200, lambda world: {"active": False}, by=["mona"]),
    Row("DELETE", HOOK, 204, by=["mona"]),
    Row("GET", f"{HOOK}deliveries/", by=["mona"]),
    Row("POST", f"{HOOK}deliveries/<int:number>/redeliver/", by=["mona"]),
    Row("GET", "api/v1/schema/"),
    Row("GET", "api/v1/docs/"),
    Row("GET", "api/v1/", 404),
]

ROWS = [*OF_DEFINITIONS, *OF_RUNS, *OF_MANY, *OF_PROGRAMS]
