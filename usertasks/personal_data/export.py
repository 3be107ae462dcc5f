"""All that is kept about a person, as JSON: what they may ask for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from ..content import event_content, run_content
from ..models import (
    ApiToken,
    BulkChange,
    Draft,
    GroupLead,
    Mail,
    MailChoice,
    Preferences,
    Refusal,
    SavedFilter,
    Snooze,
    Substitution,
    Upload,
    UserTaskComment,
    UserTaskEvent,
    UserTaskRun,
    WebhookEndpoint,
)
from ..models.mails import CHOOSABLE

ACCOUNT = ("username", "first_name", "last_name", "email", "is_active", "date_joined", "last_login")
TOKEN = ("name", "hint", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at", "made_by")
ENDPOINT = ("url", "event_types", "description", "active", "created_at")
SUBSTITUTION = ("user_id", "substitute_id", "starts_at", "ends_at", "named_by", "created_at")
COMMENT = ("run_id", "number", "comment", "created_at", "edited_at", "deleted")
UPLOAD = ("run_id", "field", "name", "size", "is_answer", "created_at")
MAIL = ("run_id", "kind", "content", "state", "created_at", "settled_at")
REFUSAL = ("time", "action", "code", "actor", "on_behalf_of", "door", "address", "run_id")
CHANGE = ("action", "created_at", "arguments", "items", "results")
PREFERENCES = ("language", "time_zone", "has_shortcuts", "changed_at")
SAVED_FILTER = ("name", "box", "query", "user_group", "created_at")
ENTRY = ("action_time", "object_repr", "change_message")


def data_of(user_id: str) -> dict[str, Any]:
    """What is kept about whoever has that name, with or without an account."""
    account = User.objects.filter(username=user_id).first()
    return {
        "user_id": user_id,
        "account": _account(account) if account else None,
        "leads": list(GroupLead.objects.filter(user_id=user_id).values_list("user_group", flat=True)),
        "substitutions": _rows(
            Substitution.objects.filter(Q(user_id=user_id) | Q(substitute_id=user_id) | Q(named_by=user_id)),
            SUBSTITUTION,
        ),
        "runs": [run_content(run) for run in UserTaskRun.objects.filter(user_id=user_id).order_by("scheduled_time")],
        "excluded_from": _excluded_from(user_id),
        "events": [_event(event) for event in _events(user_id)],
        "comments": _rows(UserTaskComment.objects.filter(user_id=user_id).order_by("created_at"), COMMENT),
        "drafts": [_draft(draft) for draft in Draft.objects.filter(user_id=user_id).prefetch_related("states")],
        "files": _rows(Upload.objects.filter(user_id=user_id), UPLOAD),
        "refusals": _rows(Refusal.objects.filter(Q(actor=user_id) | Q(on_behalf_of=user_id)), REFUSAL),
        "snoozes": _rows(Snooze.objects.filter(user_id=user_id).order_by("until"), ("run_id", "until")),
        "saved_filters": _rows(SavedFilter.objects.filter(user_id=user_id), SAVED_FILTER),
        "preferences": _rows(Preferences.objects.filter(user_id=user_id), PREFERENCES),
        "bulk_changes": _rows(BulkChange.objects.filter(actor=user_id), CHANGE),
    }


def _account(account: User) -> dict[str, Any]:
    """What hangs on the account; of tokens and endpoints not the secrets."""
    return {
        **{name: getattr(account, name) for name in ACCOUNT},
        "groups": sorted(account.groups.values_list("name", flat=True)),
        "api_tokens": _rows(ApiToken.objects.filter(user=account), TOKEN),
        "webhook_endpoints": _rows(WebhookEndpoint.objects.filter(owner=account), ENDPOINT),
        "mail_choice": {kind.value: MailChoice.of(account).wants(kind) for kind in CHOOSABLE},
        "mails": _rows(Mail.objects.filter(user=account), MAIL),
        "log": _rows(LogEntry.objects.filter(user=account), ENTRY),
    }


def _rows(rows: QuerySet[Any], columns: Iterable[str]) -> list[dict[str, Any]]:
    return list(rows.values(*columns))


def _events(user_id: str) -> QuerySet[UserTaskEvent]:
    """What they did, what was done for them, and what made a run theirs or took it from them."""
    told = Q(actor=user_id)
    for key in ("on_behalf_of", "user_id", "old_user_id", "new_user_id"):
        told |= Q((f"data__{key}", user_id))
    return UserTaskEvent.objects.filter(told).order_by("time", "id")


def _event(event: UserTaskEvent) -> dict[str, Any]:
    return {"run_id": event.run_id, **event_content(event), "door": event.door, "address": event.address}


def _draft(draft: Draft) -> dict[str, Any]:
    earlier = [{"saved_at": state.saved_at, "inputs": state.inputs} for state in draft.states.all()]
    return {"run_id": draft.run_id, "saved_at": draft.saved_at, "inputs": draft.inputs, "earlier": earlier}


def _excluded_from(user_id: str) -> list[Any]:
    """SQLite cannot look into JSON arrays, so those that could are read."""
    runs = UserTaskRun.objects.exclude(excluded_user_ids=[]).values_list("id", "excluded_user_ids")
    return [run_id for run_id, names in runs.iterator() if user_id in names]
