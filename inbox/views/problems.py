"""The pages for what went wrong before or beside a page's own work."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from inbox import typed as typing
from inbox.chosen import chosen_files
from inbox.typed import Typed, typed_in
from usertasks.api.problems import answer, unreadable
from usertasks.errors import NotAllowed

from .sign_in import ask_to_sign_in, remember

OF_SCRIPTS = ("inbox:draft", "inbox:counts", "inbox:arrivals")


@login_not_required
def page_not_found(request: HttpRequest) -> HttpResponse:
    """No page has this address."""
    return show_not_found(request)


def show_not_found(request: HttpRequest, *, typed: Typed | None = None) -> HttpResponse:
    """One page for what does not exist and for what one may not see, with what was typed into it."""
    files = chosen_files(typed) if typed else {}
    return render(request, "404.html", {"typed": typed, "files": files}, status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that Django would not read."""
    if is_of_a_script(request):
        return unreadable(exception)
    is_too_large = isinstance(exception, RequestDataTooBig)
    return render(request, "400.html", {"is_too_large": is_too_large}, status=413 if is_too_large else 400)


def is_of_a_script(request: HttpRequest) -> bool:
    """Whether a script asks, which reads no pages."""
    return request.resolver_match is not None and request.resolver_match.view_name in OF_SCRIPTS


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form of a page that was opened before one signed in again: it leads back to what was typed.

    Nothing is done with it but to show it again, and only when the browser says that it comes from our own page.
    """
    if is_of_a_script(request):
        return answer(NotAllowed("This page was opened before one signed in again."))
    typed, page = _typed_and_page(request) if _is_from_us(request) else (None, "")
    if typed and not request.user.is_authenticated:
        return ask_to_sign_in(request, typed, next_page=page)
    if typed and typed.username == request.user.get_username():
        return HttpResponseRedirect(page) if remember(request, typed) else show_not_found(request, typed=typed)
    return render(request, "403_csrf.html", status=403)


def _typed_and_page(request: HttpRequest) -> tuple[Typed | None, str]:
    """What a form brought, and the page of the task it belongs to."""
    match = request.resolver_match
    if match and match.view_name == "inbox:task":
        return typed_in(request, match.kwargs["run_id"]), request.get_full_path()
    if match and match.view_name in ("sign-in", "sign-in-elsewhere"):
        page = request.POST.get("next", "")
        is_safe = url_has_allowed_host_and_scheme(page, allowed_hosts=None)
        return typing.from_text(request.POST.get("typed", "")), page if is_safe else "/"
    return None, ""


def _is_from_us(request: HttpRequest) -> bool:
    """Browsers send `Origin` with every POST; the referrer stands in for it where a proxy drops it."""
    origin = request.headers.get("Origin")
    if origin is None:
        origin = _origin_of(request.headers.get("Referer", ""))
    return origin in {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}


def _origin_of(address: str) -> str:
    """Where a page comes from; of what is no address, nothing."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
