"""A person is made anonymous: a pseudonym stands where their name stood, and what was theirs alone is gone.

The account goes first, so that nothing more is done in that name. Then run by run, each in its own transaction, and
what lies beside the runs; whoever is interrupted does it again. The audit is sealed anew, see `redaction.py`.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Model, Q, QuerySet

from .. import totals
from ..errors import AlreadyExists, Fault, InvalidArgument, WrongState
from ..models import (
    ApiToken,
    ArmedHook,
    BulkChange,
    Delivery,
    Draft,
    DraftState,
    GroupLead,
    Mail,
    Preferences,
    Refusal,
    SavedFilter,
    Snooze,
    Substitution,
    SwitchedOff,
    Upload,
    UserTaskComment,
    UserTaskEvent,
    UserTaskRun,
    WebhookEndpoint,
)
from ..owners import flaw_of_name
from ..redaction import redact_history, redact_refusals
from ..uploads import delete_content
from .mentions import rows_that_name
from .renaming import GROUPS, Renaming

MAX_USERNAME = 150

OF_RUNS: Mapping[type[Model], tuple[str, ...]] = {
    UserTaskComment: ("user_id", "comment"),
    ArmedHook: ("arguments", "error"),
    Draft: ("text",),
    Upload: ("user_id", "name"),
}
"""What belongs to a run, and the columns of it in which a person may be named."""
RUN_COLUMNS = ("user_id", "results", "notes", "actions", "excluded_user_ids")
EVENT_COLUMNS = ("actor", "data")

BESIDE_RUNS: Mapping[type[Model], tuple[str, ...]] = {
    DraftState: ("text",),
    Mail: ("content", "error"),
    Delivery: ("log",),
    BulkChange: ("actor", "items", "arguments"),
    Substitution: ("user_id", "substitute_id", "named_by"),
    SavedFilter: ("user_id", "name"),
    ApiToken: ("name", "made_by"),
    WebhookEndpoint: ("description",),
    LogEntry: ("object_repr", "change_message"),
}

ADDRESS = re.compile(r" from [0-9a-f.:]+\)$")
"""From where somebody did something, at the end of a line of the log."""


@dataclass
class Anonymised:
    """How many rows of what were changed or deleted."""

    pseudonym: str
    rows: Counter[str] = field(default_factory=Counter)


def new_pseudonym() -> str:
    """A name that says nothing: drawn by chance, so that nobody can compute whose it is."""
    return f"former-{secrets.token_hex(4)}"


def anonymise(renaming: Renaming, *, now: datetime) -> Anonymised:
    """Put the new name where the old one stands, and delete what was theirs alone.

    Raises `WrongState` while they own open runs, `InvalidArgument` for a name that is none, `AlreadyExists` for one
    that somebody has.
    """
    _require_possible(renaming)
    done = Anonymised(renaming.new)
    _close_account(renaming, done)
    _delete_own(renaming.old, done)
    for run_id in _runs_that_name(renaming):
        _rename_in_run(run_id, renaming, done, now)
    refusals = Refusal.objects.filter(Q(actor=renaming.old) | Q(on_behalf_of=renaming.old))
    done.rows["refusals"] += redact_refusals(refusals, lambda refusal: _rename_in_refusal(refusal, renaming))
    for model, columns in BESIDE_RUNS.items():
        done.rows[str(model._meta.verbose_name_plural)] += _rename_in_rows(model, columns, renaming)
    done.rows["saved filters"] += _rename_in_queries(renaming)
    totals.fold(is_patient=True)  # what has ended is counted by name
    return done


def deletable_of(user_id: str) -> Mapping[str, int]:
    """How much would be deleted that hangs on the account, by what it is called."""
    account = User.objects.filter(username=user_id).first()
    return {name: rows.count() for name, rows in _of_account(account).items()} if account else {}


def open_runs_of(user_id: str) -> int:
    return UserTaskRun.objects.open().filter(user_id=user_id).count()


def _require_possible(renaming: Renaming) -> None:
    if count := open_runs_of(renaming.old):
        raise WrongState(f"{renaming.old} has {count} open runs: give them to somebody else, or cancel them, first.")
    flaw = flaw_of_name(renaming.new)
    if flaw or len(renaming.new) > MAX_USERNAME:
        raise InvalidArgument.at("as", Fault("invalid", flaw or f"must have at most {MAX_USERNAME} characters"))
    is_taken = User.objects.filter(username=renaming.new).exists()
    if is_taken or UserTaskRun.objects.filter(user_id=renaming.new).exists():
        raise AlreadyExists(f"{renaming.new} is somebody already.")


@transaction.atomic
def _close_account(renaming: Renaming, done: Anonymised) -> None:
    """Nobody signs in any more; what other people did to it stays known, under the other name."""
    account = User.objects.select_for_update().filter(username=renaming.old).first()
    if account is None:
        return
    for name, rows in _of_account(account).items():
        done.rows[name] += rows.delete()[0]
    WebhookEndpoint.objects.filter(owner=account, active=True).update(active=False, switched_off=SwitchedOff.OWNER)
    _delete_links_of_others(account)
    for entry in LogEntry.objects.filter(user=account):
        LogEntry.objects.filter(pk=entry.pk).update(change_message=ADDRESS.sub(")", entry.change_message))
    account.username, account.email, account.first_name, account.last_name = renaming.new, "", "", ""
    account.is_active = account.is_staff = account.is_superuser = False
    account.last_login = None
    account.set_unusable_password()
    account.save()
    account.groups.clear()
    account.user_permissions.clear()
    done.rows["accounts"] += 1


def _of_account(account: User) -> Mapping[str, QuerySet[Any]]:
    """What is deleted with an account and does not say its name, by what it is called."""
    theirs = [session.pk for session in Session.objects.iterator() if _is_of(session, account)]
    return {
        "sessions": Session.objects.filter(pk__in=theirs),
        "tokens": ApiToken.objects.filter(user=account),
        "mails": Mail.objects.filter(user=account),
    }


def _is_of(session: Session, account: User) -> bool:
    return bool(session.get_decoded().get(SESSION_KEY) == str(account.pk))


def _delete_links_of_others(account: User) -> None:
    """What other applications keep of an account, such as who it is at an identity provider."""
    ours = {"usertasks", "admin", "auth"}
    for relation in User._meta.related_objects:
        model: Any = relation.related_model
        if model._meta.app_label not in ours:
            model._default_manager.filter(**{relation.field.name: account}).delete()


@transaction.atomic
def _delete_own(user_id: str, done: Anonymised) -> None:
    """Drafts and files that were not saved, what they lead, and what they arranged for nobody else."""
    for upload in Upload.objects.filter(user_id=user_id, is_answer=False):
        delete_content(upload)
        upload.delete()
        done.rows["files"] += 1
    done.rows["drafts"] += Draft.objects.filter(user_id=user_id).delete()[0]
    done.rows["leads"] += GroupLead.objects.filter(user_id=user_id).delete()[0]
    done.rows["preferences"] += Preferences.objects.filter(user_id=user_id).delete()[0]
    done.rows["snoozes"] += Snooze.objects.filter(user_id=user_id).delete()[0]
    done.rows["saved filters"] += SavedFilter.objects.filter(user_id=user_id, user_group=None).delete()[0]


def _runs_that_name(renaming: Renaming) -> list[UUID]:
    """The runs in which, or in what belongs to which, the person is named."""
    found = set(rows_that_name(UserTaskRun, RUN_COLUMNS, renaming).values_list("pk", flat=True))
    found |= set(rows_that_name(UserTaskEvent, EVENT_COLUMNS, renaming).values_list("run_id", flat=True))
    for model, columns in OF_RUNS.items():
        found |= set(rows_that_name(model, columns, renaming).values_list("run_id", flat=True))
    return sorted(found)


@transaction.atomic
def _rename_in_run(run_id: UUID, renaming: Renaming, done: Anonymised, now: datetime) -> None:
    run = UserTaskRun.objects.select_for_update(no_key=True).filter(pk=run_id).first()
    if run is None:
        return
    done.rows["events"] += redact_history(run_id, lambda event: _rename_in_event(event, renaming))
    for model, columns in OF_RUNS.items():
        name = str(model._meta.verbose_name_plural)
        done.rows[name] += _rename_in_rows(model, columns, renaming, run=run_id)
    if _rename_columns(run, RUN_COLUMNS, renaming):
        # An ended run never changes, but for this: its table asks for the time.
        run.anonymised_at = run.anonymised_at if run.is_open else now
        run.save(update_fields=[*RUN_COLUMNS, "anonymised_at"])
        done.rows["runs"] += 1


def _rename_in_event(event: UserTaskEvent, renaming: Renaming) -> None:
    if event.actor == renaming.old:
        event.actor, event.address = renaming.new, None
    event.data = renaming.json(event.data)


def _rename_in_refusal(refusal: Refusal, renaming: Renaming) -> None:
    if refusal.actor == renaming.old:
        refusal.actor, refusal.address = renaming.new, None
    refusal.on_behalf_of = renaming.name(refusal.on_behalf_of)


def _rename_in_rows(model: type[Model], columns: tuple[str, ...], renaming: Renaming, **within: UUID) -> int:
    """Rename in these columns of a table; in how many rows."""
    changed = 0
    for row in rows_that_name(model, columns, renaming).filter(**within):
        if _rename_columns(row, columns, renaming):
            row.save(update_fields=list(columns))
            changed += 1
    return changed


def _rename_columns(row: Model, columns: tuple[str, ...], renaming: Renaming) -> bool:
    """Rename in a row, not yet saved; whether that changed it."""
    was = [getattr(row, column) for column in columns]
    becomes = [_fitting(row, column, renaming.json(getattr(row, column))) for column in columns]
    for column, value in zip(columns, becomes, strict=True):
        setattr(row, column, value)
    return was != becomes


def _fitting(row: Model, column: str, value: Any) -> Any:
    """A pseudonym may be longer than the name was: what does not fit any more is cut off."""
    most = getattr(row._meta.get_field(column), "max_length", None)
    return value[:most] if isinstance(value, str) else value


def _rename_in_queries(renaming: Renaming) -> int:
    """Rename in what saved filters look for, which is written as in an address; in how many."""
    named = Q(query__contains=renaming.old) | Q(query__contains=quote_plus(renaming.old))
    changed = 0
    for row in SavedFilter.objects.filter(named):
        pairs = parse_qsl(row.query, keep_blank_values=True)
        renamed = [(name, text if name in GROUPS else renaming.text(text)) for name, text in pairs]
        if renamed != pairs:
            row.query = _fitting(row, "query", urlencode(renamed))
            row.save(update_fields=["query"])
            changed += 1
    return changed
