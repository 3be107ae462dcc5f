"""Definitions in the admin: saving puts a new version, since a version is never edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin import actions
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from .. import operations
from ..actors import Door
from ..callers import actor_of
from ..errors import Refused
from ..forms import TaskForm
from ..hooks import sentence_of
from ..models import UserTaskDef, UserTaskField
from ..models.definitions import MAX_FIELDS, UserTaskDefQuerySet
from .definition_forms import LIVE, PREVIEW, STEP, DefinitionForm, FieldForm, FieldFormSet, newest_version
from .designed import designed
from .many import AT_ONCE
from .open_runs import counts_of, open_runs_of
from .rule_inputs import SHOW_IF, kinds_of, typed_of_field

if TYPE_CHECKING:
    BaseAdmin = admin.ModelAdmin[UserTaskDef]
    BaseInline = admin.StackedInline[UserTaskField, UserTaskDef]
else:
    BaseAdmin = admin.ModelAdmin
    BaseInline = admin.StackedInline


class NewestFilter(admin.SimpleListFilter):
    title, parameter_name = _("version"), "newest"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("true", str(_("Newest only")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "true":
            return queryset
        return queryset.filter(pk__in=UserTaskDef.objects.newest().values("pk"))


DESIGNED: Any = (
    (None, {"fields": (("name", "type", "order"), ("display_name", "required"), "description")}),
    (
        _("What an answer may be"),
        {
            "fields": (("choices",), ("min", "max", "min_length", "max_length"), ("format", "pattern")),
            "classes": ["collapse", "limits"],
        },
    ),
    (
        _("How the form asks"),
        {
            "fields": (("section", "widget", "placeholder", "default"), SHOW_IF),
            "classes": ["collapse"],
        },
    ),
    (_("The rest, as JSON"), {"fields": (("validation", "presentation"),), "classes": ["collapse"]}),
)
"""How the form of a field is laid out."""


class DefinitionList(ChangeList):
    """The list, with the open runs of each version on the page: one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        counts = counts_of({definition.name for definition in self.result_list})
        for definition in self.result_list:
            definition.open_run_count = counts.get((definition.name, definition.version), 0)


