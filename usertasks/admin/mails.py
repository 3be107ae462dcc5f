"""Mails in the admin: what was sent to whom, what was not, and why. Nothing here can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..models import Mail
from .run_filters import BoundedPaginator, OfferedOrders

if TYPE_CHECKING:
    BaseAdmin = admin.ModelAdmin[Mail]
else:
    BaseAdmin = admin.ModelAdmin


@admin.register(Mail)
class MailAdmin(BaseAdmin):
    """The newest first. A mail says no more here than its list: its words are those of the task."""

    list_display = ("created_at", "kind", "user", "run", "state", "attempts", "next_attempt_at", "settled_at", "error")
    list_display_links = None
    list_filter = ("state", "kind")
    list_select_related = ("user", "run")
    search_fields = ("=user__username",)
    search_help_text = _("A username.")
    ordering = ("-id",)
    sortable_by = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OfferedOrders

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
