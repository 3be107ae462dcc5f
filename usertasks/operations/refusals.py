"""Refusals are written down: who asked for which change, and with which word it was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from inspect import signature
from typing import Any
from uuid import UUID

from django.utils import timezone

from ..actors import Actor
from ..errors import Refused
from ..models import Refusal

FOR_SOMEBODY = frozenset({"save_progress", "complete", "add_comment", "edit_comment", "delete_comment"})
"""The verbs whose `user_id` names for whom they are done; of the others it names an owner."""


def noting_refusals[**P, T](verb: Callable[P, T]) -> Callable[P, T]:
    """Around an operation and its transaction: what was refused is noted after that was taken back.

    Inside a transaction of somebody else, the note shares its fate: a rehearsal that is taken back leaves none.
    """
    is_about_a_run = next(iter(signature(verb).parameters)) == "run_id"

    @wraps(verb)
    def ask(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return verb(*args, **kwargs)
        except Refused as refusal:
            by: Any = kwargs["by"]
            run_id: Any = args[0] if is_about_a_run else None
            on_behalf_of: Any = kwargs.get("user_id") if verb.__name__ in FOR_SOMEBODY else None
            note([refusal], verb.__name__, by=by, run_id=run_id, on_behalf_of=on_behalf_of)
            raise

    return ask


def note(
    refusals: Sequence[Refused],
    action: str,
    *,
    by: Actor,
    run_id: UUID | None = None,
    on_behalf_of: str | None = None,
) -> None:
    """Write down that `by` was refused `action`, once for each refusal, whoever comes by to note it again."""
    note_all([(run_id, refusal) for refusal in refusals], action, by=by, on_behalf_of=on_behalf_of)


def note_all(
    refusals: Iterable[tuple[UUID | None, Refused]], action: str, *, by: Actor, on_behalf_of: str | None = None
) -> None:
    """The same for the refusals of many runs, each with the id of its run."""
    fresh = [(run_id, refusal) for run_id, refusal in refusals if not refusal.is_noted]
    now = timezone.now()
    Refusal.objects.bulk_create(
        Refusal(
            time=now,
            action=action,
            code=refusal.code,
            actor=by.user_id,
            on_behalf_of=_written(on_behalf_of) if on_behalf_of != by.user_id else None,
            door=by.origin.door,
            address=by.origin.address,
            run_id=run_id,
        )
        for run_id, refusal in fresh
    )
    for _run_id, refusal in fresh:
        refusal.is_noted = True


def _written(name: Any) -> str | None:
    """A name as far as it can be stored: what was refused may have been no name at all."""
    if not isinstance(name, str):
        return None
    readable = name.encode("utf-8", "backslashreplace").decode().replace("\0", "")
    return readable[: Refusal._meta.get_field("on_behalf_of").max_length]
