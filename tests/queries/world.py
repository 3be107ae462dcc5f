"""A world of a size: so many of everything that can hang on a run, on a person, on a definition and on an endpoint."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from inbox.models import SignInAttempt
from tests.cast import ENGINE, PASSWORD, a_user
from tests.leaks.secret import BOSS
from usertasks import audit, bulk, drafts, operations, uploads
from usertasks.actors import Actor, Door, Origin, actor_for
from usertasks.drafts import KEPT_STATES, Writing
from usertasks.models import (
    ApiToken,
    BulkChange,
    Delivery,
    DraftState,
    GroupLead,
    Mail,
    MailChoice,
    MailKind,
    Preferences,
    Refusal,
    SavedFilter,
    Snooze,
    Status,
    Substitution,
    UserTaskDef,
    UserTaskEvent,
    UserTaskField,
    UserTaskRun,
    WebhookEndpoint,
)
from usertasks.operations import RunRequest

DAY = timedelta(days=1)
FILE = base64.b64encode(b"scanned").decode()
ROUNDS = 2
"""So often the run changes hands: a run arms only so many timers in its life."""
MAY_ALL = ("usertasks", "auth", "socialaccount")
"""The applications whose permissions mona has, all of them."""
WORKFLOW = "workflow"
"""The workflow run that created the runs that wait."""


@dataclass(frozen=True)
class World:
    """`mel` works in groups, `mona` manages and is staff, `root` is a superuser; `run` is mel's, with all there is.

    Of the runs beside it, each list has one in each of mel's groups, of another definition each.
    """

    size: int
    mel: User
    mona: User
    root: User
    run: UserTaskRun
    waiting: Sequence[UserTaskRun]
    mine: Sequence[UserTaskRun]
    done: Sequence[UserTaskRun]
    endpoint: WebhookEndpoint
    upload: UUID
    changes: dict[str, BulkChange]
    """By the name of who did it: a reassignment of as many runs, that can be taken back."""
    token: dict[str, str]

    sessions: dict[str, str]

    def session_of(self, name: str) -> SimpleCookie:
        """The cookies of somebody who is signed in."""
        return SimpleCookie({settings.SESSION_COOKIE_NAME: self.sessions[name]})


@contextmanager
def world_of(size: int) -> Iterator[World]:
    """It is there for a while, and leaves nothing behind."""
    with transaction.atomic():
        yield _made(size)
        transaction.set_rollback(True)


def names(word: str, size: int) -> list[str]:
    return [f"{word}-{number}" for number in range(size)]


def a_request(name: str, **more: Any) -> RunRequest:
    return RunRequest(user_task_def_name=name, **more)


def _made(size: int) -> World:
    now, root = timezone.now(), User.objects.create_superuser("root", password=PASSWORD)
    mel, mona = _people(size, now)
    for number, name in enumerate(names("kind", size)):
        operations.put_definition(name, _fields(number + 1), by=ENGINE)
    operations.put_definition("unused", _fields(size), by=ENGINE)
    endpoint, *_more = [_an_endpoint(mona, number) for number in range(size)]
    run = _the_run(mel, mona, size, now)
    waiting, mine, done = _others(mel, size, now)
    _refusals(run, size, now)
    audit.seal(now)
    _mails(mel, mona, [run, *waiting], now)
    changes = {user.username: _a_change(user, size) for user in (mel, mona)}
    audit.seal(now)
    world = World(
        size=size,
        mel=mel,
        mona=mona,
        root=root,
        run=UserTaskRun.objects.get(pk=run.pk),
        waiting=waiting,
        mine=mine,
        done=done,
        endpoint=endpoint,
        upload=_draft(run, mel, size, now),
        changes=changes,
        token={user.username: _tokens(user, size, now) for user in (mel, mona)},
        sessions={user.username: _signed_in(user) for user in (mel, mona, root)},
    )
    _tried_to_sign_in(size, now)
    _logged(mona, size)
    return world


def _people(size: int, now: datetime) -> tuple[User, User]:
    """mel and mona, and as many others: in groups with permissions, led, stood in for, and sent mails."""
    groups, views = names("group", size), Permission.objects.filter(content_type__app_label="usertasks")
    mel = a_user("mel", groups=[*groups, "lead"], email="mel@example.com")
    mona = a_user("mona", groups=groups, is_staff=True, email="mona@example.com")
    mona.user_permissions.set(Permission.objects.filter(content_type__app_label__in=MAY_ALL))
    for number, group in enumerate(Group.objects.filter(name__in=groups)):
        group.permissions.set(views.filter(codename__startswith="view_").exclude(codename="view_usertaskrun")[:size])
        person = a_user(f"person-{number}", groups=groups, email=f"{number}@example.com")
        MailChoice.objects.create(user=person, group=True)
        SocialAccount.objects.create(user=person, provider="openid_connect", uid=f"uid-{number}")
        for name in ("mel", "mona", person.username):
            GroupLead.objects.create(user_id=name, user_group=group.name)
        for away, substitute in ((person.username, "mel"), ("mel", person.username), (person.username, "mona")):
            Substitution.objects.create(
                user_id=away, substitute_id=substitute, starts_at=now - DAY, ends_at=now + DAY, named_by=away
            )
        kept = {"name": f"filter {number}", "box": "all", "query": f"user_group={group.name}&sort=due"}
        for user_id, shared_with in (("mel", None), ("mona", None), (person.username, group.name)):
            SavedFilter.objects.create(user_id=user_id, user_group=shared_with, **kept)
    for name in ("mel", "mona"):
        Preferences.objects.create(user_id=name, language="en", time_zone="Europe/Berlin")
    return mel, mona


def _fields(size: int) -> list[UserTaskField]:
    fields = [UserTaskField(name=f"answer-{number}", type="STR", required=False) for number in range(size)]
    return fields + [UserTaskField(name=f"scan-{number}", type="BYTES", required=False) for number in range(size)]


def _an_endpoint(owner: User, number: int) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(owner=owner, url=f"https://{number}.example.com/")


def _timers(size: int) -> list[dict[str, Any]]:
    task = {"task_def_name": "send-reminder", "variables": {"text": "Please decide."}}
    hooks = ("ON_ARRIVAL", "ON_TASK_ASSIGNED")
    return [{"hook": hook, "delay_seconds": 3600 + n, "task": task} for n in range(size) for hook in hooks]


def _the_run(mel: User, mona: User, size: int, now: datetime) -> UserTaskRun:
    """mel's, of the newest of as many versions, saved and commented on as often, with as many files and timers."""
    for number in range(size):
        description = f"Version {number}"
        operations.put_definition("question", _fields(size), by=ENGINE, description=description, actions=_timers(size))
    excluded = names("excluded", size)
    request = a_request("question", user_group="group-0", wf_run_id="the run", excluded_user_ids=excluded)
    run = operations.create(request, by=ENGINE).run
    assert run is not None
    by, manager = actor_for(mel), actor_for(mona)
    for number in range(size):
        if number < ROUNDS:
            operations.claim(run.id, by=by)
        operations.save_progress(run.id, {f"answer-{n}": f"{number}" for n in range(size)}, by=by)
        operations.add_comment(run.id, f"Comment {number}", by=by)
        if number + 1 < ROUNDS:
            operations.assign(run.id, by=manager, user_id="mona", user_group="group-0", override_claim=True)
            operations.release(run.id, by=manager)
        Snooze.objects.create(run=run, user_id=f"person-{number}", until=now + DAY)
    files = {f"scan-{number}": FILE for number in range(size)}
    return operations.save_progress(run.id, {"answer-0": "saved", **files}, by=by)


