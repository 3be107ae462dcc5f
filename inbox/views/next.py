"""Giving somebody their next task."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from inbox.next import list_address
from usertasks import operations
from usertasks.actors import Door
from usertasks.callers import actor_of

from .posted import posted_from


@posted_from("inbox:groups")
def give_next(request: HttpRequest) -> HttpResponse:
    """Claim the most urgent task that waits in their groups, and open it; from there one comes back to here."""
    back = list_address(request.POST.get("back", ""))
    run = operations.claim_next(by=actor_of(request, Door.PAGE))
    if run is None:
        messages.info(request, _("Nothing waits in your groups."))
        return HttpResponseRedirect(back)
    messages.success(request, _("The task is yours now: it was the most urgent one in your groups."))
    return HttpResponseRedirect(f"{reverse('inbox:task', args=[run.id])}?{urlencode({'back': back})}")
