"""Signing in and out, with whatever somebody had typed when their session ended."""

from __future__ import annotations

from functools import cached_property
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inbox import sign_in_limits, single_sign_on
from inbox import typed as typing
from inbox.chosen import chosen_files, with_uploads
from inbox.typed import Typed
from usertasks.actors import Door
from usertasks.callers import actor_of, address_of
from usertasks.errors import NotAllowed, NotFound, Throttled
from usertasks.one_run import seen_run

SIGN_OUT_AT = "sign_out_at"
"""The part of a session that says where at the provider one signs out."""


class SignIn(LoginView):
    """`typed` is what a page of a task brought here: it goes through the form, and into the new session."""

    template_name = "inbox/sign_in.html"
    authentication_form: type[AuthenticationForm] = AuthenticationForm
    redirect_authenticated_user = True
    typed: Typed | None = None
    trouble = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        typed = self.typed or typing.from_text(self.request.POST.get("typed", ""))
        provider = settings.OIDC_NAME if single_sign_on.is_on() else ""
        has_passwords = settings.LOCAL_PASSWORDS
        return super().get_context_data(
            typed=typed, provider=provider, has_passwords=has_passwords, trouble=self.trouble, **kwargs
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.LOCAL_PASSWORDS:
            self.trouble = _("Nobody signs in with a password here.")
            return self.again(403)
        try:
            if request.POST.get("username") and request.POST.get("password"):
                self._attempt.begin()
        except Throttled as refusal:
            return self._wait(refusal)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        self._attempt.succeed()
        response = super().form_valid(form)
        typed = typing.from_text(self.request.POST.get("typed", ""))
        return brought_back(self.request, typed) or response

    def again(self, status: int) -> HttpResponse:
        """The page once more, with the name and with what was typed before, but not with the password."""
        name = self.request.POST.get("username", "") or (self.typed.username if self.typed else "")
        form = self.authentication_form(self.request, initial={"username": name})
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        response.status_code = status
        return response

    def _wait(self, refusal: Throttled) -> HttpResponse:
        minutes = -(-refusal.retry_after // 60)
        wait = ngettext("Please try again in %(count)d minute.", "Please try again in %(count)d minutes.", minutes)
        self.trouble = f"{refusal.detail} {wait % {'count': minutes}}"
        response = self.again(429)
        response["Retry-After"] = str(refusal.retry_after)
        return response

    @cached_property
    def _attempt(self) -> sign_in_limits.Attempt:
        name = self.request.POST.get("username", "")
        return sign_in_limits.attempt_of(name, address_of(self.request), timezone.now())


sign_in = SignIn.as_view()


class SignOut(LogoutView):
    """Ends the session here; whoever came from the provider is taken there, to end theirs as well."""

    http_method_names = ("get", "head", "post", "options")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A link ends no session: to the sign-in page, which leads whoever is signed in to their tasks."""
        return HttpResponseRedirect(reverse("sign-in"))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        there = request.session.get(SIGN_OUT_AT, "")
        response = super().post(request, *args, **kwargs)
        return take_to(request, there) if there else response


sign_out = SignOut.as_view()


def take_to(request: HttpRequest, address: str) -> HttpResponse:
    """Take the browser to the provider by a page rather than a redirect: the policy on forms is to allow our own only.

    Browsers apply it to every redirect that follows a form, and providers send people on to hosts nobody here knows.
    """
    return render(request, "inbox/leaving.html", {"address": address, "provider": settings.OIDC_NAME})


class SignInToAdmin(SignIn):
    """The same behind the look of the admin, for its staff alone."""

    template_name = "admin/login.html"
    authentication_form = AdminAuthenticationForm
    next_page = "admin:index"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        frame = {**admin.site.each_context(self.request), "title": _("Sign in"), "subtitle": None}
        return super().get_context_data(**frame, app_path=self.request.get_full_path(), **kwargs)


@login_not_required
def sign_in_to_admin(request: HttpRequest) -> HttpResponseBase:
    """The admin asks for a password as it always does; where a provider vouches for people, our own page asks."""
    if request.user.is_authenticated:
        if not admin.site.has_permission(request):
            raise NotAllowed(_("The admin is for staff, and you are not among them."))
        return HttpResponseRedirect(reverse("admin:index"))
    if single_sign_on.is_on() or not settings.LOCAL_PASSWORDS:
        page = request.GET.get("next") or reverse("admin:index")
        return HttpResponseRedirect(f"{reverse('sign-in')}?{urlencode({'next': page})}")
    return SignInToAdmin.as_view()(request)


def change_password(request: HttpRequest) -> HttpResponseBase:
    """The admin's page for a new password, where passwords count; guessing the old one is guessing all the same."""
    if not settings.LOCAL_PASSWORDS:
        raise NotAllowed(_("Nobody signs in with a password here."))
    attempt = sign_in_limits.attempt_of(request.user.get_username(), address_of(request), timezone.now())
    if request.method == "POST":
        attempt.begin()
    response = admin.site.password_change(request)
    if response.status_code == HTTPStatus.FOUND:
        attempt.succeed()
    return response


def brought_back(request: HttpRequest, typed: Typed | None) -> HttpResponse | None:
    """Keep what was typed for whoever has just signed in, if it is theirs; a page with it, where it has no place."""
    if typed and typed.username == request.user.get_username() and not remember(request, typed):
        return render(request, "404.html", {"typed": typed, "files": chosen_files(typed)}, status=404)
    return None


def remember(request: HttpRequest, typed: Typed) -> bool:
    """Keep what they typed for whoever has just signed in; False where they may not see the task any more."""
    by = actor_of(request, Door.PAGE)
    try:
        seen_run(UUID(typed.run_id), by=by)
    except NotFound:
        return False
    typing.keep(with_uploads(typed, timezone.now()), by=by)
    messages.warning(request, _("You are signed in again. Nothing was saved yet: please press the button once more."))
    return True


def ask_to_sign_in(
    request: HttpRequest, typed: Typed | None, *, next_page: str, trouble: str = "", status: int = 401
) -> HttpResponse:
    """The sign-in page, in answer to a request that came without a session; `trouble` says what went wrong."""
    view = SignIn(typed=typed, trouble=trouble, extra_context={"next": next_page})
    view.setup(request)
    return view.again(status)
