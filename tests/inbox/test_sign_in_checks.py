"""What `manage.py check` says of settings with which nobody could sign in, or not safely."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import registry
from pytest_django import Settings

from inbox.checks import people_can_sign_in

GOOD: dict[str, Any] = {"OIDC_SERVER_URL": "https://id.example/realms/acme", "OIDC_CLIENT_ID": "usertasks"}


def test_it_is_asked_with_the_other_checks() -> None:
    assert "people_can_sign_in" in str(registry.registry.registered_checks)


def errors() -> list[str | None]:
    return [error.id for error in people_can_sign_in()]


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        GOOD,
        {**GOOD, "LOCAL_PASSWORDS": False},
        {**GOOD, "OIDC_SERVER_URL": "http://localhost:8080"},
        {**GOOD, "OIDC_ROLES": {"heads": ["lead:finance", "manager"]}},
    ],
)
def test_good_settings_are_good(chosen: dict[str, Any], settings: Settings) -> None:
    for name, value in chosen.items():
        setattr(settings, name, value)
    assert errors() == []


@pytest.mark.parametrize(
    "chosen",
    [
        {"LOCAL_PASSWORDS": False},
        {"OIDC_ROLES": {"heads": "boss"}},
        {**GOOD, "OIDC_CLIENT_ID": ""},
        {**GOOD, "OIDC_USER_ID_CLAIM": ""},
        {**GOOD, "OIDC_SCOPES": ["profile"]},
        {**GOOD, "OIDC_SERVER_URL": "http://id.example"},
        {**GOOD, "OIDC_SERVER_URL": "https://id.example/" + "x" * 200},
        {**GOOD, "OIDC_ROLES": {"heads": "boss"}},
        {**GOOD, "OIDC_ROLES": {"heads": "lead:finance"}, "OIDC_GROUPS_CLAIM": ""},
    ],
)
def test_settings_with_which_nobody_could_sign_in_safely_are_found(chosen: dict[str, Any], settings: Settings) -> None:
    for name, value in chosen.items():
        setattr(settings, name, value)
    assert errors() == ["usertasks.E010"]
