"""The words of scripts, for everybody: no page waits for them twice."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from inbox.words import words_in

YEAR = 365 * 24 * 3600


@login_not_required
@require_safe
def words(request: HttpRequest, language: str, digest: str) -> HttpResponse:
    """Under their digest they never change; a page of another release is led to those of this one."""
    found = words_in(language)
    if found is None:
        raise Http404
    if digest != found.digest:
        return HttpResponseRedirect(found.address)
    response = HttpResponse(found.script, content_type="text/javascript; charset=utf-8")
    response.headers["Content-Language"] = language
    patch_cache_control(response, public=True, max_age=YEAR, immutable=True)
    return response
