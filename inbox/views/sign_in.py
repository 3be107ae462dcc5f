"""Signing in, with whatever somebody had typed when their session ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from inbox import typed as typing
from inbox.chosen import chosen_files, with_uploads
from inbox.task_page import run_seen_by
from inbox.typed import Typed
from usertasks.actors import Door
from usertasks.callers import actor_of
from usertasks.errors import NotFound


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
        typed = typing.from_text(self.request.POST.get("typed", ""))
        if typed and typed.username == self.request.user.get_username() and not remember(self.request, typed):
            files = chosen_files(typed)
            return render(self.request, "404.html", {"typed": typed, "files": files}, status=404)
        return response


sign_in = SignIn.as_view()


def remember(request: HttpRequest, typed: Typed) -> bool:
    """Keep what they typed for whoever has just signed in; False where they may not see the task any more."""
    by = actor_of(request, Door.PAGE)
    try:
        run_seen_by(by, UUID(typed.run_id))
    except NotFound:
        return False
    typing.keep(with_uploads(typed, timezone.now()), by=by)
    messages.warning(request, _("You are signed in again. Nothing was saved yet: please press the button once more."))
    return True


def ask_to_sign_in(request: HttpRequest, typed: Typed | None, *, next_page: str) -> HttpResponse:
    """The sign-in page, in answer to a POST that came without a session."""
    view = SignIn(typed=typed, extra_context={"next": next_page})
    view.setup(request)
    form = AuthenticationForm(request, initial={"username": typed.username if typed else ""})
    return view.render_to_response(view.get_context_data(form=form), status=401)
