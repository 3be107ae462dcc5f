"""What scripts ask: whether anything has happened, how much there is by now, and what has come."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from inbox import live as living
from inbox.arrivals import arrivals_since
from inbox.boxes import tabs_for
from usertasks.actors import Actor, Door
from usertasks.api.problems import answer
from usertasks.callers import actor_of
from usertasks.errors import Fault, InvalidArgument, NotSignedIn
from usertasks.models import UserTaskRun
from usertasks.models.runs import guid_of

MOST_DIGITS = 18


@login_not_required  # the token says so, and asks the database nothing
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """204 where nothing has happened since `after`; else how far things are by now."""
    if not living.is_valid(request.headers.get("X-Live", "")):
        return answer(NotSignedIn("The page is too old, or none of ours."))
    after = _after(request)
    if after is None:
        return _not_a_position()
    try:
        now = living.position()
    except DatabaseError:
        # Every open page asks: it is told to come back later, and the log is spared what `readyz` says anyhow.
        return JsonResponse({"status": "the database does not answer"}, status=503, headers={"Retry-After": "30"})
    return JsonResponse({"position": now}) if now != after else HttpResponse(status=204)


@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    """The counts of all boxes, for pages without a list, and the version of a `run` that one may see."""
    by = actor_of(request, Door.PAGE)
    version = _version(request.GET.get("run", ""), by)
    told = {"counts": living.counts_of_tabs(tabs_for(by)), "version": version, "token": living.new_token()}
    return JsonResponse(told)


@require_safe
def arrivals(request: HttpRequest) -> HttpResponse:
    """What has come to somebody since `after`, for a notification of the browser."""
    after, now = _after(request), living.position()
    if after is None:
        return _not_a_position()
    found = arrivals_since(after, by=actor_of(request, Door.PAGE))
    tasks = [{"title": task.title, "url": reverse("inbox:task", args=[task.run_id])} for task in found.newest]
    url = tasks[0]["url"] if len(tasks) == 1 else reverse("inbox:mine" if found.has_mine else "inbox:groups")
    return JsonResponse({"position": now, "tasks": tasks, "more": found.more, "url": url})


def _after(request: HttpRequest) -> int | None:
    text = request.GET.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _not_a_position() -> HttpResponse:
    return answer(InvalidArgument.at("after", Fault("invalid", "must be a position")))


def _version(text: str, by: Actor) -> int | None:
    """Of a run that is none, or none of theirs, there is no version."""
    run_id = guid_of(text)
    runs = UserTaskRun.objects.visible_to(by).filter(pk=run_id) if run_id else UserTaskRun.objects.none()
    return runs.values_list("version", flat=True).first()
