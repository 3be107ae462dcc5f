"""The form of language, time zone and keyboard: what one can choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from usertasks.locales import zone_names
from usertasks.models import Preferences

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[Preferences]
else:
    BaseForm = forms.ModelForm

PARTS = {
    "Africa": gettext_lazy("Africa"),
    "America": gettext_lazy("America"),
    "Antarctica": gettext_lazy("Antarctica"),
    "Arctic": gettext_lazy("Arctic"),
    "Asia": gettext_lazy("Asia"),
    "Atlantic": gettext_lazy("Atlantic"),
    "Australia": gettext_lazy("Australia"),
    "Europe": gettext_lazy("Europe"),
    "Indian": gettext_lazy("Indian Ocean"),
    "Pacific": gettext_lazy("Pacific"),
}
"""The parts of the world that names of time zones begin with; the other names are older ones for the same zones."""

Choice = tuple[str, str]


class PreferencesForm(BaseForm):
    """`browser_zone` is that of the browser, where it has said so."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False, widget=forms.RadioSelect)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    has_shortcuts = forms.BooleanField(
        label=gettext_lazy("Keyboard shortcuts"),
        required=False,
        widget=forms.CheckboxInput(attrs={"aria-describedby": "shortcuts-help"}),
    )

    class Meta:
        model = Preferences
        fields = ("language", "time_zone", "has_shortcuts")

    def __init__(self, data: Mapping[str, Any] | None = None, *, instance: Preferences, browser_zone: str) -> None:
        super().__init__(data, instance=instance)
        self.fields["language"].choices = [("", _("As my browser says")), *_languages()]  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = list(_zones(instance.time_zone, browser_zone))  # type: ignore[attr-defined]


def _languages() -> list[Choice]:
    """Each language as those call it who speak it."""
    names = {code: get_language_info(code)["name_local"] for code, _name in settings.LANGUAGES}
    return [(code, name[:1].upper() + name[1:]) for code, name in names.items()]


def _zones(chosen: str, browser_zone: str) -> Iterator[tuple[str, str | list[Choice]]]:
    """The browser's, then the names by the part of the world; a chosen one with a name of another kind stays."""
    words = _("As my browser says (%(zone)s)") % {"zone": browser_zone} if browser_zone else _("As my browser says")
    yield "", words
    for name in {"UTC", chosen if chosen.partition("/")[0] not in PARTS else ""} - {""}:
        yield name, name
    for part, names in groupby(sorted(zone_names()), key=lambda name: name.partition("/")[0]):
        if part in PARTS:
            yield str(PARTS[part]), [(name, _city(name)) for name in names if "/" in name]


def _city(name: str) -> str:
    return name.partition("/")[2].replace("_", " ").replace("/", ", ")
