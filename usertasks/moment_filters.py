"""The filter for a moment: with an offset, or as the clock on the wall of whoever looks for something."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.fields import IsoDateTimeField

from .fieldtypes import Timestamp
from .validation import Wrong

LOCAL_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
"""What a browser's control for a date and time sends: it is meant in the current time zone."""


class Moment(IsoDateTimeField):
    """RFC 3339, or a local time. A space stands for the `+` that a URL has lost.

    Of a local time that comes twice, `fold` says which is meant; one that the clocks skip is an hour later.
    """

    def __init__(self, *, fold: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fold = fold

    def clean(self, value: Any) -> Any:
        text = value.replace(" ", "+") if isinstance(value, str) else ""
        try:
            if text and not LOCAL_TIME.fullmatch(text):
                return Timestamp().moment(text)
            return self._local(text).astimezone(UTC) if text else super().clean(text)
        except Wrong as wrong:
            raise ValidationError(wrong.fault.message, code="invalid") from None
        except OverflowError:
            raise ValidationError(_("lies outside of the years 1 to 9999 in UTC"), code="invalid") from None

    def _local(self, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text).replace(tzinfo=timezone.get_current_timezone(), fold=self.fold)
        except ValueError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = Moment
