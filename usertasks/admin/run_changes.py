"""Reassigning and cancelling in the admin, one run or many: ask, do, and say for every run what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from .. import bulk
from ..actors import Door
from ..callers import actor_of
from ..errors import Refused
from ..grants import APP
from ..models import BulkChange, UserTaskRun
from ..models.runs import MAX_ID, NEWEST_FIRST
from ..owners import owner_of
from .run_filters import known_groups, known_users

if TYPE_CHECKING:
    BaseAdmin = admin.ModelAdmin[UserTaskRun]
else:
    BaseAdmin = admin.ModelAdmin


class Name(forms.CharField):
    """The name of a user or group, which some identity provider knows: any text will do."""

    def __init__(self, *, known: str, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"list": known, "autocomplete": "off", "maxlength": MAX_ID})
        super().__init__(required=False, empty_value=None, widget=widget, **kwargs)


class ReassignForm(forms.Form):
    user_id = Name(known="known-users", label=_("User"))
    user_group = Name(known="known-groups", label=_("Group"))
    override_claim = forms.BooleanField(
        label=_("Override claim"),
        required=False,
        initial=True,
        help_text=_("Take the run away from whoever has it. Without this, runs that somebody has are left alone."),
    )

    def clean(self) -> None:
        owner = {name: self.cleaned_data.get(name) for name in ("user_id", "user_group")}
        if self.errors:
            return
        if owner == {"user_id": None, "user_group": None}:
            raise forms.ValidationError(_("Name a user, a group, or both."), code="required")
        try:
            owner_of(**owner)
        except Refused as refusal:
            for name, faults in refusal.faults.items():
                self.add_error(name, [forms.ValidationError(fault.message, code=fault.code) for fault in faults])


@dataclass(frozen=True)
class Change:
    """One thing to do to runs: `action` as `bulk` names it, what to ask beforehand, and how it is worded."""

    name: str
    action: str
    permission: str
    form: type[forms.Form]
    title: Any
    effect: Any
    done: Any


REASSIGN = Change(
    name="reassign",
    action="assign",
    permission="assign_usertaskrun",
    form=ReassignForm,
    title=_("Reassign"),
    effect=_("User and group are both replaced by what you name here; what you leave blank is unset."),
    done=_("Reassigned"),
)
CANCEL = Change(
    name="cancel",
    action="cancel",
    permission="cancel_usertaskrun",
    form=forms.Form,
    title=_("Cancel"),
    effect=_("A cancelled run ends without an answer, and whoever waits for it is told so. This cannot be taken back."),
    done=_("Cancelled"),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one run: the run as it is now, if it can be seen, and the refusal if there was one."""

    id: UUID
    run: UserTaskRun | None
    refusal: Refused | None