class FieldInline(BaseInline):
    """The fields, each of them new in the new version: the rows of the old one only fill the form."""

    model = UserTaskField
    form = FieldForm
    formset = FieldFormSet
    template = "admin/usertasks/usertaskdef/fields.html"
    max_num = MAX_FIELDS
    fields = ("name", "type", "display_name", "required", "description", "validation", "presentation")

    def get_fieldsets(self, request: HttpRequest, obj: UserTaskDef | None = None) -> Any:
        """The inputs for whoever may put a definition; to read, the parts that it has."""
        return DESIGNED if self.has_add_permission(request, obj) else super().get_fieldsets(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # whoever sees the definition sees its fields

    def has_add_permission(self, request: HttpRequest, obj: Any) -> bool:  # type: ignore[override]
        return request.user.has_perm("usertasks.add_usertaskdef")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def get_extra(self, request: HttpRequest, obj: UserTaskDef | None = None, **kwargs: Any) -> int:
        """A form for each field there is, and a blank one: without JavaScript there is no other way to add one."""
        return (obj.fields.count() if obj else 0) + 1


@admin.register(UserTaskDef)
class DefinitionAdmin(BaseAdmin):
    form = DefinitionForm
    inlines = (FieldInline,)
    fields = ("name", "description", "newest_seen")
    list_display = ("name", "version", "description", "number_of_fields", "open_runs", "created_at")
    list_filter = (NewestFilter,)
    search_fields = ("name",)
    search_help_text = _("Part of a name.")
    ordering = ("name", "-version")
    actions = ("delete_selected",)
    show_facets = admin.ShowFacets.NEVER
    change_form_template = "admin/usertasks/usertaskdef/change_form.html"

    class Media:
        css = {"all": ["usertasks/admin/admin.css"]}

    def has_view_permission(self, request: HttpRequest, obj: UserTaskDef | None = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: UserTaskDef | None = None) -> bool:
        return self.has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: UserTaskDef | None = None) -> bool:
        return self.has_add_permission(request)

    def get_queryset(self, request: HttpRequest) -> UserTaskDefQuerySet:
        return UserTaskDef.objects.annotate(field_count=Count("fields"))

    def get_readonly_fields(self, request: HttpRequest, obj: UserTaskDef | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    @admin.display(description=_("fields"), ordering="field_count")
    def number_of_fields(self, definition: Any) -> int:
        return int(definition.field_count)

    @admin.display(description=_("open runs"))
    def open_runs(self, definition: Any) -> int:
        return int(definition.open_run_count)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DefinitionList

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(self.preview)
        return [path("<int:pk>/preview/", preview, name="usertasks_usertaskdef_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form that people who get a run of this version see."""
        definition = UserTaskDef.objects.filter(pk=pk).first()
        if definition is None:
            raise Http404
        if not self.has_view_permission(request, definition):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Preview of %(definition)s") % {"definition": definition},
            "opts": self.opts,
            "media": self.media,
            "definition": definition,
            "preview": TaskForm(list(definition.fields.all()), {}),
            "timers": [sentence_of(action) for action in definition.actions],
        }
        return TemplateResponse(request, "admin/usertasks/usertaskdef/preview.html", context)

    def get_formset_kwargs(self, request: HttpRequest, obj: UserTaskDef, inline: Any, prefix: str) -> dict[str, Any]:
        """The fields of the version fill new forms; who may only look sees the rows themselves."""
        settings = super().get_formset_kwargs(request, obj, inline, prefix)
        if inline.has_change_permission(request, obj):
            settings["queryset"] = UserTaskField.objects.none()
            if request.method != "POST" and obj.pk:
                fields = list(obj.fields.all())
                kinds = kinds_of({field.name: field.type for field in fields})
                settings["initial"] = [
                    {**typed_of_field(field.content(), kinds), "order": number * STEP}
                    for number, field in enumerate(fields, start=1)
                ]
        return settings

    def save_model(self, request: HttpRequest, obj: UserTaskDef, form: Any, change: bool) -> None:
        """Not without the fields: see `save_related`."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Put the definition; from then on the row that Django thinks it saved is the one that was put."""
        description = form.cleaned_data["description"]
        put, is_new = operations.put_definition(
            form.instance.name,
            formsets[0].fields_put(),
            by=actor_of(request, Door.ADMIN),
            description=description,
            actions=form.timers.actions() if form.timers else None,
        )
        form.instance.pk, form.instance.version = put.pk, put.version
        form.is_new_version = is_new
        if is_new:
            staying = sum(older.runs for older in open_runs_of(put.name) if older.version < put.version)
            sentence = _("Saved as %(name)s version %(version)s.")
            if staying:
                sentence = _(
                    "Saved as %(name)s version %(version)s. Open runs that stay on older versions: %(staying)s."
                )
            numbers = {"name": put.name, "version": put.version, "staying": staying}
            self.message_user(request, sentence % numbers, messages.SUCCESS)
        else:
            self.message_user(
                request,
                _("Nothing has changed: %(name)s is at version %(version)s.")
                % {"name": put.name, "version": put.version},
                messages.INFO,
            )

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        return [{"added": {}}] if form.is_new_version else []

    def log_addition(self, request: HttpRequest, obj: UserTaskDef, message: Any) -> Any:
        return super().log_addition(request, obj, message) if message else None

    def log_change(self, request: HttpRequest, obj: UserTaskDef, message: Any) -> Any:
        """What looks like a change to Django is a new version."""
        return self.log_addition(request, obj, message)

    def response_add(
        self, request: HttpRequest, obj: UserTaskDef, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:usertasks_usertaskdef_change", args=[obj.pk]))

    def response_change(self, request: HttpRequest, obj: UserTaskDef) -> HttpResponse:
        return self.response_add(request, obj)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        definition: UserTaskDef | None = context["original"]
        form, formset = context["adminform"].form, context["inline_admin_formsets"][0].formset
        context |= {
            "preview_button": PREVIEW,
            "live_preview": LIVE,
            "newest": definition and newest_version(definition.name),
            "timer_forms": form.timers,
            "timers": [sentence_of(action) for action in definition.actions] if definition else [],
        }
        if not self.has_change_permission(request, definition):
            context["open_runs"] = open_runs_of(definition.name) if definition else []
        else:
            context["designed"] = designed(form, formset)
        if request.POST.get(PREVIEW) == LIVE:
            return TemplateResponse(request, "admin/usertasks/usertaskdef/designed.html", context)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Whether there are runs, the operation says; gathering them all here would be for nothing."""
        count = len(objs)
        return [str(definition) for definition in objs], {self.opts.verbose_name_plural: count}, set(), []

    def delete_model(self, request: HttpRequest, obj: UserTaskDef) -> None:
        operations.delete_definition(obj.name, obj.version, by=actor_of(request, Door.ADMIN))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except Refused as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:usertasks_usertaskdef_change", args=[object_id]))

    @admin.action(description=_("Delete selected definitions"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[UserTaskDef]) -> HttpResponse | None:
        """Ask like Django, then delete, and say what became of each."""
        if not request.POST.get("post"):
            return actions.delete_selected(self, request, queryset)
        for some in batched(queryset, AT_ONCE):
            refusals = self._delete_and_log(request, some)
            for definition in some:
                self._tell(request, definition, refusals.get(definition.pk))
        return None

    def _tell(self, request: HttpRequest, definition: UserTaskDef, refusal: Refused | None) -> None:
        """What became of a definition that was to be deleted."""
        said = {"definition": definition, "detail": refusal.detail if refusal else ""}
        if refusal:
            self.message_user(request, _("%(definition)s was not deleted. %(detail)s") % said, messages.ERROR)
        else:
            self.message_user(request, _("%(definition)s was deleted.") % said, messages.SUCCESS)

    @transaction.atomic
    def _delete_and_log(self, request: HttpRequest, rows: Sequence[UserTaskDef]) -> Mapping[int, Refused]:
        """Delete those that no run needs; the refusals of the others."""
        refusals = operations.delete_definitions([row.pk for row in rows], by=actor_of(request, Door.ADMIN))
        if deleted := [row for row in rows if row.pk not in refusals]:
            self.log_deletions(request, deleted)  # type: ignore[arg-type]  # any rows will do
        return refusals
