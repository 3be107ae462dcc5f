"""The shapes of the outcome and of the change feed: how their parameters are read, and what is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers

from ..errors import Fault, InvalidArgument
from ..models import Status
from .serializers import Event
from .waiting import MAX_SECONDS

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
MAX_POSITION = 2**63 - 1
SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
WHOLE = re.compile(r"[0-9]{1,19}")

WAIT = OpenApiParameter(
    "wait",
    {"type": "number", "minimum": 0, "maximum": MAX_SECONDS, "default": 0},
    description="Seconds to wait for something to answer with.",
)
AFTER = OpenApiParameter(
    "after",
    {"type": "integer", "minimum": 0, "maximum": MAX_POSITION, "default": 0},
    description="The `next_after` of the page before; 0 for the beginning.",
)
LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT})
RETRY_AFTER = {"Retry-After": "1"}
LATER = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, description="Seconds after which to ask again.", response=[202]
)


class Failure(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["EXCEPTION", "ERROR"])
    message = serializers.CharField()


@extend_schema_field({"type": "object", "additionalProperties": {}})
class Output(serializers.Field[Any, Any, Any, Any]):
    """A key for each field of the definition."""


class Outcome(serializers.Serializer[Any]):
    """`output` where the run is done, `failure` where it was cancelled; both null while it is open."""

    status = serializers.ChoiceField(choices=Status.choices)
    output = Output(allow_null=True)
    failure = Failure(allow_null=True)


class Place(serializers.Serializer[Any]):
    position = serializers.IntegerField(min_value=1)
    run_id = serializers.RegexField("^[0-9a-f]{32}$")
    wf_run_id = serializers.CharField()


class FeedEvent(Place, Event):
    """An event with its place in the feed, and the run to which it happened."""


class FeedPage(serializers.Serializer[Any]):
    """Oldest first; `next_after` leads to the next page, and stays where it is at the end of the feed."""

    results = FeedEvent(many=True)
    next_after = serializers.IntegerField(min_value=0)


def seconds_of(given: Mapping[str, str]) -> float:
    """How long the caller wants to wait. Raises `InvalidArgument`."""
    text = given.get("wait", "0")
    if not SECONDS.fullmatch(text) or float(text) > MAX_SECONDS:
        raise InvalidArgument.at("wait", Fault("out_of_range", f"must be a number of seconds from 0 to {MAX_SECONDS}"))
    return float(text)


def after_of(given: Mapping[str, str]) -> int:
    """The position from beyond which the caller wants to read. Raises `InvalidArgument`."""
    return _whole(given, "after", 0, at_least=0, at_most=MAX_POSITION)


def limit_of(given: Mapping[str, str]) -> int:
    """How many events the caller wants at most. Raises `InvalidArgument`."""
    return _whole(given, "limit", DEFAULT_LIMIT, at_least=1, at_most=MAX_LIMIT)


def _whole(given: Mapping[str, str], name: str, default: int, *, at_least: int, at_most: int) -> int:
    text = given.get(name, str(default))
    if not WHOLE.fullmatch(text) or not at_least <= int(text) <= at_most:
        raise InvalidArgument.at(name, Fault("out_of_range", f"must be a whole number from {at_least} to {at_most}"))
    return int(text)
