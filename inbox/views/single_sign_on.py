"""Leaving for the company's OpenID provider, and coming back signed in."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from inbox import single_sign_on
from inbox import typed as typing
from inbox.single_sign_on import ProviderFault
from inbox.typed import Typed
from usertasks.api.problems import HTTP_STATUS
from usertasks.errors import Refused

from .posted import posted_from
from .sign_in import SIGN_OUT_AT, ask_to_sign_in, brought_back, take_to

TYPED = "typed"
"""The part of an anonymous session in which what was typed waits for its writer."""
MAX_TYPED = 1024 * 1024
"""Characters; more is not kept for somebody who is not signed in."""
BACKEND = "usertasks.backends.AccountBackend"


@login_not_required
@never_cache
@posted_from("sign-in")
def sign_in_elsewhere(request: HttpRequest) -> HttpResponse:
    """Go to the provider; what was typed waits in the session of this browser."""
    _require_provider()
    text, page = request.POST.get("typed", ""), _own_page(request, request.POST.get("next", ""))
    typed = typing.from_text(text)
    if request.user.is_authenticated:
        return brought_back(request, typed) or HttpResponseRedirect(page)
    if len(text) > MAX_TYPED:
        return ask_to_sign_in(request, typed, next_page=page, trouble=_too_large(), status=413)
    request.session.pop(TYPED, None)
    if typed:
        request.session[TYPED] = text
    try:
        return take_to(request, single_sign_on.way_there(request, next_page=page))
    except ProviderFault:
        return _away(request, typed, page)


@login_not_required
@never_cache
@require_GET
def sign_in_back(request: HttpRequest) -> HttpResponse:
    """Back from the provider."""
    _require_provider()
    typed = typing.from_text(request.session.get(TYPED, ""))
    try:
        arrival = single_sign_on.way_back(request)
    except ProviderFault:
        return _away(request, typed, _page_of(typed))
    except Refused as refusal:
        single_sign_on.logger.warning("what=single_sign_on state=refused reason=%s", refusal.code)
        status = HTTP_STATUS[refusal.code]
        return ask_to_sign_in(request, typed, next_page=_page_of(typed), trouble=refusal.detail, status=status)
    login(request, arrival.user, backend=BACKEND)
    request.session.pop(TYPED, None)
    request.session[SIGN_OUT_AT] = arrival.sign_out_at
    return brought_back(request, typed) or HttpResponseRedirect(_own_page(request, arrival.next_page))


def _require_provider() -> None:
    if not single_sign_on.is_on():
        raise Http404


def _own_page(request: HttpRequest, page: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if is_ours else reverse(settings.LOGIN_REDIRECT_URL)


def _too_large() -> str:
    return _(
        "What you typed is too large to wait here while you are away. Leave this page open, sign in in another tab, "
        "and press the button here once more."
    )


def _page_of(typed: Typed | None) -> str:
    return reverse("inbox:task", args=[UUID(typed.run_id)]) if typed else ""


def _away(request: HttpRequest, typed: Typed | None, page: str) -> HttpResponse:
    words = _("%s cannot be reached, or gave an answer that makes no sense. Please try again in a moment.")
    return ask_to_sign_in(request, typed, next_page=page, trouble=words % settings.OIDC_NAME, status=503)
