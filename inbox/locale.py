"""In which language and time zone a page is made: as somebody has chosen, else as their browser says."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request

from usertasks.locales import Locale, locale_of
from usertasks.models import Preferences

ZONE_COOKIE = "time_zone"
"""In which zone the browser is, as `zone.js` has found out."""
FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/inbox/live/")
"""What programs read is in English."""
ASKED_FOR = ("Accept-Language", "Cookie")


class LocaleMiddleware:
    """Makes every page, those of the admin included, in the language and the time zone of who asks for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(FOR_PROGRAMS):
            return self.get_response(request)
        at_hand = getattr(request.user, "preferences_at_hand", None)
        preferences = at_hand or preferences_of(request.user.get_username())
        request.preferences = preferences  # type: ignore[attr-defined]  # for the templates
        locale = locale_for(request, preferences)
        with locale.spoken():
            response = self.get_response(request)
        if not response.has_header("Content-Language"):  # else the view has a language of its own
            response.headers["Content-Language"] = locale.language
            patch_vary_headers(response, ASKED_FOR)
        return response


def preferences_of(user_id: str) -> Preferences:
    """What somebody has chosen; who has not, and who is not signed in, has the defaults."""
    chosen = Preferences.objects.filter(user_id=user_id).first() if user_id else None
    return chosen or Preferences(user_id=user_id)


def locale_for(request: HttpRequest, preferences: Preferences) -> Locale:
    """What was chosen counts more than what the browser says."""
    return locale_of(
        languages=(preferences.language, get_language_from_request(request)),
        time_zones=(preferences.time_zone, browser_zone(request)),
    )


def browser_zone(request: HttpRequest) -> str:
    """What the cookie says, which may be nonsense."""
    return request.COOKIES.get(ZONE_COOKIE, "")
