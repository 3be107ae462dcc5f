"""What `manage.py check` says of the ways to sign in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from usertasks.accounts import require_good_mapping

LOOPBACK = ("localhost", "127.0.0.1", "::1")
MAX_SERVER_URL = 200
"""What allauth keeps of a provider's address with the link of an account."""


def people_can_sign_in(**kwargs: Any) -> list[CheckMessage]:
    """Whether there is a way to sign in, and the provider, if there is one, can be spoken to safely."""
    return [Error(flaw, hint="See docs/sign-in.md.", id="usertasks.E010") for flaw in _flaws()]


def _flaws() -> Iterator[str]:
    try:
        require_good_mapping()
    except ImproperlyConfigured as flaw:
        yield str(flaw)
    if not settings.OIDC_SERVER_URL:
        if not settings.LOCAL_PASSWORDS:
            yield "Nobody can sign in: LOCAL_PASSWORDS is off, and OIDC_SERVER_URL is not set."
        return
    if not settings.OIDC_CLIENT_ID:
        yield "OIDC_SERVER_URL is set, but OIDC_CLIENT_ID is not."
    if not settings.OIDC_USER_ID_CLAIM:
        yield "OIDC_USER_ID_CLAIM is empty: nothing would say who somebody is."
    if "openid" not in settings.OIDC_SCOPES:
        yield "OIDC_SCOPES must contain openid."
    if len(settings.OIDC_SERVER_URL) > MAX_SERVER_URL:
        yield f"OIDC_SERVER_URL must have at most {MAX_SERVER_URL} characters."
    if not _is_safe(settings.OIDC_SERVER_URL):
        yield "OIDC_SERVER_URL must begin with https://, unless it is on this machine."


def _is_safe(url: str) -> bool:
    """ID tokens are trusted because they come from the provider over TLS."""
    address = urlsplit(url)
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in LOOPBACK)
