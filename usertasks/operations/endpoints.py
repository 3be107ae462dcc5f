"""Webhook endpoints: made, changed, deleted and switched off; and what did not arrive is sent again.

An endpoint is sent everything that happens, so making or changing one takes the permission to see every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import json_text
from ..actors import Actor, Scope
from ..addresses import fault_of_url
from ..errors import Fault, InvalidArgument, NotFound, WrongState
from ..models import Delivery, DeliveryState, EventType, Mail, MailKind, SwitchedOff, WebhookEndpoint
from ..rules import require_permission, require_scope
from .refusals import noting_refusals

MAX_DESCRIPTION = 1000
"""Characters."""
SEEING_ALL = "view_usertaskrun"


def require_seeing_all(by: Actor) -> None:
    """An endpoint is told of every run. Raises `NotAllowed`."""
    require_scope(Scope.ADMIN, by)
    require_permission(SEEING_ALL, by)


@noting_refusals
@transaction.atomic
def create_endpoint(url: str, *, by: Actor, event_types: Sequence[str] = (), description: str = "") -> WebhookEndpoint:
    """Have events sent to `url`: those of the types named, or all. Only the row returned tells the secret."""
    require_seeing_all(by)
    _check({"url": url, "event_types": event_types, "description": description})
    owner = User.objects.get(username=by.user_id)
    return WebhookEndpoint.objects.create(
        owner=owner, url=url, event_types=list(dict.fromkeys(event_types)), description=description
    )


@noting_refusals
@transaction.atomic
def change_endpoint(endpoint_id: UUID, *, by: Actor, active: bool | None = None, **changes: Any) -> WebhookEndpoint:
    """Change `url`, `event_types` or `description`; switch it off, or on again, as if it had never failed."""
    endpoint = _locked(endpoint_id, by)
    require_seeing_all(by)
    _check(changes)
    for name, value in changes.items():
        setattr(endpoint, name, list(dict.fromkeys(value)) if name == "event_types" else value)
    if active is not None and active != endpoint.active:
        _switch(endpoint, "" if active else SwitchedOff.BY_HAND)
    endpoint.save()
    return endpoint


def _switch(endpoint: WebhookEndpoint, reason: str) -> None:
    """On without a reason, else off. What was put off because it failed is due at once when it is on again."""
    endpoint.active, endpoint.switched_off = not reason, reason
    if endpoint.active:
        endpoint.failing_since, endpoint.failures, endpoint.held_until = None, 0, None
        now = timezone.now()
        endpoint.deliveries.pending().filter(next_attempt_at__gt=now).update(next_attempt_at=now)


@noting_refusals
@transaction.atomic
def delete_endpoint(endpoint_id: UUID, *, by: Actor) -> None:
    """Forget it, what it was sent and what it was to be sent."""
    _locked(endpoint_id, by).delete()


@noting_refusals
@transaction.atomic
def redeliver(endpoint_id: UUID, delivery_id: int, *, by: Actor, now: datetime | None = None) -> Delivery:
    """Send it once more, at once, and try as often as at first. It keeps its id, so that receivers know it again."""
    endpoint = _locked(endpoint_id, by)
    require_seeing_all(by)
    delivery = endpoint.deliveries.select_for_update(no_key=True).filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound("There is no such delivery.")
    if not endpoint.active:
        raise WrongState("The endpoint is switched off.")
    delivery.state, delivery.failures, delivery.delivered_at = DeliveryState.PENDING, 0, None
    delivery.next_attempt_at = now or timezone.now()
    delivery.save(update_fields=["state", "failures", "delivered_at", "next_attempt_at"])
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(held_until=None)
    return delivery


@transaction.atomic
def switch_off(endpoint_id: UUID, reason: SwitchedOff, *, now: datetime) -> bool:
    """Stop sending for a reason of ours: what was pending is given up, and people are told. False: it was off."""
    active = WebhookEndpoint.objects.filter(pk=endpoint_id, active=True)
    if not active.update(active=False, switched_off=reason, held_until=None):
        return False
    endpoint = WebhookEndpoint.objects.select_related("owner").get(pk=endpoint_id)
    endpoint.deliveries.pending().update(state=DeliveryState.DEAD)
    Mail.objects.bulk_create(_mails_about(endpoint, now), ignore_conflicts=True)
    return True


def _mails_about(endpoint: WebhookEndpoint, now: datetime) -> list[Mail]:
    """To its owner and to the superusers, those who have an address."""
    people = User.objects.filter(Q(is_superuser=True) | Q(pk=endpoint.owner_id), is_active=True).exclude(email="")
    return [
        Mail(
            user=user,
            kind=MailKind.ENDPOINT,
            occasion=f"endpoint:{endpoint.id.hex}:{now.isoformat()}",
            content={"url": endpoint.url, "reason": endpoint.switched_off},
            next_attempt_at=now,
        )
        for user in people
    ]


def _locked(endpoint_id: UUID, by: Actor) -> WebhookEndpoint:
    """The endpoint, locked until the end of the transaction, among those that `by` may see."""
    visible = WebhookEndpoint.objects.visible_to(by).filter(pk=endpoint_id)
    endpoint = visible.select_for_update(no_key=True, of=("self",)).first()
    if endpoint is None:
        raise NotFound("There is no such endpoint.")
    return endpoint


def _check(given: dict[str, Any]) -> None:
    """Raises `InvalidArgument` for everything that is wrong with what is given."""
    faults: dict[str, list[Fault]] = {}
    if "url" in given and (fault := fault_of_url(given["url"])):
        faults["url"] = [fault]
    for index, name in enumerate(given.get("event_types", ())):
        if name not in EventType.values:
            faults[f"event_types.{index}"] = [Fault("not_a_choice", f"must be one of {', '.join(EventType.values)}")]
    faults |= _faults_of_description(given.get("description", ""))
    if faults:
        raise InvalidArgument.of(faults)


def _faults_of_description(text: str) -> dict[str, list[Fault]]:
    if len(text) > MAX_DESCRIPTION:
        return {"description": [Fault("out_of_range", f"must be at most {MAX_DESCRIPTION} characters")]}
    flaw = json_text.flaw_of_text(text)
    return {"description": [Fault("invalid", flaw)]} if flaw else {}
