"""Refusals of changes for which no operation was asked: a body that cannot be read, a token that is not for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import SAFE_METHODS

from .. import operations
from ..errors import Refused
from ..models.runs import guid_of

VERBS: Mapping[tuple[str, str], str] = {
    ("batch", "create"): "create",
    ("bulk", "create"): "bulk",
    ("comment", "create"): "add_comment",
    ("comment", "partial_update"): "edit_comment",
    ("comment", "destroy"): "delete_comment",
    ("definition", "create"): "put_definition",
    ("definition", "destroy"): "delete_definition",
    ("webhook_endpoint", "create"): "create_endpoint",
    ("webhook_endpoint", "partial_update"): "change_endpoint",
    ("webhook_endpoint", "destroy"): "delete_endpoint",
}
"""Subject of a view and what is asked of it → the verb; any other is called the same."""

ABOUT_RUNS = frozenset({"run", "comment"})
NOT_NOTED = frozenset({"not_signed_in", "throttled", "method_not_allowed"})
"""Nobody, somebody who asks so often that each answer must cost little, and what is no change at all."""


def _is_known(request: Any) -> bool:
    """Whether it was found out who asks, without finding it out now: that may be what was refused."""
    user = getattr(request, "_user", None)
    return bool(user and user.is_authenticated)


def note(refusal: Refused, context: Mapping[str, Any]) -> None:
    """Write the refusal down, if it is of a change and no operation has done so."""
    request, view = context.get("request"), context.get("view")
    subject: str | None = getattr(view, "subject", None)
    if request is None or view is None or subject is None or view.action is None:
        return
    if request.method in SAFE_METHODS or refusal.code in NOT_NOTED or not _is_known(request):
        return
    verb = VERBS.get((subject, view.action), view.action)
    run_id = guid_of(str(view.kwargs.get("pk", ""))) if subject in ABOUT_RUNS else None
    operations.note([refusal], verb, by=view.actor, run_id=run_id)
