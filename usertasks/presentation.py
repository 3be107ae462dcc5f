"""What the `presentation` of a field may say: how a form asks for a value, never what the value may be.

    widget       the control, where a field has more than one that fits (`WIDGETS`)
    placeholder  what an empty control shows
    rows         the height of a control with several lines
    section      the heading that the field stands under, together with its neighbours of the same section
    default      what the form begins with while nothing is saved
    show_if      the answer of another field that this one depends on (see `conditions`)

Other keys are kept, for other forms. So are other names of widgets: a form that does not know one asks as if there were
none. What this form does know must make sense.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .validation import Field

WIDGETS = frozenset(
    {"text", "textarea", "select", "radio", "person", "number", "datetime", "checkboxes", "file"},
)
"""The controls that our form has; which of them fit is a matter of the field (`FieldType.widgets`)."""
KIB = 1024
MAX_ROWS = 50
MAX_TEXT = 200
"""Characters of a placeholder or a heading."""
LONG_TEXT = 120
"""A text that may be longer than this many characters is asked for in several lines, unless a widget is named."""


def widget_of(field: Field, fitting: Sequence[str]) -> str:
    """The control that asks: the one that is named, if it fits; else the first that does."""
    named = field.presentation.get("widget")
    return named if named in fitting else fitting[0]


def text_of(field: Field, key: str) -> str:
    """A text of the presentation, or nothing."""
    text = field.presentation.get(key)
    return text.strip() if isinstance(text, str) else ""


def rows_of(field: Field, usual: int) -> int:
    """How many lines of a long answer are seen at once."""
    rows = field.presentation.get("rows")
    return rows if _is_number_of_rows(rows) else usual


def asks_for_a_person(field: Field) -> bool:
    """Whether the form should suggest people."""
    return bool(field.presentation.get("widget") == "person")


def flaw_of_presentation(presentation: Mapping[str, Any], fitting: Sequence[str]) -> str | None:
    """What makes no sense about how a field is asked for, or None; `fitting` are the widgets that the field may name.

    `default` and `show_if` need to know the types of fields: see `flaws`.
    """
    widget = presentation.get("widget", fitting[0])
    if not isinstance(widget, str):
        return _("'widget' must be the name of a control")
    if widget in WIDGETS and widget not in fitting:
        return _("'widget' '%(widget)s' does not fit (there are: %(widgets)s)") % {
            "widget": widget,
            "widgets": ", ".join(fitting),
        }
    for key in ("placeholder", "section"):
        text = presentation.get(key, "")
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            return _("'%(key)s' must be a text of at most %(number)s characters") % {"key": key, "number": MAX_TEXT}
    if not _is_number_of_rows(presentation.get("rows", 1)):
        return _("'rows' must be a whole number from 1 to %(number)s") % {"number": MAX_ROWS}
    return None


def _is_number_of_rows(rows: Any) -> bool:
    return isinstance(rows, int) and not isinstance(rows, bool) and 1 <= rows <= MAX_ROWS


def between(low: Any, high: Any) -> str:
    """Two limits in words; None is no limit."""
    limits = {"low": low, "high": high}
    if low is None:
        return "" if high is None else _("At most %(high)s.") % limits
    if high is None:
        return _("At least %(low)s.") % limits
    return (_("Exactly %(low)s.") if low == high else _("From %(low)s to %(high)s.")) % limits


def between_lengths(field: Field, length_in_words: Callable[[int], str]) -> str:
    """The limits of a length in words; 0 is none."""
    limits = (field.validation.get(rule) for rule in ("min_length", "max_length"))
    return between(*(length_in_words(limit) if limit else None for limit in limits))


def size_in_words(size: int) -> str:
    """A number of bytes as people read it, exact where it is small."""
    if size < KIB:
        return ngettext("%(size)d byte", "%(size)d bytes", size) % {"size": size}
    unit, name = (KIB, "KiB") if size < KIB * KIB else (KIB * KIB, "MiB")
    return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
