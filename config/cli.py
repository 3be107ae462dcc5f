"""The command line: Django's, with this project's settings."""

from __future__ import annotations

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        # It is for whoever set the environment, and says what to set; where in our code it was found is of no use.
        sys.exit(f"{type(problem).__name__}: {problem}")
