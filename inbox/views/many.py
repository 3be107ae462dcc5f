"""Many tasks at once: what would become of them, do it, what became of them, and take it back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from inbox.back import safe_back
from inbox.boxes import tabs_for
from inbox.many import DEEDS, Done, Plan, chosen_in
from inbox.many_form import ReassignForm
from usertasks import bulk
from usertasks.actors import Actor, Door
from usertasks.callers import actor_of
from usertasks.errors import Fault, InvalidArgument
from usertasks.models import BulkChange
from usertasks.rules import Action

from .posted import posted_from

TO_WHOM = ("user_id", "user_group")


@posted_from("inbox:mine")
def many(request: HttpRequest) -> HttpResponse:
    """What would become of the chosen tasks; nothing happens to them yet."""
    by = actor_of(request, Door.PAGE)
    try:
        plan, form = _asked(request, by)
    except InvalidArgument as refusal:
        return _turn_back(request, refusal)
    return _show(request, plan, form)


@posted_from("inbox:mine")
def do_many(request: HttpRequest) -> HttpResponse:
    """Do what the page before has shown, to the tasks that are still as it has shown them."""
    by = actor_of(request, Door.PAGE)
    try:
        plan, form = _asked(request, by)
    except InvalidArgument as refusal:
        return _turn_back(request, refusal)
    if plan.arguments is None:
        return _show(request, plan, form)
    if plan.is_ending and "sure" not in request.POST:
        return _show(request, plan, form, error=_("Tick that these tasks are to end without an answer."))
    change = bulk.change_and_keep(
        plan.deed.action, plan.chosen.ids, plan.arguments, by=by, expected=dict(plan.chosen.seen)
    )
    return _go_on(request, change)


@require_safe
def done_many(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """What became of each task, for whoever did it."""
    by = actor_of(request, Door.PAGE)
    done = Done(bulk.kept(change_id, by=by), by)
    context = {"done": done, "many": done.bar, "here": _back(request), **_beside(request, by)}
    return render(request, "inbox/many_done.html", context)


@posted_from("inbox:mine")
def undo_many(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Give the tasks back to whom they had, where nothing else has happened to them."""
    by = actor_of(request, Door.PAGE)
    change = bulk.kept(change_id, by=by)
    # What has moved nothing, such as a change that only undid another, has nothing to take back.
    return _go_on(request, bulk.undo_and_keep(change_id, by=by) if change.items else change)


def _asked(request: HttpRequest, by: Actor) -> tuple[Plan, ReassignForm | None]:
    """What is to be done to which tasks, and to whom they are to go. Raises `InvalidArgument`."""
    deed = DEEDS.get(request.POST.get("action", ""))
    if deed is None:
        said = _("There is no such thing to do.")
        raise InvalidArgument(said, faults={"action": [Fault("not_a_choice", said)]})
    chosen = chosen_in(request.POST, by)
    if deed.action != Action.ASSIGN:
        return Plan(deed, chosen, by, {}), None
    is_answered = any(name in request.POST for name in TO_WHOM)
    form = ReassignForm(request.POST if is_answered else None, by=by)
    return Plan(deed, chosen, by, None if "change" in request.POST else form.arguments), form


def _show(request: HttpRequest, plan: Plan, form: ReassignForm | None, *, error: str = "") -> HttpResponse:
    context = {"plan": plan, "form": form, "error": error, **_beside(request, plan.by)}
    is_at_fault = error or (form and form.errors)
    return render(request, "inbox/many.html", context, status=422 if is_at_fault else 200)


def _beside(request: HttpRequest, by: Actor) -> dict[str, Any]:
    """What every page here has: the boxes, and the way back from it and from the tasks that it names."""
    back = _back(request)
    return {"tabs": tabs_for(by), "back": back, "back_query": urlencode({"back": back})}


def _go_on(request: HttpRequest, change: BulkChange) -> HttpResponse:
    """To the results: they stay where they are, and to load them again does nothing again."""
    address = reverse("inbox:done-many", args=[change.pk])
    return HttpResponseRedirect(f"{address}?{urlencode({'back': _back(request)})}")


def _turn_back(request: HttpRequest, refusal: InvalidArgument) -> HttpResponse:
    """Where one came from, with the reason."""
    messages.error(request, refusal.detail)
    return HttpResponseRedirect(_back(request))


def _back(request: HttpRequest) -> str:
    return safe_back(request.POST.get("back") or request.GET.get("back") or "")
