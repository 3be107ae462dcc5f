"""API tokens in the admin: made for anybody, shown once, and revoked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from ..actors import Actor, Door, Scope
from ..callers import actor_of
from ..grants import APP
from ..models import ApiToken
from ..models.tokens import MAX_TOKEN_NAME, TokenState
from ..tokens import NewToken, issue_token, revoke_tokens
from .making import MadeByOperation, Name
from .many import do_to_all

LIFETIMES: Mapping[str, Any] = {
    "7": _("7 days"),
    "30": _("30 days"),
    "90": _("90 days"),
    "365": _("1 year"),
    "": _("never"),
}
"""Days → how the form calls them."""


REVOKED = ngettext_lazy("%(count)d token revoked.", "%(count)d tokens revoked.", "count")


class TokenForm(forms.Form):
    user_id = Name(
        label=_("User"), help_text=_("Whoever has the token acts as this user. Only a superuser makes one for one.")
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=MAX_TOKEN_NAME, help_text=_("What will use it."))
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope.value, scope.value) for scope in Scope],
        initial=[Scope.RUNS_READ.value],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What it is for, at most: admin is everything. It never does more than its user may."),
    )
    expires_in = forms.ChoiceField(label=_("Expires in"), choices=list(LIFETIMES.items()), initial="90", required=False)


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, str(state.label)) for state in TokenState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
        now = timezone.now()
        narrowed = {
            TokenState.LIVE: queryset.exclude(revoked_at__isnull=False).exclude(expires_at__lte=now),
            TokenState.EXPIRED: queryset.filter(revoked_at=None, expires_at__lte=now),
            TokenState.REVOKED: queryset.filter(revoked_at__isnull=False),
        }
        return next((rows for state, rows in narrowed.items() if state == self.value()), queryset)


@admin.register(ApiToken)
class ApiTokenAdmin(MadeByOperation):
    """Only the digest is kept, so that there is nothing to change and nothing to show again."""

    making_form = TokenForm
    button = _("Make the token")
    list_display = ("title", "user", "hint", "purposes", "state", "created_at", "expires_at", "last_used_at", "made_by")
    list_filter = (StateFilter,)
    list_select_related = ("user",)
    search_fields = ("user__username", "name", "hint")
    search_help_text = _("Part of a username or of a name, or how the token begins.")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    actions = ("revoke",)
    fields = (
        ("title", "user"),
        ("hint", "purposes"),
        ("state", "revoked_at"),
        ("created_at", "made_by"),
        ("expires_at", "last_used_at"),
    )

    def make(self, given: dict[str, Any], by: Actor) -> NewToken:
        now = timezone.now()
        return issue_token(
            given["user_id"],
            by=by,
            now=now,
            name=given["name"],
            scopes=[Scope(scope) for scope in given["scopes"]],
            expires_at=now + timedelta(days=int(given["expires_in"])) if given["expires_in"] else None,
        )

    def answer(self, request: HttpRequest, made: NewToken) -> HttpResponse:
        """A page and no redirect: nothing but this answer ever holds the token."""
        template = "admin/usertasks/apitoken/made.html"
        return self.page(request, template, title=_("The token of %(user)s") % {"user": made.row.user}, made=made)

    @admin.display(description=_("token"), ordering="name")
    def title(self, token: ApiToken) -> str:
        return str(token)

    @admin.display(description=_("scopes"))
    def purposes(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description=_("state"))
    def state(self, token: ApiToken) -> str:
        return str(token.state_at(timezone.now()).label)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A token is revoked: its row says who had it and who made it."""
        return bool(request.user.is_active and request.user.is_superuser)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{APP}.change_apitoken")

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        by, now = actor_of(request, Door.ADMIN), timezone.now()
        do_to_all(self, request, queryset, partial(revoke_tokens, by=by, now=now), REVOKED)
