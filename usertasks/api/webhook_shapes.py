"""The shapes of `webhook-endpoints/`: what a request may say, and what an answer does."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ..models import Delivery, DeliveryState, EventType, SwitchedOff, WebhookEndpoint
from .shapes import Request, Text, YesOrNo


@extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/EventTypeEnum"}})
class EventTypes(serializers.ListField):
    """Types of events, none for all; which there are, the domain says."""

    child = Text()


class EndpointCreation(Request):
    url = Text()
    event_types = EventTypes(default=list)
    description = Text(default="")


class EndpointChange(Request):
    """What is not given stays as it is."""

    url = Text(required=False)
    event_types = EventTypes(required=False)
    description = Text(required=False)
    active = YesOrNo(required=False)


class Endpoint(serializers.Serializer[Any]):
    id = serializers.CharField()
    url = serializers.CharField()
    event_types = serializers.ListField(child=serializers.ChoiceField(choices=EventType.choices))
    description = serializers.CharField(allow_blank=True)
    owner = serializers.CharField()
    active = serializers.BooleanField()
    switched_off = serializers.ChoiceField(choices=SwitchedOff.choices, allow_null=True)
    created_at = serializers.DateTimeField()
    failing_since = serializers.DateTimeField(allow_null=True)
    failures = serializers.IntegerField(min_value=0)


class NewEndpoint(Endpoint):
    """The secret is told this once."""

    secret = serializers.CharField()


class LoggedAttempt(serializers.Serializer[Any]):
    time = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True)
    latency_ms = serializers.IntegerField(min_value=0)
    response = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)


class DeliveredEvent(serializers.Serializer[Any]):
    position = serializers.IntegerField(min_value=1)
    run_id = serializers.CharField()
    number = serializers.IntegerField(min_value=1)
    type = serializers.ChoiceField(choices=EventType.choices)


class WebhookDelivery(serializers.Serializer[Any]):
    """`status`, `latency_ms`, `response` and `error` are those of the last attempt; `log` has the last twenty."""

    id = serializers.IntegerField(min_value=1)
    webhook_id = serializers.CharField()
    event = DeliveredEvent()
    state = serializers.ChoiceField(choices=DeliveryState.choices)
    attempts = serializers.IntegerField(min_value=0)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    status = serializers.IntegerField(allow_null=True)
    latency_ms = serializers.IntegerField(allow_null=True)
    response = serializers.CharField(allow_null=True, allow_blank=True)
    error = serializers.CharField(allow_null=True, allow_blank=True)
    log = LoggedAttempt(many=True)


def endpoint_content(row: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint without its secret."""
    return {
        "id": row.id.hex,
        "url": row.url,
        "event_types": row.event_types,
        "description": row.description,
        "owner": row.owner.get_username(),
        "active": row.active,
        "switched_off": row.switched_off or None,
        "created_at": row.created_at,
        "failing_since": row.failing_since,
        "failures": row.failures,
    }


def delivery_content(row: Delivery) -> dict[str, Any]:
    """A delivery with what became of its attempts."""
    last = row.log[-1] if row.log else {}
    return {
        "id": row.pk,
        "webhook_id": row.message_id,
        "event": {
            "position": row.position,
            "run_id": row.run_id.hex,
            "number": row.event.number,
            "type": row.event.type,
        },
        "state": row.state,
        "attempts": row.attempts,
        "next_attempt_at": row.next_attempt_at if row.state == DeliveryState.PENDING else None,
        "delivered_at": row.delivered_at,
        **{name: last.get(name) for name in ("status", "latency_ms", "response", "error")},
        "log": row.log,
    }
