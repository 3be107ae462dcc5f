"""What answers when no view does: a problem under `/api/`, a page elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.defaults import server_error as server_error_page

from inbox.views import bad_request as bad_request_page
from usertasks.api.problems import defect, unreadable


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that Django itself refuses to read."""
    return unreadable(exception) if request.path.startswith("/api/") else bad_request_page(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A defect of ours; what it was is in the log."""
    return defect() if request.path.startswith("/api/") else server_error_page(request)
