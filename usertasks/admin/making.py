"""The page of the admin that makes a row by an operation, and says beside its fields what was refused."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from ..actors import Actor, Door
from ..callers import actor_of
from ..errors import Refused
from .run_filters import known_groups, known_users

if TYPE_CHECKING:
    BaseAdmin = admin.ModelAdmin[Any]
else:
    BaseAdmin = admin.ModelAdmin


class Name(forms.CharField):
    """The name of a user, with those that are known to choose from."""

    def __init__(self, *, known: str = "known-users", **kwargs: Any) -> None:
        super().__init__(widget=forms.TextInput(attrs={"list": known, "autocomplete": "off"}), **kwargs)


class MadeByOperation(BaseAdmin):
    """What is there cannot be changed by a form; what is made is made by `make`, which raises `Refused`."""

    making_form: ClassVar[type[forms.Form]]
    button: ClassVar[Any]
    field_of: ClassVar[Mapping[str, str]] = {}
    """Argument of the operation → the field of the form that asks for it, where these differ."""

    @abstractmethod
    def make(self, given: dict[str, Any], by: Actor) -> Any:
        """Do it with what the form says."""

    @abstractmethod
    def answer(self, request: HttpRequest, made: Any) -> HttpResponse:
        """The answer when it is done."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @method_decorator(never_cache)
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = self.making_form(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                return self.answer(request, self.make(form.cleaned_data, actor_of(request, Door.ADMIN)))
            except Refused as refusal:
                self._say(form, refusal)
        context = {"form": form, "known_users": known_users(), "known_groups": known_groups(), "button": self.button}
        return self.page(request, "admin/usertasks/making.html", title=self.button, **context)

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name
        about = {"opts": self.opts, "media": self.media}
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **about, **context})

    def _say(self, form: forms.Form, refusal: Refused) -> None:
        for name, faults in refusal.faults.items():
            field = self.field_of.get(name, name)
            for fault in faults:
                words = forms.ValidationError(fault.message, code=fault.code)
                form.add_error(field if field in form.fields else None, words)
        if not refusal.faults:
            form.add_error(None, forms.ValidationError(refusal.detail, code=refusal.code))
