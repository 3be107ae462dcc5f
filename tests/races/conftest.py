"""Threads that race need a database that is a file."""

from __future__ import annotations

from pathlib import Path

from django.db import connection

if connection.vendor == "sqlite":
    connection.settings_dict["TEST"]["NAME"] = str(Path(str(connection.settings_dict["NAME"])).parent / "test.sqlite3")
