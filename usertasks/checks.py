"""What `manage.py check` says of the settings of this application, and with which of them no server starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from .secret_keys import HOW_TO_MAKE_ONE, flaw_of_secret
from .tasks import registered_tasks, task_at


def tasks_can_be_loaded(**kwargs: Any) -> list[CheckMessage]:
    """Whether every task that a timer may run is there."""
    return [
        Error(flaw, hint="HOOK_TASKS: name=dotted.path, commas between.", id="usertasks.E001")
        for name, path in registered_tasks().items()
        if (flaw := _flaw_of(name, path))
    ]


def secrets_are_secret(**kwargs: Any) -> list[CheckMessage]:
    """Whether what sessions and the audit are signed with is a secret; of a deployment only."""
    return [Error(flaw, hint=f"Make one: {HOW_TO_MAKE_ONE}", id="usertasks.E002") for flaw in _flaws_of_secrets()]


def doors_are_shut(**kwargs: Any) -> list[CheckMessage]:
    """Whether a setting that belongs to a try-out has come along; of a deployment only."""
    found: list[CheckMessage] = []
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts under which it is served: links in mails and redirects are made of them."
        found.append(Warning("ALLOWED_HOSTS takes every name.", hint=hint, id="usertasks.W001"))
    if settings.USERTASKS.get("GRPC_ANONYMOUS_USER"):
        hint = "Unset GRPC_ANONYMOUS_USER, and give callers tokens."
        found.append(Warning("gRPC calls without a token are answered.", hint=hint, id="usertasks.W002"))
    for name in ("OIDC_SERVER_URL", *(["JWT_ISSUER"] if settings.JWT_AUDIENCE else [])):
        if getattr(settings, name, "").startswith("http://"):
            hint = "Whoever stands between can sign people in as anybody: it must begin with https://."
            found.append(Warning(f"{name} is reached without TLS.", hint=hint, id="usertasks.W003"))
    return found


def require_secrets() -> None:
    """For whatever serves: raises `ImproperlyConfigured` with DEBUG off and a secret that is none.

    Commands such as `migrate` and `create_api_token` run without: they answer nobody.
    """
    flaws = [] if settings.DEBUG else _flaws_of_secrets()
    if flaws:
        raise ImproperlyConfigured(f"{' '.join(flaws)} Make one: {HOW_TO_MAKE_ONE}")


def _flaws_of_secrets() -> list[str]:
    flaws = [] if settings.SECRET_KEY_IS_GIVEN else ["SECRET_KEY is not set."]
    given = {"SECRET_KEY": settings.SECRET_KEY, "AUDIT_KEY": settings.AUDIT_KEY}
    return flaws + [f"{name} {flaw}." for name, secret in given.items() if secret and (flaw := flaw_of_secret(secret))]


def _flaw_of(name: str, path: str) -> str | None:
    try:
        task_at(path)
    except ImproperlyConfigured as problem:
        return f"The task {name} cannot be run: {problem}"
    return None
