"""Tokens of the company's own issuer (JSON Web Tokens): what has to hold before one is believed.

What a token says of itself is looked at first, because that costs nothing: a token of somebody else, for somebody else,
or of the past never makes us ask for keys. Only what the signature covers is believed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from django.conf import settings
from django.utils import timezone

from . import json_text
from .actors import Scope
from .errors import Malformed
from .signing_keys import FAMILIES, ring_of

LONGEST = 16 * 1024
"""Characters of a token."""
TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
"""What the header may call it; others are no access tokens, whoever has signed them."""
SAFE = frozenset[str]().union(*FAMILIES.values())
END_OF_TIME = 1e12
"""Seconds since 1970 that no clock will ever show."""

Claims = Mapping[str, Any]


class NotBelieved(Exception):
    """A token that is not valid. `reason` is a word for the log, and holds nothing of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_believed_in() -> bool:
    """Whether tokens of an issuer are taken at all."""
    return bool(settings.JWT_AUDIENCE and settings.JWT_ISSUER)


def provider_of_sign_on() -> str:
    """What the issuer is called where people sign in: its subjects are the same, with or without the last slash."""
    issuer: str = settings.JWT_ISSUER
    return issuer.rstrip("/")


def looks_like_a_jwt(text: str) -> bool:
    """Three parts with dots between; our own tokens have no dot."""
    return text.count(".") == 2


def claims_of(text: str, *, now: datetime | None = None) -> Claims:
    """What the issuer says in a valid token. Raises `NotBelieved`."""
    moment = (now or timezone.now()).timestamp()
    header, said = _unverified(text)
    algorithm = _algorithm_of(header)
    _require_good_claims(said, moment)
    kid = header.get("kid")
    if not (kid is None or isinstance(kid, str)):
        raise NotBelieved("unknown_key")
    key = ring_of(settings.JWT_ISSUER).find(kid, algorithm)
    if key is None:
        raise NotBelieved("unknown_key")
    try:
        signed = jwt.PyJWS().decode(text, key=key.public, algorithms=[algorithm])
    except jwt.PyJWTError:
        raise NotBelieved("signature") from None
    claims = _object(signed)
    _require_good_claims(claims, moment)  # again, because only these bytes are what was signed
    return claims


def scopes_of(claims: Claims) -> frozenset[Scope]:
    """What a token is for: the scopes of ours that it names, or `JWT_SCOPES` where it names none.

    They may stand behind the audience and a slash, as some providers insist. Raises `NotBelieved`.
    """
    words = {*_words(claims.get("scope", "")), *_words(claims.get("scp", ""))}
    plain = {word.removeprefix(f"{settings.JWT_AUDIENCE}/") for word in words}
    return frozenset(scope for scope in Scope if scope in plain) or frozenset(map(Scope, settings.JWT_SCOPES))


def _words(said: Any) -> list[str]:
    words = said.split() if isinstance(said, str) else said
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise NotBelieved("scope")
    return words


def _unverified(text: str) -> tuple[Claims, Claims]:
    """Header and claims as they stand there, whoever wrote them."""
    if len(text) > LONGEST or not text.isascii():
        raise NotBelieved("unreadable")
    header, claims, _signature = text.split(".")
    return _object(_decoded(header)), _object(_decoded(claims))


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        raise NotBelieved("unreadable") from None


def _object(text: bytes) -> Claims:
    try:
        value = json_text.read(text)
    except Malformed:
        raise NotBelieved("unreadable") from None
    if not isinstance(value, dict):
        raise NotBelieved("unreadable")
    return value


def _algorithm_of(header: Claims) -> str:
    """With what it is signed, as far as we agree. Raises `NotBelieved`."""
    algorithm, kind = header.get("alg"), header.get("typ", "JWT")
    if not (isinstance(algorithm, str) and algorithm in SAFE and algorithm in settings.JWT_ALGORITHMS):
        raise NotBelieved("algorithm")
    if not (isinstance(kind, str) and kind.lower() in TYPES):
        raise NotBelieved("type")
    if "crit" in header or "b64" in header:
        raise NotBelieved("critical")  # extensions that we do not know
    return algorithm


def _require_good_claims(claims: Claims, now: float) -> None:
    if claims.get("iss") != settings.JWT_ISSUER:
        raise NotBelieved("issuer")
    audience = claims.get("aud")
    if settings.JWT_AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
        raise NotBelieved("audience")
    if not isinstance(claims.get("sub"), str):
        raise NotBelieved("no_subject")
    if "cnf" in claims:
        raise NotBelieved("bound_to_a_key")  # of whoever bears it, which a bearer token does not show
    if "events" in claims:
        raise NotBelieved("type")  # a logout or security event token: it tells what happened to somebody
    if _moment(claims, "exp") + settings.JWT_LEEWAY <= now:
        raise NotBelieved("expired")
    if any(_moment(claims, name) - settings.JWT_LEEWAY > now for name in ("nbf", "iat") if name in claims):
        raise NotBelieved("not_yet_valid")


def _moment(claims: Claims, name: str) -> float:
    """Seconds since 1970."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < END_OF_TIME:
        raise NotBelieved(f"no_{name}")
    return value
