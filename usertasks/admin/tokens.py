"""API tokens in the admin: issued, shown once, and revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from ..models import ApiToken

if TYPE_CHECKING:
    BaseAdmin = admin.ModelAdmin[ApiToken]
else:
    BaseAdmin = admin.ModelAdmin


@admin.register(ApiToken)
class ApiTokenAdmin(BaseAdmin):
    """Only the digest is kept, so that there is nothing to change and nothing to show again."""

    list_display = ("user", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    search_help_text = "Part of a username."
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    fields = ("user",)

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        """Whom a token may be for: only a superuser hands out the power of one."""
        users = User.objects.filter(is_active=True).order_by("username")
        assert isinstance(request.user, User)
        kwargs["queryset"] = users if request.user.is_superuser else users.filter(is_superuser=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        token = ApiToken.objects.issue(obj.user)
        text = "The token of {}, which is shown only this once: {}"
        self.message_user(request, format_html(text, obj.user, format_html("<code>{}</code>", token)), messages.WARNING)

    def log_addition(self, request: HttpRequest, obj: ApiToken, message: Any) -> Any:
        """Django's log wants the row that the manager has written."""
        return super().log_addition(request, ApiToken.objects.filter(user=obj.user).latest("id"), message)

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        return self.response_post_save_add(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**only_save, **(extra_context or {})})
