"""Webhooks in the admin: endpoints are switched on and off, deliveries are read and sent again. No secret is shown."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from .. import operations
from ..actors import Door
from ..callers import actor_of
from ..models import Delivery, WebhookEndpoint
from .many import do_to_all
from .run_filters import BoundedPaginator, OfferedOrders

if TYPE_CHECKING:
    EndpointBase = admin.ModelAdmin[WebhookEndpoint]
    DeliveryBase = admin.ModelAdmin[Delivery]
else:
    EndpointBase = DeliveryBase = admin.ModelAdmin


SWITCHED_ON = ngettext_lazy("%(count)d endpoint switched on.", "%(count)d endpoints switched on.", "count")
SWITCHED_OFF = ngettext_lazy("%(count)d endpoint switched off.", "%(count)d endpoints switched off.", "count")
SENT_AGAIN = ngettext_lazy("%(count)d delivery to be sent again.", "%(count)d deliveries to be sent again.", "count")


class ReadOnly:
    """What changes, changes by an operation."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnly, EndpointBase):
    list_display = ("url", "active", "owner", "failing_since", "created_at")
    list_filter = ("active", "switched_off")
    list_select_related = ("owner",)
    search_fields = ("url", "description", "owner__username")
    ordering = ("-created_at", "-id")
    fields = (
        ("url", "owner"),
        ("event_types", "description"),
        ("active", "switched_off"),
        ("failing_since", "failures", "held_until"),
        ("created_at", "guid"),
    )
    readonly_fields = ("created_at", "guid")
    actions = ("switch_on", "switch_off")

    @admin.display(description=_("id"))
    def guid(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.id.hex

    @admin.action(description=_("Switch on"))
    def switch_on(self, request: HttpRequest, queryset: Any) -> None:
        self._switch(request, queryset, active=True)

    @admin.action(description=_("Switch off"))
    def switch_off(self, request: HttpRequest, queryset: Any) -> None:
        self._switch(request, queryset, active=False)

    def _switch(self, request: HttpRequest, queryset: Any, *, active: bool) -> None:
        actor = actor_of(request, Door.ADMIN)
        done = SWITCHED_ON if active else SWITCHED_OFF
        do_to_all(self, request, queryset, partial(operations.switch_endpoints, by=actor, active=active), done)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, DeliveryBase):
    list_display = ("message_id", "state", "endpoint", "run", "attempts", "next_attempt_at", "delivered_at")
    list_filter = ("state",)
    list_select_related = ("endpoint", "run")
    search_fields = ("endpoint__id", "run__id")
    search_help_text = _("The exact id of an endpoint or a run.")
    ordering = ("-id",)
    sortable_by = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    fields = (
        ("endpoint", "run", "event"),
        ("state", "attempts", "failures"),
        ("next_attempt_at", "delivered_at"),
        "attempts_made",
    )
    readonly_fields = ("attempts_made",)
    actions = ("redeliver",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OfferedOrders

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By an exact id; a part of one would look at every delivery."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            guid = UUID(term)
        except ValueError:
            return queryset.none(), False
        return queryset.filter(endpoint=guid) | queryset.filter(run=guid), False

    @admin.display(description=_("last attempts"))
    def attempts_made(self, delivery: Delivery) -> str:
        return format_html("<pre>{}</pre>", json.dumps(delivery.log, indent=2, ensure_ascii=False))

    @admin.action(description=_("Send again"))
    def redeliver(self, request: HttpRequest, queryset: Any) -> None:
        actor = actor_of(request, Door.ADMIN)
        do_to_all(self, request, queryset, partial(operations.redeliver_many, by=actor), SENT_AGAIN)
