"""The form control for a date and time: what somebody types is what the clock on their wall says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from .locales import moment_at, zone_named


class WallClock(str):
    """A date and time as somebody typed it, and the zone in which the page was made that they typed it into."""

    zone: tzinfo

    def __new__(cls, text: str, zone: tzinfo) -> WallClock:
        typed = super().__new__(cls, text)
        typed.zone = zone
        return typed


class MomentInput(forms.DateTimeInput):
    """A control for a date and time; the zone that it was shown in goes along, since it may be another one later."""

    template_name = "components/moment_input.html"
    in_zone = "-zone"

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        text = data.get(name)
        if not isinstance(text, str):
            return text
        return WallClock(text, zone_named(data.get(name + self.in_zone, "")) or timezone.get_current_timezone())

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        zone = value.zone if isinstance(value, WallClock) else timezone.get_current_timezone()
        context["widget"]["zone"] = {"name": name + self.in_zone, "value": str(zone)}
        return context


class MomentField(forms.DateTimeField):
    """A date and time in the person's time zone, or with an offset. Of an hour that comes twice the first is meant."""

    widget = MomentInput(format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"})

    def to_python(self, value: Any) -> datetime | None:
        wall = self._as_typed(value)
        if wall is None or wall.tzinfo:
            return wall
        if moment := moment_at(wall, _zone_of(value)):
            return moment
        raise ValidationError(_("There is no such time: the clocks go forward then."), code="invalid")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Not where it reads as it was shown: the control leaves out fractions, and which of two hours it is."""
        try:
            typed = self._as_typed(data)
        except ValidationError:
            return True
        if typed is None or typed.tzinfo or initial is None:
            return bool(typed != initial)
        return bool(typed != initial.astimezone(_zone_of(data)).replace(tzinfo=None))

    def _as_typed(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            moment = parse_datetime(value.strip())
        except ValueError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        return moment or super(forms.DateTimeField, self).to_python(value)


def _zone_of(value: Any) -> tzinfo:
    return value.zone if isinstance(value, WallClock) else timezone.get_current_timezone()
