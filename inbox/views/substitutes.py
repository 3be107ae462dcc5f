"""Who stands in for whoever is signed in, and for whom they stand in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inbox.boxes import tabs_for
from inbox.substitutes import SubstituteForm, colleagues_of, periods_of
from usertasks.actors import Actor, Door
from usertasks.callers import actor_of
from usertasks.errors import InvalidArgument
from usertasks.substitutions import end_substitution, name_substitute, period_of_days

from .posted import posted_from


@require_http_methods(["GET", "HEAD", "POST"])
def substitutes(request: HttpRequest) -> HttpResponse:
    """GET shows them; POST names one."""
    by = actor_of(request, Door.PAGE)
    form = SubstituteForm(request.POST if request.method == "POST" else None, today=timezone.localdate())
    if form.is_valid() and _name(form, by):
        messages.success(request, _("%(name)s will stand in for you.") % {"name": form.cleaned_data["substitute_id"]})
        return redirect("inbox:substitutes")
    mine, theirs = periods_of(by, timezone.now())
    context = {"form": form, "mine": mine, "theirs": theirs, "colleagues": colleagues_of(by), "tabs": tabs_for(by)}
    return render(request, "inbox/substitutes.html", context, status=400 if form.errors else 200)


@posted_from("inbox:substitutes")
def end(request: HttpRequest, substitution_id: int) -> HttpResponse:
    """A period ends now, or never begins."""
    end_substitution(substitution_id, by=actor_of(request, Door.PAGE), now=timezone.now())
    messages.success(request, _("Ended."))
    return redirect("inbox:substitutes")


def _name(form: SubstituteForm, by: Actor) -> bool:
    """Whether the domain takes it; what it has against it is said in the form."""
    given = form.cleaned_data
    try:
        starts_at, ends_at = period_of_days(given["first_day"], given["last_day"])
        name_substitute(
            by.user_id, given["substitute_id"], by=by, now=timezone.now(), starts_at=starts_at, ends_at=ends_at
        )
    except InvalidArgument as refusal:
        form.add_faults(refusal.faults)
        return False
    return True
