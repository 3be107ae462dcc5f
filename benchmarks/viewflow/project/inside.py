"""What is asked of the site from inside, in its own interpreter: `python inside.py < question.json > answer.json`.

Sessions as signing in makes them, and how many statements a request sends to the database.
"""

# mypy: ignore-errors
from __future__ import annotations

import json
import os
import sys
from http.cookies import SimpleCookie

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402


def sessions(usernames: list[str]) -> dict[str, str]:
    """The `Cookie` header of each."""
    cookies = {}
    for username in usernames:
        client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(get_user_model().objects.get(username=username))
        cookies[username] = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    return cookies


def statements(requests: list[dict]) -> list[int]:
    """How many statements each request sends: {"cookie", "method", "path", "body"}."""
    found = []
    for request in requests:
        client = Client(SERVER_NAME="127.0.0.1")
        client.cookies = SimpleCookie(request["cookie"])
        with CaptureQueriesContext(connection) as captured:
            answer = client.generic(
                request["method"], request["path"], request["body"], "application/x-www-form-urlencoded"
            )
        if answer.status_code != request["expected"]:
            raise RuntimeError(f"{request['method']} {request['path']} was answered with {answer.status_code}.")
        found.append(len(captured))
    return found


if __name__ == "__main__":
    questions = {"sessions": sessions, "statements": statements}
    asked = json.load(sys.stdin)
    json.dump({name: questions[name](given) for name, given in asked.items()}, sys.stdout)
