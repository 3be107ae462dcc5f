"""Who is calling: a bearer token. (A browser's session is DRF's own business, CSRF included.)"""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from ..models import ApiToken


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = ApiToken.objects.find(text.strip())
        if token is None:
            raise AuthenticationFailed("There is no such token.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
