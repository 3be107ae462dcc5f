"""Webhooks: where events are sent to, and what became of each."""

from __future__ import annotations

import base64
import secrets
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from .. import json_text
from ..actors import Actor
from .events import UserTaskEvent
from .leases import LeasedQuerySet
from .runs import UserTaskRun

MAX_URL = 2000
SECRET_BYTES = 32


def new_secret() -> str:
    """A signing secret in the form of the Standard Webhooks specification."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


class SwitchedOff(models.TextChoices):
    """Why an endpoint is not active."""

    BY_HAND = "by_hand", _("switched off by hand")
    GONE = "gone", _("it answered 410 Gone")
    DEAD = "dead", _("it has not taken anything for days")
    OWNER = "owner", _("whoever made it may no longer see every run")


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, actor: Actor) -> WebhookEndpointQuerySet:
        """One's own, or all for whoever may change them."""
        return self if actor.holds("change_webhookendpoint") else self.filter(owner__username=actor.user_id)

    def with_due(self, now: datetime) -> WebhookEndpointQuerySet:
        """Active, not held, and with something that is pending and due, though perhaps not yet its turn.

        A look at the first entry of an index for each; PostgreSQL would answer `EXISTS` by reading all that is due.
        """
        pending = Delivery.objects.pending().filter(endpoint=OuterRef("pk")).order_by("next_attempt_at", "position")
        free = Q(held_until__isnull=True) | Q(held_until__lte=now)
        active = self.filter(free, active=True)
        return active.annotate(due_at=Subquery(pending.values("next_attempt_at")[:1])).filter(due_at__lte=now)


class WebhookEndpoint(models.Model):
    """An address of a program that wants to know what happens to runs; `owner` has made it, and sees them.

    `failing_since` and `failures` count from its last success; until `held_until` nothing is tried, and while it is
    failing only one delivery at a time.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField("URL", max_length=MAX_URL)
    secret = models.CharField(max_length=100, default=new_secret, editable=False)
    event_types = models.JSONField(decoder=json_text.Decoder, default=list, blank=True)
    description = models.TextField(blank=True, default="")
    active = models.BooleanField(default=True)
    switched_off = models.CharField(max_length=10, choices=SwitchedOff.choices, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    held_until = models.DateTimeField(null=True, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook endpoint"
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(url=""), name="endpoint_has_url"),
            models.CheckConstraint(
                condition=Q(active=True, switched_off="") | Q(active=False) & ~Q(switched_off=""),
                name="endpoint_switched_off_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.url

    def wants(self, event_type: str) -> bool:
        """Whether events of this type are sent to it; without a choice all of them are."""
        return not self.event_types or event_type in self.event_types


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("Pending")
    DELIVERED = "delivered", _("Delivered")
    DEAD = "dead", _("Given up")


class DeliveryQuerySet(LeasedQuerySet["Delivery"]):
    def pending(self) -> DeliveryQuerySet:
        return self.filter(state=DeliveryState.PENDING)

    def due(self, now: datetime) -> DeliveryQuerySet:
        """Pending, due, leased to nobody, and the first of its run that its endpoint does not have yet."""
        earlier = Delivery.objects.pending().filter(
            endpoint=OuterRef("endpoint"), run=OuterRef("run"), position__lt=OuterRef("position")
        )
        due = self.pending().filter(next_attempt_at__lte=now, endpoint__active=True)
        return due.filter(~Exists(earlier)).order_by("next_attempt_at", "position")


class Delivery(models.Model):
    """One event on its way to one endpoint. `log` tells of the last attempts, the newest last: see `webhooks.py`."""

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(UserTaskEvent, on_delete=models.CASCADE, related_name="deliveries")
    run = models.ForeignKey(UserTaskRun, on_delete=models.CASCADE, related_name="+", db_index=False)
    position = models.BigIntegerField()
    """That of the event in the feed: the order in which the events of a run are sent."""
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    """All of them; it tells one lease from the next."""
    failures = models.PositiveIntegerField(default=0)
    """Since it was planned or last redelivered: how long the next attempt is put off."""
    delivered_at = models.DateTimeField(null=True, blank=True)
    log = models.JSONField(decoder=json_text.Decoder, default=list)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = "delivery"
        verbose_name_plural = "deliveries"
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "position"], name="delivery_once_for_each_endpoint"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state_known"),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_attempt_at", "position"], condition=Q(state="pending"), name="delivery_due"
            ),
            models.Index(
                fields=["run", "endpoint", "position"], condition=Q(state="pending"), name="delivery_in_order"
            ),
            models.Index(F("endpoint"), F("position").desc(), name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def message_id(self) -> str:
        """The `webhook-id`: the same on every attempt, and of no other message."""
        return f"msg_{self.endpoint_id.hex}_{self.position}"
