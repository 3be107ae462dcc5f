"""The audit in the admin: events and refusals, to be read, narrowed down and exported, and never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from ..actors import Door
from ..audit import FORMATS, Selection, records_of, written
from ..callers import actor_of
from ..errors import Refused
from ..models import Refusal, UserTaskEvent, UserTaskRun
from ..models.runs import guid_of
from .run_filters import MOST_COUNTED, BoundedPaginator, OfferedOrders, known_users
from .webhooks import ReadOnly

CONTENT_TYPES = {"jsonl": "application/x-ndjson; charset=utf-8", "csv": "text/csv; charset=utf-8"}


class SelectionForm(forms.Form):
    """Who, which run, and when, as it is typed."""

    by = forms.CharField(label=_("By, or on behalf of"), required=False)
    run = forms.CharField(label=_("Run"), required=False)
    since = forms.DateTimeField(label=_("From"), required=False)
    until = forms.DateTimeField(label=_("Until before"), required=False)

    def clean_run(self) -> Any:
        text = self.cleaned_data["run"].strip()
        guid = guid_of(text) if text else None
        if text and guid is None:
            raise forms.ValidationError(_("Enter the whole id of a run."))
        return guid

    def selection(self) -> Selection:
        asked = self.cleaned_data
        return Selection(asked["since"], asked["until"], asked["run"], asked["by"].strip() or None)


class SelectionFilter(admin.ListFilter):
    """The filters that are typed, in one small form."""

    title = _("person, run and time")
    template = "admin/usertasks/usertaskrun/texts_filter.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        texts = {name: params.pop(name, [""])[-1] for name in SelectionForm.base_fields}
        self.used_parameters.update({name: text for name, text in texts.items() if text.strip()})
        self.errors: Mapping[str, Any] = {}

    def expected_parameters(self) -> list[str | None]:
        return [*SelectionForm.base_fields]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What matches; nothing where what was typed cannot be understood, which the form then says."""
        form = SelectionForm(self.used_parameters)
        if form.is_valid():
            return form.selection().among(queryset)
        self.errors = form.errors
        return queryset.none()

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, object]]:
        """The inputs, and hidden among them what else narrows the list."""
        for name, field in SelectionForm.base_fields.items():
            yield {
                "name": name,
                "label": field.label,
                "value": self.used_parameters.get(name, ""),
                "type": "datetime-local" if isinstance(field, forms.DateTimeField) else "text",
                "errors": self.errors.get(name, []),
                "known": known_users() if name == "by" else [],
            }
        for name, texts in self.request.GET.lists():
            if name not in (*SelectionForm.base_fields, PAGE_VAR):
                yield {"name": name, "value": texts[-1], "type": "hidden"}


class KnownValuesFilter(admin.SimpleListFilter):
    """Offers what a column can say, without looking through the table for what it does say."""

    known: Sequence[str] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in self.known]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(**{str(self.parameter_name): value})


class DoorFilter(KnownValuesFilter):
    title, parameter_name = _("door"), "door"
    known = [door.value for door in Door]


class CodeFilter(KnownValuesFilter):
    title, parameter_name = _("code"), "code"
    known = sorted(refused.code for refused in Refused.__subclasses__())


class AuditAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """The newest first; what is listed can be taken away as a file."""

    list_display_links: Any = None
    sortable_by = ()
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    list_per_page = 50
    change_list_template = "admin/usertasks/audit/change_list.html"

    class Media:
        css = {"all": ["usertasks/admin/admin.css"]}

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export_view)
        return [path("export/<str:form>/", export, name=self._export_name()), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OfferedOrders

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """The whole list as it is narrowed down, the oldest first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if form not in FORMATS:
            raise Http404
        try:
            listed = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
        with translation.override("en"):  # the name of a file has to be ASCII
            kind = str(self.opts.verbose_name_plural)
        name = f"{kind}-{timezone.now():%Y-%m-%dT%H%M%SZ}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        lines = written(self.records(listed), form)
        return StreamingHttpResponse(lines, content_type=CONTENT_TYPES[form], headers=headers)

    def records(self, rows: Any) -> Iterator[Any]:
        raise NotImplementedError

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        exports = [
            (label, reverse(f"admin:{self._export_name()}", args=[form]))
            for form, label in (("jsonl", _("Export as JSON lines")), ("csv", _("Export as CSV")))
        ]
        context = {"exports": exports, "most_counted": MOST_COUNTED, **(extra_context or {})}
        return super().changelist_view(request, context)

    def _export_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_export"

    @admin.display(description=_("time"))
    def moment(self, row: UserTaskEvent | Refusal) -> str:
        """To the second: what follows what is what one looks for."""
        local = timezone.localtime(row.time)
        words = '<span class="nowrap">{}</span> <span class="nowrap">{}</span>'
        return format_html(words, f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}")

    @admin.display(description=_("run"))
    def of_run(self, row: UserTaskEvent | Refusal) -> str | None:
        return _link(row.run_id, row.run_id.hex[:8]) if row.run_id else None


def _link(run_id: UUID, words: str) -> str:
    return format_html('<a href="{}">{}</a>', reverse("admin:usertasks_usertaskrun_change", args=[run_id]), words)


@admin.register(UserTaskEvent)
class EventAdmin(AuditAdmin):
    """Of the runs that one may see."""

    list_display = ("moment", "actor", "on_behalf_of", "type", "of_run", "number", "door", "address")
    list_display_links = ("moment",)
    list_filter = (SelectionFilter, "type", DoorFilter)
    fields = (
        ("moment", "type"),
        ("actor", "on_behalf_of"),
        ("door", "address"),
        ("whole_run", "number"),
        "said",
        "chained",
    )
    readonly_fields = ("moment", "on_behalf_of", "whole_run", "said", "chained")

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserTaskEvent]:
        return UserTaskEvent.objects.visible_to(actor_of(request, Door.ADMIN))

    def records(self, rows: QuerySet[UserTaskEvent]) -> Iterator[Any]:
        return records_of(rows, Refusal.objects.none())

    @admin.display(description=_("on behalf of"))
    def on_behalf_of(self, event: UserTaskEvent) -> str:
        return str(event.data.get("on_behalf_of") or self.get_empty_value_display())

    @admin.display(description=_("run"))
    def whole_run(self, event: UserTaskEvent) -> str:
        return _link(event.run_id, event.run_id.hex)

    @admin.display(description=_("data"))
    def said(self, event: UserTaskEvent) -> str:
        return format_html("<pre class='answer'>{}</pre>", json.dumps(event.data, indent=2, ensure_ascii=False))

    @admin.display(description=_("link"))
    def chained(self, event: UserTaskEvent) -> str:
        place = _("at %(position)s of the feed") % {"position": event.position} if event.position else ""
        return ", ".join(filter(None, (event.link, place, event.redaction and str(_("made anonymous")))))


@admin.register(Refusal)
class RefusalAdmin(AuditAdmin):
    """Of the runs that one may see; all of them, also about no run, for whoever sees every run."""

    list_display = ("moment", "actor", "on_behalf_of", "action", "code", "of_run", "door", "address")
    list_filter = (SelectionFilter, CodeFilter, DoorFilter)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Refusal]:
        actor = actor_of(request, Door.ADMIN)
        if actor.holds("view_usertaskrun"):
            return Refusal.objects.all()
        return Refusal.objects.filter(run_id__in=UserTaskRun.objects.visible_to(actor).values("id"))

    def records(self, rows: QuerySet[Refusal]) -> Iterator[Any]:
        return records_of(UserTaskEvent.objects.none(), rows)
