"""Runs in the admin: found, read, reassigned, cancelled; never edited. One sees what the rules let one see."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ..actors import Door
from ..callers import actor_of
from ..fieldtypes import type_of
from ..history import history_of
from ..hooks import lapses_on_reassign
from ..hooks import sentence as sentence_of_hook
from ..models import UserTaskField, UserTaskRun
from ..models.runs import NEWEST_FIRST, UserTaskRunQuerySet
from ..rules import Action, allowed_actions, decide
from .run_changes import RunChanges
from .run_filters import (
    MOST_COUNTED,
    BoundedPaginator,
    OfferedOrders,
    OverdueFilter,
    StatusFilter,
    TextsFilter,
    matching,
)


@admin.register(UserTaskRun)
class RunAdmin(RunChanges):
    list_display = (
        "short_id",
        "shown_status",
        "definition_and_version",
        "user_id",
        "user_group",
        "created",
        "due",
        "priority",
    )
    sortable_by = ("created", "due", "priority")
    ordering = NEWEST_FIRST
    list_filter = (StatusFilter, OverdueFilter, TextsFilter)
    search_fields = ("pk",)
    search_help_text = _("An exact id, workflow run, user or group.")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    readonly_fields = ("guid", "definition_link", "shown_status", "due")
    fieldsets = (
        (None, {"fields": (("shown_status", "user_id", "user_group"), ("due", "priority"), "notes")}),
        (_("Origin"), {"fields": (("definition_link", "scheduled_time", "completed_at"), ("guid", "wf_run_id"))}),
        (
            _("For programs"),
            {"fields": (("version", "epoch", "on_cancellation_exception_name"),), "classes": ["collapse"]},
        ),
    )
    change_form_template = "admin/usertasks/usertaskrun/change_form.html"

    class Media:
        css = {"all": ["usertasks/admin/admin.css"]}

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: UserTaskRun | None = None) -> bool:
        """All of the staff may open the list; which runs they see, and which they may open, the rules decide."""
        return obj is None or decide(Action.VIEW, obj, actor_of(request, Door.ADMIN)).allowed

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: UserTaskRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: UserTaskRun | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> UserTaskRunQuerySet:
        return UserTaskRun.objects.visible_to(actor_of(request, Door.ADMIN))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OfferedOrders

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[UserTaskRunQuerySet, bool]:
        term = search_term.strip()
        return (queryset.filter(matching(term)) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "most_counted": MOST_COUNTED})

    def response_action(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        """Django's, but for an id that is none."""
        try:
            return super().response_action(request, queryset, *args, **kwargs)
        except ValidationError:
            self.message_user(request, _("Select the runs first."), messages.ERROR)
            return None

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        run: UserTaskRun = context["original"]
        context |= {
            "title": _("Run of %(user_task_def_name)s") % {"user_task_def_name": run.user_task_def_name},
            "subtitle": None,
            "results": _results(run),
            "timers": [
                (hook, sentence_of_hook(hook), lapses_on_reassign(hook))
                for hook in (run.armed_hooks.all() if run.actions else ())
            ],
            "comments": run.comments.all(),
            "history": history_of(run, list(run.fields))[::-1],
            "allowed_actions": allowed_actions(run, actor_of(request, Door.ADMIN)),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("run"), ordering="id")
    def short_id(self, run: UserTaskRun) -> str:
        return run.id.hex[:8]

    @admin.display(description=_("id"))
    def guid(self, run: UserTaskRun) -> str:
        return run.id.hex

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, run: UserTaskRun) -> str:
        return format_html(
            '<span class="run-status run-status-{}">{}</span>', run.status.lower(), run.get_status_display()
        )

    @admin.display(description=_("definition"), ordering="user_task_def_name")
    def definition_and_version(self, run: UserTaskRun) -> str:
        return f"{run.user_task_def_name} v{run.user_task_def_version}"

    @admin.display(description=_("definition"))
    def definition_link(self, run: UserTaskRun) -> str:
        address = reverse("admin:usertasks_usertaskdef_change", args=[run.definition_id])
        return format_html('<a href="{}">{}</a>', address, self.definition_and_version(run))

    @admin.display(description=_("created"), ordering="scheduled_time")
    def created(self, run: UserTaskRun) -> str:
        return _short(run.scheduled_time)

    @admin.display(description=_("due"), ordering="due_at")
    def due(self, run: UserTaskRun) -> str:
        if run.due_at is None:
            return str(self.get_empty_value_display())
        if not run.is_overdue(timezone.now()):
            return _short(run.due_at)
        return format_html('<strong class="run-overdue">{}</strong> {}', _("Overdue"), _short(run.due_at))


def _short(moment: datetime) -> str:
    """A moment that fits into a narrow column and sorts as it reads."""
    date, time = date_format(timezone.localtime(moment), "Y-m-d H:i").split()
    return format_html(
        '<time datetime="{}"><span class="nowrap">{}</span> <span class="nowrap">{}</span></time>',
        moment.isoformat(),
        date,
        time,
    )


def _results(run: UserTaskRun) -> list[tuple[UserTaskField, str | None]]:
    """The questions with the answers as people read them, None where there is none yet."""
    fields = UserTaskField.objects.filter(definition=run.definition_id)
    return [
        (field, type_of(field).show(run.results[field.name]) if run.results.get(field.name) is not None else None)
        for field in fields
    ]
