"""What a type of field is: everything that the rest of the project asks of one. The eight stand in `fieldtypes`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _

from . import controls, json_text
from .presentation import between
from .validation import FORMATS, KEYWORDS, Field, Wrong, apply_rules, flaw_of_rules


class FieldType:
    """One type. Subclasses say how a value is read; the rules of `validation` are applied here."""

    slot: ClassVar[str]
    json_type: ClassVar[str]
    rules: ClassVar[frozenset[str]] = frozenset()
    tests: ClassVar[tuple[str, ...]] = ("equals", "in")
    """What a `show_if` of another field may ask of an answer, beside whether there is one."""
    formats: ClassVar[Collection[str]] = tuple(FORMATS)
    """What `format` may name, where the type has that rule."""
    has_default: ClassVar[bool] = True
    """Whether a form can begin with a value."""

    def read(self, value: Any) -> Any:
        """`value` in its normal form. Raises `Wrong`."""
        raise NotImplementedError

    def check(self, value: Any, validation: Mapping[str, Any]) -> Any:
        """`value` in its normal form, within the field's rules. Raises `Wrong`."""
        normal = self.read(value)
        apply_rules({rule: self.bound(rule, bound) for rule, bound in validation.items()}, self.measure(normal))
        return normal

    def can_be(self, value: Any, validation: Mapping[str, Any]) -> bool:
        """Whether `check` takes the value."""
        try:
            self.check(value, validation)
        except Wrong:
            return False
        return True

    def measure(self, normal: Any) -> Any:
        """What the rules of `validation` are applied to."""
        return normal

    def read_choice(self, choice: Any) -> Any:
        """One of the `choices`, in its normal form. Raises `Wrong`."""
        return self.read(choice)

    def flaw_of_validation(self, validation: Any) -> str | None:
        """Why these rules make no sense for the type, or None."""
        if flaw := flaw_of_object(validation):
            return flaw
        for rule, bound in validation.items():
            if rule not in self.rules:
                return _("'%(rule)s' is no rule for this type (there are: %(rules)s)") % {
                    "rule": rule,
                    "rules": ", ".join(sorted(self.rules)) or _("none"),
                }
            if flaw := flaw_of_rules(rule, bound, self.read_choice if rule == "choices" else self.read, self.formats):
                return flaw
        for low, high in (("min", "max"), ("min_length", "max_length")):
            bounds = [self.bound(rule, validation[rule]) for rule in (low, high) if rule in validation]
            if bounds != sorted(bounds):
                return _("'%(low)s' is above '%(high)s'") % {"low": low, "high": high}
        return None

    def bound(self, rule: str, bound: Any) -> Any:
        """A bound of a rule, in the form that `measure` gives."""
        if rule == "choices":
            return [self.read_choice(choice) for choice in bound]
        return self.read(bound) if rule in ("min", "max") else bound

    def widgets(self, field: Field) -> tuple[str, ...]:
        """The controls that fit, the usual one first."""
        raise NotImplementedError

    def control(self, field: Field) -> forms.Field:
        """The form control that asks for a value; its `clean` gives what `from_form` takes."""
        raise NotImplementedError

    def hint(self, field: Field) -> str:
        """What a person should know of the limits before answering, or nothing."""
        low, high = (field.validation.get(rule) for rule in ("min", "max"))
        return between(None if low is None else self.show(low), None if high is None else self.show(high))

    def shown(self, field: Field, value: Any) -> Any:
        """What the control shows for a stored value."""
        return controls.key_of(field, value) if "choices" in field.validation else self.to_form(value)

    def to_form(self, value: Any) -> Any:
        """What a control without choices shows for a stored value."""
        return value

    def from_form(self, value: Any) -> Any:
        """The JSON value for what the control cleaned; never called for an empty control."""
        return value

    def show(self, value: Any) -> str:
        """A stored value as a person reads it."""
        return str(value)

    def content(self, value: Any) -> bytes | None:
        """The file that a stored value is, or None where it is none."""
        return None

    def schema(self, field: Field) -> dict[str, Any]:
        """JSON Schema 2020-12 of one value."""
        return {"type": self.json_type} | {KEYWORDS[rule]: bound for rule, bound in field.validation.items()}


def flaw_of_object(value: Any) -> str | None:
    """Why an open-ended part of a field cannot be kept, or None."""
    return json_text.flaw_of(value) if isinstance(value, dict) else _("must be an object")
