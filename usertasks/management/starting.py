"""What holds before a process serves."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from ..checks import require_secrets


def require_safe_start() -> None:
    """Raises `CommandError` where the settings are those of a try-out, and DEBUG is off."""
    try:
        require_secrets()
    except ImproperlyConfigured as problem:
        raise CommandError(str(problem)) from None
