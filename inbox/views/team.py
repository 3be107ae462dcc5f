"""The page of a team, for whoever leads groups or may see everything."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from inbox.boxes import tabs_for
from inbox.team import TICKED, TeamForm, TeamPage
from usertasks.actors import Actor, Door
from usertasks.callers import actor_of
from usertasks.errors import InvalidArgument
from usertasks.workload import team_of


@require_safe
def team(request: HttpRequest) -> HttpResponse:
    """How much there is to do, how it flows and what is stuck: of one group or all, over a period."""
    by = actor_of(request, Door.PAGE)
    team_of(by)  # who has none learns nothing of its filters
    form = TeamForm(request.GET, by=by)
    page = _page(form, by, request.GET.get(TICKED, ""))
    tabs = tabs_for(by)
    current = next(tab for tab in tabs if tab.within == "team")
    context = {"tabs": tabs, "current": current, "form": form, "page": page, **_addresses(request)}
    return render(request, "inbox/team.html", context, status=200 if page else 400)


def _page(form: TeamForm, by: Actor, ticked: str) -> TeamPage | None:
    """What the filters ask for; None where they cannot be answered, which the form then says."""
    if not form.is_valid():
        return None
    try:
        team = team_of(by, form.cleaned_data["user_group"] or None)
    except InvalidArgument as refusal:
        form.add_faults(refusal.faults)
        return None
    return TeamPage(team, by, timezone.now(), days=form.days, ticked=ticked)


def _addresses(request: HttpRequest) -> dict[str, str]:
    """This page with its filters, where nothing is ticked; where all of a list is; and how a task leads back."""
    query = request.GET.copy()
    query.pop(TICKED, None)
    back = f"{request.path}?{query.urlencode()}" if query else request.path
    ticking = f"{back}{'&' if query else '?'}{TICKED}="
    return {"back": back, "ticking": ticking, "back_query": urlencode({"back": back})}
