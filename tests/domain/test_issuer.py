"""Tokens of the company's issuer: which are believed, and that the others cost the issuer nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.issuers import AUDIENCE, Issuer, Signer, part, signer
from usertasks.actors import EVERY_SCOPE, Scope
from usertasks.issuer import LONGEST, NotBelieved, claims_of, scopes_of

NOW, DAY = int(time.time()), 86_400


def reason(text: str, now: datetime | None = None) -> str | None:
    """Why a token is not believed, or None."""
    try:
        claims_of(text, now=now)
    except NotBelieved as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"])
def test_a_token_with_a_good_signature_is_believed(issuer: Issuer, algorithm: str) -> None:
    by = signer(algorithm, algorithm)
    issuer.keys.append(by.published())
    assert claims_of(issuer.token(by))["preferred_username"] == "alice"
    assert claims_of(issuer.token(by, aud=["other", AUDIENCE], nbf=NOW - 5))["sub"] == "0815"
    assert claims_of(issuer.token(by, header={"typ": "at+jwt"}, iat=None))
    assert issuer.fetches == 1


def hs256_with_the_public_key(issuer: Issuer) -> str:
    """Who takes the key for a shared secret believes what anybody can sign."""
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'first'})}.{part(issuer.claims())}"
    signature = hmac.new(signer().public_pem(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def unsigned(algorithm: Any) -> Callable[[Issuer], str]:
    return lambda issuer: f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'first'})}.{part(issuer.claims())}."


def saying(**claims: Any) -> Callable[[Issuer], str]:
    return lambda issuer: issuer.token(**claims)


def headed(**header: Any) -> Callable[[Issuer], str]:
    return lambda issuer: f"{part({'alg': 'RS256', 'kid': 'first', **header})}.{part(issuer.claims())}.AAAA"


HOPELESS: list[tuple[str, Callable[[Issuer], str]]] = [
    ("issuer", saying(iss="https://other.example")),
    ("issuer", saying(iss=None)),
    ("issuer", saying(iss=["x"])),
    ("audience", saying(aud="other")),
    ("audience", saying(aud=["other", "usertasks-other"])),
    ("audience", saying(aud=None)),
    ("audience", saying(aud={AUDIENCE: 1})),
    ("algorithm", unsigned("none")),
    ("algorithm", unsigned("None")),
    ("algorithm", unsigned("HS256")),
    ("algorithm", unsigned(["RS256"])),
    ("algorithm", unsigned(None)),
    ("algorithm", hs256_with_the_public_key),
    ("expired", saying(exp=NOW - 31)),
    ("no_exp", saying(exp=None)),
    ("no_exp", saying(exp=str(NOW + 300))),
    ("no_exp", saying(exp=True)),
    ("no_exp", saying(exp=10**400)),
    ("not_yet_valid", saying(nbf=NOW + DAY)),
    ("not_yet_valid", saying(iat=NOW + DAY)),
    ("no_nbf", saying(nbf="soon")),
    ("no_subject", saying(sub=None)),
    ("no_subject", saying(sub=5)),
    ("bound_to_a_key", saying(cnf={"jkt": "x"})),
    ("type", saying(events={"http://schemas.openid.net/event/backchannel-logout": {}})),
    ("type", headed(typ="logout+jwt")),
    ("type", headed(typ=None)),
    ("critical", headed(crit=["exp"])),
    ("critical", headed(b64=False)),
    ("unknown_key", headed(kid=5)),
    ("unreadable", lambda issuer: ".."),
    ("unreadable", lambda issuer: "a.b.c"),
    ("unreadable", lambda issuer: f"{part([])}.{part({})}."),
    ("unreadable", lambda issuer: f"{part('x')}.{part('y')}.z"),
    ("unreadable", lambda issuer: f"{'W1tb' * 2000}.{part({})}.z"),
    ("unreadable", lambda issuer: issuer.token(padding="x" * LONGEST)),
    ("unreadable", lambda issuer: issuer.token().replace("e", "é")),
]


@pytest.mark.parametrize(("why", "written"), HOPELESS)
def test_a_token_that_cannot_be_good_is_refused_without_asking_the_issuer(
    issuer: Issuer, why: str, written: Callable[[Issuer], str]
) -> None:
    assert reason(written(issuer)) == why
    assert issuer.asked == []


def tampered(issuer: Issuer) -> str:
    header, _claims, signature = issuer.token().split(".")
    return f"{header}.{part(issuer.claims(preferred_username='mona'))}.{signature}"


def by_somebody_else(issuer: Issuer) -> str:
    return issuer.token(Signer("first", "RS256", signer(kid="somebody else").private))


def with_another_algorithm_of_the_family(issuer: Issuer) -> str:
    _header, claims, signature = issuer.token().split(".")
    return f"{part({'alg': 'PS256', 'kid': 'first'})}.{claims}.{signature}"


def without_a_signature(issuer: Issuer) -> str:
    return issuer.token().rpartition(".")[0] + "."


@pytest.mark.parametrize(
    "forged", [tampered, by_somebody_else, with_another_algorithm_of_the_family, without_a_signature]
)
def test_a_token_that_the_issuer_did_not_sign_is_refused(issuer: Issuer, forged: Callable[[Issuer], str]) -> None:
    assert reason(forged(issuer)) == "signature"
    assert issuer.fetches == 1


def test_a_key_of_another_kind_is_not_used(issuer: Issuer) -> None:
    by = signer("ES256")
    assert reason(issuer.token(by, header={"kid": "first"})) == "unknown_key"


def test_unknown_key_ids_cost_the_issuer_one_call(issuer: Issuer) -> None:
    for number in range(100):
        assert reason(issuer.token(header={"kid": f"made-up-{number}"})) == "unknown_key"
    assert reason(issuer.token()) is None
    assert issuer.fetches == 1


def test_an_algorithm_that_the_deployment_does_not_take_is_refused(issuer: Issuer, settings: Any) -> None:
    settings.JWT_ALGORITHMS = ["ES256", "HS256", "none"]
    assert reason(issuer.token()) == "algorithm"
    assert reason(hs256_with_the_public_key(issuer)) == "algorithm"
    assert reason(unsigned("none")(issuer)) == "algorithm"


def test_a_token_is_believed_from_its_beginning_to_its_end_and_a_little_longer(issuer: Issuer) -> None:
    begins = datetime.fromtimestamp(NOW, UTC)
    text = issuer.token(iat=NOW, nbf=NOW, exp=NOW + 300)
    told = [reason(text, begins + timedelta(seconds=seconds)) for seconds in (-31, -30, 0, 329, 330)]
    assert told == ["not_yet_valid", None, None, None, "expired"]


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({}, EVERY_SCOPE),
        ({"scope": ""}, EVERY_SCOPE),
        ({"scope": "openid profile other:read"}, EVERY_SCOPE),
        ({"scope": "openid runs:read"}, {Scope.RUNS_READ}),
        ({"scope": f"{AUDIENCE}/runs:read other/admin"}, {Scope.RUNS_READ}),
        ({"scp": ["runs:write", "defs:write"]}, {Scope.RUNS_WRITE, Scope.DEFS_WRITE}),
        ({"scope": "openid", "scp": "runs:act-on-behalf"}, {Scope.RUNS_ACT_ON_BEHALF}),
    ],
)
def test_a_token_that_names_scopes_of_ours_is_limited_to_them(
    settings: Any, claims: dict[str, Any], scopes: frozenset[Scope]
) -> None:
    settings.JWT_AUDIENCE = AUDIENCE
    assert scopes_of(claims) == scopes


@pytest.mark.parametrize("claims", [{"scope": {"runs:read": 1}}, {"scope": None}, {"scp": ["runs:read", 5]}])
def test_scopes_that_cannot_be_read_are_not_taken_for_all(claims: dict[str, Any]) -> None:
    with pytest.raises(NotBelieved, match="scope"):
        scopes_of(claims)
