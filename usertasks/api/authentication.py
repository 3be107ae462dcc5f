"""Who is calling: a bearer token. (A browser's session is DRF's own business, CSRF included.)"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework import authentication
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from ..actors import Actor, Door, Origin
from ..bearers import Bearer, bearer_from
from ..callers import actor_of, address_of
from ..errors import NotSignedIn


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`."""

    def authenticate(self, request: Request) -> tuple[User, Bearer] | None:
        text = _token_of(request)
        if text is None:
            return None
        try:
            bearer = bearer_from(address_of(request), text)
        except NotSignedIn as refusal:
            raise AuthenticationFailed(refusal.detail) from None  # DRF adds the header that goes with it
        return bearer.user, bearer

    def authenticate_header(self, request: Request) -> str:
        """RFC 6750: the error is named where a token was sent."""
        return "Bearer" if _token_of(request) is None else 'Bearer error="invalid_token"'


def _token_of(request: Request) -> str | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


class SessionAuthentication(authentication.SessionAuthentication):
    """A browser's session; the proof that it meant it (CSRF) comes in the header `X-CSRFToken`."""

    def enforce_csrf(self, request: Request) -> None:
        """Looked for in no body: whether that can be read, whoever answers the request finds out."""
        plain: Any = request._request
        if not hasattr(plain, "_post"):
            plain._post, plain._files = QueryDict(), MultiValueDict()
        super().enforce_csrf(plain)


def caller_of(request: Request) -> Actor:
    """Who acts: the bearer within what the token is for, or whoever is signed in."""
    if isinstance(request.auth, Bearer):
        return request.auth.actor(Origin(Door.REST, address_of(request)))
    return actor_of(request, Door.REST)
