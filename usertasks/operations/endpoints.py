"""Webhook endpoints: made, changed, deleted and switched off; and what did not arrive is sent again.

An endpoint is sent everything that happens, so making or changing one takes the permission to see every run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
from ..errors import Fault, InvalidArgument, NotAllowed, NotFound, Refused, WrongState
from ..models import Delivery, DeliveryState, EventType, Mail, MailKind, SwitchedOff, WebhookEndpoint
from ..rules import require_permission, require_scope
from .refusals import note, noting_refusals

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
        for name, value in SWITCHED[active].items():
            setattr(endpoint, name, value)
        if active:
            _hurry([endpoint.pk])
    endpoint.save()
    return endpoint


@transaction.atomic
def switch_endpoints(endpoint_ids: Collection[UUID], *, by: Actor, active: bool) -> dict[UUID, Refused]:
    """Switch many off, or on again; those for which it is refused, with the reason."""
    endpoints = _all_locked(endpoint_ids, by)
    refusals = {pk: _refusal_of(endpoints.get(pk), by) for pk in endpoint_ids}
    changing = [pk for pk, row in endpoints.items() if refusals[pk] is None and row.active != active]
    WebhookEndpoint.objects.filter(pk__in=changing).update(**SWITCHED[active])
    if active:
        _hurry(changing)
    return _noted(refusals, change_endpoint.__name__, by)


SWITCHED: Mapping[bool, Mapping[str, Any]] = {
    True: {"active": True, "switched_off": "", "failing_since": None, "failures": 0, "held_until": None},
    False: {"active": False, "switched_off": SwitchedOff.BY_HAND},
}
"""What an endpoint is when it is switched on, as if it had never failed, and off."""


def _hurry(endpoint_ids: Collection[UUID]) -> None:
    """What was put off because it failed is due at once where its endpoint is on again."""
    now = timezone.now()
    put_off = Delivery.objects.pending().filter(endpoint__in=endpoint_ids, next_attempt_at__gt=now)
    put_off.update(next_attempt_at=now)


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
        raise _is_off()
    _send_again([delivery], now or timezone.now())
    return delivery


@transaction.atomic
def redeliver_many(delivery_ids: Collection[int], *, by: Actor) -> dict[int, Refused]:
    """The same of many; those for which it is refused, with the reason."""
    owners = dict(Delivery.objects.filter(pk__in=delivery_ids).values_list("pk", "endpoint_id"))
    endpoints = _all_locked(set(owners.values()), by)
    rows = Delivery.objects.select_for_update(no_key=True).filter(pk__in=owners).order_by("pk").in_bulk()
    refusals: dict[int, Refused | None] = {}
    for pk in delivery_ids:
        endpoint = endpoints.get(owners[pk]) if pk in rows else None
        refusals[pk] = _refusal_of(endpoint, by) or (None if endpoint and endpoint.active else _is_off())
    _send_again([row for pk, row in rows.items() if refusals[pk] is None], timezone.now())
    return _noted(refusals, redeliver.__name__, by)


def _send_again(deliveries: Sequence[Delivery], now: datetime) -> None:
    again = {"state": DeliveryState.PENDING, "failures": 0, "delivered_at": None, "next_attempt_at": now}
    for delivery in deliveries:
        for name, value in again.items():
            setattr(delivery, name, value)
    if deliveries:
        Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(**again)
        endpoints = {delivery.endpoint_id for delivery in deliveries}
        WebhookEndpoint.objects.filter(pk__in=endpoints).update(held_until=None)


def _is_off() -> WrongState:
    return WrongState("The endpoint is switched off.")


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
    endpoint = _all_locked([endpoint_id], by).get(endpoint_id)
    if endpoint is None:
        raise _unknown()
    return endpoint


def _all_locked(endpoint_ids: Collection[UUID], by: Actor) -> dict[UUID, WebhookEndpoint]:
    """The same of many, in one order, so that two who lock some of them wait for each other."""
    visible = WebhookEndpoint.objects.visible_to(by).filter(pk__in=endpoint_ids).order_by("pk")
    return {endpoint.pk: endpoint for endpoint in visible.select_for_update(no_key=True, of=("self",))}


def _unknown() -> NotFound:
    return NotFound("There is no such endpoint.")


def _refusal_of(endpoint: WebhookEndpoint | None, by: Actor) -> Refused | None:
    """Why `by` may not change it, or None."""
    if endpoint is None:
        return _unknown()
    try:
        require_seeing_all(by)
    except NotAllowed as refusal:
        return refusal
    return None


def _noted[Key](refusals: Mapping[Key, Refused | None], action: str, by: Actor) -> dict[Key, Refused]:
    """Those that are refusals, written down."""
    found = {key: refusal for key, refusal in refusals.items() if refusal}
    note(list(found.values()), action, by=by)
    return found


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
