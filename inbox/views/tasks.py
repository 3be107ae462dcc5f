"""The page of a task."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from inbox import typed as typing
from inbox.boxes import tabs_for
from inbox.deeds import Done, do
from inbox.task_page import TaskPage, run_seen_by
from inbox.trouble import trouble_of
from inbox.typed import Typed, typed_in
from usertasks.actors import Actor, actor_for
from usertasks.errors import NotFound, Refused
from usertasks.fieldtypes import type_of
from usertasks.rules import Action

from .problems import show_not_found


@require_http_methods(["GET", "HEAD", "POST"])
def task(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """GET shows a task; POST presses one of its buttons, and loses nothing of what was typed."""
    by = actor_for(request.user)
    if request.method == "POST":
        return _press(request, run_id, by)
    typed = typing.kept(request.session, run_id, username=by.user_id)
    shows_all = request.GET.get("history") == "all"
    return _show(request, TaskPage(run_seen_by(by, run_id), by, typed, shows_all_history=shows_all))


@require_safe
def file(request: HttpRequest, run_id: UUID, position: int) -> HttpResponse:
    """The file that answers the field at that position: always saved, never opened, by the browser."""
    run = run_seen_by(actor_for(request.user), run_id)
    field = run.definition.fields.filter(position=position).first()
    value = run.results.get(field.name) if field else None
    content = type_of(field).content(value) if field and value is not None else None
    if field is None or content is None:
        raise NotFound("There is no such file.")
    name = content_disposition_header(True, slugify(field.name) or "file")
    headers = {"Content-Disposition": name or "attachment", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type="application/octet-stream", headers=headers)


def _press(request: HttpRequest, run_id: UUID, by: Actor) -> HttpResponse:
    typed = typed_in(request, run_id)
    if typed.username != by.user_id:
        messages.error(request, _("That page was opened by somebody else. Nothing was done."))
        return HttpResponseRedirect(request.get_full_path())
    try:
        page = _typed_page(request, run_id, by, typed)
        done = do(page, _button(request))
    except Refused as refusal:
        return _refuse(request, typed, refusal)
    return _go_on(request, page, done)


def _button(request: HttpRequest) -> str:
    return request.POST.get("action", Action.SAVE_PROGRESS)


def _typed_page(request: HttpRequest, run_id: UUID, by: Actor, typed: Typed) -> TaskPage:
    is_complete = _button(request) == Action.COMPLETE
    return TaskPage(run_seen_by(by, run_id), by, typed, files=request.FILES, must_be_complete=is_complete)


def _refuse(request: HttpRequest, typed: Typed, refusal: Refused) -> HttpResponse:
    """The task as it is by now, with what was typed."""
    try:
        page = _typed_page(request, UUID(typed.run_id), actor_for(request.user), typed)
    except NotFound:
        return show_not_found(request, typed=typed)
    if page.has_news:
        typing.keep(request.session, typed)
    trouble = trouble_of(refusal, page, _button(request))
    return _show(request, page, trouble=trouble, status=trouble.status)


def _go_on(request: HttpRequest, page: TaskPage, done: Done) -> HttpResponse:
    """To the task again, or back to the box; what was typed and not saved by this is remembered."""
    here = request.get_full_path()
    link = format_html('<a href="{}">{}</a>', here, page.title)
    messages.success(request, format_html("{}: {}.", done.message, link) if done.leaves else done.message)
    try:
        fresh = TaskPage(run_seen_by(page.by, page.run.id), page.by, page.typed and page.typed.without(done.saved))
    except NotFound:
        return HttpResponseRedirect(_back(request))
    if fresh.typed and fresh.has_news:
        typing.keep(request.session, fresh.typed)
    else:
        typing.drop(request.session, page.run.id)
    return HttpResponseRedirect(_back(request) if done.leaves else here)


def _show(request: HttpRequest, page: TaskPage, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {"page": page, "tabs": tabs_for(page.by), "back": _back(request), "here": request.get_full_path(), **more}
    return render(request, "inbox/task.html", context, status=status)


def _back(request: HttpRequest) -> str:
    """The box from which one came, with its filter; the address says so, and is not believed blindly."""
    back = request.GET.get("back", "")
    inbox = reverse("inbox:mine")
    is_safe = back.startswith(inbox) and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if is_safe else inbox
