"""A run that most people must not learn of, with a mark in everything that belongs to it; and who must not."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.cast import a_definition, a_run, a_user
from tests.inbox.pages import signed_in, task_url
from usertasks import bulk, feed, operations
from usertasks.actors import Actor, Scope, actor_for
from usertasks.models import (
    ApiToken,
    Delivery,
    GroupLead,
    SavedFilter,
    Substitution,
    Upload,
    UserTaskDef,
    UserTaskField,
    UserTaskRun,
    WebhookEndpoint,
)

MARK = "qzmark"
"""Stands in everything that the run has, and nowhere else."""

OWNER, GROUP, WORKFLOW = f"{MARK}-owner", f"{MARK}-group", f"{MARK}-workflow"
FILE = base64.b64encode(MARK.encode()).decode()
TIMER = {
    "hook": "ON_ARRIVAL",
    "delay_seconds": 3600,
    "task": {"task_def_name": "send-reminder", "variables": {"text": MARK}},
}
BOSS = Actor("boss", permissions=frozenset({"view_usertaskrun", "assign_usertaskrun"}))


def the_definition() -> UserTaskDef:
    """What it asks for; everybody reads definitions."""
    fields = [
        UserTaskField(name="answer", type="STR", required=False),
        UserTaskField(name="scan", type="BYTES", required=False),
    ]
    return a_definition("question", fields)


@dataclass(frozen=True)
class Secret:
    """The run, and the ids of what belongs to it."""

    run: UserTaskRun
    upload: uuid.UUID
    endpoint: uuid.UUID
    delivery: int
    change: uuid.UUID
    token: int
    substitution: int
    filter: int
    owner: int


def plant() -> Secret:
    """Everything that can happen to a run."""
    owner = a_user(OWNER, groups=[GROUP], email=f"{OWNER}@example.com")
    run = a_run(
        the_definition(),
        user_group=GROUP,
        wf_run_id=WORKFLOW,
        notes=f"{MARK} notes",
        excluded_user_ids=[f"{MARK}-excluded"],
        on_cancellation_exception_name=f"{MARK}-exception",
        actions=[TIMER],
        due_at=timezone.now() + timedelta(days=1),
    )
    by = actor_for(owner)
    operations.claim(run.id, by=by)
    operations.save_progress(run.id, {"answer": f"{MARK} answer", "scan": FILE}, by=by)
    operations.add_comment(run.id, f"{MARK} comment", by=by)
    _results, change = bulk.change_many("assign", [run.id], _back_to_owner(), by=BOSS)
    boss = a_user("boss")
    endpoint = WebhookEndpoint.objects.create(owner=boss, url=f"https://{MARK}.example.com/")
    feed.publish(timezone.now())
    ApiToken.objects.issue(owner, name=f"{MARK} token")
    assert change
    Delivery.objects.filter(endpoint=endpoint).update(log=[{"status": 200, "response": f"{MARK} answered"}])
    return Secret(
        run=UserTaskRun.objects.get(pk=run.pk),
        upload=_an_upload(signed_in(owner), run),
        endpoint=endpoint.id,
        delivery=Delivery.objects.filter(endpoint=endpoint)[0].pk,
        change=change.id,
        token=ApiToken.objects.get(user=owner).pk,
        substitution=_a_substitution(),
        filter=_a_filter(),
        owner=owner.pk,
    )


def _back_to_owner() -> dict[str, object]:
    return {"user_id": OWNER, "user_group": f"{GROUP}-two", "override_claim": True}


def _an_upload(client: Client, run: UserTaskRun) -> uuid.UUID:
    """A file that the owner has chosen and not saved, in a draft."""
    file = SimpleUploadedFile(f"{MARK}.txt", MARK.encode())
    form = {"username": OWNER, "page": "aa", "results-answer": f"{MARK} draft", "results-scan": file}
    answer = client.post(f"{task_url(run)}draft/", form)
    assert answer.status_code == 200, answer.content
    return Upload.objects.get().id


def _a_substitution() -> int:
    now, day = timezone.now(), timedelta(days=1)
    made = Substitution.objects.create(
        user_id=OWNER, substitute_id=f"{MARK}-substitute", starts_at=now, ends_at=now + day, named_by=OWNER
    )
    return int(made.pk)


def _a_filter() -> int:
    kept = SavedFilter.objects.create(
        user_id=OWNER, user_group=GROUP, name=f"{MARK} filter", box="all", query=f"text={MARK}"
    )
    return int(kept.pk)


def _stranger() -> Client:
    return signed_in(a_user("charlie", groups=["it"]))


def _lead_of_another_group() -> Client:
    GroupLead.objects.create(user_id="leo", user_group="it")
    return signed_in(a_user("leo", groups=["it"], permissions=["lead_usertaskrun"]))


def _lead_without_the_permission() -> Client:
    GroupLead.objects.create(user_id="lou", user_group=GROUP)
    return signed_in(a_user("lou", groups=["it"]))


def _substitute_of_before() -> Client:
    now, day = timezone.now(), timedelta(days=1)
    Substitution.objects.create(
        user_id=OWNER, substitute_id="sam", starts_at=now - 2 * day, ends_at=now - day, named_by=OWNER
    )
    return signed_in(a_user("sam", groups=["it"]))


def _staff_without_rights() -> Client:
    return signed_in(a_user("stan", groups=["it"], is_staff=True))


def _mover_who_sees_nothing() -> Client:
    """Who may move and cancel everything, and create runs, but not look."""
    may = ["assign_usertaskrun", "cancel_usertaskrun", "override_claim", "add_usertaskrun"]
    return signed_in(a_user("max", groups=["it"], permissions=may))


def _token_for_definitions_only() -> Client:
    """A manager's, which is not for runs."""
    manager = a_user("manu", permissions=["view_usertaskrun", "assign_usertaskrun", "change_webhookendpoint"])
    text = ApiToken.objects.issue(manager, scopes=[Scope.DEFS_WRITE])
    return Client(headers={"Authorization": f"Bearer {text}"})


INTRUDERS: Mapping[str, Callable[[], Client]] = {
    "stranger": _stranger,
    "lead of another group": _lead_of_another_group,
    "lead without the permission": _lead_without_the_permission,
    "substitute of before": _substitute_of_before,
    "staff without rights": _staff_without_rights,
    "mover who sees nothing": _mover_who_sees_nothing,
    "token that is not for runs": _token_for_definitions_only,
}