def _others(mel: User, size: int, now: datetime) -> tuple[list[UserTaskRun], list[UserTaskRun], list[UserTaskRun]]:
    """Those that wait, those of mel that are overdue, and those that are done; there are more, of others too."""
    by = actor_for(mel)
    waiting = _created(size, wf_run_id=WORKFLOW, actions=_timers(1))
    mine = _created(size, user_id="mel", due_at=now - DAY, priority=70)
    done = [operations.complete(run.id, {"answer-0": "done"}, by=by) for run in _created(size, user_id="mel")]
    for run in _created(size, user_id="mel"):
        operations.cancel(run.id, by=BOSS_OF_ALL)
    for run in _created(size, user_id="mel"):
        Snooze.objects.create(run=run, user_id="mel", until=now + DAY)
    for number, run in enumerate(_created(size, user_id="mel", due_at=now - DAY)):
        operations.assign(run.id, by=BOSS_OF_ALL, user_id=f"person-{number}", override_claim=True)
    UserTaskRun.objects.filter(status=Status.UNASSIGNED).update(scheduled_time=F("scheduled_time") - 30 * DAY)
    return waiting, mine, done


BOSS_OF_ALL = Actor("boss", permissions=BOSS.permissions | {"cancel_usertaskrun", "override_claim"})


