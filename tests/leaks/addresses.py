"""Every address that the application answers to, from its own list of them, with ids to put in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.urls import URLResolver, get_resolver

from tests.leaks.secret import Secret

PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
ADMIN = re.compile(r"admin/(?:usertasks|auth|socialaccount)/(\w+)/<path:object_id>")
NOT_OURS = re.compile(r"\(\?P|\.\*|\^")
"""Patterns that catch what nothing else does: nothing of a run is behind them."""
TO_LEAVE = ("sign-out/", "admin/logout/")


@dataclass(frozen=True)
class Address:
    """`pattern` as it is in the list; `secret` leads to what is hidden, `guess` to what never was."""

    pattern: str
    secret: str
    guess: str

    @property
    def names_something(self) -> bool:
        """Whether it would be telling to answer differently: of other rows than runs, the admin tells that they are."""
        is_of_the_admin = self.pattern.startswith("admin/") and not _is_of_a_run(self.pattern)
        return self.secret != self.guess and not is_of_the_admin


def patterns(resolver: URLResolver | None = None, beginning: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        pattern = beginning + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, pattern)
        elif not NOT_OURS.search(pattern) and pattern not in TO_LEAVE:
            yield pattern


def addresses(secret: Secret, *, dashed: bool = False) -> list[Address]:
    """A new id that a pattern asks for has to be known here: `KeyError` says so."""
    return [_address(pattern, secret, dashed) for pattern in patterns()]


GUESS, NUMBER = "0123456789abcdef0123456789abcdef", 987654321
DASHED = "01234567-89ab-cdef-0123-456789abcdef"


def _address(pattern: str, secret: Secret, dashed: bool) -> Address:
    known, guesses = _known(pattern, secret, dashed), _guesses(pattern, dashed)
    if "<int:pk>" in pattern:  # a definition, which is no secret
        guesses = {**guesses, "pk": known["pk"]}
    return Address(
        pattern,
        "/" + PLACE.sub(lambda place: str(known[place[1]]), pattern),
        "/" + PLACE.sub(lambda place: str(guesses[place[1]]), pattern),
    )


def _known(pattern: str, secret: Secret, dashed: bool) -> Mapping[str, Any]:
    own = {"webhook-endpoints/": secret.endpoint, "bulk/": secret.change}
    run_id = next((own[part] for part in own if part in pattern), secret.run.id)
    spelled = str(run_id) if dashed else run_id.hex
    return {
        "pk": spelled if "<int:pk>" not in pattern else secret.run.definition_id,
        "run_id": spelled,
        "upload_id": str(secret.upload) if dashed else secret.upload.hex,
        "change_id": secret.change,
        "substitution_id": secret.substitution,
        "token_id": secret.token,
        "filter_id": secret.filter,
        "object_id": _object_id(pattern, secret),
        "content_type_id": "1",
        "number": secret.delivery if "redeliver" in pattern else 1,
        "position": 1,
        "name": "question",
        "version": 0,
        "form": "csv",
        "id": secret.owner,
        "language": "de",
        "digest": "0",
    }


def _guesses(pattern: str, dashed: bool) -> Mapping[str, Any]:
    guess = DASHED if dashed else GUESS
    return {
        "pk": guess,
        "run_id": guess,
        "upload_id": guess,
        "change_id": DASHED,
        "substitution_id": NUMBER,
        "token_id": NUMBER,
        "filter_id": NUMBER,
        "object_id": DASHED if _is_of_a_run(pattern) else NUMBER,
        "content_type_id": "1",
        "number": 1,
        "position": 1,
        "name": "question",
        "version": 0,
        "form": "csv",
        "id": NUMBER,
        "language": "de",
        "digest": "0",
    }


def _is_of_a_run(pattern: str) -> bool:
    return pattern.startswith(("admin/r/", "admin/usertasks/usertaskrun/"))


def _object_id(pattern: str, secret: Secret) -> Any:
    """Something of the kind that the admin shows there; of most kinds there is something of the run's."""
    named = ADMIN.match(pattern)
    if named is None or _is_of_a_run(pattern):
        return secret.run.id
    (model,) = (model for model in apps.get_models() if model._meta.model_name == named[1])
    first = model._default_manager.first()
    return first.pk if first else 1
