"""What holds for every answer, whoever gives it: its headers, how it travels, and that a form can be read.

With DEBUG, Django answers a form that it cannot read with a page that reads it once more, and fails. So it is refused
here, and the answer is the same with DEBUG on.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.cache import patch_cache_control
from django.utils.deprecation import MiddlewareMixin

from .handlers import bad_request

FORM = "application/x-www-form-urlencoded"

UNUSED = (
    "accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope hid magnetometer "
    "microphone midi payment picture-in-picture screen-wake-lock serial usb xr-spatial-tracking"
)
"""What a browser could do and no page here asks for; of names that it does not know a browser complains."""

HEADERS: Mapping[str, str] = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED.split()),
    # Nobody else's page may load an answer, not as a script or a picture either.
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    # Else the web server says what it is.
    "Server": "usertasks",
}

SIGNING_OUT = ("sign-out", "admin:logout")


class HeadersMiddleware(SecurityMiddleware):
    """The headers of every answer, those that are given before Django's own middleware is asked included.

    It stands outermost; the redirect to TLS is left to Django's, which stands where refusals of a host are answered.
    """

    def process_request(self, request: HttpRequest) -> None:
        return None

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not response.has_header("Cache-Control"):
            _keep_to_this_person(request, response)
        if request.method == "POST" and request.resolver_match and request.resolver_match.view_name in SIGNING_OUT:
            # What was typed and not saved stays in the storage of the browser: draft.js sees to whose it is.
            response.headers["Clear-Site-Data"] = '"cache"'
        return super().process_response(request, response)


def _keep_to_this_person(request: HttpRequest, response: HttpResponseBase) -> None:
    """The API's answers are stored nowhere, pages in this person's browser alone, which asks before it shows one again.

    Pages may be stored because the button "back" then shows what was typed, without JavaScript too. Signing out has
    the browser forget it.
    """
    if request.path.startswith("/api/"):
        patch_cache_control(response, private=True, no_store=True)
    else:
        patch_cache_control(response, private=True, no_cache=True)


class CompressionMiddleware(GZipMiddleware):
    """Pages travel compressed; Django's own pads them at random, so that their length tells nothing of a secret.

    The API's answers do not: a compressed one would have a weak ETag, and callers compare the version that it says.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if request.path.startswith("/api/") else super().process_response(request, response)


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
