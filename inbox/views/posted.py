"""Addresses that only take a POST: whoever comes there by a link or a bookmark is taken to the page it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

type View = Callable[..., HttpResponse]


def posted_from(page: str) -> Callable[[View], View]:
    """The view answers a POST; looking leads to the page of that name, and changes nothing."""

    def decorate(view: View) -> View:
        answer_post = require_POST(view)

        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method in ("GET", "HEAD"):
                return redirect(page)
            return answer_post(request, *args, **kwargs)

        return answer

    return decorate
