"""What makes no sense about the fields of a definition: said when it is put, not to whoever fills it in."""

from __future__ import annotations

from django.utils.translation import gettext as _

from .fieldtype import flaw_of_object
from .fieldtypes import type_of
from .presentation import flaw_of_presentation
from .validation import Field


def flaws_of_field(field: Field) -> dict[str, str]:
    """What is wrong with the `validation` and the `presentation` of a field themselves, by part.

    Its `show_if` is a matter of the whole definition: see `conditions.flaws_of_conditions`.
    """
    validation = type_of(field).flaw_of_validation(field.validation)
    presentation = flaw_of_object(field.presentation)
    if not presentation and not validation:
        fitting = type_of(field).widgets(field)
        presentation = flaw_of_presentation(field.presentation, fitting) or _flaw_of_default(field)
    flaws = {"validation": validation, "presentation": presentation}
    return {part: flaw for part, flaw in flaws.items() if flaw}


def _flaw_of_default(field: Field) -> str | None:
    kind, default = type_of(field), field.presentation.get("default")
    if default is None:
        return None
    if not kind.has_default:
        return _("'default' cannot be a file")
    return None if kind.can_be(default, field.validation) else _("'default' must be a value that the field takes")
