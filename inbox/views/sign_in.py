"""Signing in, with whatever somebody had typed when their session ended."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from inbox import typed as typing
from inbox.typed import Typed


class SignIn(LoginView):
    """`typed` is what a page of a task brought here: it goes through the form, and into the new session."""

    template_name = "inbox/sign_in.html"
    redirect_authenticated_user = True
    typed: Typed | None = None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        typed = self.typed or typing.from_text(self.request.POST.get("typed", ""))
        return super().get_context_data(typed=typed, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        remember(self.request, typing.from_text(self.request.POST.get("typed", "")))
        return response


sign_in = SignIn.as_view()


def remember(request: HttpRequest, typed: Typed | None) -> bool:
    """Keep it for whoever is signed in now, if it is theirs."""
    if typed is None or typed.username != request.user.get_username():
        return False
    typing.keep(request.session, typed)
    messages.warning(request, _("You are signed in again. Nothing was saved yet: please press the button once more."))
    return True


def ask_to_sign_in(request: HttpRequest, typed: Typed | None, *, next_page: str) -> HttpResponse:
    """The sign-in page, in answer to a POST that came without a session."""
    view = SignIn(typed=typed, extra_context={"next": next_page})
    view.setup(request)
    form = AuthenticationForm(request, initial={"username": typed.username if typed else ""})
    return view.render_to_response(view.get_context_data(form=form), status=401)
