"""Signing in and out at the company's OpenID provider: the way there, the way back, and whose account that is.

allauth speaks the protocol: discovery, state, PKCE, the exchange of the code, the ID token. What it would do beside
that (sign-up, e-mail addresses, linking by a person) does not happen here, so none of its own pages is mounted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import constant_time_compare, get_random_string
from django.utils.translation import gettext as _
from requests import RequestException

from usertasks.accounts import Identity, follow, identity_of
from usertasks.errors import NotSignedIn
from usertasks.links import linked_account

logger = logging.getLogger(__name__)

# An answer that is not what the protocol says shows as one of these, wherever in allauth it is looked at.
FAULTS = (RequestException, OAuth2Error, SuspiciousOperation, LookupError, TypeError, ValueError, AttributeError)


class ProviderFault(Exception):
    """The provider could not be reached, or its answer could not be understood."""


def is_on() -> bool:
    """Whether a provider is configured."""
    return bool(settings.OIDC_SERVER_URL)


class Connection(OpenIDConnectOAuth2Adapter):
    """What is said to the provider of the settings, in one request."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, settings.OIDC_SERVER_URL)

    def get_provider(self) -> Provider:
        return Provider(self.request, app=_application())

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return request.build_absolute_uri(reverse("sign-in-back"))

    def claims(self, tokens: Mapping[str, Any], app: SocialApp) -> dict[str, Any]:
        """What the ID token says, and what the userinfo endpoint adds to it."""
        claims: dict[str, Any] = self._decode_id_token(app, tokens["id_token"])
        if "userinfo_endpoint" not in self.openid_config:
            return claims
        more = self._fetch_user_info(tokens["access_token"])
        if more["sub"] != claims["sub"]:
            raise ProviderFault("userinfo is about somebody else")
        return {**more, **claims}


class Provider(OpenIDConnectProvider):
    def get_oauth2_adapter(self, request: HttpRequest) -> Connection:
        return Connection(request)


def _application() -> SocialApp:
    """The provider of the settings as allauth wants it; never stored. Links of accounts belong to this address."""
    return SocialApp(
        provider=Provider.id,
        provider_id=settings.OIDC_SERVER_URL,
        name=settings.OIDC_NAME,
        client_id=settings.OIDC_CLIENT_ID,
        secret=settings.OIDC_CLIENT_SECRET,
        settings={
            "server_url": settings.OIDC_SERVER_URL,
            "scope": settings.OIDC_SCOPES,
            "oauth_pkce_enabled": True,
        },
    )


@contextmanager
def _speaking() -> Iterator[None]:
    """Raises `ProviderFault` for whatever goes wrong while the provider is asked; what it said is not logged."""
    try:
        yield
    except (ProviderFault, *FAULTS) as fault:
        logger.warning("what=single_sign_on state=failed reason=%s", type(fault).__name__)
        raise ProviderFault from fault


def way_there(request: HttpRequest, *, next_page: str) -> str:
    """The address at the provider where this browser goes on. Raises `ProviderFault`."""
    nonce = get_random_string(32)
    with _speaking():
        provider = Connection(request).get_provider()
        redirect = provider.redirect(
            request,
            process=AuthProcess.LOGIN,
            next_url=next_page,
            data={"nonce": nonce},
            auth_params={"nonce": nonce},
        )
        return _web_address(redirect["Location"])


def _web_address(address: str) -> str:
    if urlsplit(address).scheme not in ("https", "http"):
        raise ProviderFault("not an address of the web")
    return address


@dataclass(frozen=True)
class Arrival:
    """Somebody is back from the provider: `sign_out_at` is where they sign out there, if anywhere."""

    user: User
    next_page: str
    sign_out_at: str = ""


def way_back(request: HttpRequest) -> Arrival:
    """Who it is that the provider has sent back. Raises `ProviderFault`, `NotSignedIn` or `NotAllowed`."""
    if "error" in request.GET:
        raise NotSignedIn(_("%s did not let you in, or you chose not to go on.") % settings.OIDC_NAME)
    state = _state(request)
    with _speaking():
        connection, app = Connection(request), _application()
        tokens = connection.get_access_token_data(
            request, app, connection.get_client(request, app), pkce_code_verifier=state["pkce_code_verifier"]
        )
        claims = connection.claims(tokens, app)
        if not constant_time_compare(str(claims.get("nonce")), state["data"]["nonce"]):
            raise ProviderFault("the ID token was made for somebody else")
        subject = claims["sub"]
        if not isinstance(subject, str):
            raise ProviderFault("the subject is no text")
        sign_out_at = _sign_out_at(request, connection, tokens["id_token"])
    return Arrival(account_of_subject(subject, identity_of(claims)), state.get("next") or "", sign_out_at)


def _state(request: HttpRequest) -> dict[str, Any]:
    """What was kept in the session when they left; it serves once, and for ten minutes."""
    state: dict[str, Any] | None = statekit.unstash_state(
        request, provider_id=settings.OIDC_SERVER_URL, state_id=request.GET.get("state", "")
    )
    if state is None:
        raise NotSignedIn(_("That took too long, or was begun in another browser. Please try again."))
    return state


def _sign_out_at(request: HttpRequest, connection: Connection, id_token: str) -> str:
    """Where signing out goes on at the provider, and comes back from there."""
    endpoint = connection.openid_config.get("end_session_endpoint")
    if not settings.OIDC_SIGN_OUT or not endpoint:
        return ""
    back = request.build_absolute_uri(reverse("sign-in"))
    parameters = {
        "id_token_hint": id_token,
        "client_id": settings.OIDC_CLIENT_ID,
        "post_logout_redirect_uri": back,
    }
    return f"{_web_address(endpoint)}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


@transaction.atomic
def account_of_subject(subject: str, identity: Identity) -> User:
    """The account that belongs to this subject of the provider, with what the provider says of them now."""
    user = linked_account(settings.OIDC_SERVER_URL, subject, identity)
    follow(identity, user)
    return user
