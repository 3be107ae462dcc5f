"""Drafts: what the page of a task saves by itself while somebody types, and what they bring back.

`save_draft` speaks JSON to the script of the page, whatever goes wrong; no answer of it repeats what was typed.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from inbox.chosen import chosen_files, with_uploads
from inbox.downloads import download
from inbox.typed import ANSWER, Typed, typed_in
from usertasks import drafts, uploads
from usertasks.actors import Door
from usertasks.api.problems import answer
from usertasks.callers import actor_of
from usertasks.errors import NotAllowed, NotFound, Refused
from usertasks.one_run import seen_run

from .problems import show_not_found


@require_POST
def save_draft(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Keep what the page holds: 200 with when it was saved and what became of its files, else a problem."""
    typed = typed_in(request, run_id)
    if typed.username != request.user.get_username():
        return answer(NotAllowed("Somebody else is signed in by now."))
    try:
        return JsonResponse(_kept(request, typed))
    except Refused as refusal:
        return answer(refusal)


def _kept(request: HttpRequest, typed: Typed) -> dict[str, object]:
    run_id, now = UUID(typed.run_id), timezone.now()
    if typed.files:
        seen_run(run_id, by=actor_of(request, Door.PAGE))  # files take room: only what is in sight has any for them
        typed = with_uploads(typed, now)
    if request.POST.get("aside"):
        draft = drafts.put_aside(run_id, typed.writing, by=actor_of(request, Door.PAGE), now=now)
        return {"saved_at": draft.saved_at.isoformat() if draft.text else "", "was_changed_elsewhere": False}
    kept = drafts.go_on(run_id, typed.writing, user_id=typed.username, now=now)
    kept = kept or drafts.write(run_id, typed.writing, by=actor_of(request, Door.PAGE), now=now)
    files = chosen_files(typed) if request.FILES else {}
    return {
        "saved_at": kept.draft.saved_at.isoformat(),
        "time": date_format(timezone.localtime(kept.draft.saved_at), "H:i"),
        "was_changed_elsewhere": kept.was_changed_elsewhere,
        "files": {
            ANSWER + field: {"kept": typed.files[field], "name": file.name, "url": file.url}
            for field, file in files.items()
            if file.name
        },
    }


@require_POST
def bring_back(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """An earlier state instead of what is in the form, which becomes an earlier state itself."""
    typed, state = typed_in(request, run_id), request.POST.get("state", "")
    here = reverse("inbox:task", args=[run_id]) + (f"?{query}" if (query := request.META["QUERY_STRING"]) else "")
    if typed.username != request.user.get_username():
        return HttpResponseRedirect(here)
    try:
        seen_run(run_id, by=actor_of(request, Door.PAGE))
        number = int(state) if state.isdecimal() and len(state) < 19 else 0
        writing, now = with_uploads(typed, timezone.now()).writing, timezone.now()
        drafts.bring_back(run_id, number, writing, user_id=typed.username, now=now)
    except Refused:
        return show_not_found(request, typed=typed)
    messages.success(request, _("What you had typed earlier is back. What it replaced is among the earlier states."))
    return HttpResponseRedirect(here)


@require_safe
def upload(request: HttpRequest, run_id: UUID, upload_id: UUID) -> HttpResponse:
    """A file that one chose and has not saved: for whoever chose it, even if the task is out of sight by now."""
    chosen = uploads.found(run_id, [upload_id], user_id=request.user.get_username()).get(upload_id)
    content = uploads.content_of(chosen) if chosen else None
    if chosen is None or content is None:
        raise NotFound("There is no such file.")
    return download(content, chosen.name)
