"""`manage.py export_person USER_ID`: all that is kept about a person, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ... import json_text
from ...personal_data import data_of
from ..output import write_lines


class Command(BaseCommand):
    help = "Write all that is kept about a person as JSON: for whoever asks what it is. Secrets are not part of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user_id", metavar="USER_ID", help="with or without an account")
        parser.add_argument("--output", metavar="FILE", type=Path, help="a file, made anew (default: standard output)")

    def handle(self, *args: Any, user_id: str, **options: Any) -> None:
        told = json.dumps(json_text.as_json(data_of(user_id)), indent=2, ensure_ascii=False)
        write_lines([told, "\n"], options["output"], self.stdout)
