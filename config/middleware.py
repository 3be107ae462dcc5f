"""What is answered before Django reads a form, so that the answer is the same with DEBUG on.

With DEBUG, Django answers a form that it cannot read with a page that reads it once more, and fails.
"""

from __future__ import annotations

import codecs

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from .handlers import bad_request

FORM = "application/x-www-form-urlencoded"


class ReadableFormMiddleware(MiddlewareMixin):
    """A form in another encoding than UTF-8, or past the limit of a body, is refused."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.content_type != FORM:
            return None
        if not _is_utf8(request.content_params.get("charset", "utf-8") if request.content_params else "utf-8"):
            return bad_request(request, BadRequest("A form must be in UTF-8."))
        if _length(request) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            return bad_request(request, RequestDataTooBig("The form is too large."))
        return None


def _is_utf8(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name == "utf-8"
    except (LookupError, ValueError):
        return True  # Django ignores a name that it does not know


def _length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isdecimal() and len(text) < 20 else 0
