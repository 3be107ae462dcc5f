"""An application with a defect, to see what is answered then."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

handler500 = "config.handlers.server_error"


class Defect(Exception):
    """What no code expects."""


@login_not_required
def fail(request: HttpRequest) -> HttpResponse:
    raise Defect("here is a secret")


urlpatterns = [path("broken/", fail), path("api/broken/", fail), path("", include("config.urls"))]
