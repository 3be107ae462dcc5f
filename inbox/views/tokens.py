"""The API tokens of whoever is signed in: listed, made, revoked."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from inbox.boxes import tabs_for
from inbox.tokens import TokenForm, lines_of
from usertasks.actors import Actor, Door
from usertasks.callers import actor_of
from usertasks.errors import InvalidArgument
from usertasks.tokens import NewToken, issue_token, revoke_token

from .posted import posted_from


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """GET lists them; POST makes one, and its answer is the only page that ever shows it.

    There is no redirect after that POST: a token would have to be kept somewhere until the next request. Sending the
    form again makes no second one, because the name is taken.
    """
    by = actor_of(request, Door.PAGE)
    form = TokenForm(request.POST if request.method == "POST" else None, by=by)
    made = _make(form, by) if form.is_valid() else None
    if made:
        form = TokenForm(by=by)
    assert isinstance(request.user, User)
    context = {
        "form": form,
        "made": made,
        "lines": lines_of(request.user, timezone.now()),
        "tabs": tabs_for(by),
        "api": request.build_absolute_uri(reverse("api:runs")),
    }
    return render(request, "inbox/tokens.html", context, status=400 if form.errors else 200)


@posted_from("inbox:tokens")
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """One of their own tokens is worth nothing from now on."""
    row = revoke_token(token_id, by=actor_of(request, Door.PAGE), now=timezone.now())
    messages.success(request, _("Revoked: %(token)s.") % {"token": row})
    return redirect("inbox:tokens")


def _make(form: TokenForm, by: Actor) -> NewToken | None:
    now = timezone.now()
    try:
        return issue_token(by.user_id, by=by, now=now, **form.request(now))
    except InvalidArgument as refusal:
        form.add_faults(refusal.faults, refusal.detail)
        return None
