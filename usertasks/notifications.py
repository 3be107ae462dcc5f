"""Notifications: who is to be told by mail of an event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, QuerySet

from .models import EventType, Mail, MailChoice, MailKind, Substitution, UserTaskEvent


@dataclass(frozen=True)
class Notice:
    """An event that concerns a person, or the members of a group; whoever did it knows already."""

    event: UserTaskEvent
    kind: MailKind
    user_id: str | None = None
    group: str | None = None

    @property
    def doers(self) -> set[str]:
        """Who did it, and for whom a service did it."""
        return {self.event.actor, _name(_said(self.event), "on_behalf_of") or self.event.actor}

    @property
    def content(self) -> dict[str, Any]:
        """What the mail says beside the run; a comment is looked up again, since it may be edited or deleted."""
        said = _said(self.event)
        more = {"group": self.group} if self.group else {}
        if "comment_id" in said:
            more = {"comment_id": said["comment_id"]}
        return {"actor": self.event.actor, "on_behalf_of": said.get("on_behalf_of"), **more}


def mails_about(events: Sequence[UserTaskEvent], now: datetime) -> Iterator[Mail]:
    """The mails, not yet saved, that these published events ask for: three queries at most, however many there are."""
    found = (notice for event in events if (notice := notice_of(event)))
    # What somebody does with their own task is no news, to whoever stands in for them neither.
    notices = [notice for notice in found if notice.user_id not in notice.doers]
    people = _people_named({notice.user_id for notice in notices if notice.user_id}, now)
    members = _members_who_want_it({notice.group for notice in notices if notice.group})
    for notice in notices:
        concerned = members.get(notice.group, []) if notice.group else people.get(notice.user_id or "", [])
        for user in concerned:
            if user.username not in notice.doers and MailChoice.of(user).wants(notice.kind):
                yield _mail(notice, user, now)


def notice_of(event: UserTaskEvent) -> Notice | None:
    """Whom an event concerns, or None: most concern nobody, and neither does one that nobody here has written."""
    said = _said(event)
    match event.type:
        case EventType.CREATED:
            return _arrival(event, _name(said, "user_id"), _name(said, "user_group"))
        case EventType.ASSIGNED if _owner(said, "old_") != _owner(said, "new_"):
            return _arrival(event, _name(said, "new_user_id"), _name(said, "new_user_group"))
        case EventType.COMMENT_ADDED if _is_comment(said) and event.run.user_id not in (None, said["user_id"]):
            return Notice(event, MailKind.COMMENT, user_id=event.run.user_id)
        case _:
            return None


def _said(event: UserTaskEvent) -> Mapping[str, Any]:
    """What an event carries: nothing, where somebody else than an operation wrote it and it can be anything."""
    return event.data if isinstance(event.data, dict) else {}


def _name(said: Mapping[str, Any], key: str) -> str | None:
    found = said.get(key)
    return found if isinstance(found, str) else None


def _is_comment(said: Mapping[str, Any]) -> bool:
    return _name(said, "user_id") is not None and isinstance(said.get("comment_id"), int)


def _owner(said: Mapping[str, Any], prefix: str) -> tuple[bool, str | None]:
    """The person, wherever the run would go back to; or the group, while nobody has it."""
    user_id, group = _name(said, f"{prefix}user_id"), _name(said, f"{prefix}user_group")
    return (True, user_id) if user_id is not None else (False, group)


def _arrival(event: UserTaskEvent, user_id: str | None, group: str | None) -> Notice:
    if user_id is not None:
        return Notice(event, MailKind.ASSIGNED, user_id=user_id)
    return Notice(event, MailKind.GROUP, group=group)


def _people_named(user_ids: Iterable[str], now: datetime) -> dict[str, list[User]]:
    """Name → whoever bears it, and who stands in for them."""
    if not user_ids:
        return {}
    named = {user_id: {user_id} for user_id in user_ids}
    for user_id, substitute_id in substitutions_of(user_ids, now):
        named[user_id].add(substitute_id)
    people = reachable().filter(username__in=set().union(*named.values())).select_related("mail_choice")
    known = {user.username: user for user in people}
    return {user_id: [known[name] for name in sorted(names) if name in known] for user_id, names in named.items()}


def substitutions_of(user_ids: Iterable[str], now: datetime) -> Iterable[tuple[str, str]]:
    """(who is away, who stands in for them) then."""
    return Substitution.objects.at(now).filter(user_id__in=user_ids).values_list("user_id", "substitute_id")


def _members_who_want_it(groups: Iterable[str]) -> dict[str, list[User]]:
    """Group → members; few ask for these mails, so the others are not even read."""
    if not groups:
        return {}
    members: dict[str, list[User]] = defaultdict(list)
    wanting = reachable().filter(groups__name__in=groups, mail_choice__group=True).select_related("mail_choice")
    for user in wanting.annotate(of_group=F("groups__name")):
        members[user.of_group].append(user)
    return members


def note_of_substitute(user: User, owner: str | None) -> dict[str, str]:
    """What a mail to a substitute says beside the rest: for whom they get it."""
    return {} if owner in (None, user.username) else {"stands_in_for": str(owner)}


def reachable() -> QuerySet[User]:
    """The active accounts that have an address."""
    return User.objects.filter(is_active=True).exclude(email="")


def _mail(notice: Notice, user: User, now: datetime) -> Mail:
    return Mail(
        user=user,
        run=notice.event.run,
        kind=notice.kind,
        occasion=f"event:{notice.event.pk}",
        content={**notice.content, **note_of_substitute(user, notice.user_id)},
        next_attempt_at=now,
    )
