"""What is answered before Django would answer with a page."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from .problems import unreadable


class HostMiddleware(MiddlewareMixin):
    """A call under a name that is not ours is refused with a problem, with DEBUG on as well."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path_info.startswith("/api/"):
            try:
                request.get_host()
            except DisallowedHost as exception:
                return unreadable(exception)
        return None
