"""Leads and substitutes in the admin."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from ..actors import Actor, Door
from ..callers import actor_of
from ..grants import APP
from ..leads import appoint, dismiss, dismiss_all
from ..logbook import Deed, enter
from ..models import GroupLead, Substitution
from ..models.runs import MAX_ID
from ..substitutions import end_substitutions, name_substitute, period_of_days
from .making import MadeByOperation, Name
from .many import do_to_all

ENDED = ngettext_lazy("%(count)d substitution ended.", "%(count)d substitutions ended.", "count")


class LeadForm(forms.Form):
    user_id = Name(label=_("User"), max_length=MAX_ID, help_text=_("They get the role lead, if they have an account."))
    user_group = Name(label=_("Group"), max_length=MAX_ID, known="known-groups", help_text=_("Whose runs they move."))


@admin.register(GroupLead)
class GroupLeadAdmin(MadeByOperation):
    """Whoever leads a group has the role, and loses it with the last of their groups."""

    making_form = LeadForm
    button = _("Appoint a lead")
    list_display = ("user_id", "user_group")
    list_filter = ("user_group",)
    search_fields = ("user_id", "user_group")
    show_full_result_count = False

    def make(self, given: dict[str, Any], by: Actor) -> GroupLead:
        lead = appoint(given["user_id"], given["user_group"])
        enter(lead, Deed.MADE, "Appointed", by=by)
        return lead

    def answer(self, request: HttpRequest, made: GroupLead) -> HttpResponse:
        self.message_user(
            request,
            _("Lead appointed: %(user_id)s for %(user_group)s.")
            % {"user_id": made.user_id, "user_group": made.user_group},
            messages.SUCCESS,
        )
        return HttpResponseRedirect(reverse("admin:usertasks_grouplead_changelist"))

    def delete_model(self, request: HttpRequest, obj: GroupLead) -> None:
        dismiss(obj.user_id, obj.user_group)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[GroupLead]) -> None:
        dismiss_all(queryset)


class SubstitutionForm(forms.Form):
    user_id = Name(label=_("User"), max_length=MAX_ID, help_text=_("Who is away."))
    substitute_id = Name(label=_("Substitute"), max_length=MAX_ID, help_text=_("Who sees and does what they own."))
    first_day = forms.DateField(label=_("First day"), initial=timezone.localdate, widget=AdminDateWidget)
    last_day = forms.DateField(label=_("Last day"), widget=AdminDateWidget, help_text=_("Included."))


@admin.register(Substitution)
class SubstitutionAdmin(MadeByOperation):
    """Rows stay as they are, also when they are over: who stood in for whom is part of what happened."""

    making_form = SubstitutionForm
    button = _("Name a substitute")
    field_of: ClassVar[Mapping[str, str]] = {"starts_at": "first_day", "ends_at": "last_day"}
    list_display = ("user_id", "substitute_id", "starts_at", "ends_at", "is_in_force", "named_by")
    search_fields = ("user_id", "substitute_id")
    show_full_result_count = False
    date_hierarchy = "starts_at"
    actions = ("end",)

    def make(self, given: dict[str, Any], by: Actor) -> Substitution:
        starts_at, ends_at = period_of_days(given["first_day"], given["last_day"])
        return name_substitute(
            given["user_id"],
            given["substitute_id"],
            by=by,
            now=timezone.now(),
            starts_at=starts_at,
            ends_at=ends_at,
        )

    def answer(self, request: HttpRequest, made: Substitution) -> HttpResponse:
        self.message_user(request, _("Substitute named: %(made)s.") % {"made": made}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:usertasks_substitution_changelist"))

    @admin.display(description=_("in force"), boolean=True)
    def is_in_force(self, row: Substitution) -> bool:
        return row.starts_at <= timezone.now() < row.ends_at

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whoever names them may try: the operation says which they may end."""
        return any(request.user.has_perm(f"{APP}.{kind}_substitution") for kind in ("add", "change"))

    @admin.action(description=_("End now"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Substitution]) -> None:
        by, now = actor_of(request, Door.ADMIN), timezone.now()
        do_to_all(self, request, queryset, partial(end_substitutions, by=by, now=now), ENDED)
