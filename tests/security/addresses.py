"""Every address of the application, found in its urlconf: what is added is tried as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from usertasks.models import UserTaskRun

PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
OF_TYPE = {"int": "1", "path": "1", "str": "it-request", "slug": "it-request", "definition_name": "it-request"}
"""What stands for a part of an address; any other is the id of a run."""
OF_REGEX = {"^api/": "api/nowhere/", ".*/$": "nowhere/", "": "nowhere/"}
"""What stands for an address that is given by an expression."""


def addresses(run: UserTaskRun) -> list[str]:
    """One address for each pattern of the application."""
    return sorted({f"/{path}" for path in _paths(get_resolver().url_patterns, run)})


def _paths(patterns: Any, run: UserTaskRun) -> Iterator[str]:
    for pattern in patterns:
        begin = _written(pattern.pattern, run)
        if isinstance(pattern, URLResolver):
            yield from (begin + rest for rest in _paths(pattern.url_patterns, run))
        elif isinstance(pattern, URLPattern):
            yield begin


def _written(pattern: Any, run: UserTaskRun) -> str:
    if isinstance(pattern, RoutePattern):
        return PARAMETER.sub(lambda found: OF_TYPE.get(found[1] or "str", run.id.hex), str(pattern))
    expression = str(pattern)
    # The admin has one for what it does not know: `(?P<url>.*)$`.
    return OF_REGEX.get(expression, "nowhere/" if expression.startswith("(?P<") else expression.strip("^$"))