def _created(size: int, **more: Any) -> list[UserTaskRun]:
    """One of each definition, in each group."""
    requests = [
        a_request(name, user_group=group, **more)
        for name, group in zip(names("kind", size), names("group", size), strict=True)
    ]
    made = operations.create_many(requests, by=ENGINE, atomic=True)
    return [creation.run for creation in made if creation.run]


def _refusals(run: UserTaskRun, size: int, now: datetime) -> None:
    """Enough of each sort; `audit.seal` gives them their places."""
    Refusal.objects.bulk_create(
        Refusal(time=now, action="claim", code="not_allowed", actor=f"person-{number}", door="api", run_id=run.id)
        for number in range(size)
    )


def _draft(run: UserTaskRun, mel: User, size: int, now: datetime) -> UUID:
    """What mel has typed and not saved, its earlier states, and as many files; the id of one of them."""
    chosen = [
        uploads.put(run.id, f"scan-{number}", f"{number}.txt", b"%d" % number, user_id="mel", now=now)
        for number in range(size)
    ]
    inputs = {"results-answer-0": ["typed"]}
    inputs |= {f"results-scan-{number}-kept": [f"upload:{file.id.hex}"] for number, file in enumerate(chosen)}
    draft = drafts.write(run.id, Writing(inputs, run.version), by=actor_for(mel), now=now).draft
    states = [
        DraftState(draft=draft, text=draft.text.replace("typed", f"typed {n}"), saved_at=now)
        for n in range(KEPT_STATES + size)
    ]
    DraftState.objects.bulk_create(states)
    return chosen[0].id


def _mails(mel: User, mona: User, runs: Sequence[UserTaskRun], now: datetime) -> None:
    Mail.objects.bulk_create(
        Mail(user=user, run=run, kind=MailKind.REMINDER, occasion=f"hook:{number}", next_attempt_at=now)
        for user in (mel, mona)
        for number, run in enumerate(runs)
    )


def _a_change(user: User, size: int) -> BulkChange:
    """mel claims what she may, mona hands out: as a page would, which keeps the results."""
    by, runs = actor_for(user, origin=Origin(Door.PAGE)), _created(size)
    arguments = {} if user.username == "mel" else {"user_id": "person-0", "user_group": "group-0"}
    action = "assign" if arguments else "claim"
    return bulk.change_and_keep(action, [run.id for run in runs], arguments, by=by, expected={})


def _tokens(user: User, size: int, now: datetime) -> str:
    for number in range(size):
        text = ApiToken.objects.issue(user, name=f"token {number}", expires_at=now + DAY)
    return text


def _signed_in(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _tried_to_sign_in(size: int, now: datetime) -> None:
    SignInAttempt.objects.bulk_create(SignInAttempt(key=f"{number:064}", tried_at=now) for number in range(size))


LOGGED = (
    ApiToken,
    Delivery,
    Group,
    GroupLead,
    Mail,
    Refusal,
    SocialAccount,
    Substitution,
    User,
    UserTaskDef,
    UserTaskEvent,
    UserTaskRun,
    WebhookEndpoint,
)
"""What has a history in the admin."""


def _logged(mona: User, size: int) -> None:
    """In the history of one of each kind, as many entries by as many people."""
    people = [mona, *User.objects.filter(username__startswith="person-")]
    for model in LOGGED:
        kind, row = ContentType.objects.get_for_model(model), the(model)
        LogEntry.objects.bulk_create(
            LogEntry(user=person, content_type=kind, object_id=row.pk, object_repr="x", action_flag=CHANGE)
            for person in people[:size]
        )


def the(model: Any) -> Any:
    """The one of its kind that the admin is asked for: of definitions that with fields and runs, of runs mel's."""
    chosen = {
        UserTaskDef: {"name": "question"},
        UserTaskRun: {"wf_run_id": "the run"},
        User: {"username": "mel"},
        Group: {"name": "group-0"},
    }.get(model, {})
    return model._default_manager.filter(**chosen).order_by("-pk" if model is UserTaskDef else "pk")[0]