class RunChanges(BaseAdmin):
    """The part of the admin of runs that changes them."""

    actions = ("reassign", "cancel")

    def has_assign_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{APP}.{REASSIGN.permission}")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{APP}.{CANCEL.permission}")

    @admin.action(description=_("Reassign"), permissions=["assign"])
    def reassign(self, request: HttpRequest, queryset: QuerySet[UserTaskRun]) -> HttpResponse:
        return self._ask_or_refuse(request, REASSIGN, _chosen(request, queryset))

    @admin.action(description=_("Cancel"), permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[UserTaskRun]) -> HttpResponse:
        return self._ask_or_refuse(request, CANCEL, _chosen(request, queryset))

    def get_urls(self) -> list[URLPattern]:
        view, prefix = self.admin_site.admin_view, "usertasks_usertaskrun"
        changes = [
            path(f"{change.name}/", view(self.change_runs), {"change": change}, name=f"{prefix}_{change.name}")
            for change in (REASSIGN, CANCEL)
        ]
        undo = path("undo/<uuid:change_id>/", view(self.undo), name=f"{prefix}_undo")
        return [*changes, undo, *super().get_urls()]

    def change_runs(self, request: HttpRequest, change: Change) -> HttpResponse:
        """Ask on GET (for `?run=`), do it on POST (for what was selected)."""
        if not request.user.has_perm(f"{APP}.{change.permission}"):
            raise PermissionDenied
        is_post = request.method == "POST"
        ids = _ids(request.POST.getlist(ACTION_CHECKBOX_NAME) if is_post else request.GET.getlist("run"))
        form = change.form(request.POST if is_post else None)
        if not form.is_valid() or not 0 < len(ids) <= bulk.MAX_RUNS:
            return self._ask_or_refuse(request, change, ids, form)
        results, undo = bulk.change_many(change.action, ids, form.cleaned_data, by=actor_of(request, Door.ADMIN))
        return self._tell(request, results, title=change.title, done=change.done, undo=undo)

    def undo(self, request: HttpRequest, change_id: UUID) -> HttpResponse:
        """Give the runs of a reassignment back to whom they had."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_assign_permission(request):
            raise PermissionDenied
        try:
            results = bulk.undo(change_id, by=actor_of(request, Door.ADMIN))
        except Refused as refusal:
            return self._back_to_the_list(request, refusal.detail)
        return self._tell(request, results, title=_("Undo"), done=_("Given back"), undo=None)

    def _ask_or_refuse(
        self, request: HttpRequest, change: Change, ids: Sequence[UUID], form: forms.Form | None = None
    ) -> HttpResponse:
        if not ids:
            return self._back_to_the_list(request, _("Select the runs first."))
        if len(ids) > bulk.MAX_RUNS:
            return self._back_to_the_list(
                request,
                _("At most %(number)s runs can be changed at once: select fewer.") % {"number": f"{bulk.MAX_RUNS:,}"},
            )
        context = {
            "title": change.title,
            "change": change,
            "form": form or change.form(),
            "ids": ids,
            "runs": self.get_queryset(request).filter(pk__in=ids).order_by(*NEWEST_FIRST),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "known_users": known_users(),
            "known_groups": known_groups(),
        }
        return self._page(request, "admin/usertasks/usertaskrun/change_runs.html", context)

    def _tell(
        self, request: HttpRequest, results: Sequence[bulk.Result], *, title: Any, done: Any, undo: BulkChange | None
    ) -> HttpResponse:
        seen = self.get_queryset(request).in_bulk([result.id for result in results])
        outcomes = [Outcome(result.id, result.run or seen.get(result.id), result.refusal) for result in results]
        refused = sum(outcome.refusal is not None for outcome in outcomes)
        context = {
            "title": title,
            "outcomes": outcomes,
            "done": done,
            "undo": undo,
            "done_count": len(outcomes) - refused,
            "refused_count": refused,
        }
        return self._page(request, "admin/usertasks/usertaskrun/changed_runs.html", context)

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name
        about = {"opts": self.opts, "media": self.media, "preserved_filters": self.get_preserved_filters(request)}
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **about, **context})

    def _back_to_the_list(self, request: HttpRequest, message: Any) -> HttpResponse:
        self.message_user(request, message, messages.ERROR)
        return HttpResponseRedirect(reverse("admin:usertasks_usertaskrun_changelist"))


def _ids(texts: Sequence[str]) -> list[UUID]:
    """The runs that a request names, each once; what is no id names none."""
    ids: dict[UUID, None] = {}
    for text in texts:
        try:
            ids[UUID(text)] = None
        except ValueError:
            continue
    return list(ids)


def _chosen(request: HttpRequest, queryset: QuerySet[UserTaskRun]) -> list[UUID]:
    """The ticked runs, also those that the filters of the list no longer match; or all that match, of many pages."""
    if request.POST.get("select_across") == "1":
        return list(queryset.values_list("pk", flat=True)[: bulk.MAX_RUNS + 1])
    return _ids(request.POST.getlist(ACTION_CHECKBOX_NAME))
