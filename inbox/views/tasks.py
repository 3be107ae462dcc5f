"""The page of a task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.html import format_html
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from inbox import typed as typing
from inbox.boxes import tabs_for
from inbox.chosen import answers_of, files_for_form, with_uploads
from inbox.conflicts import conflict_of
from inbox.deeds import EVERYTHING, NOTHING, TASK, Done, do, note_unasked, verb_of
from inbox.downloads import download
from inbox.moving import move_in
from inbox.next import NOWHERE, Step, Steps, list_address, next_to_do, steps_from
from inbox.snooze import written_in
from inbox.task_page import Asked, TaskPage, is_in_sight
from inbox.trouble import trouble_of
from inbox.typed import ANSWER, Typed, typed_in
from usertasks import drafts
from usertasks.actors import Actor, Door
from usertasks.by_key import find
from usertasks.callers import actor_of
from usertasks.errors import NotFound, Refused
from usertasks.fieldtypes import type_of
from usertasks.models import Draft
from usertasks.one_run import seen_run
from usertasks.rules import Action
from usertasks.uploads import name_of_answer

from .problems import show_not_found

EXPLAIN = "explain"
"""The button that asks what the rules say of somebody, and the input that names them."""

FINISH = "finish"
"""The cookie that says whether *Complete and next* lies open; `flow.js` writes it as well."""
A_YEAR = 365 * 24 * 3600


@require_http_methods(["GET", "HEAD", "POST"])
def task(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """GET shows a task; POST presses one of its buttons, and loses nothing of what was typed."""
    by = actor_of(request, Door.PAGE)
    if request.method == "POST":
        return _press(request, run_id, by)
    draft = find(Draft, run_id=run_id, user_id=by.user_id)
    typed = typing.typed_of(draft) if draft and draft.text else None
    asked = _asked(request)
    try:
        page = TaskPage(seen_run(run_id, by=by), by, typed, files=_files(typed), asked=asked)
    except NotFound:
        return show_not_found(request, typed=typed)
    if typed and not page.has_news:  # typed, and typed back
        page = TaskPage(page.run, by, asked=asked)
    page.draft.know(draft)
    return _show(request, page)


def _asked(request: HttpRequest) -> Asked:
    query = request.GET
    return Asked(query.get("history", ""), comment=query.get("edit", ""), explain=query.get("explain"))


@require_safe
def file(request: HttpRequest, run_id: UUID, position: int) -> HttpResponse:
    """The file that answers the field at that position: always saved, never opened, by the browser."""
    run = seen_run(run_id, by=actor_of(request, Door.PAGE))
    field = next((field for field in run.fields if field.position == position), None)
    value = run.results.get(field.name) if field else None
    content = type_of(field).content(value) if field and value is not None else None
    if field is None or content is None:
        raise NotFound("There is no such file.")
    return download(content, name_of_answer(run.id, field.name, content) or slugify(field.name) or "file")


def _press(request: HttpRequest, run_id: UUID, by: Actor) -> HttpResponse:
    typed = typed_in(request, run_id)
    if typed.username != by.user_id:
        messages.error(request, _("That page was opened by somebody else. Nothing was done."))
        return HttpResponseRedirect(request.get_full_path())
    try:
        typed = _with_uploads(typed, by)
        page = _typed_page(request, run_id, by, typed)
    except Refused as refusal:
        note_unasked(refusal, _button(request), run_id, by)
        return _refuse(request, typed, refusal)
    if _button(request) == EXPLAIN:
        return _go_on_to_explain(request, page)
    try:
        done = do(page, _button(request))
    except Refused as refusal:
        note_unasked(refusal, _button(request), run_id, by)
        return _refuse(request, typed, refusal)
    return _go_on(request, page, done)


def _with_uploads(typed: Typed, by: Actor) -> Typed:
    """The files are kept first, and only for a task that one may see. Raises `NotFound`."""
    if not typed.files:
        return typed
    seen_run(UUID(typed.run_id), by=by)
    return with_uploads(typed, timezone.now())


def _files(typed: Typed | None) -> MultiValueDict[str, Any] | None:
    return files_for_form(typed) if typed and typed.files else None


def _button(request: HttpRequest) -> str:
    return request.POST.get("action", Action.SAVE_PROGRESS)


def _typed_page(request: HttpRequest, run_id: UUID, by: Actor, typed: Typed) -> TaskPage:
    is_complete = verb_of(_button(request)) == Action.COMPLETE
    files, move = files_for_form(typed, request.FILES), move_in(request.POST.dict())
    asked: dict[str, Any] = {"must_be_complete": is_complete, "move": move, "snooze_until": written_in(request.POST)}
    return TaskPage(seen_run(run_id, by=by), by, typed, files=files, **asked)


def _refuse(request: HttpRequest, typed: Typed, refusal: Refused) -> HttpResponse:
    """The task as it is by now, with what was typed."""
    try:
        page = _typed_page(request, UUID(typed.run_id), actor_of(request, Door.PAGE), typed)
    except NotFound:
        return show_not_found(request, typed=typed)
    if page.has_news and typing.keep(typed, by=page.by):
        drafts.leave(page.run.id, typed.page, by=page.by, now=timezone.now())
    verb = verb_of(_button(request))
    if conflict := conflict_of(refusal, page, verb):
        return _show(request, page, "inbox/conflict.html", conflict=conflict, button=_button(request), status=409)
    trouble = trouble_of(refusal, page, verb)
    return _show(request, page, trouble=trouble, status=trouble.status)


def _go_on(request: HttpRequest, page: TaskPage, done: Done) -> HttpResponse:
    """To the task again, back to the list, or to its next task; what was typed and not saved by this is remembered."""
    following = next_to_do(page.run, _back(request), by=page.by) if done.goes_on else None
    if done.message:
        messages.success(request, _said(request, page, done, following))
    can_stay = _keep_the_rest(request, page, done)
    here = request.get_full_path() if can_stay and not done.leaves else _back(request)
    response = HttpResponseRedirect(following.url if following else here)
    if done.offers_next is not None:
        value, secure = "next" if done.offers_next else "", request.is_secure()
        response.set_cookie(FINISH, value, max_age=A_YEAR, path=reverse("inbox:mine"), secure=secure, samesite="Lax")
    return response


def _said(request: HttpRequest, page: TaskPage, done: Done, following: Step | None) -> str:
    """What the next page says, with a link to the task where this is left."""
    message = done.message
    if done.goes_on:
        news = _("Completed: %(task)s. Here is the next one."), _("Completed: %(task)s. That was the last one.")
        message = news[0] if following else news[1]
    if not done.leaves:
        return message
    # A copy of what was typed is needed no more where all of it was saved.
    settled = page.typed.page if page.typed and done.saved != NOTHING else ""
    link = format_html('<a href="{}" data-settled="{}">{}</a>', request.get_full_path(), settled, page.title)
    before, _place, after = message.partition(TASK)
    return format_html("{}{}{}", before, link, after)


def _go_on_to_explain(request: HttpRequest, page: TaskPage) -> HttpResponse:
    """To what the rules say of somebody: it is part of the page that a GET shows, and what was typed waits there."""
    if not _keep_the_rest(request, page, Done("")):
        return HttpResponseRedirect(_back(request))
    query = request.GET.copy()
    query["explain"] = request.POST.get(EXPLAIN, "")
    return HttpResponseRedirect(f"{request.path}?{query.urlencode()}#who")


def _keep_the_rest(request: HttpRequest, page: TaskPage, done: Done) -> bool:
    """Settle what is saved now, and remember the rest; False if the task is out of sight by now."""
    typed = page.typed
    is_settled = done.saved in (ANSWER, EVERYTHING)
    if typed and is_settled:
        answers = answers_of(page.form.files) if done.saved == ANSWER else []
        drafts.settle(page.run.id, typed.writing, user_id=page.by.user_id, answers=answers, now=timezone.now())
    left, is_kept = typed and typed.without(done.saved), False
    if left is not None and _is_nothing_left(page, left, done, is_settled=is_settled):
        return done.leaves or is_in_sight(page.by, done.run or page.run.id)
    try:
        fresh = TaskPage(seen_run(page.run.id, by=page.by), page.by, left, files=_files(left))
    except NotFound:
        return False
    is_left = done.saved != NOTHING
    if left and (fresh.has_news or (fresh.draft.saved_at and not is_settled)):
        # What was saved is gone from the form on purpose, and a page that was left is not listened to any more.
        rest = replace(left, page="") if is_left else left
        is_kept = typing.keep(rest, by=page.by, makes_state=not is_left)
        if not is_kept:
            messages.warning(request, _("What you typed is too large to be kept: please save it."))
    if typed and (is_left or is_kept) and not is_settled:
        drafts.leave(page.run.id, typed.page, by=page.by, now=timezone.now())
    return True


def _is_nothing_left(page: TaskPage, left: Typed, done: Done, *, is_settled: bool) -> bool:
    """Whether all that was typed is saved, or there was nothing: that needs no look at the task as it is by now."""
    if is_settled:
        return left.is_blank
    return done.saved == NOTHING and not page.has_news and page.draft.saved_at is None


def _show(
    request: HttpRequest, page: TaskPage, template: str = "inbox/task.html", *, status: int = 200, **more: Any
) -> HttpResponse:
    here = request.get_full_path()
    bring_back = here.replace(request.path, reverse("inbox:bring-back", args=[page.run.id]), 1)
    tabs = tabs_for(page.by)
    if not any(tab.name == "snoozed" and tab.count for tab in tabs):
        page.snoozing.know_that_nothing_is_put_off()
    context = {"page": page, "tabs": tabs, "back": _back(request), "here": here, "bring_back": bring_back}
    context |= {"steps": _steps(request, page), "offers_next": request.COOKIES.get(FINISH) == "next", **more}
    return render(request, template, context, status=status)


def _steps(request: HttpRequest, page: TaskPage) -> Steps:
    """What stands beside the task in the list, for whoever came from one."""
    return steps_from(page.run, _back(request), by=page.by) if "back" in request.GET else NOWHERE


def _back(request: HttpRequest) -> str:
    """The list from which one came, with its filters and its order, as the address says."""
    return list_address(request.GET.get("back", ""))
