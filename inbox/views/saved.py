"""The filters that people keep: listed, saved, forgotten."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inbox.boxes import BOXES, tabs_for
from inbox.saved import SaveForm, lines_of
from usertasks.actors import Actor, Door
from usertasks.callers import actor_of
from usertasks.errors import AlreadyExists, InvalidArgument
from usertasks.models import SavedFilter
from usertasks.saved_filters import forget_filter, save_filter

from .posted import posted_from


@require_http_methods(["GET", "HEAD", "POST"])
def filters(request: HttpRequest) -> HttpResponse:
    """GET lists them; POST keeps what somebody looks for under a name, and leads back to its list."""
    by = actor_of(request, Door.PAGE)
    form = SaveForm(request.POST, by=by) if request.method == "POST" else None
    if form and (kept := _keep(form, by)):
        messages.success(request, _("Saved: %(name)s.") % {"name": kept.name})
        return redirect(BOXES[kept.box].address(kept.query))
    tabs = tabs_for(by)
    context = {"tabs": tabs, "form": form, "lines": lines_of(tabs, by)}
    return render(request, "inbox/filters.html", context, status=400 if form else 200)


@posted_from("inbox:filters")
def forget(request: HttpRequest, filter_id: int) -> HttpResponse:
    """One of their own is kept no longer."""
    kept = forget_filter(filter_id, by=actor_of(request, Door.PAGE))
    messages.success(request, _("Deleted: %(name)s.") % {"name": kept.name})
    return redirect("inbox:filters")


def _keep(form: SaveForm, by: Actor) -> SavedFilter | None:
    """What the form says, kept; None where something is wrong with it, which it then says itself."""
    if not form.is_valid():
        return None
    given = form.cleaned_data
    try:
        return save_filter(
            given["name"], box=given["box"], query=given["query"], user_group=given["user_group"] or None, by=by
        )
    except InvalidArgument as refusal:
        form.add_faults(refusal.faults)
    except AlreadyExists as refusal:
        form.add_error("name", refusal.detail)
    return None
