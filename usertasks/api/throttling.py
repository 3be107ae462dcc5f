"""How often one caller may call: asked once for each request, however long it waits and however many runs it names."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ..limits import require_pace


class CallerThrottle(BaseThrottle):
    """For whoever is signed in; the others are not let in anyway."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """True, or raises `Throttled`."""
        if request.user.is_authenticated:
            require_pace(request.user.get_username())
        return True
