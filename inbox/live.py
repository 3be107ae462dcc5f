"""Whether anything has happened, for next to nothing; and what a page that is open is told when something has.

The position is the number of events that have been committed, published or not. Every committed event makes it larger
by one, in whichever order transactions commit, so that nothing is missed for ever, with a worker or without.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import connection
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import get_language

from inbox.boxes import Listing, Tab
from usertasks.actors import Actor
from usertasks.models import Snooze
from usertasks.models.feed import ONLY
from usertasks.models.runs import guid_of

LONGEST_FRESH = 1.0
"""Seconds for which what was read counts as new: a process reads no more often, however many pages ask."""
MOST_ROWS = 200
"""So many rows a page may ask about at once; a page has 25, and grows by what arrives while it is open."""
SIGNER = TimestampSigner(salt="inbox.live")

COMMITTED = """
SELECT COALESCE((SELECT position FROM usertasks_feedhead WHERE id = %s), 0)
    + (SELECT count(*) FROM usertasks_usertaskevent WHERE position IS NULL)
"""
"""One statement, and so one view of both: publishing moves events from the one to the other."""


def committed() -> int:
    """How many events there are by now."""
    with connection.cursor() as cursor:
        cursor.execute(COMMITTED, [ONLY])
        return int(cursor.fetchone()[0])


class Watch:
    """What `read` says, asked anew when what it said is older than some seconds; one at a time asks."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._known: tuple[int, float] | None = None

    def position(self, now: float, *, seconds: float) -> int:
        """`now` counts seconds since any moment. What is told was true then, or at most so many seconds before."""
        known = self._known
        if known and now - known[1] < seconds:
            return known[0]
        # Who comes while somebody reads is told what was known before, and need not wait.
        if not self._lock.acquire(blocking=known is None):
            assert known is not None
            return known[0]
        try:
            if self._known is None or now - self._known[1] >= seconds:
                self._known = self._read(), now
            return self._known[0]
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Know nothing, as a new process."""
        self._known = None


watch = Watch(committed)


def position() -> int:
    """How many events there were a moment ago; what is read after it holds what these have changed."""
    return watch.position(time.monotonic(), seconds=min(LONGEST_FRESH, settings.LIVE_SECONDS))


def new_token() -> str:
    """Says that somebody who was signed in has asked for a page, and when; not who."""
    return SIGNER.sign("page")


def is_valid(token: str) -> bool:
    """Whether one was signed in when the page was made, and not too long ago for a session."""
    try:
        SIGNER.unsign(token, max_age=settings.SESSION_COOKIE_AGE)
    except BadSignature:
        return False
    return True


@dataclass(frozen=True)
class Live:
    """What a page needs to ask whether anything has happened since it was made."""

    position: int
    token: str
    seconds: float


class LiveMiddleware(MiddlewareMixin):
    """Notes on every page of the inbox, before anything is read for it, how far things are: `request.live`."""

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *arguments: Any) -> None:
        is_of_the_inbox = request.resolver_match is not None and "inbox" in request.resolver_match.app_names
        needs_sign_in = getattr(view, "login_required", True)
        if settings.LIVE_SECONDS and is_of_the_inbox and needs_sign_in and request.user.is_authenticated:
            live = Live(position(), new_token(), settings.LIVE_SECONDS)
            request.live = live  # type: ignore[attr-defined]  # for the templates


def show(
    request: HttpRequest, context: Mapping[str, Any], filters: MultiValueDict[str, str], *, by: Actor, status: int
) -> HttpResponse:
    """The page of a box; or, where that is open already and asks, what has changed in it."""
    live: Live | None = getattr(request, "live", None)
    if live is None:
        return render(request, "inbox/box.html", context, status=status)
    facts = {**context, "live_position": live.position, "live_etag": _etag(context)}
    facts["live_next"] = _seconds_to_next(context["found"], context["tabs"], by=by, now=timezone.now())
    if request.headers.get("X-Live") != "list":
        return render(request, "inbox/box.html", facts, status=status)
    return _answer(request, facts, _still_there(request, facts, filters, by) if status == HTTPStatus.OK else [])


def _seconds_to_next(found: Listing, tabs: Sequence[Tab], *, by: Actor, now: datetime) -> int | None:
    """When a list changes without anybody's doing: a task of the page is overdue, or one that was put off is back."""
    moments = [row.run.due_at for row in found.rows if row.is_open and row.run.due_at and row.run.due_at >= now]
    has_put_off = any(tab.name == "snoozed" and tab.count for tab in tabs)
    if has_put_off and (woken := Snooze.objects.of(by.user_id, now).aggregate(first=Min("until"))["first"]):
        moments.append(woken)
    return math.floor((min(moments) - now).total_seconds()) + 1 if moments else None


def _still_there(
    request: HttpRequest, context: Mapping[str, Any], filters: MultiValueDict[str, str], by: Actor
) -> list[str]:
    """Of the rows that the open page shows beyond those of the fresh one, which still belong into the list.

    What arrives pushes rows off the end of the fresh page, which are no reason to take them away from the open one.
    """
    given = [guid_of(text) for text in request.headers.get("X-Live-Rows", "").split(",")[:MOST_ROWS]]
    beyond = {run_id for run_id in given if run_id} - {row.run.id for row in context["found"].rows}
    if not beyond:
        return []
    runs = context["box"].search(by, filters).runs()
    return sorted(run_id.hex for run_id in runs.filter(pk__in=beyond).values_list("pk", flat=True))


def _answer(request: HttpRequest, context: Mapping[str, Any], still: list[str]) -> HttpResponse:
    """The list and the counts, or 304 where the open page shows the same already."""
    etag = _etag(context, still)
    response: HttpResponse
    if request.headers.get("If-None-Match", "").removeprefix("W/") == etag:
        response = HttpResponseNotModified()
    else:
        more = {"still": still, "counts": counts_of_tabs(context["tabs"])}
        response = render(request, "inbox/live.html", {**context, **more})
    response["ETag"] = etag
    response["X-Live-Next"] = "" if context["live_next"] is None else str(context["live_next"])
    response["X-Live-Token"] = new_token()
    response["Cache-Control"] = "private, no-store"  # the address is that of the page
    return response


def _etag(context: Mapping[str, Any], still: Sequence[str] = ()) -> str:
    """Of all that somebody sees in the list and its counts, but for how long ago things were."""
    rows = [[row.run.id.hex, row.run.version, row.is_overdue] for row in context["found"].rows]
    counts = [[tab.url, str(tab.title), tab.count] for tab in context["tabs"]]
    ends = [context["found"].earlier, context["found"].later, context["total"]]
    seen = json.dumps([get_language(), rows, counts, ends, still])
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:32]}"'


def counts_of_tabs(tabs: Sequence[Tab]) -> dict[str, int]:
    """Address → how much lies there, of whatever can be counted."""
    return {tab.url: tab.count for tab in tabs if tab.count is not None}
