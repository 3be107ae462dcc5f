"""What holds for every page: one has to be signed in, and a refusal is a page too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django_htmx.http import HttpResponseClientRedirect

from usertasks import operations
from usertasks.actors import Door
from usertasks.api.problems import HTTP_STATUS, answer
from usertasks.callers import actor_of
from usertasks.errors import NotAllowed, NotFound, NotSignedIn, Refused, Throttled
from usertasks.models import Refusal

from .typed import typed_in
from .views.problems import is_of_a_script, show_not_found
from .views.sign_in import ask_to_sign_in


class SignInMiddleware(LoginRequiredMiddleware):
    """Sends whoever is not signed in to the sign-in page; what they typed into a task goes with them."""

    def handle_no_permission(  # type: ignore[override]  # the answer need not be a redirect
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        if is_of_a_script(request):
            return answer(NotSignedIn("Nobody is signed in."))
        match = request.resolver_match
        if request.method == "POST" and match and match.view_name == "inbox:task":
            typed = typed_in(request, match.kwargs["run_id"])
            return ask_to_sign_in(request, typed, next_page=request.get_full_path())
        to_sign_in = super().handle_no_permission(request, view_func)
        # A redirect would put the sign-in page where a part of a page was asked for.
        return HttpResponseClientRedirect(to_sign_in["Location"]) if request.headers.get("HX-Request") else to_sign_in


class RefusalMiddleware(MiddlewareMixin):
    """Turns a refusal of the domain, raised while a page was made, into a page; the API answers for itself."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, PermissionDenied):
            _note_in_the_admin(request, exception)
        if not isinstance(exception, Refused) or request.path.startswith("/api/"):
            return None
        if isinstance(exception, NotFound):
            return show_not_found(request)
        response = render(request, "inbox/refused.html", {"refusal": exception}, status=HTTP_STATUS[exception.code])
        if isinstance(exception, Throttled):
            response["Retry-After"] = str(exception.retry_after)
        return response


def _note_in_the_admin(request: HttpRequest, denied: PermissionDenied) -> None:
    """Write down a change that the admin refused in the words of Django: the name of the page says which it was."""
    match = request.resolver_match
    if request.method != "POST" or not request.user.is_authenticated or not match or "admin" not in match.app_names:
        return
    action = (match.url_name or "")[: Refusal._meta.get_field("action").max_length]
    operations.note([NotAllowed(str(denied))], action, by=actor_of(request, Door.ADMIN))
