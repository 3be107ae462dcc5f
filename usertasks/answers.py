"""What people answer, held to a definition: every fault at once, and nothing kept of a field that is not asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from .conditions import hidden_among
from .errors import Fault
from .fieldtypes import type_of
from .validation import Field, Wrong


def check_results(
    fields: Sequence[Field], results: Mapping[str, Any], *, must_be_complete: bool
) -> tuple[dict[str, Any], dict[str, list[Fault]]]:
    """The results in normal form, and everything that is wrong with them, by field.

    `results` is laid out as the contract says: field name to JSON value; null means no value, and is left out. What a
    hidden field holds is left out too, right or wrong.
    """
    known = {field.name: field for field in fields}
    faults: dict[str, list[Fault]] = {
        name: [Fault("unknown_field", _("is not a field of this task"))] for name in results if name not in known
    }
    normal: dict[str, Any] = {}
    wrong: dict[str, Fault] = {}
    for name, field in known.items():
        if (value := results.get(name)) is not None:
            try:
                normal[name] = type_of(field).check(value, field.validation)
            except Wrong as refusal:
                wrong[name] = refusal.fault
    hidden = hidden_among(fields, normal)
    for name, field in known.items():
        if name in hidden:
            normal.pop(name, None)
        elif name in wrong:
            faults[name] = [wrong[name]]
        elif name not in normal and field.required and must_be_complete:
            faults[name] = [Fault("required", _("is required"))]
    return normal, faults


def defaults_of(fields: Sequence[Field]) -> dict[str, Any]:
    """What a form begins with, by field; a default that the field itself would refuse is none."""
    proposed = {field.name: (field, field.presentation.get("default")) for field in fields}
    return {
        name: type_of(field).check(value, field.validation)
        for name, (field, value) in proposed.items()
        if value is not None and type_of(field).has_default and type_of(field).can_be(value, field.validation)
    }
